// What is done for a gateway and said of it: a certificate for its request above all, which is nowhere but in its status.
import { issueForKey } from '../../../operator/authorities/issue.ts';
import type { Observation, Way } from '../../../operator/controllers/media-gateway/observe.ts';
import { plan } from '../../../operator/controllers/media-gateway/plan.ts';
import { report } from '../../../operator/controllers/media-gateway/report.ts';
import { type ObservedRequest, requestCause, requestObstacle } from '../../../operator/controllers/media-gateway/request.ts';
import type { LostAuthority } from '../../../operator/controllers/trunk-state.ts';
import type { JournalRecord } from '../../../operator/journal/record.ts';
import type { Certificate } from '../../../operator/pki/certificate.ts';
import { type CertificateRequest, parseCertificateRequest } from '../../../operator/pki/certificate-request.ts';
import type { CertificateNeed } from '../../../operator/topology/names.ts';
import { trunkFindings } from '../../../operator/topology/trunks.ts';
import { certificateRequest, ecKeys } from '../../support/certificate-request.ts';
import { day, hierarchy, now } from '../pki/authorities.ts';
import { mediaGateway, trustedServer } from '../topology/objects.ts';
import { absent, authority, current, domain, unavailable } from './observed.ts';

const keys = ecKeys();
const pem = certificateRequest({ keys, commonName: 'gw01.contoso.com' });
const request = requestIn(pem);

function requestIn(text: string): CertificateRequest {
  const read = parseCertificateRequest(text);
  if ('reason' in read) throw new Error(read.message);
  return read;
}
const uri = 'spiffe://contoso.com/media-gateway/gw01.contoso.com';
const need: CertificateNeed = {
  use: 'Default',
  secretName: 'gw01:csr',
  enterpriseCA: 'contoso',
  profile: 'Server',
  dnsNames: ['gw01.contoso.com'],
  spiffeID: uri,
  formats: [],
  audience: 'mediation',
};
const pool = trustedServer('med01', 'Mediation');

function issued(at: number, { by = authority, key = keys.publicKey, name = 'gw01.contoso.com' } = {}): Certificate {
  return issueForKey(by, { dnsNames: [name], uri: uri.replace('gw01.contoso.com', name), profile: 'Server' }, key, at).leaf;
}

const recordOf = ({ serial, fingerprint, notBefore, notAfter }: Certificate): JournalRecord => ({
  ...{ serial, fingerprint, notBefore, notAfter, authority: authority.keyId },
  ...{ names: need.dnsNames, uid: 'uid-gw01', secret: 'voice/gw01:csr', use: 'Default' },
});

/** A request whose certificate is in place. */
function granted(leaf: Certificate, changes: Partial<ObservedRequest> = {}): ObservedRequest {
  const { recorded: _, ...base } = absent({ need }, need);
  return { need: { ...base, recorded: recordOf(leaf) }, asked: request, held: leaf, renewAt: now + day, ...changes };
}

function observed(way: Way, spec: object = {}, changes: Partial<Observation> = {}): Observation {
  const gateway = mediaGateway('gw01', spec);
  return {
    gateway,
    standing: { stands: true, gateway, domain, pool },
    domain,
    admission: { admitted: true },
    way,
    leftovers: [],
    findings: trunkFindings(gateway, pool, domain),
    ...changes,
  };
}

const nothingDone = { certificates: new Map(), obstacles: new Map() };

