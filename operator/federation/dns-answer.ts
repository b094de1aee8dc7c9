// What a server's answer means for the SRV records of a name (RFC 2782): where the service is, that there is none, or that
// another server may know better. And for how long that holds.
import type { Answer, DecodedPacket } from 'dns-packet';
import { isHostName, quoted } from '../pki/general-name.ts';

export interface ServiceTarget {
  /** In lower case, without final dot. */
  readonly fqdn: string;
  readonly port: number;
  /** The lower is called first. */
  readonly priority: number;
  /** The share of calls among those of one priority. */
  readonly weight: number;
}

/** `ttl` in seconds, as it came; absent where the answer has none, and is not to be kept (RFC 2308, 5). */
export type Meaning =
  | { readonly kind: 'Found'; readonly targets: readonly ServiceTarget[]; readonly ttl: number }
  | { readonly kind: 'None'; readonly message: string; readonly ttl?: number }
  | { readonly kind: 'Unusable'; readonly message: string; readonly ttl: number }
  | { readonly kind: 'ServerFailed'; readonly message: string };

/** Aliases that are followed to a service: more are a loop, or meant to cost. */
const MOST_ALIASES = 8;
/** Far more than a federated edge has, and few enough to call. */
const MOST_TARGETS = 32;

const codes: ReadonlyMap<number, string> = new Map([
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
]);

/** `name` as it was asked for. Sentences about the server go on after its name, the others stand alone. */
export function meaningOf(name: string, answer: DecodedPacket): Meaning {
  const code = (answer.flags ?? 0) & 0xf;
  const doesNotExist = code === 3;
  if (code !== 0 && !doesNotExist) return { kind: 'ServerFailed', message: `answered ${codes.get(code) ?? `with code ${code}`}` };

  const { owner, records, ttl } = follow(name.toLowerCase(), answer.answers ?? []);
  if (owner === undefined) return { kind: 'Unusable', message: `${name} leads through more than ${MOST_ALIASES} aliases.`, ttl };
  if (records.length > 0) return serviceOf(name, records, ttl);

  const soa = (answer.authorities ?? []).find((record) => record.type === 'SOA' && isWithin(owner, record.name));
  if (!doesNotExist && soa === undefined && !answer.flag_ra && !answer.flag_aa) {
    return { kind: 'ServerFailed', message: 'does not look up names for others (no recursion)' };
  }
  const message = doesNotExist ? `DNS knows no name ${name}.` : `${name} has no SRV record.`;
  return soa?.type === 'SOA' && typeof soa.data === 'object' && 'minimum' in soa.data
    ? { kind: 'None', message, ttl: Math.min(ttl, seconds(soa.ttl), seconds(soa.data.minimum)) }
    : { kind: 'None', message };
}

interface ServiceRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The SRV records that the name or its alias owns; `ttl` is the least of all on the way. No owner: no end to the aliases. */
function follow(name: string, answers: readonly Answer[]): { owner?: string; records: readonly ServiceRecord[]; ttl: number } {
  let owner = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let aliases = 0; aliases <= MOST_ALIASES; aliases += 1) {
    const owned = answers.filter((answer) => answer.name.toLowerCase() === owner);
    const services = owned.flatMap((answer) => (answer.type === 'SRV' && answer.class === 'IN' ? [answer] : []));
    const alias = owned.find((answer) => answer.type === 'CNAME' && answer.class === 'IN');
    if (services.length > 0 || alias?.type !== 'CNAME') {
      const records = services.map(({ data: { target, port, priority = 0, weight = 0 } }) => ({
        target,
        port,
        priority,
        weight,
      }));
      return { owner, records, ttl: Math.min(ttl, ...services.map((service) => seconds(service.ttl))) };
    }
    ttl = Math.min(ttl, seconds(alias.ttl));
    owner = String(alias.data).toLowerCase();
  }
  return { records: [], ttl };
}

function serviceOf(name: string, records: readonly ServiceRecord[], ttl: number): Meaning {
  if (records.every(({ target }) => target === '.' || target === '')) {
    return { kind: 'None', message: `${name} says that there is no such service.`, ttl };
  }
  if (records.length > MOST_TARGETS) {
    return { kind: 'Unusable', message: `${name} has ${records.length} SRV records; at most ${MOST_TARGETS} are taken.`, ttl };
  }
  const wrong = records.find(({ target, port }) => !isHostName(target) || port === 0);
  if (wrong !== undefined) {
    const what = wrong.port === 0 ? 'port 0' : `${quoted(wrong.target)}, which is no host name`;
    return { kind: 'Unusable', message: `${name} has an SRV record that leads to ${what}.`, ttl };
  }
  const targets = records
    .map(({ target, port, priority, weight }) => ({ fqdn: target.toLowerCase(), port, priority, weight }))
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight || (`${a.fqdn}:${a.port}` < `${b.fqdn}:${b.port}` ? -1 : 1));
  return { kind: 'Found', targets, ttl };
}

const isWithin = (name: string, zone: string): boolean =>
  zone === '.' || name === zone.toLowerCase() || name.endsWith(`.${zone.toLowerCase()}`);

/** A TTL whose first bit is set is none (RFC 2181, 8). */
const seconds = (ttl: number | undefined): number => (ttl === undefined || ttl > 0x7fff_ffff ? 0 : ttl);
