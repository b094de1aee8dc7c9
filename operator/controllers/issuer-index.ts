// Which Secrets say that they hold a certificate from which issuer, in which domain. Who they belong to is not asked here.

/** A domain, and whoever issued: the face that the certificate is for and the issuer's key id. */
export type IssuedBy = readonly [domain: string, issuer: string];

export class IssuerIndex {
  /** By domain and issuer. */
  readonly #secrets = new Map<string, Map<string, Set<string>>>();
  /** By Secret, where it is entered above. */
  readonly #entered = new Map<string, IssuedBy>();

  issuersIn(domain: string): readonly string[] {
    return [...(this.#secrets.get(domain)?.keys() ?? [])];
  }

  secretsFrom(domain: string, issuer: string): ReadonlySet<string> {
    return this.#secrets.get(domain)?.get(issuer) ?? new Set();
  }

  /** Enters a Secret, `namespace/name`, or takes it out. Returns where it was before, if it is elsewhere now. */
  enter(secret: string, after: IssuedBy | undefined): IssuedBy | undefined {
    const before = this.#entered.get(secret);
    if (before?.[0] === after?.[0] && before?.[1] === after?.[1]) return undefined;
    if (before !== undefined) this.#unlink(before, secret);
    if (after === undefined) this.#entered.delete(secret);
    else {
      this.#entered.set(secret, after);
      this.#link(after, secret);
    }
    return before;
  }

  #link([domain, issuer]: IssuedBy, secret: string): void {
    const ofDomain = this.#secrets.get(domain) ?? new Map<string, Set<string>>();
    this.#secrets.set(domain, ofDomain);
    ofDomain.set(issuer, (ofDomain.get(issuer) ?? new Set()).add(secret));
  }

  #unlink([domain, issuer]: IssuedBy, secret: string): void {
    const ofDomain = this.#secrets.get(domain);
    const secrets = ofDomain?.get(issuer);
    secrets?.delete(secret);
    if (secrets?.size === 0) ofDomain?.delete(issuer);
    if (ofDomain?.size === 0) this.#secrets.delete(domain);
  }
}
