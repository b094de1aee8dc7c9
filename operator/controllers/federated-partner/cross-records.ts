// What is kept of a cross-certified partner CA in its record, and read back: the federation root, what it signed, and the scope
// that they were made for.
import { type Certificate, CertificateError, parseCertificates } from '../../pki/certificate.ts';
import type { CrossCertification } from '../../pki/cross-certificate.ts';
import { DerError } from '../../pki/der-reader.ts';
import { decodePem, encodePem, PemError } from '../../pki/pem.ts';
import { doubtAbout, parseRevocationList } from '../../pki/revocation-list.ts';
import { authorityIdentity } from '../../trust/partner-authority.ts';
import type { ScopedAuthority } from '../../trust/partner-scope.ts';
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

/** Fingerprints of the CA certificates of a partner that cross-certificates stand in for. */
export function inPlaceOf(partner: string, records: ReadonlyMap<string, Data>): ReadonlySet<string> {
  const own = [...records.values()].filter(({ partners = '' }) => partners.split(' ').includes(partner));
  return new Set(own.flatMap((data) => certificatesIn(data[keys.authority])?.map(({ fingerprint }) => fingerprint) ?? []));
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

/** Undefined where the authority needs none. */
export function crossOf(
  domain: string,
  { certificate, scope, hash }: ScopedAuthority,
  records: ReadonlyMap<string, Data>,
  now: number,
): Cross | undefined {
  if (scope !== 'NameConstrained') return undefined;
  const record = recordName(domain, 'cross', authorityIdentity(certificate));
  const data = records.get(record);
  if (data?.['scope-hash'] !== hash) return { record };
  const [root] = certificatesIn(data[keys.root]) ?? [];
  const [cross] = certificatesIn(data[keys.cross]) ?? [];
  const revocationList = data[keys.revocationList];
  // Somebody edited it: another is made.
  if (root === undefined || cross === undefined || !isListOf(root, revocationList, now)) return { record };
  return cross.notAfter <= now ? { record } : { record, material: { root, cross, revocationList } };
}

/** What lies in our own record was right once; undefined: somebody edited it. */
function certificatesIn(pem = ''): readonly Certificate[] | undefined {
  try {
    return parseCertificates(pem);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
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
