// An issuing CA behind one interface, whatever keeps its key; and the register in which controllers find it by name.
import type { PrivateKey } from '../api/v1alpha1/index.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { Issuer } from '../pki/leaf.ts';

export interface LeafDefaults {
  /** Milliseconds. */
  readonly duration: number;
  readonly renewAfterPercent: number;
  readonly privateKey: PrivateKey;
}

export interface Authority {
  readonly enterpriseCA: string;
  readonly generation: number;
  /** Subject key id of the issuing certificate, lower-case hex: the identity that certificates record. */
  readonly keyId: string;
  readonly certificate: Certificate;
  /** The issuing certificate, then each one's issuer as far as they are known: what a leaf is checked with. */
  readonly chain: readonly Certificate[];
  /** What a server sends after its leaf: the chain without a root. */
  readonly intermediates: readonly Certificate[];
  /** What must be trusted for this CA, of every generation. */
  readonly anchors: readonly Certificate[];
  readonly issuer: Issuer;
  readonly leaf: LeafDefaults;
}

export interface Unavailable {
  readonly available: false;
  readonly reason: string;
  readonly message: string;
}

export type AuthorityState = { readonly available: true; readonly authority: Authority } | Unavailable;

/** What is trusted on account of an EnterpriseCA, and by what it has ever issued. */
export interface KnownAnchors {
  readonly enterpriseCA: string;
  readonly anchors: readonly Certificate[];
  /** Issuing certificates of every generation, as far as they are at hand, with what lies between them and the anchors. */
  readonly issuing: readonly Certificate[];
  /** Of all issuing certificates, those that are not at hand any more included. */
  readonly keyIds: readonly string[];
}

/** The authorities that this process holds the keys of, by EnterpriseCA. Keys stay here and go nowhere else. */
export class Authorities {
  readonly #states = new Map<string, AuthorityState>();
  /** Outlives a CA that becomes unavailable: what it issued is in use. */
  readonly #anchors = new Map<string, KnownAnchors>();
  /** By EnterpriseCA: former authorities whose keys are still at hand, the newest first. */
  readonly #older = new Map<string, readonly Authority[]>();
  #version = 0;

  /** Another number after every change of what is trusted. */
  get version(): number {
    return this.#version;
  }

  get(enterpriseCA: string): AuthorityState {
    return (
      this.#states.get(enterpriseCA) ?? {
        available: false,
        reason: 'EnterpriseCANotFound',
        message: `EnterpriseCA ${enterpriseCA} does not exist, or was not read yet. Create it, or name another.`,
      }
    );
  }

  /** Those of former generations that could issue still, the newest first. */
  olderOf(enterpriseCA: string): readonly Authority[] {
    return this.#older.get(enterpriseCA) ?? [];
  }

  /** The authority with this key id, where its key is at hand. */
  issuing(keyId: string): Authority | undefined {
    const current = [...this.#states.values()].flatMap((state) => (state.available ? [state.authority] : []));
    return [...current, ...[...this.#older.values()].flat()].find((each) => each.keyId === keyId);
  }

  /** Undefined where this process never knew them. */
  anchorsOf(enterpriseCA: string): readonly Certificate[] | undefined {
    return this.#anchors.get(enterpriseCA)?.anchors;
  }

  known(): readonly KnownAnchors[] {
    return [...this.#anchors.values()];
  }

  /** `keyIds` and `former` are of its other issuing certificates as well, `older` those whose keys are at hand. */
  setAvailable(
    authority: Authority,
    keyIds: readonly string[],
    former: readonly Certificate[] = [],
    older: readonly Authority[] = [],
  ): void {
    const { enterpriseCA, anchors, chain } = authority;
    const issuing = [...new Map([...chain, ...former].map((each) => [each.fingerprint, each])).values()];
    this.#states.set(enterpriseCA, { available: true, authority });
    this.#older.set(enterpriseCA, older);
    this.#anchors.set(enterpriseCA, { enterpriseCA, anchors, issuing, keyIds });
    this.#version += 1;
  }

  /**
   * `trusted` is what can be told of it without its being able to issue: after a start nothing else is known, and a domain
   * whose anchors are not known in full must wait.
   */
  setUnavailable(enterpriseCA: string, state: Unavailable, trusted?: Omit<KnownAnchors, 'enterpriseCA'> | undefined): void {
    this.#states.set(enterpriseCA, state);
    this.#older.delete(enterpriseCA);
    if (trusted === undefined || trusted.anchors.length === 0 || this.#anchors.has(enterpriseCA)) return;
    const { anchors, issuing, keyIds } = trusted;
    this.#anchors.set(enterpriseCA, { enterpriseCA, anchors, issuing, keyIds });
    this.#version += 1;
  }

  /** The EnterpriseCA is gone; what is trusted on its account stays known. */
  forget(enterpriseCA: string): void {
    this.#states.delete(enterpriseCA);
    this.#older.delete(enterpriseCA);
  }
}
