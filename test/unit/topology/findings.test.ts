// What is found about each kind of object: nothing while all is well, and nothing that another object is at fault for.
import type { Finding } from '../../../operator/topology/findings.ts';
import { anchorFindings, anchorWarningTime, nextAnchorFinding } from '../../../operator/topology/findings-of-anchors.ts';
import { findingsOfDomain } from '../../../operator/topology/findings-of-domain.ts';
import { findingsOfRelay } from '../../../operator/topology/findings-of-relay.ts';
import { findingsOfServer } from '../../../operator/topology/findings-of-server.ts';
import { partner, relay } from './declared.ts';
import { admitting, trustDomain, trustedServer } from './objects.ts';
import { contoso, type Recorder } from './recorder.ts';

const day = 24 * 3_600_000;
const inShort = (findings: readonly Finding[]) => findings.map(({ reason, message }) => `${reason}: ${message}`);
const found = ({ topology }: Recorder, name: string) => inShort(findingsOfServer(`voice/${name}`, topology));

describe('about a server', () => {
  const listeners = [
    { name: 'sip', port: 5061, protocol: 'MTLS' },
    { name: 'plain', port: 5060, protocol: 'TCP' },
  ];

  it('is a listener that the traffic table does not allow, and then one that is unencrypted', () => {
    const made = contoso();
    made.set(trustedServer('fe', 'FrontEnd', { listeners }));
    expect(found(made, 'fe')).toEqual([
      expect.stringMatching(/^ListenerNotAllowed: Listener plain \(port 5060\) is TCP, unencrypted/),
    ]);
    const traffic = { instantMessaging: 'TCP' };
    made.forget();
    made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), traffic }));
    expect(made.servers).toContain('voice/fe');
    expect(found(made, 'fe')).toEqual([expect.stringMatching(/^UnencryptedLink: Listener plain \(port 5060\) is TCP/)]);
  });

  it('names the objects that it has to do with', () => {
    const made = contoso();
    made.set(trustedServer('fe', 'FrontEnd', { listeners }));
    expect(findingsOfServer('voice/fe', made.topology).map(({ concerns }) => concerns)).toEqual([
      [
        { kind: 'TrustedServer', namespace: 'voice', name: 'fe' },
        { kind: 'TrustDomain', name: 'contoso' },
      ],
    ]);
  });

  it.each([
    ['Required', 'NotSupported', ['SRTPNotPossible']],
    ['NotSupported', 'Required', []],
    ['NotSupported', 'NotSupported', []],
    ['Required', 'Supported', []],
    ['Supported', 'NotSupported', []],
    ['Required', undefined, []],
  ] as const)('is a server without SRTP, where its domain requires that: domain %s, server %s', (domain, own, expected) => {
    const made = contoso();
    const media = (encryptionLevel: string) => ({ media: { encryptionLevel } });
    made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), ...media(domain) }));
    made.set(trustedServer('fe', 'FrontEnd', own === undefined ? {} : media(own)));
    expect(findingsOfServer('voice/fe', made.topology).map(({ reason }) => reason)).toEqual(expected);
  });

  it('is a peer that does not exist, until it comes, and again when it goes', () => {
    const made = contoso();
    made.set(trustedServer('crm', 'Server', { peers: ['cdr', 'far.contoso.com'] }));
    expect(found(made, 'crm')).toEqual([
      expect.stringMatching(/^ReferenceNotFound: spec.peers names cdr: there is no such pool/),
      expect.stringMatching(/^ReferenceNotFound: spec.peers names far.contoso.com: /),
    ]);
    made.forget();
    made.set(trustedServer('cdr', 'Server'), trustedServer('far', 'Server', {}, { namespace: 'web' }));
    expect(made.servers).toContain('voice/crm');
    expect(found(made, 'crm')).toEqual([]);
    made.forget();
    made.topology.setServer('voice/cdr', undefined);
    expect(made.servers).toContain('voice/crm');
    expect(found(made, 'crm')).toHaveLength(1);
  });

  it('is a listener for discovered partners while there are none', () => {
    const made = contoso();
    const anybody = { name: 'anybody', port: 5063, protocol: 'MTLS', face: 'External', partners: 'Discovered' };
    made.set(trustedServer('edge', 'Edge', { edge: { accessFQDN: 'sip.contoso.com' }, listeners: [anybody] }));
    expect(found(made, 'edge')).toEqual([
      expect.stringMatching(
        /^ReferenceNotFound: Listener anybody \(port 5063\) is for discovered partners, and .* nobody gets in\./,
      ),
    ]);
    made.forget();
    made.topology.setPartner('public', partner('public', { mode: 'Discovered', sipDomains: [], accessEdge: undefined }));
    expect(made.servers).toContain('voice/edge');
    expect(found(made, 'edge')).toEqual([]);
    made.forget();
    made.topology.setPartner('public', undefined);
    expect(made.servers).toContain('voice/edge');
    expect(found(made, 'edge')).toHaveLength(1);
  });

  it('is a peer that it has no business with, but not one that is merely not admitted', () => {
    const made = contoso();
    made.set(trustedServer('crm', 'Server', { peers: ['fe', 'outside'] }), trustedServer('fe', 'FrontEnd'));
    made.set(trustedServer('outside', 'Server', { poolFQDN: 'pool.elsewhere.com' }));
    expect(found(made, 'crm')).toEqual([
      'ReferenceNotFound: spec.peers names fe: TrustedServer voice/fe has the role FrontEnd in TrustDomain contoso, and this ' +
        'server has no business with it. Take it out of spec.peers.',
    ]);
    made.topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), security: { mesh: 'Full' } }));
    expect(found(made, 'crm')).toEqual([]);
  });

  it('is nothing where its domain is missing or does not name it', () => {
    const made = contoso();
    made.set(
      trustedServer('lost', 'Server', { trustDomain: 'nowhere', listeners }),
      trustedServer('outside', 'Server', { poolFQDN: 'pool.elsewhere.com', listeners }),
    );
    expect([found(made, 'lost'), found(made, 'outside'), found(made, 'never')]).toEqual([[], [], []]);
  });
});

