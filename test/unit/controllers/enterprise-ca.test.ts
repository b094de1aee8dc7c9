// What is done for an EnterpriseCA, what it can issue with, and what its status says.
import { parseObject } from '../../../operator/api/parse.ts';
import { type EnterpriseCA, enterpriseCA as kind } from '../../../operator/api/v1alpha1/index.ts';
import type { BackendObservation, Generation, Slot } from '../../../operator/controllers/enterprise-ca/observe.ts';
import { plan } from '../../../operator/controllers/enterprise-ca/plan.ts';
import { nextTurn, report } from '../../../operator/controllers/enterprise-ca/report.ts';
import { day, type Hierarchy, hierarchy, hour, now } from '../pki/authorities.ts';
import { kstatus } from './kstatus.ts';

function enterpriseCA(spec: object, status?: EnterpriseCA['status']): EnterpriseCA {
  const parsed = parseObject(kind, {
    apiVersion: 'trustmesh.io/v1alpha1',
    kind: 'EnterpriseCA',
    metadata: { name: 'contoso', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
  });
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  return { ...parsed.object, ...(status === undefined ? {} : { status }) };
}

const managed = enterpriseCA({ managed: {} });
const provided = enterpriseCA({ provided: { secretRef: { name: 'corporate' } } });

const first = hierarchy({ name: 'First' });
const second = hierarchy({ name: 'Second' });
const dying = hierarchy({ name: 'Dying', issuingNotAfter: now + hour });

const absent: Slot = { kind: 'Absent' };
const damaged: Slot = { kind: 'Refused', reason: 'SecretDamaged', message: 'Secret is damaged.' };
const notOurs: Slot = { kind: 'Refused', reason: 'SecretNotOwned', message: 'Secret was made for another EnterpriseCA.' };
const rootOf = ({ root, rootKeys }: Hierarchy): Slot => ({
  kind: 'Held',
  stored: { certificate: root, privateKey: rootKeys.privateKey },
  root,
});
const issuingOf = ({ root, issuing, issuingKeys }: Hierarchy): Slot => ({
  kind: 'Held',
  stored: { certificate: issuing, privateKey: issuingKeys.privateKey },
  root,
});
const whole = (number: number, of: Hierarchy): Generation => ({ number, root: rootOf(of), issuing: issuingOf(of) });
const empty = (number: number): Generation => ({ number, root: absent, issuing: absent });

const withGenerations = (...generations: readonly Generation[]): BackendObservation => ({ kind: 'Managed', generations });
const planned = (backend: BackendObservation, of = managed, at = now) => plan({ enterpriseCA: of, backend }, at);

/** In short: what is done, and which generation issues or why none does. */
function inShort(backend: BackendObservation, of = managed, at = now): string {
  const { actions, availability, hindrance } = planned(backend, of, at);
  const done = actions.map((action) => ('generation' in action ? `${action.kind} ${action.generation}` : action.kind)).join(', ');
  const able = availability.available ? `generation ${availability.authority.generation}` : availability.reason;
  return `${done || 'nothing'}; ${able}${hindrance === undefined ? '' : '; hindered'}`;
}

describe('a managed CA', () => {
  it.each<readonly [string, BackendObservation, string]>([
    ['begins with its root', withGenerations(empty(1)), 'CreateRoot 1; Creating'],
    ['goes on with its issuing CA', withGenerations({ ...whole(1, first), issuing: absent }), 'CreateIssuing 1; Creating'],
    ['issues once it has both', withGenerations(whole(1, first)), 'nothing; generation 1'],
    [
      'issues with the former generation until the next is whole',
      withGenerations(whole(1, first), empty(2)),
      'CreateRoot 2; generation 1',
    ],
    [
      'issues with the former generation until the next has its issuing CA',
      withGenerations(whole(1, first), { ...whole(2, second), issuing: absent }),
      'CreateIssuing 2; generation 1',
    ],
    ['issues with the last that is whole', withGenerations(whole(1, first), whole(2, second)), 'nothing; generation 2'],
    ['makes nothing beside what is not its own', withGenerations({ ...empty(1), root: notOurs }), 'nothing; SecretNotOwned'],
    ['makes nothing over what is damaged', withGenerations({ ...whole(1, first), issuing: damaged }), 'nothing; SecretDamaged'],
    [
      'goes on with a former generation beside what is not its own',
      withGenerations(whole(1, first), { ...empty(2), root: notOurs }),
      'nothing; generation 1; hindered',
    ],
    [
      'makes no root where an issuing CA of it is left',
      withGenerations({ ...whole(1, first), root: absent }),
      'nothing; SecretNotFound',
    ],
  ])('%s', (_what, backend, expected) => {
    expect(inShort(backend)).toBe(expected);
  });

  it('never makes a root a second time: it is asked for, or restored', () => {
    const known = {
      role: 'Root',
      generation: 1,
      subject: '',
      serial: '',
      fingerprint: '',
      keyAlgorithm: '',
      notBefore: '',
      notAfter: '',
    } as const;
    const of = enterpriseCA({ managed: {} }, { observedGeneration: 1, authorities: [known] });
    expect(inShort(withGenerations(empty(1)), of)).toBe('nothing; SecretNotFound');
    expect(planned(withGenerations(empty(1)), of).availability).toMatchObject({
      message:
        'The Secret with the root of generation 1 is gone. Restore it from a backup, or raise spec.managed.generation ' +
        'for new keys: a new root is never made in silence.',
    });
  });

  it('is trusted by every root that it ever had, also by one whose own Secret is lost', () => {
    const { availability } = planned(withGenerations({ ...whole(1, first), root: absent }, whole(2, second)));
    if (!availability.available) throw new Error(availability.message);
    expect(new Set(availability.authority.anchors.map(({ subject }) => subject))).toEqual(
      new Set([first.root.subject, second.root.subject]),
    );
    expect(availability.authority).toMatchObject({ keyId: second.issuing.subjectKeyId, intermediates: [second.issuing] });
  });

  it('has at hand what former generations could issue, the newest first', () => {
    const olderOf = (...generations: readonly Generation[]) => {
      const { availability } = planned(withGenerations(...generations));
      return availability.available ? availability.older.map(({ generation }) => generation) : [];
    };
    expect(olderOf(whole(1, first), whole(2, second), whole(3, dying))).toEqual([2, 1]);
    expect(olderOf({ ...whole(1, first), root: absent }, whole(2, second))).toEqual([]);
    expect(olderOf(whole(1, first))).toEqual([]);
  });

  it('issues nothing once it has expired, and says what to do', () => {
    expect(inShort(withGenerations(whole(1, dying)), managed, now + hour)).toBe('nothing; Expired');
    expect(planned(withGenerations(whole(1, dying)), managed, now + hour).availability).toMatchObject({
      while: 'Stalled',
      message: '"CN=Dying Issuing CA" has expired at 2026-06-15T13:00:00.000Z. Raise spec.managed.generation for new keys.',
    });
  });

  it('is looked at again when its end begins to shorten what it issues, and at its end', () => {
    const { notAfter } = first.issuing;
    expect(nextTurn(planned(withGenerations(whole(1, first))), now)).toBe(notAfter - 90 * day);
    expect(nextTurn(planned(withGenerations(whole(1, first))), notAfter - day)).toBe(notAfter);
    expect(nextTurn(planned(withGenerations(empty(1))), now)).toBeUndefined();
  });
});

describe('a provided CA', () => {
  const found = (of: Hierarchy) => ({
    chain: [of.issuing],
    anchors: [of.root],
    privateKey: of.issuingKeys.privateKey,
    notices: [],
  });
  const history = {
    anchors: [first.root],
    issuing: [first.issuing],
    keyIds: [first.issuing.subjectKeyId],
    resourceVersion: '5',
  };
  const backend = (changes: object): BackendObservation => ({
    kind: 'Provided',
    secretName: 'corporate',
    found: found(first),
    history,
    ...changes,
  });

  it.each<readonly [string, object, string]>([
    ['issues where its Secret is right', {}, 'nothing; generation 1'],
    [
      'writes down what it is trusted by before it first issues',
      { history: { anchors: [], issuing: [], keyIds: [] } },
      'WriteHistory; generation 1',
    ],
    [
      'writes down its certificate where a former version kept the key identifier alone',
      { history: { ...history, issuing: [] } },
      'WriteHistory; generation 1',
    ],
    ['writes down its successor', { found: found(second) }, 'WriteHistory; generation 1'],
    ['waits for its Secret', { found: undefined }, 'nothing; SecretNotFound'],
    [
      'says what is wrong with it',
      {
        found: {
          problems: [
            { reason: 'KeyMismatch', message: 'a' },
            { reason: 'NotCA', message: 'b' },
          ],
        },
      },
      'nothing; KeyMismatch',
    ],
  ])('%s', (_what, changes, expected) => {
    expect(inShort(backend(changes), provided)).toBe(expected);
  });

  it('is trusted by what it was before as well, for as long as that is valid', () => {
    const { actions, availability } = planned(backend({ found: found(second) }), provided);
    if (!availability.available) throw new Error(availability.message);
    expect(availability.authority.anchors).toEqual([first.root, second.root]);
    expect(availability.keyIds).toEqual([first.issuing.subjectKeyId, second.issuing.subjectKeyId]);
    expect(actions).toEqual([
      {
        kind: 'WriteHistory',
        history: {
          anchors: [first.root, second.root],
          issuing: [first.issuing, second.issuing],
          keyIds: availability.keyIds,
          resourceVersion: '5',
        },
      },
    ]);
  });

  it('issues nothing once it has expired', () => {
    expect(inShort(backend({ found: found(dying) }), provided, now + hour)).toBe('nothing; Expired');
  });

  it.each([
    ['is gone', undefined, now],
    ['holds no CA', { problems: [{ reason: 'NotCA', message: 'it is no CA' }] }, now],
    ['holds one that has expired', found(dying), now + hour],
  ])('stays trusted by what it was before where its Secret %s', (_what, holds, at) => {
    const { trusted } = planned(backend({ found: holds }), provided, at);
    expect(trusted).toMatchObject({ anchors: [first.root], issuing: [first.issuing], keyIds: [first.issuing.subjectKeyId] });
  });

  it('names every problem', () => {
    const problems = [
      { reason: 'KeyMismatch', message: 'the key is another' },
      { reason: 'NotCA', message: 'it is no CA' },
    ];
    expect(planned(backend({ found: { problems } }), provided).availability).toMatchObject({
      message: 'Secret corporate holds no CA that can issue: the key is another; it is no CA.',
    });
  });
});

it('says of a backend that this version does not have which ones it has', () => {
  expect(inShort({ kind: 'None' })).toBe('nothing; BackendNotSupported');
});

describe('the status', () => {
  const statusOf = (backend: BackendObservation, of = managed) =>
    report({ enterpriseCA: of, backend }, planned(backend, of), now);

  it.each<readonly [string, BackendObservation, object, string]>([
    ['of a CA that issues', withGenerations(whole(1, first)), { Ready: 'True Ready', Available: 'True Available' }, 'Current'],
    [
      'of one that is being made',
      withGenerations(empty(1)),
      { Ready: 'False Creating', Reconciling: 'True Creating', Available: 'False Creating' },
      'InProgress',
    ],
    [
      'of one that cannot be used',
      withGenerations({ ...empty(1), root: notOurs }),
      { Ready: 'False SecretNotOwned', Stalled: 'True SecretNotOwned', Available: 'False SecretNotOwned' },
      'Failed',
    ],
    [
      'of one whose next generation is hindered',
      withGenerations(whole(1, first), { ...empty(2), root: notOurs }),
      {
        Ready: 'False SecretNotOwned',
        Stalled: 'True SecretNotOwned',
        Available: 'True Available',
        RolloverInProgress: 'False SecretNotOwned',
      },
      'Failed',
    ],
  ])('%s', (_what, backend, expected, computed) => {
    const status = statusOf(backend);
    expect(
      Object.fromEntries((status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`])),
    ).toEqual(expected);
    expect(kstatus({ ...managed, status })).toBe(computed);
  });

  it('lists every authority, newest generation first, with its Secret', () => {
    const { authorities, generation, notAfter } = statusOf(withGenerations(whole(1, first), whole(2, second)));
    expect(authorities?.map(({ role, secretName }) => `${role} ${secretName}`)).toEqual([
      'Issuing contoso-issuing-2',
      'Root contoso-root-2',
      'Issuing contoso-issuing-1',
      'Root contoso-root-1',
    ]);
    expect(authorities?.[0]).toMatchObject({
      fingerprint: second.issuing.fingerprint,
      serial: second.issuing.serial,
      subject: 'CN=Second Issuing CA',
    });
    expect([generation, notAfter]).toEqual([2, new Date(second.issuing.notAfter).toISOString().replace('.000Z', 'Z')]);
  });

  it('goes on listing a root that is gone, so that it is not made again', () => {
    const before = statusOf(withGenerations(whole(1, first)));
    const after = statusOf(withGenerations(empty(1)), { ...managed, status: before });
    expect(after.authorities).toEqual(before.authorities?.filter(({ role }) => role === 'Root'));
    expect(after.conditions?.[0]).toMatchObject({ reason: 'SecretNotFound' });
  });
});
