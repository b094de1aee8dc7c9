// Writes certificate revocation lists (RFC 5280, 5): complete ones of their issuer alone, without an issuing distribution
// point. Reading and believing them is revocation-list.ts.
import { sign } from 'node:crypto';
import { bitString, explicit, sequence, smallInteger, time, unsignedInteger } from './der-writer.ts';
import { authorityKeyIdentifier, crlNumber } from './extensions.ts';
import type { Signer } from './signing.ts';
import { wholeSecond } from './validity.ts';

export interface RevocationListFields {
  /** Of the issuer's key: software that holds lists of several issuers of one name tells them apart by it. */
  readonly issuerKeyId: Uint8Array;
  /** Greater than that of the list before. */
  readonly number: number;
  /** Epoch ms. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serials in lower-case hex, and since when, epoch ms. */
  readonly revoked: readonly { readonly serial: string; readonly since: number }[];
}

const version2 = smallInteger(1);

/** A CertificateList, DER. Throws RangeError for a list that ends before it begins. */
export function signRevocationList({ name, algorithm, privateKey }: Signer, fields: RevocationListFields): Buffer {
  const { issuerKeyId, number, thisUpdate, nextUpdate } = fields;
  if (nextUpdate <= thisUpdate) throw new RangeError('a revocation list cannot end before it begins');
  const revoked = fields.revoked.map(({ serial, since }) =>
    sequence(unsignedInteger(Buffer.from(serial, 'hex')), time(wholeSecond(since))),
  );
  const tbs = sequence(
    version2,
    algorithm.identifier,
    name,
    time(thisUpdate),
    time(nextUpdate),
    // An empty list of entries is left out, not written empty (5.1.2.6).
    ...(revoked.length === 0 ? [] : [sequence(...revoked)]),
    explicit(0, sequence(authorityKeyIdentifier(issuerKeyId), crlNumber(number))),
  );
  return sequence(tbs, algorithm.identifier, bitString(sign(algorithm.digest, tbs, privateKey)));
}
