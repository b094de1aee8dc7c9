// What is done for a server, and what its status says: given an observation, expect these actions and conditions.
import { warningTime } from '../../../operator/controllers/planned-certificate.ts';
import type { Obstacle } from '../../../operator/controllers/policies.ts';
import type { Outcome } from '../../../operator/controllers/trusted-server/enact.ts';
import type { Observation } from '../../../operator/controllers/trusted-server/observe.ts';
import { type Plan, plan } from '../../../operator/controllers/trusted-server/plan.ts';
import { report } from '../../../operator/controllers/trusted-server/report.ts';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import type { Finding } from '../../../operator/topology/findings.ts';
import { certificateNeeds } from '../../../operator/topology/names.ts';
import { day, hour, now } from '../pki/authorities.ts';
import { admitting, namespace, trustDomain, trustedServer } from '../topology/objects.ts';
import { kstatus } from './kstatus.ts';
import {
  absent,
  authority,
  bundle,
  current,
  domain,
  factsOf,
  need,
  observation,
  secretOf,
  server,
  unavailable,
} from './observed.ts';

const nothingDone: Outcome = { certificates: new Map(), obstacles: new Map(), trustNotOwned: false };
const actionsOf = ({ certificates, trust }: Plan) => [...certificates, ...trust];
const kindsOf = (planned: Plan) => actionsOf(planned).map(({ kind }) => kind);
const kinds = (changes: Partial<Observation>) => kindsOf(plan(observation(changes), now));
const refused = { admitted: false, reason: 'NamespaceNotAdmitted', message: 'not here' } as const;
const leftover = secretOf({ ...need, secretName: 'gone' }, factsOf(need));
/** Its ConfigMap, with these changes from a server that asks for none. */
const ofItsOwn = (changes: Partial<Observation['ownTrust']>) => ({
  ownTrust: { current: true, asked: false, refused: [], ...changes },
});
const wanted = { data: { 'ca.crt': '' }, hash: 'h' };
const configMap = leftover;

describe('for a server', () => {
  it.each<readonly [string, Partial<Observation>, readonly string[]]>([
    ['that has what it needs, nothing is done', {}, []],
    ['without its certificate, one is issued', { needs: [absent()] }, ['Issue']],
    ['with two needs, each has what it wants', { needs: [absent(), current({ renewAt: now })] }, ['Issue', 'Issue']],
    ['whose anchors changed, the Secret is refreshed and its key left alone', { needs: [current({ stale: true })] }, ['Refresh']],
    [
      'whose anchors changed while it cannot be renewed, likewise',
      { needs: [current({ stale: true, renewAt: now, state: unavailable })] },
      ['Refresh'],
    ],
    [
      'whose anchors changed while an edit cannot be repaired, likewise: else nobody could issue in the domain',
      {
        needs: [
          current({ stale: true, facts: factsOf(need, { serial: '0b' }), trustPending: 'Secrets of the domain do not hold' }),
        ],
      },
      ['Refresh'],
    ],
    ['whose anchors nobody knows, nothing is done', { needs: [withoutBundle()] }, []],
    ['whose member went, its Secret goes', { leftovers: [leftover] }, ['Delete']],
    [
      'whose Secret got another name, the old one serves until the new one is there',
      { needs: [absent()], leftovers: [leftover], awaited: new Set(['gone']) },
      ['Issue'],
    ],
    ['whose member went, a Secret that is going already is left to go', { leftovers: [deleting(leftover)] }, []],
    ['that asks for trust of its own, it is written', ofItsOwn({ wanted, current: false, asked: true }), ['WriteTrust']],
    ['whose own trust is current, it is left', ofItsOwn({ wanted, existing: configMap, asked: true }), []],
    ['that no longer asks, it goes', ofItsOwn({ existing: configMap, current: false, asked: false }), ['DeleteTrust']],
    [
      'whose own trust cannot be told now, what is there stays',
      ofItsOwn({ existing: configMap, current: false, asked: true }),
      [],
    ],
  ])('%s', (_what, changes, expected) => {
    expect(kinds(changes)).toEqual(expected);
  });

  it('replaces what is there in one write, and says what it issues with and why', () => {
    const due = current({ renewAt: now });
    expect(actionsOf(plan(observation({ needs: [due] }), now))).toEqual([
      {
        kind: 'Issue',
        need,
        authority,
        bundle,
        profileHash: due.profileHash,
        cause: { kind: 'Due', because: 'it is due for renewal' },
        replaces: due.secret,
      },
    ]);
  });

  it('copies what is shared, once it is there', () => {
    const shared = certificateNeeds(trustedServer('pool01', 'FrontEnd'), domain).find((each) => each.shared === 'Domain') ?? need;
    const source = { secret: secretOf(shared, factsOf(shared)), facts: factsOf(shared) };
    expect(actionsOf(plan(observation({ needs: [absent({ source }, shared)] }), now))).toMatchObject([
      { kind: 'Copy', need: shared, source: source.secret, facts: source.facts },
    ]);
    expect(plan(observation({ needs: [absent({}, shared)] }), now)).toMatchObject({
      certificates: [],
      trust: [],
      needs: [{ obstacle: { reason: 'SharedCertificatePending' } }],
    });
  });
});

