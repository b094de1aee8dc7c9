// What the bundle endpoint of a partner gave: the bundle that is held, and what went wrong since. One that cannot be read, or
// goes back in its sequence, takes nothing away.
import { type BundleEndpoint, fetchBundleText } from '../../federation/bundle-endpoint-client.ts';
import type { Reply } from '../../federation/inquiries.ts';
import { parseBundle, sequenceFault } from '../../trust/spiffe-bundle.ts';

export interface HeldBundle {
  readonly pem: string;
  readonly sequence?: number;
  readonly etag?: string;
  /** Until when the partner wishes it to be used before it is fetched again, ms. */
  readonly refreshMs: number;
  /** When it was first fetched as it is, epoch ms. */
  readonly since: number;
}

export interface EndpointAnswer {
  /** Absent where there never was one. */
  readonly held?: HeldBundle;
  /** Why there is none newer: a sentence. */
  readonly failure?: string;
  /** Failures in a row. */
  readonly failures?: number;
}

const minute = 60_000;
/** SPIFFE Trust Domain and Bundle, 4.1.1: five minutes where the partner does not say. A day at most, so that a roll is seen in time. */
const refresh = { least: minute, usual: 5 * minute, most: 24 * 60 * minute } as const;
/** Soon at first, since an endpoint that comes to be with its partner is not there at once. */
const retryAfter = (failures: number) => Math.min(5000 * 2 ** (failures - 1), minute);

/** Rejects with the signal's reason once it is aborted, never else. `now` and the time to ask again are epoch ms. */
export async function askEndpoint(
  endpoint: BundleEndpoint,
  before: EndpointAnswer | undefined,
  now: number,
  signal: AbortSignal,
): Promise<Reply<EndpointAnswer>> {
  const held = before?.held;
  const failures = (before?.failures ?? 0) + 1;
  const keep = (failure: string): Reply<EndpointAnswer> => ({
    answer: { ...(held === undefined ? {} : { held }), failure, failures },
    askAgainAt: now + retryAfter(failures),
  });
  const fetched = await fetchBundleText(endpoint, { now, etag: held?.etag }, signal);
  if (fetched.outcome === 'Failed') return keep(fetched.message);
  if (fetched.outcome === 'Unchanged') {
    return held === undefined
      ? keep(`The bundle endpoint ${endpoint.url} says that nothing changed, and nothing is held.`)
      : { answer: { held }, askAgainAt: now + held.refreshMs };
  }
  const bundle = parseBundle(fetched.text);
  const fault = bundle.ok ? sequenceFault(held?.sequence, bundle.sequence) : `${bundle.message}.`;
  if (fault !== undefined || !bundle.ok) return keep(`The bundle of ${endpoint.url} ${fault}`);
  const { authorities, sequence, refreshHint } = bundle;
  const pem = authorities.map((authority) => authority.pem).join('');
  const refreshMs = Math.min(Math.max((refreshHint ?? refresh.usual / 1000) * 1000, refresh.least), refresh.most);
  const next: HeldBundle = {
    pem,
    ...(sequence === undefined ? {} : { sequence }),
    ...(fetched.etag === undefined ? {} : { etag: fetched.etag }),
    refreshMs,
    since: held?.pem === pem && held.sequence === sequence ? held.since : now,
  };
  return { answer: { held: next }, askAgainAt: now + refreshMs };
}
