// What the rules of certificates look at, as it is when everything is right: tests change one thing at a time.
import type { Authority, AuthorityState } from '../../../operator/authorities/authority.ts';
import type { ObservedNeed } from '../../../operator/controllers/observed-need.ts';
import { profileHash } from '../../../operator/controllers/profile-hash.ts';
import type { Observation } from '../../../operator/controllers/trusted-server/observe.ts';
import type { JournalRecord } from '../../../operator/journal/record.ts';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import { type CertificateFacts, expectedKeys, factAnnotations } from '../../../operator/outputs/certificate-secret.ts';
import { type CertificateNeed, certificateNeeds } from '../../../operator/topology/names.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';
import { day, hierarchy, now } from '../pki/authorities.ts';
import { admitting, namespace, trustDomain, trustedServer } from '../topology/objects.ts';

const { root, issuing, issuer } = hierarchy();

export const authority: Authority = {
  enterpriseCA: 'contoso',
  generation: 1,
  keyId: issuing.subjectKeyId,
  certificate: issuing,
  chain: [issuing],
  intermediates: [issuing],
  anchors: [root],
  issuer,
  leaf: { duration: 90 * day, renewAfterPercent: 66, privateKey: { algorithm: 'ECDSA', size: 256 } },
};
export const available: AuthorityState = { available: true, authority };
export const unavailable: AuthorityState = { available: false, reason: 'Expired', message: 'EnterpriseCA contoso has expired.' };
export const bundle = trustBundle([root], now);
export const domain = trustDomain('contoso', admitting('voice'));
export const server = trustedServer('pool01', 'FrontEnd', { certificates: { uses: [{ use: 'Default' }] } });

export function factsOf(need: CertificateNeed, changes: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    serial: '0a',
    fingerprint: 'ab'.repeat(32),
    notBefore: now - 10 * day,
    notAfter: now + 80 * day,
    renewAt: now + 40 * day,
    authority: authority.keyId,
    profileHash: profileHash(need, available),
    trustHash: bundle.hash,
    ...changes,
  };
}

export function secretOf(need: CertificateNeed, facts: CertificateFacts, owned?: readonly string[]): MetadataObject {
  const { certificate, trust } = expectedKeys(need.formats);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: need.secretName,
      namespace: 'voice',
      uid: `uid-of-${need.secretName}`,
      resourceVersion: '7',
      creationTimestamp: '2026-06-01T00:00:00Z',
      annotations: factAnnotations(facts, need.member),
      ownedDataKeys: owned ?? [...certificate, ...trust],
    },
  };
}

export function recordOf(need: CertificateNeed, facts: CertificateFacts): JournalRecord {
  const { serial, fingerprint, notBefore, notAfter } = facts;
  return {
    serial,
    fingerprint,
    authority: facts.authority,
    names: need.dnsNames,
    uid: server.metadata.uid,
    secret: `voice/${need.secretName}`,
    use: need.use,
    ...(need.member === undefined ? {} : { member: need.member }),
    notBefore,
    notAfter,
  };
}

export const [need] = certificateNeeds(server, domain) as readonly [CertificateNeed];

/** A certificate that is in place and current. */
export function current(changes: Partial<ObservedNeed> = {}, of: CertificateNeed = need): ObservedNeed {
  const facts = factsOf(of);
  return {
    need: of,
    state: available,
    profileHash: profileHash(of, available),
    secret: secretOf(of, facts),
    foreign: false,
    facts,
    recorded: recordOf(of, facts),
    issues: [{ at: facts.notBefore, dueAt: facts.renewAt }],
    renewAt: facts.renewAt,
    bundle,
    stale: false,
    ...changes,
  };
}

/** A certificate that was never made. */
export function absent(changes: Partial<ObservedNeed> = {}, of: CertificateNeed = need): ObservedNeed {
  return {
    need: of,
    state: available,
    profileHash: profileHash(of, available),
    foreign: false,
    issues: [],
    bundle,
    stale: false,
    ...changes,
  };
}

export function observation(changes: Partial<Observation> = {}): Observation {
  return {
    server,
    domain,
    namespace: namespace('voice'),
    admission: { admitted: true },
    needs: [current()],
    leftovers: [],
    awaited: new Set(),
    ownTrust: { current: true, asked: false, refused: [] },
    findings: [],
    ...changes,
  };
}
