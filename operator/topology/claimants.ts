// Who declares which name, and who holds it: servers, gateways and relays alike.
import type { TrustedServer } from '../api/v1alpha1/index.ts';
import { type Claim, type Holder, holderOf, type IssuedName } from './claims.ts';
import type { Device, DevicePlacement } from './devices.ts';
import { link, unlink } from './multimap.ts';
import type { Placement } from './placements.ts';

/** Kinds that declare names. */
export type ClaimantKind = 'TrustedServer' | 'MediaGateway' | 'MediaRelay';

/** `Kind/namespace/name`. */
export type ClaimantId = `${ClaimantKind}/${string}`;

/** Whoever declares names, as it is now. */
export interface Claimant {
  readonly claim: Claim;
  /** The TrustDomain that it names. */
  readonly domain: string;
  readonly names: readonly string[];
  /** A claim counts from admission on: else whoever may create objects could take any name. */
  readonly listed: boolean;
}

export class Claimants {
  readonly #issued: (name: string) => readonly IssuedName[];
  readonly #claimants = new Map<ClaimantId, Claimant>();
  readonly #byName = new Map<string, Set<ClaimantId>>();

  /** `issued`: certificates within validity that hold a name. */
  constructor(issued: (name: string) => readonly IssuedName[]) {
    this.#issued = issued;
  }

  get(id: ClaimantId): Claimant | undefined {
    return this.#claimants.get(id);
  }

  of(name: string): ReadonlySet<ClaimantId> {
    return this.#byName.get(name) ?? new Set();
  }

  /** Names of whoever is listed in a domain that lie outside its SIP domains. What anybody may declare says nothing. */
  namesOutside(domain: string, sipDomains: readonly string[]): readonly string[] {
    const isHeld = (id: ClaimantId) => {
      const claimant = this.#claimants.get(id);
      return claimant?.listed === true && claimant.domain === domain;
    };
    return [...this.#byName].flatMap(([name, ids]) => (isOutside(name, sipDomains) && [...ids].some(isHeld) ? [name] : []));
  }

  holder(name: string): Holder | undefined {
    const issued = this.#issued(name);
    const claims = [...this.of(name)].flatMap((id): Claim[] => {
      const claimant = this.#claimants.get(id);
      if (claimant === undefined) return [];
      const { claim, listed } = claimant;
      return listed || issued.some((record) => record.uid === claim.uid) ? [claim] : [];
    });
    return holderOf(claims, issued);
  }

  /** Returns whoever else claims a name whose holder may be another one now. */
  set(id: ClaimantId, after: Claimant | undefined): ReadonlySet<ClaimantId> {
    const before = this.#claimants.get(id);
    for (const name of before?.names ?? []) unlink(this.#byName, name, id);
    for (const name of after?.names ?? []) link(this.#byName, name, id);
    if (after === undefined) this.#claimants.delete(id);
    else this.#claimants.set(id, after);
    const isSame =
      before?.listed === after?.listed &&
      before?.claim.uid === after?.claim.uid &&
      before?.claim.creationTimestamp === after?.claim.creationTimestamp;
    const stays = (claimant: Claimant | undefined, name: string) => isSame && claimant?.names.includes(name) === true;
    const contested = [
      ...(before?.names ?? []).filter((name) => !stays(after, name)),
      ...(after?.names ?? []).filter((name) => !stays(before, name)),
    ];
    const rivals = new Set(contested.flatMap((name) => [...this.of(name)]));
    rivals.delete(id);
    return rivals;
  }
}

export function claimantOfServer({ server, names, listed }: Placement): Claimant {
  return { claim: claimOf(server), domain: server.spec.trustDomain, names, listed };
}

export function claimantOfDevice({ device, listed }: DevicePlacement): Claimant {
  return { claim: claimOf(device), domain: device.spec.trustDomain, names: [device.spec.fqdn], listed };
}

function claimOf({ kind, metadata }: TrustedServer | Device): Claim {
  const { uid, name, namespace = '', creationTimestamp } = metadata;
  return { kind, uid, name, namespace, creationTimestamp };
}

/** Neither one of these domains nor below one. */
export function isOutside(name: string, domains: readonly string[]): boolean {
  return !domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/** Kind and key of a claimant. */
export function partsOf(id: ClaimantId): readonly [ClaimantKind, string] {
  const slash = id.indexOf('/');
  return [id.slice(0, slash) as ClaimantKind, id.slice(slash + 1)];
}