/** Conditions as `type status reason`, but for those that follow from others. */
function conditionsOf(observation: Observation): readonly string[] {
  const { conditions = [] } = report(observation, plan(observation, now), nothingDone, now);
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

describe('a certificate for a request is issued', () => {
  const leaf = issued(now - day);
  const other = hierarchy({ name: 'Fabrikam' });
  const foreign = {
    ...authority,
    issuer: other.issuer,
    certificate: other.issuing,
    chain: [other.issuing],
    anchors: [other.root],
    keyId: other.issuing.subjectKeyId,
  };
  const shortLived = { ...authority, leaf: { ...authority.leaf, duration: day } };
  const { held: _, ...lost } = granted(leaf);
  const { recorded: __, ...unrecorded } = lost.need;
  it.each<[string, ObservedRequest, string | undefined]>([
    ['not while the one in the status is right', granted(leaf), undefined],
    ['where there was none', { ...lost, need: unrecorded }, 'there was none'],
    ['where somebody cleared the status', lost, 'status.certificate was lost or edited'],
    [
      'where the status holds another than the journal',
      granted(leaf, { held: issued(now - 2 * day) }),
      'status.certificate is not the certificate that was issued last',
    ],
    [
      'for another key',
      granted(leaf, { asked: { ...request, publicKey: ecKeys().publicKey } }),
      'spec.certificate.csr is for another key',
    ],
    [
      'for another name',
      ((held) => granted(held))(issued(now - day, { name: 'gw02.contoso.com' })),
      'the gateway is gw01.contoso.com now',
    ],
    [
      'by another authority',
      ((held) => granted(held))(issued(now - day, { by: foreign })),
      `"${authority.certificate.subject}" issues now`,
    ],
    ['when it is due', granted(leaf, { renewAt: now }), 'it is due for renewal'],
    [
      'once it has expired',
      ((held) => granted(held, { renewAt: now }))(issued(now - 2 * day, { by: shortLived })),
      'the certificate has expired',
    ],
    [
      'not while the authority cannot be told',
      { ...granted(leaf), need: { ...granted(leaf).need, state: unavailable } },
      undefined,
    ],
  ])('%s', (_title, observation, because) => {
    expect(requestCause(observation, now)?.because).toBe(because);
  });

  it('for the key that was asked for, once the pool trusts its issuer', () => {
    const way = { kind: 'Request', lost: [], ...lost } as const;
    expect(plan(observed(way), now).grant).toMatchObject({ authority: { keyId: authority.keyId }, cause: { kind: 'Missing' } });
    const pending = { ...way, need: { ...way.need, trustPending: 'Secret x does not hold it.' } };
    const waiting = plan(observed(pending), now);
    expect(waiting.grant).toBeUndefined();
    expect(waiting.withheld).toMatchObject({ reason: 'TrustPending', while: 'Reconciling' });
  });

  it('not again and again: who clears the status is told of', () => {
    const issues = Array.from({ length: 5 }, (_each, index) => ({ at: now - index * 1000, dueAt: now + day }));
    const hunted = { kind: 'Request', lost: [], ...lost, need: { ...lost.need, issues } } as const;
    const { grant, withheld } = plan(observed(hunted), now);
    expect(grant).toBeUndefined();
    expect(withheld).toMatchObject({
      reason: 'ReissuedTooOften',
      message: expect.stringContaining('Find out who edits the status'),
    });
  });

  it('and never for a request that asks for more, whose faults are named', () => {
    const refused = { ...lost, asked: { refusals: [{ reason: 'NameMismatch', message: 'asks for x: ask for y' }] } } as const;
    expect(requestCause(refused, now)).toBeUndefined();
    expect(requestObstacle(mediaGateway('gw01'), refused)).toMatchObject({
      reason: 'RequestRefused',
      message: 'spec.certificate.csr of MediaGateway voice/gw01 asks for x: ask for y.',
    });
  });
});

describe('what is said of a gateway', () => {
  const secret: Way = { kind: 'Secret', need: current({}, { ...need, secretName: 'gw01-tls' }) };
  const encrypted = ['LinkEncrypted True MutualTLS', 'MediaEncrypted True Encrypted'];
  const { root } = hierarchy({ name: 'Appliance' });
  const own = { anchors: [root], scoped: [], refusals: [] };
  const ready = 'Ready True Ready';
  const admitted = 'TopologyValid True Admitted';
  it.each<[string, Observation, readonly string[]]>([
    ['that is issued to', observed(secret), [ready, admitted, ...encrypted, 'CertificateTrusted True IssuedByGatewayAuthority']],
    [
      'that the enterprise issues to',
      observed(secret, { certificate: { issuer: 'EnterpriseCA' } }),
      [ready, admitted, ...encrypted, 'CertificateTrusted True IssuedByEnterpriseCA'],
    ],
    [
      'that has a CA of its own',
      observed({ kind: 'OwnAuthority', own, distributed: undefined }),
      [ready, admitted, ...encrypted, 'CertificateTrusted True OwnAuthorityTrusted'],
    ],
    [
      'whose CA its pool does not hold yet',
      observed({ kind: 'OwnAuthority', own, distributed: 'Secret x does not hold it.' }),
      [
        'Ready False TrustPending',
        'Reconciling True TrustPending',
        admitted,
        ...encrypted,
        'CertificateTrusted False TrustPending',
      ],
    ],
    [
      'whose CA is refused',
      observed({ kind: 'OwnAuthority', own: { anchors: [], scoped: [], refusals: ['It is ours.'] }, distributed: undefined }),
      [
        'Ready False UntrustedGateway',
        'Stalled True UntrustedGateway',
        admitted,
        ...encrypted,
        'CertificateTrusted False UntrustedGateway',
      ],
    ],
    [
      'over TCP, which works and is reported',
      observed({ kind: 'None' }, { transport: 'TCP' }),
      [
        ready,
        admitted,
        'LinkEncrypted False PlainTCPNotAllowed',
        'MediaEncrypted False SRTPNotPossible',
        'CertificateTrusted Unknown NoCertificate',
      ],
    ],
    [
      'whose domain overlaps with an older one',
      observed(secret, {}, { domainProblem: 'contoso.com belongs to another.' }),
      [
        'Ready False TrustDomainNotValid',
        'Stalled True TrustDomainNotValid',
        'TopologyValid False TrustDomainNotValid',
        ...encrypted,
        'CertificateTrusted True IssuedByGatewayAuthority',
      ],
    ],
  ])('%s', (_title, observation, expected) => {
    expect(conditionsOf(observation)).toEqual(expected);
  });

  it('without a place in the topology is why, and what it has stays', () => {
    const { way: _, ...rest } = observed(secret);
    const standing = { stands: false, reason: 'MediationServerNotFound', message: 'There is none.' } as const;
    const certificate = {
      source: 'GatewayAuthority',
      serial: '01',
      fingerprint: 'ab',
      notBefore: '',
      notAfter: '',
      renewAt: '',
    } as const;
    const gateway = mediaGateway('gw01', {}, { status: { observedGeneration: 1, certificate } });
    const observation = { ...rest, gateway, standing, findings: [] };
    expect(plan(observation, now).certificates).toEqual([]);
    const status = report(observation, plan(observation, now), nothingDone, now);
    expect(status.certificate).toEqual(certificate);
    expect(status.conditions?.map(({ reason }) => reason)).toContain('MediationServerNotFound');
  });

  it('whose certificate is from an authority that was lost is what to do about it, and by when', () => {
    const leaf = issued(now - day);
    const until = Date.UTC(2026, 8, 1);
    const certificate = {
      source: 'GatewayAuthority',
      serial: leaf.serial,
      fingerprint: leaf.fingerprint,
      notBefore: '',
      notAfter: '',
      renewAt: '',
      pem: leaf.pem,
    } as const;
    const gateway = mediaGateway('gw01', { certificate: { csr: 'x' } }, { status: { observedGeneration: 1, certificate } });
    const said = (lost: readonly LostAuthority[]) => {
      const observation = { ...observed({ kind: 'Request', lost, ...granted(leaf) }), gateway };
      const { conditions } = report(observation, plan(observation, now), nothingDone, now);
      return conditions?.find(({ type }) => type === 'CertificateTrusted');
    };
    expect(said([])).toMatchObject({ status: 'True', reason: 'IssuedByGatewayAuthority' });
    expect(said([{ generation: 1, until }])).toMatchObject({
      status: 'True',
      reason: 'AuthorityLost',
      message:
        'The key of generation 1 of the gateway authority of med01.contoso.com is lost, or of a server that had the name before: its certificate comes from the next one now. ' +
        'It lies in status.certificate.pem, and what the gateway must trust in status.certificate.ca. ' +
        'Put that on the gateway, unless it is there already: until 2026-09-01T00:00:00Z med01.contoso.com believes the former one too.',
    });
  });

  it('keeps its Secret under a former name until the new one is there', () => {
    const leftovers = [current().secret].filter((each) => each !== undefined);
    const made: Way = { kind: 'Secret', need: absent({}, need) };
    expect(plan(observed(made, {}, { leftovers }), now).certificates.map(({ kind }) => kind)).toEqual(['Issue']);
    expect(plan(observed(secret, {}, { leftovers }), now).certificates.map(({ kind }) => kind)).toEqual(['Delete']);
  });
});