function withoutBundle() {
  const { bundle: _, ...observed } = absent();
  return observed;
}

function deleting({ metadata, ...object }: MetadataObject): MetadataObject {
  return { ...object, metadata: { ...metadata, deletionTimestamp: '2026-06-15T00:00:00Z' } };
}

describe('nothing is created, changed or taken away', () => {
  const everything: Partial<Observation> = {
    needs: [absent(), current({ stale: true })],
    leftovers: [leftover],
    ...ofItsOwn({ wanted, current: false, asked: true }),
  };
  it.each<readonly [string, Partial<Observation>]>([
    [
      'for a server that is being deleted',
      { ...everything, server: trustedServer('pool01', 'FrontEnd', {}, { deletionTimestamp: '2026-06-15T00:00:00Z' }) },
    ],
    ['in a namespace that terminates', { ...everything, namespace: namespace('voice', {}, true) }],
    ['in a namespace that nobody knows', { ...everything, namespace: undefined }],
    [
      'while the domain is missing',
      {
        domain: undefined,
        admission: undefined,
        needs: [],
        leftovers: [leftover],
        ...ofItsOwn({ existing: configMap, current: false, asked: false }),
      },
    ],
    ['while the CA is missing, and nothing is due', { needs: [current({ state: unavailable })] }],
  ])('%s', (_what, changes) => {
    expect(kinds(changes)).toEqual([]);
  });
});

describe('a server that lost its admission', () => {
  const lost = (changes: Partial<Observation> = {}, at = now) =>
    plan(observation({ admission: refused, graceEnd: now + hour, ...changes }), at);

  it('keeps its Secrets, with current anchors, and gets no new ones', () => {
    expect(actionsOf(lost({ needs: [current({ renewAt: now }), absent()] }))).toEqual([]);
    expect(kindsOf(lost({ needs: [current({ renewAt: now, stale: true })] }))).toEqual(['Refresh']);
  });

  it('keeps Secrets that no need asks for until they expire', () => {
    expect(actionsOf(lost({ leftovers: [leftover] }))).toEqual([]);
    expect(kindsOf(lost({ leftovers: [leftover] }, factsOf(need).notAfter))).toContain('Delete');
  });

  it('keeps those that it needs until they expire, too', () => {
    const { notAfter } = factsOf(need);
    expect(actionsOf(lost({}, notAfter - 1))).toEqual([]);
    expect(kindsOf(lost({}, notAfter))).toEqual(['Delete']);
  });

  it('keeps its own trust', () => {
    expect(actionsOf(lost(ofItsOwn({ existing: configMap, current: false, asked: false })))).toEqual([]);
  });

  it('is looked at again when its grace ends', () => {
    expect(lost().lookAgainAt).toBe(now + hour);
    expect(lost({ graceEnd: now - 1 }).lookAgainAt).not.toBe(now - 1);
  });
});

describe('a server is looked at again', () => {
  const at = (...needs: Observation['needs']) => plan(observation({ needs }), now).lookAgainAt;

  it('when the first of its certificates is due', () => {
    expect(at(current({ renewAt: now + 5000 }), current({ renewAt: now + 3000 }))).toBe(now + 3000);
  });

  it('when an obstacle passes by itself', () => {
    expect(at(absent({ conflict: { message: 'reserved', until: now + hour } }))).toBe(now + hour);
  });

  it('when it is time to warn of what cannot be renewed, and when that ends', () => {
    const facts = factsOf(need, { renewAt: now - hour });
    const blocked = current({ facts, renewAt: now - hour, state: unavailable });
    expect(at(blocked)).toBe(warningTime(facts));
    expect(plan(observation({ needs: [blocked] }), warningTime(facts)).lookAgainAt).toBe(facts.notAfter);
  });

  it('never, where nothing comes by itself', () => {
    expect(at(absent({ conflict: { message: 'held' } }))).toBeUndefined();
  });
});

