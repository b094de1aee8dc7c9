// What is kept of a cross-certified partner CA in its record, and read back: the federation root, what it signed, and the scope
// that they were made for.
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { CrossCertification } from '../../pki/cross-certificate.ts';
import { DerError } from '../../pki/der-reader.ts';
import { decodePem, encodePem, PemError } from '../../pki/pem.ts';
import { doubtAbout, parseRevocationList } from '../../pki/revocation-list.ts';
import { authorityIdentity } from '../../trust/partner-authority.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
import type { FederationObservation } from './observe.ts';
import { certificatesIn } from './read-certificates.ts';
import { type Data, recordName } from './records.ts';

const keys = {
  authority: 'partner-ca.crt',
  root: 'federation-root.crt',
  cross: 'cross-certificate.crt',
  revocationList: 'federation-root.crl',
} as const;

/** What the record of a cross-certificate holds. */
export function crossData(authority: ScopedAuthority, { root, cross, revocationList }: CrossCertification): Data {
  return {
    [keys.authority]: authority.certificate.pem,
    [keys.root]: root.pem,
    [keys.cross]: cross.pem,
    [keys.revocationList]: encodePem('X509 CRL', revocationList),
    partners: authority.partners.join(' '),
    'scope-hash': authority.hash,
  };
}

/**
 * By partner, what the Edges believe of it so far: fingerprints of its anchors, and identities of the CAs that cross-certificates
 * stand in for. What needs none, since it is believed for any name, its status tells.
 */
export function inPlaceIn(records: ReadonlyMap<string, Data>): (partner: FederatedPartner) => ReadonlySet<string> {
  const crossed = new Map<string, string[]>();
  for (const { partners = '', [keys.authority]: pem } of records.values()) {
    const held = certificatesIn(pem).flatMap((certificate) => [certificate.fingerprint, authorityIdentity(certificate)]);
    for (const partner of partners.split(' ')) crossed.set(partner, [...(crossed.get(partner) ?? []), ...held]);
  }
  return ({ metadata, status }) =>
    new Set([...(crossed.get(metadata.name) ?? []), ...(status?.anchors ?? []).map(({ fingerprint }) => fingerprint)]);
}

export interface Cross {
  readonly record: string;
  /** Absent while there is none for the scope. */
  readonly material?: {
    readonly root: Certificate;
    readonly cross: Certificate;
    /** Of the federation root, PEM. */
    readonly revocationList: string;
  };
}

function crossRecord(domain: string, { certificate, anyName }: ScopedAuthority): string {
  const identity = authorityIdentity(certificate);
  return recordName(domain, 'cross', anyName ? `any name ${identity}` : identity);
}

/** Whether the Edges believe it already, if in another scope. */
export function isInPlace(
  domain: string,
  authority: ScopedAuthority,
  { records, partners }: Pick<FederationObservation, 'records' | 'partners'>,
): boolean {
  if (records.has(crossRecord(domain, authority))) return true;
  const { fingerprint } = authority.certificate;
  return partners.some(
    ({ partner: { metadata, status } }) =>
      authority.partners.includes(metadata.name) &&
      status?.anchors?.some((anchor) => anchor.fingerprint === fingerprint) === true,
  );
}

/** Undefined where the authority needs none. */
export function crossOf(
  domain: string,
  authority: ScopedAuthority,
  records: ReadonlyMap<string, Data>,
  now: number,
): Cross | undefined {
  if (authority.scope !== 'NameConstrained') return undefined;
  const { hash } = authority;
  const record = crossRecord(domain, authority);
  const data = records.get(record);
  if (data?.['scope-hash'] !== hash) return { record };
  const [root] = certificatesIn(data[keys.root]);
  const [cross] = certificatesIn(data[keys.cross]);
  const revocationList = data[keys.revocationList];
  // Somebody edited it: another is made.
  if (root === undefined || cross === undefined || !isListOf(root, revocationList, now)) return { record };
  return cross.notAfter <= now ? { record } : { record, material: { root, cross, revocationList } };
}

function isListOf(root: Certificate, pem: string | undefined, now: number): pem is string {
  try {
    const [block] = decodePem(pem ?? '');
    return block !== undefined && doubtAbout(parseRevocationList(block.der), root, now) === undefined;
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError) return false;
    throw error;
  }
}
