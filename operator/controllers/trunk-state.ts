// What each mediation pool trusts on account of its trunks, beyond what its audience trusts: worked out by the trunk-trust
// controller, read by whoever writes the trust of one server and by whoever issues to its gateways.
import type { Authority, Unavailable } from '../authorities/authority.ts';
import type { MetadataObject } from '../kube/resource.ts';
import { annotation } from '../outputs/labels.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { FederationTrust } from '../pki/cross-certificate.ts';
import type { AudienceTrust } from '../trust/anchors.ts';
import { trustBundle } from '../trust/bundle.ts';
import { patience } from './trust-state.ts';

/** A gateway with a CA of its own. */
export interface OwnAuthority {
  /** What was accepted of its CA. */
  readonly anchors: readonly Certificate[];
  /** What stands for it in the trust of the pool: for each a federation root and its cross-certificate. */
  readonly scoped: readonly FederationTrust[];
  /** What was not accepted, and why: a sentence each. */
  readonly refusals: readonly string[];
}

export interface TrunkTrust {
  /** The gateway authority; what it says of why it cannot issue is for people. */
  readonly authority: { readonly available: true; readonly authority: Authority } | Unavailable;
  /** Roots of the gateway authority that the pool trusts, of every generation whose certificates may be in use. */
  readonly roots: readonly Certificate[];
  /** By key of the gateway. */
  readonly own: ReadonlyMap<string, OwnAuthority>;
  /** By key of the gateway: what its certificates lead to that were issued to it and may be in use. */
  readonly shown: ReadonlyMap<string, ShownAuthorities>;
}

export interface LostAuthority {
  readonly generation: number;
  /** Epoch ms until which the gateway is believed by what it signed. */
  readonly until: number;
}

/** Whose certificates a gateway may show. */
export interface ShownAuthorities {
  /** Of the gateway authority. */
  readonly roots: readonly Certificate[];
  /** A CA of the enterprise. */
  readonly enterprise: boolean;
  /** Generations of the gateway authority whose keys are lost, and that another issues for now. */
  readonly lost: readonly LostAuthority[];
}

/** What stands for the CAs that gateways bring. */
function scopedOf({ own }: TrunkTrust): readonly FederationTrust[] {
  return [...own.values()].flatMap(({ scoped }) => scoped);
}

interface Extended {
  readonly audience: AudienceTrust;
  readonly trunks: TrunkTrust;
  readonly trust: AudienceTrust;
  /** Epoch ms at which its first anchor expires. */
  readonly until: number;
}

export class TrunkState {
  readonly #trusts = new Map<string, TrunkTrust>();
  /** By server, what was last worked out for it. */
  readonly #extended = new Map<string, Extended>();
  /** By server, since when (epoch ms) a Secret of it lacks what the hash stands for. */
  readonly #waited = new Map<string, { readonly hash: string; readonly since: number }>();

  /** Of a server with trunks, `namespace/name`; undefined while it was not looked at: then nothing that is in place may be replaced. */
  of(server: string): TrunkTrust | undefined {
    return this.#trusts.get(server);
  }

  /** What a server with trunks trusts: what its audience does, and the CAs of its gateways. */
  extend(server: string, audience: AudienceTrust, now: number): AudienceTrust {
    const trunks = this.#trusts.get(server);
    if (trunks === undefined) return { ...audience, unknown: [...audience.unknown, 'the CAs of its gateways'] };
    const known = this.#extended.get(server);
    if (known?.audience === audience && known.trunks === trunks && known.until > now) return known.trust;
    const scoped = scopedOf(trunks);
    const anchors = [...audience.bundle.anchors, ...trunks.roots, ...scoped.map(({ root }) => root)];
    const bundle = trustBundle(anchors, now, [...audience.bundle.crossCertificates, ...scoped.map(({ cross }) => cross)]);
    const trust = { bundle, unknown: audience.unknown };
    const until = Math.min(...bundle.anchors.map(({ notAfter }) => notAfter));
    this.#extended.set(server, { audience, trunks, trust, until });
    return trust;
  }

  /**
   * Why nothing may be issued yet to the gateways of a pool: a Secret of it does not hold the anchors with this hash. One that
   * cannot be written holds them up for a while only.
   */
  pending(server: string, secrets: readonly MetadataObject[], hash: string, now: number): string | undefined {
    const held = (secret: MetadataObject) => secret.metadata.annotations?.[annotation.trustHash];
    const behind = secrets.filter(
      (secret) => secret.metadata.deletionTimestamp === undefined && held(secret) !== undefined && held(secret) !== hash,
    );
    const [first] = behind;
    if (first === undefined) {
      this.#waited.delete(server);
      return undefined;
    }
    const known = this.#waited.get(server);
    const waited = known?.hash === hash ? known : { hash, since: now };
    this.#waited.set(server, waited);
    if (waited.since + patience < now) return undefined;
    const others = behind.length === 1 ? '' : ` and ${behind.length - 1} more`;
    return `Secret ${first.metadata.namespace}/${first.metadata.name}${others} of the mediation pool does not hold the CA of its gateways yet.`;
  }

  /** Every gateway authority that a pool trusts. */
  roots(): readonly Certificate[] {
    return [...this.#trusts.values()].flatMap(({ roots }) => roots);
  }

  /** Their subject key ids. */
  keyIds(): readonly string[] {
    return this.roots().map(({ subjectKeyId }) => subjectKeyId);
  }

  /** Returns whether that is something else than before, to whoever trusts or is issued to. */
  set(server: string, trust: TrunkTrust | undefined): boolean {
    const before = this.#trusts.get(server);
    if (trust === undefined) {
      this.#trusts.delete(server);
      this.#extended.delete(server);
      this.#waited.delete(server);
    } else this.#trusts.set(server, trust);
    return identityOf(before) !== identityOf(trust);
  }
}

function identityOf(trust: TrunkTrust | undefined): string {
  if (trust === undefined) return '';
  const { authority, roots, own, shown } = trust;
  const fingerprints = (certificates: readonly Certificate[]) => certificates.map(({ fingerprint }) => fingerprint);
  return JSON.stringify([
    authority.available ? [authority.authority.keyId, authority.authority.leaf] : authority,
    fingerprints(roots),
    [...own].map(([key, { anchors, scoped, refusals }]) => [
      key,
      fingerprints(anchors),
      fingerprints(scoped.flatMap(({ root, cross }) => [root, cross])),
      refusals,
    ]),
    [...shown].map(([key, { roots: former, enterprise, lost }]) => [key, fingerprints(former), enterprise, lost]),
  ]);
}