describe('the status', () => {
  const statusOf = (changes: Partial<Observation> = {}, outcome: Outcome = nothingDone, at = now) => {
    const seen = observation(changes);
    return report(seen, plan(seen, at), outcome, at);
  };
  const conditionsOf = (changes: Partial<Observation> = {}, outcome?: Outcome) =>
    Object.fromEntries(
      (statusOf(changes, outcome).status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
    );

  it.each<readonly [string, Partial<Observation>, Outcome, object, string]>([
    [
      'of a server that has everything',
      {},
      nothingDone,
      {
        Ready: 'True Ready',
        TopologyValid: 'True Admitted',
        CertificatesIssued: 'True Issued',
        TrustDistributed: 'True Distributed',
      },
      'Current',
    ],
    [
      'of one that was issued to just now',
      { needs: [absent()] },
      { ...nothingDone, certificates: new Map([[need.secretName, factsOf(need)]]) },
      {
        Ready: 'True Ready',
        TopologyValid: 'True Admitted',
        CertificatesIssued: 'True Issued',
        TrustDistributed: 'True Distributed',
      },
      'Current',
    ],
    [
      'of one whose domain is missing',
      { domain: undefined, admission: undefined, needs: [] },
      nothingDone,
      {
        Ready: 'False TrustDomainNotFound',
        Stalled: 'True TrustDomainNotFound',
        TopologyValid: 'False TrustDomainNotFound',
        CertificatesIssued: 'Unknown NothingPlanned',
        TrustDistributed: 'Unknown NothingPlanned',
      },
      'Failed',
    ],
    [
      'of one whose domain overlaps another',
      { domainProblem: 'overlaps' },
      nothingDone,
      {
        Ready: 'False TrustDomainNotValid',
        Stalled: 'True TrustDomainNotValid',
        TopologyValid: 'False TrustDomainNotValid',
        CertificatesIssued: 'True Issued',
        TrustDistributed: 'True Distributed',
      },
      'Failed',
    ],
    [
      'of one that is not admitted',
      { admission: refused, needs: [absent()] },
      nothingDone,
      {
        Ready: 'False NamespaceNotAdmitted',
        Stalled: 'True NamespaceNotAdmitted',
        TopologyValid: 'False NamespaceNotAdmitted',
        CertificatesIssued: 'False NamespaceNotAdmitted',
        TrustDistributed: 'True Distributed',
      },
      'Failed',
    ],
    [
      'of one in conflict over a name',
      { needs: [absent({ conflict: { message: 'held' } })] },
      nothingDone,
      {
        Ready: 'False NameConflict',
        Stalled: 'True NameConflict',
        TopologyValid: 'False NameConflict',
        CertificatesIssued: 'False NameConflict',
        TrustDistributed: 'True Distributed',
      },
      'Failed',
    ],
    [
      'of one whose Secret is somebody else’s',
      { needs: [absent({ foreign: true })] },
      nothingDone,
      {
        Ready: 'False SecretNotOwned',
        Stalled: 'True SecretNotOwned',
        TopologyValid: 'True Admitted',
        CertificatesIssued: 'False SecretNotOwned',
        TrustDistributed: 'True Distributed',
      },
      'Failed',
    ],
    [
      'of one whose trust is on the way',
      { needs: [absent({ trustPending: 'not yet' })] },
      nothingDone,
      {
        Ready: 'False TrustPending',
        Reconciling: 'True TrustPending',
        TopologyValid: 'True Admitted',
        CertificatesIssued: 'False TrustPending',
        TrustDistributed: 'False TrustPending',
      },
      'InProgress',
    ],
    [
      'of one whose ConfigMap is somebody else’s',
      {},
      { ...nothingDone, trustNotOwned: true },
      {
        Ready: 'False SecretNotOwned',
        Stalled: 'True SecretNotOwned',
        TopologyValid: 'True Admitted',
        CertificatesIssued: 'True Issued',
        TrustDistributed: 'False SecretNotOwned',
      },
      'Failed',
    ],
    [
      'of one whose namespace nobody knows yet',
      { namespace: undefined },
      nothingDone,
      {
        Ready: 'False NamespaceNotFound',
        Reconciling: 'True NamespaceNotFound',
        TopologyValid: 'Unknown NamespaceNotFound',
        CertificatesIssued: 'Unknown NothingPlanned',
        TrustDistributed: 'Unknown NothingPlanned',
      },
      'InProgress',
    ],
    [
      'of one in a namespace that terminates',
      { namespace: namespace('voice', {}, true) },
      nothingDone,
      {
        Ready: 'False NamespaceTerminating',
        Stalled: 'True NamespaceTerminating',
        TopologyValid: 'False NamespaceTerminating',
        CertificatesIssued: 'Unknown NothingPlanned',
        TrustDistributed: 'Unknown NothingPlanned',
      },
      'Failed',
    ],
  ])('%s', (_what, changes, outcome, conditions, expected) => {
    expect(conditionsOf(changes, outcome)).toEqual(conditions);
    expect(kstatus({ ...server, status: statusOf(changes, outcome).status })).toBe(expected);
  });

  describe('shows what is found about it', () => {
    const self = { kind: 'TrustedServer', namespace: 'voice', name: 'pool01' } as const;
    const found = (...reasons: readonly Finding['reason'][]) =>
      reasons.map((reason): Finding => ({ reason, message: `${reason} of a trunk.`, concerns: [self] }));

    it('in conditions of their own and by name in TopologyValid, and is Ready', () => {
      const findings = found('UnencryptedLink', 'SRTPNotPossible', 'UntrustedGateway');
      expect(conditionsOf({ findings })).toMatchObject({
        Ready: 'True Ready',
        TopologyValid: 'True Admitted',
        LinkEncrypted: 'False UnencryptedLink',
        MediaEncrypted: 'False SRTPNotPossible',
        CertificateTrusted: 'False UntrustedGateway',
      });
      const { conditions } = statusOf({ findings }).status;
      expect(conditions?.find(({ type }) => type === 'TopologyValid')?.message).toBe(
        'TrustDomain contoso names this server as FrontEnd. What is found about it: UnencryptedLink, SRTPNotPossible, UntrustedGateway.',
      );
    });

    it.each<readonly [string, string, readonly Finding[], string | undefined]>([
      ['Required', 'Supported', [], 'False EncryptedWherePossible'],
      ['Supported', 'NotSupported', [], 'False MediaUnencrypted'],
      ['Supported', 'Required', [], undefined],
      ['Supported', 'NotSupported', found('SRTPNotPossible'), 'False SRTPNotPossible'],
    ])('and a level of media below that of its domain: domain %s, server %s', (level, own, findings, expected) => {
      const media = (encryptionLevel: string) => ({ media: { encryptionLevel } });
      const changes = {
        server: trustedServer('pool01', 'FrontEnd', media(own)),
        domain: trustDomain('contoso', { ...admitting('voice'), ...media(level) }),
        findings,
      };
      expect(conditionsOf(changes)).toMatchObject({ Ready: 'True Ready' });
      expect(conditionsOf(changes)['MediaEncrypted']).toBe(expected);
    });
  });

  it('lists each certificate in force, and the first end and renewal of all', () => {
    const [second = need] = certificateNeeds(trustedServer('pool01', 'Director'), domain);
    const later = factsOf(second, { notAfter: now + 100 * day, renewAt: now + 20 * day });
    const { status } = statusOf(
      { needs: [current(), absent({}, { ...second, secretName: 'second' })] },
      { ...nothingDone, certificates: new Map([['second', later]]) },
    );
    expect(status.certificates).toEqual([
      {
        use: 'Default',
        member: 'pool01-a',
        secretName: 'pool01-pool01-a-tls',
        serial: '0a',
        fingerprint: 'ab'.repeat(32),
        notBefore: '2026-06-05T12:00:00Z',
        notAfter: '2026-09-03T12:00:00Z',
        renewAt: '2026-07-25T12:00:00Z',
      },
      expect.objectContaining({ secretName: 'second' }),
    ]);
    expect(status).toMatchObject({ notAfter: '2026-09-03T12:00:00Z', renewAt: '2026-07-05T12:00:00Z', observedGeneration: 1 });
  });

  it('keeps what it said of certificates while the domain is missing', () => {
    const before = statusOf().status;
    const { status } = statusOf({ server: { ...server, status: before }, domain: undefined, admission: undefined, needs: [] });
    expect(status.certificates).toEqual(before.certificates);
  });

  it('leaves out a certificate that was edited or has expired', () => {
    expect(
      statusOf({ needs: [current({ facts: factsOf(need, { serial: '0b' }), foreign: true })] }).status.certificates,
    ).toBeUndefined();
    expect(
      statusOf({ needs: [current({ state: unavailable })] }, nothingDone, factsOf(need).notAfter).status.certificates,
    ).toBeUndefined();
  });

  it('keeps what probes said', () => {
    const probed = {
      type: 'HandshakesVerified',
      status: 'True',
      reason: 'Verified',
      message: '',
      observedGeneration: 1,
      lastTransitionTime: 'then',
    } as const;
    const { status } = statusOf({ server: { ...server, status: { observedGeneration: 1, conditions: [probed] } } });
    expect(status.conditions).toContainEqual(probed);
  });

  it('names the outputs of an Edge that check no CRLs, while those of partners are delivered', () => {
    const told = (changes: Partial<Observation['ownTrust']>) =>
      statusOf(ofItsOwn(changes)).status.conditions?.find(({ type }) => type === 'TrustDistributed')?.message;
    expect(told({ withoutRevocation: ['Kamailio', 'OpenSIPS'] })).toBe(
      'The anchors of its peers are in place. CRLs of partners are not checked by Kamailio, OpenSIPS: whom they revoke is let in there.',
    );
    for (const changes of [{}, { withoutRevocation: [] }]) expect(told(changes)).toBe('The anchors of its peers are in place.');
  });

  it('is the same when nothing changed, however late', () => {
    const before = statusOf().status;
    expect(statusOf({ server: { ...server, status: before } }, nothingDone, now + hour).status).toEqual(before);
  });

  it('says so once, when what cannot be renewed is about to end', () => {
    const facts = factsOf(need, { renewAt: now - hour });
    const changes = { needs: [current({ facts, renewAt: now - hour, state: unavailable })] };
    const messageAt = (at: number) =>
      statusOf(changes, nothingDone, at).status.conditions?.find(({ type }) => type === 'CertificatesIssued')?.message;
    expect(messageAt(warningTime(facts) - 1)).toBe('EnterpriseCA contoso has expired.');
    expect(messageAt(warningTime(facts))).toBe(
      'EnterpriseCA contoso has expired. What is in place expires at 2026-09-03T12:00:00Z.',
    );
    expect(messageAt(warningTime(facts) + hour)).toBe(messageAt(warningTime(facts)));
  });

  it('puts what waits for somebody before what comes by itself, and counts the rest', () => {
    const obstacles: readonly (readonly [string, Obstacle])[] = [
      ['a', { reason: 'WriteFailed', message: 'a moment', while: 'Reconciling' }],
      ['b', { reason: 'SecretNotOwned', message: 'in the way', while: 'Stalled' }],
    ];
    const needs = ['a', 'b', 'c'].map((secretName) => absent({}, { ...need, secretName }));
    const certificates = new Map([['c', factsOf(need)]]);
    const { status } = statusOf({ needs }, { ...nothingDone, certificates, obstacles: new Map(obstacles) });
    expect(status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'CertificatesIssued',
        reason: 'SecretNotOwned',
        message: '2 of 3 certificates wait. in the way',
      }),
    );
  });

  it.each([
    ['trust that is on the way', { needs: [absent({ trustPending: 'not yet' })] }, true],
    [
      'a CA that was not read yet',
      { needs: [absent({ state: { available: false, reason: 'EnterpriseCANotFound', message: '' } })] },
      true,
    ],
    ['a CA that has expired', { needs: [absent({ state: unavailable })] }, false],
    ['a name in conflict', { needs: [absent({ conflict: { message: 'held' } })] }, false],
    ['nothing', {}, false],
  ])('waits before it tells of %s: %#', (_what, changes, settling) => {
    expect(statusOf(changes).settling).toBe(settling);
  });
});
