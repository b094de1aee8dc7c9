// What a store believes, and what it tells.
import type { KubeObject } from '../../../operator/api/object.ts';
import { type Change, compareResourceVersions, keyOf, Store } from '../../../operator/kube/store.ts';

const object = (name: string, resourceVersion: string, about: { uid?: string; role?: string } = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    namespace: 'voice',
    name,
    uid: about.uid ?? `uid-of-${name}`,
    resourceVersion,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...(about.role === undefined ? undefined : { labels: { role: about.role } }),
  },
});

/** A store and what it told, in short: '-1 +2' for a change from version 1 to 2. */
function observed(store = new Store<KubeObject>()) {
  const told: string[] = [];
  store.onChange((change: Change<KubeObject>) => {
    const old = change.old && `-${change.old.metadata.resourceVersion}`;
    const current = change.new && `+${change.new.metadata.resourceVersion}`;
    told.push([old, current].filter(Boolean).join(' '));
  });
  return { store, told };
}

describe('keys', () => {
  it('name a namespaced object with its namespace, another by its name alone', () => {
    expect(keyOf(object('fe01', '1'))).toBe('voice/fe01');
    expect(keyOf({ name: 'contoso' })).toBe('contoso');
    expect(keyOf({ namespace: 'voice', name: 'fe01' })).toBe('voice/fe01');
  });
});

describe('resourceVersions', () => {
  it.each([
    ['9', '10', -1],
    ['10', '9', 1],
    ['123', '123', 0],
    ['9007199254740993', '9007199254740992', 1],
  ])('%s and %s compare as integers of any length', (a, b, expected) => {
    expect(Math.sign(compareResourceVersions(a, b))).toBe(expected);
  });
});

describe('a store', () => {
  it('tells of an object that came, changed and went, with its old and new self', () => {
    const { store, told } = observed();
    store.apply(object('fe01', '1'));
    store.apply(object('fe01', '2'));
    store.remove('voice/fe01');
    expect(told).toEqual(['+1', '-1 +2', '-2']);
    expect(store.size).toBe(0);
  });

  it('says nothing of an object that did not change', () => {
    const { store, told } = observed();
    expect(store.apply(object('fe01', '1'))).toBe(true);
    expect(store.apply(object('fe01', '1'))).toBe(false);
    expect(told).toEqual(['+1']);
  });

  it('ignores a watch that lags behind the answer to an own write', () => {
    const { store, told } = observed();
    store.apply(object('fe01', '9'));
    store.apply(object('fe01', '12'));
    store.apply(object('fe01', '10'));
    expect(store.get('voice/fe01')?.metadata.resourceVersion).toBe('12');
    expect(told).toEqual(['+9', '-9 +12']);
  });

  it('does not raise a deleted object from a late word of it', () => {
    const { store, told } = observed();
    store.apply(object('fe01', '5'));
    store.remove('voice/fe01', { uid: 'uid-of-fe01', resourceVersion: '8' });
    expect(store.apply(object('fe01', '7'))).toBe(false);
    expect(told).toEqual(['+5', '-5']);
  });

  it('does not raise an object whose deletion it heard of before its last change', () => {
    const { store, told } = observed();
    store.remove('voice/fe01', { uid: 'uid-of-fe01', resourceVersion: '8' });
    expect(store.apply(object('fe01', '7'))).toBe(false);
    expect(told).toEqual([]);
  });

  it('takes a new object of the name of a deleted one', () => {
    const { store } = observed();
    store.apply(object('fe01', '5'));
    store.remove('voice/fe01');
    expect(store.apply(object('fe01', '9', { uid: 'another' }))).toBe(true);
  });

  it('does not take the deletion of a namesake for its own', () => {
    const { store } = observed();
    store.apply(object('fe01', '9', { uid: 'second' }));
    expect(store.remove('voice/fe01', { uid: 'first', resourceVersion: '8' })).toBe(false);
    expect(store.has('voice/fe01')).toBe(true);
  });

  it('tells of a namesake as of a deletion and a new object', () => {
    const { store, told } = observed();
    store.apply(object('fe01', '1', { uid: 'first' }));
    store.apply(object('fe01', '4', { uid: 'second' }));
    expect(told).toEqual(['+1', '-1', '+4']);
  });

  it('finds objects by what they are indexed by, as they are now', () => {
    const store = new Store<KubeObject>({
      indexes: { role: ({ metadata }) => (metadata.labels?.['role'] ? [metadata.labels['role']] : []) },
    });
    const namesOf = (role: string) => store.byIndex('role', role).map(({ metadata }) => metadata.name);
    store.apply(object('a', '1', { role: 'Edge' }));
    store.apply(object('b', '2', { role: 'Edge' }));
    expect(namesOf('Edge')).toEqual(['a', 'b']);
    store.apply(object('a', '3', { role: 'Director' }));
    expect([namesOf('Edge'), namesOf('Director')]).toEqual([['b'], ['a']]);
    store.remove('voice/b');
    expect(namesOf('Edge')).toEqual([]);
    expect(() => store.byIndex('colour', 'red')).toThrow('no index named colour');
  });

  it('goes on when a handler throws, and says which object it was', () => {
    const errors: unknown[] = [];
    const quiet = () => {};
    const store = new Store<KubeObject>({
      log: { debug: quiet, info: quiet, warn: quiet, error: (message, fields) => errors.push([message, fields]) },
    });
    store.onChange(() => {
      throw new Error('broken');
    });
    const { told } = observed(store);
    store.apply(object('fe01', '1'));
    expect(told).toEqual(['+1']);
    expect(errors).toEqual([['a handler of changes failed', { object: 'ConfigMap voice/fe01', error: 'broken' }]]);
  });

  it('tells a handler nothing more once it is disposed of', () => {
    const store = new Store<KubeObject>();
    let told = 0;
    {
      using _ = store.onChange(() => void told++);
      store.apply(object('fe01', '1'));
    }
    store.apply(object('fe01', '2'));
    expect(told).toBe(1);
  });

  it('lets others wait until it is filled, or until they give up', async () => {
    const store = new Store<KubeObject>();
    const giveUp = new AbortController();
    const givenUp = store.whenSynced(giveUp.signal);
    giveUp.abort(new Error('no patience'));
    await expect(givenUp).rejects.toThrow('no patience');
    const waiting = store.whenSynced(new AbortController().signal);
    store.markSynced();
    await waiting;
    expect(store.synced).toBe(true);
  });
});
