// What follows of a trunk from what is declared: its port, its media, and what is said of it.
import type { MediaGateway } from '../../../operator/api/v1alpha1/index.ts';
import {
  gatewaySpiffeID,
  trunkCertificate,
  trunkFindings,
  trunkPort,
  trunkSecretName,
  usesGatewayAuthority,
} from '../../../operator/topology/trunks.ts';
import { mediaGateway, trustDomain, trustedServer } from './objects.ts';

const of = (spec: object): MediaGateway => mediaGateway('gw01', spec);

describe('the port of a trunk', () => {
  it.each<[string, object, 'Mediation' | 'SurvivableBranch', number]>([
    ['TLS', {}, 'Mediation', 5067],
    ['TCP', { transport: 'TCP' }, 'Mediation', 5066],
    ['TLS at a branch', {}, 'SurvivableBranch', 5082],
    ['TCP at a branch', { transport: 'TCP' }, 'SurvivableBranch', 5081],
    ['the one that is given', { port: 5061 }, 'SurvivableBranch', 5061],
  ])('%s', (_title, spec, role, port) => {
    expect(trunkPort(of(spec).spec, role)).toBe(port);
  });
});

describe('the certificate of a gateway', () => {
  it.each<[string, object, string, boolean]>([
    ['is issued into a Secret', {}, 'Secret', true],
    ['is issued for a request', { certificate: { csr: 'x' } }, 'Request', true],
    ['is issued by the enterprise', { certificate: { issuer: 'EnterpriseCA' } }, 'Secret', false],
    ['is from a CA of its own', { certificate: { trustAnchors: [{ pem: 'x' }] } }, 'OwnAuthority', false],
    ['is none over TCP', { transport: 'TCP' }, 'None', false],
  ])('%s', (_title, spec, way, fromGatewayAuthority) => {
    expect(trunkCertificate(of(spec).spec)).toBe(way);
    expect(usesGatewayAuthority(of(spec).spec)).toBe(fromGatewayAuthority);
  });

  it('lies in a Secret named after it, unless that is given', () => {
    expect(trunkSecretName(of({}))).toBe('gw01-tls');
    expect(trunkSecretName(of({ certificate: { secretName: 'trunk' } }))).toBe('trunk');
  });

  it('names it by a SPIFFE ID that no server has', () => {
    expect(gatewaySpiffeID(trustDomain('contoso'), of({}).spec)).toBe('spiffe://contoso.com/media-gateway/gw01.contoso.com');
  });
});

describe('what is said of a trunk', () => {
  const pool = trustedServer('med01', 'Mediation', { poolFQDN: 'med01.contoso.com' });
  const findings = (spec: object, domain: object = {}) =>
    trunkFindings(of(spec), pool, trustDomain('contoso', domain)).map(({ condition, reason }) => `${condition} ${reason}`);
  const level = (encryptionLevel: string) => ({ media: { encryptionLevel } });

  it.each<[string, object, object, readonly string[]]>([
    ['nothing of TLS and SRTP', {}, {}, []],
    [
      'that TCP is in the clear, and its media',
      { transport: 'TCP' },
      {},
      ['LinkEncrypted PlainTCPNotAllowed', 'MediaEncrypted SRTPNotPossible'],
    ],
    [
      'that TCP is in the clear, as it may be',
      { transport: 'TCP' },
      { traffic: { instantMessaging: 'TLS', mediationToGateway: 'TCP' }, ...level('Supported') },
      ['LinkEncrypted PlainTCP', 'MediaEncrypted MediaUnencrypted'],
    ],
    ['that it cannot do what the domain requires', { srtp: 'NotSupported' }, {}, ['MediaEncrypted SRTPNotPossible']],
    ['that it need not be encrypted', {}, level('Supported'), ['MediaEncrypted EncryptedWherePossible']],
    ['that it is not to be encrypted', {}, level('NotSupported'), ['MediaEncrypted MediaUnencrypted']],
    ['nothing where the gateway requires more than the domain', { srtp: 'Required' }, level('NotSupported'), []],
    ['that everybody trusts it', { certificate: { issuer: 'EnterpriseCA' } }, {}, ['CertificateTrusted IssuedByEnterpriseCA']],
  ])('%s', (_title, spec, domain, expected) => {
    expect(findings(spec, domain)).toEqual(expected);
  });

  it('names both ends and says what to do', () => {
    const [finding] = trunkFindings(of({ transport: 'TCP' }), pool, trustDomain('contoso'));
    expect(finding?.message).toBe(
      'Calls between med01.contoso.com and gw01.contoso.com:5066 are set up over TCP, in the clear, and TrustDomain contoso wants TLS there. ' +
        'Set spec.transport to TLS if the gateway can do it, which then means mutual TLS. ' +
        'Else set traffic.mediationToGateway of the domain to TCP, to say that it is meant.',
    );
  });

  it.each<[string, object, object, string]>([
    [
      'of a gateway that cannot encrypt',
      { srtp: 'NotSupported' },
      {},
      'Media with gw01.contoso.com is not encrypted, though TrustDomain contoso requires that: srtp of MediaGateway voice/gw01 is ' +
        'NotSupported. Use transport TLS and srtp Required or Optional, if the gateway can. To have no such calls, set ' +
        'media.encryptionLevel of TrustedServer voice/med01 to Required.',
    ],
    [
      'of a server that does not',
      {},
      level('NotSupported'),
      'Media with gw01.contoso.com is not encrypted, though TrustDomain contoso requires that: media.encryptionLevel of TrustedServer ' +
        'voice/med01 is NotSupported. Leave media.encryptionLevel of TrustedServer voice/med01 out, unless that is meant.',
    ],
    [
      'of a gateway that cannot what its server requires',
      { srtp: 'NotSupported' },
      level('Required'),
      'No call with media is set up with gw01.contoso.com: media.encryptionLevel of TrustedServer voice/med01 is Required, and srtp of ' +
        'MediaGateway voice/gw01 is NotSupported. Use transport TLS and srtp Required or Optional, if the gateway can. If it cannot, and ' +
        'media in the clear is meant, set media.encryptionLevel of TrustedServer voice/med01 to Supported, or leave it out.',
    ],
    [
      'of a server that does not what its gateway requires',
      { srtp: 'Required' },
      level('NotSupported'),
      'No call with media is set up with gw01.contoso.com: media.encryptionLevel of TrustedServer voice/med01 is NotSupported, and srtp ' +
        'of MediaGateway voice/gw01 is Required. Set media.encryptionLevel of TrustedServer voice/med01 to Supported or Required, or ' +
        'leave it out.',
    ],
  ])('says which end makes it so, and what to do %s', (_title, spec, own, message) => {
    const [finding] = trunkFindings(of(spec), trustedServer('med01', 'Mediation', own), trustDomain('contoso'));
    expect(finding).toEqual({ condition: 'MediaEncrypted', reason: 'SRTPNotPossible', message });
  });
});
