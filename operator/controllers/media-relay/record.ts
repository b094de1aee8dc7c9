// The record of a roll as annotations of its Secret: written in one request with the values that it speaks of. Whose it is, and
// since when it is nobody's, lies beside.
import { z } from 'zod';
import type { MediaRelay } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import type { CredentialRoll } from '../../trust/credential-roll.ts';

const id = z.string().regex(/^[0-9]{14}$/);
const time = z.int();

const recorded = z.object({
  active: z.object({ id, since: time, lifetime: time, holders: z.array(z.string()) }),
  next: z.object({ id, heldSince: time.optional() }).optional(),
  former: z.array(z.object({ id, lifetime: time, unpresentedSince: time.optional() })),
  generation: z.int(),
});

export function encodeRoll(roll: CredentialRoll): string {
  return JSON.stringify(roll);
}

/** Undefined where it cannot be read: then it is as if there were none. */
export function parseRoll(text: string | undefined): CredentialRoll | undefined {
  if (text === undefined) return undefined;
  try {
    return recorded.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What a record says of the relay that it is of. `namespaceUID`: of the relay's namespace. */
export function claimOf({ metadata, spec }: MediaRelay, namespaceUID: string): Readonly<Record<string, string | null>> {
  return {
    [annotation.owner]: metadata.uid,
    [annotation.fqdn]: spec.fqdn,
    [annotation.namespaceUID]: namespaceUID,
    [annotation.goneSince]: null,
  };
}

/** Whether the record is of this object, and says so in full. */
export function isClaimed(record: MetadataObject | undefined, relay: MediaRelay, namespaceUID: string): boolean {
  const { [annotation.fqdn]: _, ...claim } = claimOf(relay, namespaceUID);
  return Object.entries(claim).every(([name, value]) => (record?.metadata.annotations?.[name] ?? null) === value);
}

/**
 * Whether the record is of another object that this one takes the place of: a relay that is replaced as a whole keeps its name,
 * and its clients what they were given. A namespace that was made anew may be another tenant's.
 */
export function isPredecessors(
  record: MetadataObject | undefined,
  { metadata, spec }: MediaRelay,
  namespaceUID: string,
): boolean {
  const annotations = record?.metadata.annotations ?? {};
  const { [annotation.owner]: owner, [annotation.fqdn]: fqdn, [annotation.namespaceUID]: place } = annotations;
  return owner !== undefined && owner !== metadata.uid && fqdn === spec.fqdn && place === namespaceUID;
}

/** Epoch ms since when there is no relay of this name, where that is on record: no time to come. */
export function goneSince({ metadata }: MetadataObject, now: number): number | undefined {
  const since = Date.parse(metadata.annotations?.[annotation.goneSince] ?? '');
  return Number.isNaN(since) ? undefined : Math.min(since, now);
}
