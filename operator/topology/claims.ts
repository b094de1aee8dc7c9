// Who holds a name when several objects claim it. What was issued decides first, then age, then UID: object age alone
// would let an old object be edited to take another's name.

export interface Claim {
  readonly kind: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, whole seconds: objects of one apply share it. */
  readonly creationTimestamp: string;
}

/** A certificate still within validity that holds the name, by the object it was issued to. */
export interface IssuedName {
  readonly uid: string;
  readonly namespace: string;
  /** Epoch ms. */
  readonly notAfter: number;
}

export type Holder =
  | { readonly kind: 'Claim'; readonly claim: Claim }
  /** Released, but a certificate with the name lives on: nobody outside that namespace may have it before, epoch ms. */
  | { readonly kind: 'Reserved'; readonly namespace: string; readonly until: number };

/** The one holder of a name among its claims. */
export function holderOf(claims: readonly Claim[], issued: readonly IssuedName[]): Holder | undefined {
  const byAge = [...claims].sort((a, b) => compare(a.creationTimestamp, b.creationTimestamp) || compare(a.uid, b.uid));
  const issuedTo = new Set(issued.map((record) => record.uid));
  const incumbent = byAge.find((claim) => issuedTo.has(claim.uid));
  if (incumbent !== undefined) return { kind: 'Claim', claim: incumbent };
  const [reservation] = issued;
  const eligible =
    reservation === undefined ? byAge : byAge.filter((claim) => issued.some((record) => record.namespace === claim.namespace));
  const [first] = eligible;
  if (first !== undefined) return { kind: 'Claim', claim: first };
  return reservation === undefined ? undefined : reservedBy(reservation, issued);
}

function reservedBy({ namespace }: IssuedName, issued: readonly IssuedName[]): Holder {
  return { kind: 'Reserved', namespace, until: Math.max(...issued.map((record) => record.notAfter)) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
