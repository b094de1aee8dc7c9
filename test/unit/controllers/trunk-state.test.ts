// The trust of one server: what its trunks bring goes to it and to nobody else, and its gateways wait until it has it.
import { TrunkState, type TrunkTrust } from '../../../operator/controllers/trunk-state.ts';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import { annotation } from '../../../operator/outputs/labels.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';
import { hierarchy, now } from '../pki/authorities.ts';

const enterprise = { bundle: trustBundle([hierarchy({ name: 'Contoso' }).root], now), unknown: [] };
const { root } = hierarchy({ name: 'Gateways' });
const pair = { root: hierarchy({ name: 'Federation' }).root, cross: hierarchy({ name: 'Crossed' }).issuing };
const unavailable = { available: false, reason: 'NothingPlanned', message: '' } as const;
const trust = (changes: Partial<TrunkTrust> = {}): TrunkTrust => ({
  authority: unavailable,
  roots: [root],
  own: new Map(),
  shown: new Map(),
  ...changes,
});
const own = new Map([['voice/sbc', { anchors: [], scoped: [pair], refusals: [] }]]);

const subjects = (certificates: readonly { readonly subject: string }[]) => certificates.map(({ subject }) => subject).sort();

it('is that of its audience, and of its trunks', () => {
  const trunks = new TrunkState();
  trunks.set('voice/med01', trust({ own }));
  const { bundle, unknown } = trunks.extend('voice/med01', enterprise, now);
  expect(unknown).toEqual([]);
  expect(subjects(bundle.anchors)).toEqual(subjects([...enterprise.bundle.anchors, root, pair.root]));
  expect(subjects(bundle.crossCertificates)).toEqual(subjects([pair.cross]));
  expect(enterprise.bundle.anchors).toHaveLength(1);
});

it('is the same value while nothing changes', () => {
  const trunks = new TrunkState();
  trunks.set('voice/med01', trust());
  const first = trunks.extend('voice/med01', enterprise, now);
  expect(trunks.extend('voice/med01', enterprise, now)).toBe(first);
  expect(trunks.extend('voice/med01', enterprise, root.notAfter).bundle.hash).not.toBe(first.bundle.hash);
});

it('is not known of a server with trunks before these were looked at: nothing in place is replaced by less', () => {
  expect(new TrunkState().extend('voice/med01', enterprise, now).unknown).toEqual(['the CAs of its gateways']);
});

it('tells whether something is another than before', () => {
  const trunks = new TrunkState();
  expect(trunks.set('voice/med01', trust())).toBe(true);
  expect(trunks.set('voice/med01', trust())).toBe(false);
  expect(trunks.set('voice/med01', trust({ own }))).toBe(true);
  expect(
    trunks.set('voice/med01', trust({ own, shown: new Map([['voice/gw01', { roots: [], enterprise: true, lost: [] }]]) })),
  ).toBe(true);
  expect(trunks.keyIds()).toEqual([root.subjectKeyId]);
  expect(trunks.set('voice/med01', undefined)).toBe(true);
  expect(trunks.keyIds()).toEqual([]);
  expect(trunks.set('voice/med01', undefined)).toBe(false);
});

describe('gateways wait for their pool', () => {
  const secret = (hash: string | undefined, name = 'med01-tls', deleted = false): MetadataObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: 'voice',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '',
      ...(hash === undefined ? {} : { annotations: { [annotation.trustHash]: hash } }),
      ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
  });
  const pending = (secrets: readonly MetadataObject[], trunks = new TrunkState(), at = now) =>
    trunks.pending('voice/med01', secrets, 'new', at);

  it.each<[string, readonly MetadataObject[], string | undefined]>([
    ['not where each Secret holds the anchors', [secret('new')], undefined],
    ['not where there is none yet: it comes with them', [], undefined],
    ['not for one that is on its way out', [secret('old', 'x', true)], undefined],
    ['not for one that holds no anchors', [secret(undefined)], undefined],
    [
      'for the last that does not',
      [secret('new', 'a'), secret('old', 'b')],
      'Secret voice/b of the mediation pool does not hold the CA of its gateways yet.',
    ],
    [
      'for several',
      [secret('old', 'a'), secret('old', 'b')],
      'Secret voice/a and 1 more of the mediation pool does not hold the CA of its gateways yet.',
    ],
  ])('%s', (_title, secrets, expected) => {
    expect(pending(secrets)).toBe(expected);
  });

  it('for ten minutes at most, counted anew for other anchors', () => {
    const trunks = new TrunkState();
    expect(pending([secret('old')], trunks)).toBeDefined();
    expect(pending([secret('old')], trunks, now + 600_000)).toBeDefined();
    expect(pending([secret('old')], trunks, now + 600_001)).toBeUndefined();
    expect(trunks.pending('voice/med01', [secret('old')], 'newer', now + 600_001)).toBeDefined();
  });
});
