// A sample of everything that the operator can issue: each kind of key below each, each profile, with and without
// addresses, under short, long, many and no names.
import type { KeyObject } from 'node:crypto';
import { keyAlgorithmFor } from '../../../operator/pki/algorithm.ts';
import type { Certificate } from '../../../operator/pki/certificate.ts';
import type { IssuerUrls } from '../../../operator/pki/extensions.ts';
import type { LeafNames, LeafRequest } from '../../../operator/pki/leaf.ts';
import type { LeafProfile } from '../../../operator/pki/profile.ts';
import { frontEnd, hierarchy, issue, keyKinds, keysFor } from './authorities.ts';

export interface Sample {
  readonly name: string;
  readonly certificate: Certificate;
  /** The CAs above it, without the root. */
  readonly chain: readonly Certificate[];
  readonly root: Certificate;
  /** Whether it points to CRL, OCSP and issuer certificate. */
  readonly hasAddresses: boolean;
}

export interface LeafSample extends Sample {
  readonly request: LeafRequest;
  readonly privateKey: KeyObject;
}

const urls: IssuerUrls = {
  crl: 'http://pki.contoso.com/crl/issuing-1.crl',
  ocsp: 'http://pki.contoso.com/ocsp',
  caIssuers: 'http://pki.contoso.com/ca/issuing-1.cer',
};

const pool = 'pool01.contoso.com';
const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.contoso.com`;
const members = Array.from({ length: 128 }, (_, index) => `fe${index}.contoso.com`);
const uri = `spiffe://contoso.com/front-end/${pool}`;

const names: Readonly<Record<string, LeafNames>> = {
  'one name': { commonName: pool, dnsNames: [pool] },
  'a name and a SPIFFE ID': { commonName: pool, dnsNames: [pool, 'fe01.contoso.com', 'sip.contoso.com'], uri },
  'a common name that does not fit': { commonName: long, dnsNames: [long, pool], uri: `${uri}/${long}` },
  'no common name': { dnsNames: [pool] },
  'all members of a large pool': { commonName: pool, dnsNames: [pool, ...members], uri },
  'a wildcard for simple URLs': { commonName: pool, dnsNames: [pool, '*.contoso.com'] },
  'a SIP domain': { commonName: 'contoso.com', dnsNames: ['contoso.com', pool] },
};

const profiles: readonly LeafProfile[] = ['Server', 'Client', 'TokenSigning'];
const addressing = [
  { urls: {}, hasAddresses: false },
  { urls, hasAddresses: true },
];

/** Every root key once, and every issuing key below every root key. */
export function everyAuthority(): readonly Sample[] {
  const samples: Sample[] = [];
  for (const { hasAddresses, ...addresses } of addressing) {
    for (const rootKey of keyKinds) {
      const { root } = hierarchy({ rootKey });
      samples.push({ name: `root ${keyAlgorithmFor(rootKey)}`, certificate: root, chain: [], root, hasAddresses });
      for (const issuingKey of keyKinds) {
        const { root: above, issuing } = hierarchy({ rootKey, issuingKey, ...addresses });
        const name = `issuing CA ${keyAlgorithmFor(issuingKey)} below ${keyAlgorithmFor(rootKey)}`;
        samples.push({ name, certificate: issuing, chain: [], root: above, hasAddresses });
      }
    }
  }
  return samples;
}

/** Every kind of leaf below every kind of issuing CA, under every set of names. */
export function everyLeaf(): readonly LeafSample[] {
  const samples: LeafSample[] = [];
  for (const { hasAddresses, ...addresses } of addressing) {
    for (const issuingKey of keyKinds) {
      const { root, issuing, issuer } = hierarchy({ issuingKey, ...addresses });
      for (const leafKey of keyKinds) {
        for (const profile of profiles) {
          for (const [what, asked] of Object.entries(names)) {
            const { publicKey, privateKey } = keysFor(leafKey);
            const request = requestOf(profile, asked, publicKey);
            const name = `${profile} leaf ${keyAlgorithmFor(leafKey)} below ${keyAlgorithmFor(issuingKey)}: ${what}`;
            const certificate = issue(issuer, request);
            samples.push({ name, certificate, chain: [issuing], root, hasAddresses, request, privateKey });
          }
        }
      }
    }
  }
  return samples;
}

function requestOf(profile: LeafProfile, { uri: id, ...asked }: LeafNames, publicKey: KeyObject): LeafRequest {
  const { commonName: _, uri: __, ...rest } = frontEnd({ publicKey, profile });
  return { ...rest, ...asked, ...(id === undefined || profile === 'TokenSigning' ? {} : { uri: id }) };
}
