// Certificate revocation lists (RFC 5280, 5), read and believed: whether an issuer has taken a certificate back. A list that
// cannot be relied on says nothing; who asks for lists and finds none does not know (6.3.3).
import { authorityKeyIdOf, type Certificate, type Extension, extensionsIn, signatureAlgorithmOf } from './certificate.ts';
import { nameOf } from './chain.ts';
import { DerError, type Element, elementsOf, expectTag, onlyElement, tags } from './der-reader.ts';
import { type DirectoryName, directoryName, isSameName } from './directory-name.ts';
import { extensionIds } from './object-identifiers.ts';
import { type Position, type Refusal, refusal } from './path-refusal.ts';
import { instant } from './problem.ts';
import { isSignedWith } from './signature.ts';

export interface RevocationList {
  readonly issuer: DirectoryName;
  /** Subject key id of who signed it, lower-case hex; absent where it does not say. */
  readonly authorityKeyId?: string;
  /** Epoch ms. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** By serial, as `Certificate.serial`: since when, epoch ms. */
  readonly revoked: ReadonlyMap<string, number>;
  /** What of its own content keeps it from being relied on. */
  readonly fault?: string;
  /** What its issuer signed, how, and the signature. */
  readonly signed: Parameters<typeof isSignedWith>[1];
}

/** UTCTime or GeneralizedTime in whole seconds of UTC (4.1.2.5), as epoch ms. */
function timeOf(element: Element | undefined): number {
  const text = element?.content.toString('latin1') ?? '';
  const isShort = element?.tag === tags.utcTime;
  if (!isShort && element?.tag !== tags.generalizedTime) throw new DerError('it has no time where one belongs');
  const full = isShort ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, ...digits] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  const [year = 0, month = 0, day, hour, minute, second] = digits.map(Number);
  if (digits.length === 0) throw new DerError('it has a time that is not in seconds of UTC');
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const serialOf = ({ content }: Element): string =>
  content.subarray(content[0] === 0 && content.length > 1 ? 1 : 0).toString('hex');

/** No critical extension is processed here: a delta, or a list of some certificates or reasons only, does not answer for all. */
function faultOf(
  version: number,
  extensions: ReadonlyMap<string, Extension>,
  criticalOfEntries: ReadonlySet<string>,
): string | undefined {
  const number = extensions.get(extensionIds.crlNumber);
  if (version !== 1) return 'it is not of version 2';
  if (number === undefined) return 'it has no CRL number';
  if (number.critical) return 'its CRL number is critical, which it must not be';
  const [unknown] = [...criticalOf(extensions), ...criticalOfEntries];
  return unknown === undefined ? undefined : `it has the critical extension ${unknown}, which is not known here`;
}

function criticalOf(extensions: ReadonlyMap<string, Extension>): readonly string[] {
  return [...extensions].flatMap(([id, { critical }]) => (critical ? [id] : []));
}

/** One CertificateList, DER. Throws DerError. */
export function parseRevocationList(der: Uint8Array): RevocationList {
  const [tbs, outer, bits] = elementsOf(onlyElement(Buffer.from(der), tags.sequence).content);
  const fields = [...elementsOf(expectTag(tbs, tags.sequence).content)];
  const version = fields[0]?.tag === tags.integer ? Number(fields.shift()?.content.toString('hex')) : 0;
  const [inner, issuer, thisUpdate, nextUpdate, ...rest] = fields;
  if (!expectTag(inner, tags.sequence).der.equals(expectTag(outer, tags.sequence).der)) {
    throw new DerError('it names one signature algorithm inside and another outside');
  }
  const entries = elementsOf(rest.find(({ tag }) => tag === tags.sequence)?.content ?? Buffer.alloc(0));
  const revoked = new Map<string, number>();
  const criticalOfEntries = new Set<string>();
  for (const entry of entries) {
    const [serial, since, extensions] = elementsOf(expectTag(entry, tags.sequence).content);
    revoked.set(serialOf(expectTag(serial, tags.integer)), timeOf(since));
    for (const id of criticalOf(extensionsIn(extensions))) criticalOfEntries.add(id);
  }
  const wrapped = rest.find(({ tag }) => tag === 0xa0);
  const extensions = extensionsIn(wrapped && onlyElement(wrapped.content, tags.sequence));
  const fault = faultOf(version, extensions, criticalOfEntries);
  return {
    issuer: directoryName(expectTag(issuer, tags.sequence).der),
    ...authorityKeyIdOf(extensions.get(extensionIds.authorityKeyIdentifier)),
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: timeOf(nextUpdate),
    revoked,
    ...(fault === undefined ? {} : { fault }),
    signed: {
      name: signatureAlgorithmOf(expectTag(inner, tags.sequence)),
      data: expectTag(tbs, tags.sequence).der,
      signature: expectTag(bits, tags.bitString).content.subarray(1),
    },
  };
}

/** Why this list of that issuer cannot be relied on, as a sentence goes on after a colon; undefined: it can. `now` is epoch ms. */
export function doubtAbout(
  { fault, thisUpdate, nextUpdate, signed }: RevocationList,
  issuer: Certificate,
  now: number,
): string | undefined {
  if (fault !== undefined) return fault;
  if (issuer.keyUsage?.includes('cRLSign') === false)
    return `${nameOf(issuer)} may not sign it: its key usage is without cRLSign`;
  if (!isSignedWith(issuer.publicKey, signed)) return `its signature is not that of ${nameOf(issuer)}`;
  if (now < thisUpdate) return `it is not valid before ${instant(thisUpdate)}`;
  return now > nextUpdate ? `it expired at ${instant(nextUpdate)}` : undefined;
}

/** Whether `issuer` has taken back what it issued, as far as these lists tell; undefined: it has not. `now` is epoch ms. */
export function revocationOf(
  { certificate }: Position,
  issuer: Position,
  lists: readonly RevocationList[],
  now: number,
): Refusal | undefined {
  const own = lists.filter((list) => isSameName(list.issuer, issuer.content.subject));
  const doubts = own.map((list) => doubtAbout(list, issuer.certificate, now));
  const since = own
    .find((list, index) => doubts[index] === undefined && list.revoked.has(certificate.serial))
    ?.revoked.get(certificate.serial);
  if (since !== undefined) {
    return refusal(
      certificate,
      'Revoked',
      `was revoked by ${nameOf(issuer.certificate)} at ${instant(since)}: its serial number is ${certificate.serial}`,
    );
  }
  if (doubts.includes(undefined)) return undefined;
  const [doubt = `there is no list of ${nameOf(issuer.certificate)}`] = doubts;
  return refusal(certificate, 'RevocationUnknown', `may have been revoked: ${doubt}`);
}
