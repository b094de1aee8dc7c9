// Finds the access edges of a domain by SRV (`_sipfederationtls._tcp.<domain>`) and keeps what it found for as long as DNS says,
// within bounds. While no server answers, what was found last goes on for a time, and is said to be old (RFC 8767).
import { getServers } from 'node:dns';
import { isHostName, quoted } from '../pki/general-name.ts';
import { instant } from '../pki/problem.ts';
import { meaningOf, type ServiceTarget } from './dns-answer.ts';
import { askServer, type DNSServer, parseServer, serverName } from './dns-exchange.ts';

export type SRVFailureReason =
  /** The domain says that it has no such service, or does not exist. */
  | 'DNSNameNotFound'
  /** The domain has records that cannot be used. */
  | 'DNSAnswerUnusable'
  /** No server gave an answer; the last one said why. */
  | 'DNSServerFailed'
  | 'DNSTimeout';

interface Failure {
  readonly reason: SRVFailureReason;
  /** A sentence for a person. */
  readonly message: string;
}

/** `expiresAt`, epoch ms: from then on it is worth asking again. `targets`: at least one, in the order in which to call them. */
export type SRVLookup =
  | { readonly outcome: 'Found'; readonly targets: readonly ServiceTarget[]; readonly expiresAt: number }
  /** What was found last, because of the failure that stands here. */
  | ({ readonly outcome: 'Stale'; readonly targets: readonly ServiceTarget[]; readonly expiresAt: number } & Failure)
  | ({ readonly outcome: 'Failed'; readonly expiresAt: number } & Failure);

export interface SRVResolverOptions {
  /** Asked in this order. Empty: those of the system, as they are at each look-up. */
  readonly servers: readonly DNSServer[];
  /** Epoch ms. */
  readonly now: () => number;
  /** For one server to answer, ms. Absent: 2 s. */
  readonly serverLimitMs?: number;
  /** How often each server is asked until one answers. Absent: twice. */
  readonly rounds?: number;
  /** How many domains are kept; beyond, the one that was found first goes. Absent: 1,000. */
  readonly mostDomains?: number;
}

const second = 1_000;
const hour = 3_600 * second;
/** A TTL of nothing would have every look at a partner ask DNS; one of years would keep a forged answer. */
const ttlBounds = { least: 30 * second, most: 24 * hour };
/** RFC 2308, 5: what does not exist is not kept longer than one to three hours. */
const NEGATIVE_TTL_MS = hour;
/** RFC 8767, 5: one to three days. */
const STALE_MS = 24 * hour;

interface Kept {
  readonly lookup: SRVLookup;
  /** The last answer that named targets, and until when it may stand in for one. */
  readonly lastGood?: { readonly targets: readonly ServiceTarget[]; readonly expiredAt: number };
}

export class SRVResolver {
  readonly #options: SRVResolverOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: SRVResolverOptions) {
    this.#options = options;
  }

  /** `domain`: a SIP domain (A-labels). Rejects with the signal's reason once it is aborted, never else. */
  async lookup(domain: string, signal: AbortSignal): Promise<SRVLookup> {
    const key = domain.toLowerCase();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.lookup.expiresAt > this.#options.now()) return kept.lookup;
    const asked = await this.#ask(`_sipfederationtls._tcp.${key}`, signal);
    const lookup = this.#standIn(asked, kept);
    // Taken out first, so that the order of the map is that of finding.
    this.#kept.delete(key);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size >= (this.#options.mostDomains ?? 1_000) && !oldest.done) this.#kept.delete(oldest.value);
    this.#kept.set(key, { lookup, ...lastGoodOf(lookup, kept) });
    return lookup;
  }

  /** What was found last, where no server answered and it is not too old. That a name is gone is an answer. */
  #standIn(asked: SRVLookup, kept: Kept | undefined): SRVLookup {
    const unanswered = asked.outcome === 'Failed' && (asked.reason === 'DNSServerFailed' || asked.reason === 'DNSTimeout');
    const { lastGood } = kept ?? {};
    if (!unanswered || lastGood === undefined || this.#options.now() >= lastGood.expiredAt + STALE_MS) return asked;
    const { reason, expiresAt } = asked;
    const message = `${asked.message} What was found before is used until ${instant(lastGood.expiredAt + STALE_MS)}.`;
    return { outcome: 'Stale', targets: lastGood.targets, expiresAt, reason, message };
  }

  async #ask(name: string, signal: AbortSignal): Promise<SRVLookup> {
    const { now, serverLimitMs = 2 * second, rounds = 2 } = this.#options;
    const failed = (reason: SRVFailureReason, message: string, keepMs: number = ttlBounds.least): SRVLookup => ({
      outcome: 'Failed',
      reason,
      message,
      expiresAt: now() + keepMs,
    });
    if (!isHostName(name)) return failed('DNSNameNotFound', `${quoted(name)} is not a name that DNS can hold.`);
    const servers =
      this.#options.servers.length > 0 ? this.#options.servers : getServers().flatMap((text) => parseServer(text) ?? []);
    let last: Failure = { reason: 'DNSServerFailed', message: 'No DNS server is known: name one with --resolver.' };
    for (const server of Array.from({ length: rounds }, () => servers).flat()) {
      const exchange = await askServer(server, name, serverLimitMs, signal);
      if (!exchange.answered) {
        last = { reason: exchange.reason, message: `${exchange.message}.` };
        continue;
      }
      const meaning = meaningOf(name, exchange.answer);
      switch (meaning.kind) {
        case 'Found':
          return { outcome: 'Found', targets: meaning.targets, expiresAt: now() + bounded(meaning.ttl, ttlBounds.most) };
        case 'None':
          return failed('DNSNameNotFound', meaning.message, bounded(meaning.ttl ?? 0, NEGATIVE_TTL_MS));
        case 'Unusable':
          return failed('DNSAnswerUnusable', meaning.message, bounded(meaning.ttl, NEGATIVE_TTL_MS));
        case 'ServerFailed':
          last = { reason: 'DNSServerFailed', message: `DNS server ${serverName(server)} ${meaning.message}.` };
          break;
        default:
          meaning satisfies never;
      }
    }
    return failed(last.reason, `${name} could not be looked up. ${last.message}`);
  }
}

function lastGoodOf(lookup: SRVLookup, kept: Kept | undefined): Pick<Kept, 'lastGood'> {
  if (lookup.outcome === 'Found') return { lastGood: { targets: lookup.targets, expiredAt: lookup.expiresAt } };
  const unanswered = lookup.outcome === 'Stale' || lookup.reason === 'DNSServerFailed' || lookup.reason === 'DNSTimeout';
  return unanswered && kept?.lastGood !== undefined ? { lastGood: kept.lastGood } : {};
}

const bounded = (ttl: number, mostMs: number): number => Math.min(Math.max(ttl * second, ttlBounds.least), mostMs);