describe('about a relay', () => {
  it('is a server that it names and that gets no credentials', () => {
    const made = contoso();
    made.set(trustedServer('dir', 'Director'));
    const registrars = ['dir', 'nobody'].map((name) => ({ namespace: 'voice', name }));
    made.topology.setRelay('voice/turn', relay('turn', { registrars }));
    expect(inShort(findingsOfRelay('voice/turn', made.topology))).toEqual([
      expect.stringMatching(/^ReferenceNotFound: spec.registrars names TrustedServer voice\/nobody, which does not exist/),
    ]);
    made.forget();
    made.set(trustedServer('nobody', 'Director'));
    expect(made.relays).toEqual(['voice/turn']);
    expect(findingsOfRelay('voice/turn', made.topology)).toEqual([]);
  });
});

describe('about a domain', () => {
  const domain = trustDomain();
  const own = { name: 'contoso', exists: true, anchors: [] };

  it('is an additional EnterpriseCA that does not exist; its own is said elsewhere', () => {
    const findings = findingsOfDomain(
      domain,
      [
        { ...own, exists: false },
        { ...own, name: 'public', exists: false },
      ],
      0,
    );
    expect(inShort(findings)).toEqual([
      'ReferenceNotFound: EnterpriseCA public does not exist. Create it, or take it out of spec.additionalEnterpriseCAs.',
    ]);
  });

  it('is an anchor near its end', () => {
    const anchors = [{ subject: 'CN=Contoso Root', notBefore: 0, notAfter: 1000 * day }];
    expect(findingsOfDomain(domain, [{ ...own, anchors }], 969 * day)).toEqual([]);
    expect(inShort(findingsOfDomain(domain, [{ ...own, anchors }], 970 * day))).toEqual([
      'AnchorExpiring: The anchor "CN=Contoso Root" of EnterpriseCA contoso expires at 1972-09-27T00:00:00Z. Have its successor in place by then.',
    ]);
  });
});

describe('an anchor', () => {
  const self = { kind: 'EnterpriseCA', name: 'contoso' } as const;
  const long = { subject: 'CN=Long', notBefore: 0, notAfter: 3650 * day };
  const short = { subject: 'CN=Short', notBefore: 0, notAfter: 10 * day };

  it('is warned of 30 days before its end, or in the last tenth of a short life', () => {
    expect([long, short].map(anchorWarningTime)).toEqual([3620 * day, 9 * day]);
  });

  it.each([
    [0, [], 9 * day],
    [
      9 * day,
      [
        'AnchorExpiring: The anchor "CN=Short" of EnterpriseCA contoso expires at 1970-01-11T00:00:00Z. Have its successor in place by then.',
      ],
      10 * day,
    ],
    [
      10 * day,
      [
        'AnchorExpiring: The anchor "CN=Short" of EnterpriseCA contoso expired at 1970-01-11T00:00:00Z. Have its successor in place by then.',
      ],
      3620 * day,
    ],
  ] as const)('at %d is found as %j, and looked at again at %d', (now, expected, next) => {
    expect(inShort(anchorFindings([long, short], self, self, now))).toEqual(expected);
    expect(nextAnchorFinding([long, short], now)).toBe(next);
  });

  it('that has expired is not looked at again', () => {
    expect(nextAnchorFinding([short], 11 * day)).toBeUndefined();
  });
});
