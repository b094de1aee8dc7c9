// A media relay and its credentials on a real API server: who gets which secret, and how it is rolled without a moment at which
// a registrar presents what the relay does not accept.
import { setTimeout as pause } from 'node:timers/promises';
import type { MediaRelay } from '../../operator/api/v1alpha1/index.ts';
import { configMaps, events, mediaRelays, secrets, trustedServers } from '../../operator/kube/resource.ts';
import { mostRelays } from '../../operator/topology/relay-users.ts';
import { leafOf, namesOf, serverManifest, startTrustmesh, type Trustmesh, textOf } from '../support/installation.ts';
import { accepted, contosoWithPerimeter, patchRelay, presented, relayManifest, relayWhen } from '../support/media-relay.ts';
import { waitFor } from '../support/wait.ts';

let trustmesh: Trustmesh;

const server = (name: string, role: string) =>
  serverManifest(name, { role, poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}01.contoso.com` }] });
const copyOf = (registrar: string, relay: string) => ({ namespace: 'media', name: `${registrar}-relay-${relay}.perimeter` });
const copies = async () => (await trustmesh.secretNames('media')).filter((name) => name.includes('-relay-'));

beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contosoWithPerimeter + server('fe', 'FrontEnd') + server('med', 'Mediation') + server('app', 'Server'));
});

afterAll(() => trustmesh[Symbol.asyncDispose]());

describe('what a Ready relay has', () => {
  it('has a certificate for its name, from the CA of the domain, in a Secret of its own', async () => {
    await trustmesh.apply(relayManifest('turn', { ports: { relay: { from: 50000, to: 50999 } } }));
    const relay = await relayWhen(trustmesh, 'turn');
    const secret = await trustmesh.secret('perimeter', 'turn-tls');
    expect(namesOf(leafOf(secret))).toEqual(['turn.contoso.com', 'spiffe://contoso.com/media-relay/turn.contoso.com']);
    expect(secret.type).toBe('kubernetes.io/tls');
    expect(secret.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'MediaRelay', name: 'turn', uid: relay.metadata.uid, controller: true }),
    ]);
    expect(relay.status).toMatchObject({
      phase: 'Stable',
      registrars: 2,
      certificate: { secretName: 'turn-tls', serial: leafOf(secret).serialNumber.toLowerCase() },
    });
    expect(relay.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'Ready=True',
      'TopologyValid=True',
      'CertificatesIssued=True',
      'CredentialsDistributed=True',
    ]);
  });

  it('has one secret, which exactly the registrars and mediation servers of its domain present', async () => {
    const [only, ...others] = await accepted(trustmesh, 'turn');
    expect(others).toEqual([]);
    expect(Buffer.from(only ?? '', 'base64url')).toHaveLength(32);
    expect(await copies()).toEqual(['fe-relay-turn.perimeter', 'med-relay-turn.perimeter']);
    expect(await trustmesh.secretNames('perimeter')).toEqual(['turn-credentials', 'turn-tls']);
    for (const registrar of ['fe', 'med']) {
      const copy = await trustmesh.secret('media', copyOf(registrar, 'turn').name);
      expect(Object.keys(copy.data ?? {}).sort()).toEqual(['fqdn', 'lifetime', 'realm', 'secret', 'uris']);
      expect(textOf(copy, 'secret')).toBe(only);
      expect(textOf(copy, 'uris')).toBe(
        'turn:turn.contoso.com:3478?transport=udp\nturn:turn.contoso.com:3478?transport=tcp\nturns:turn.contoso.com:5349?transport=tcp\n',
      );
      expect([textOf(copy, 'realm'), textOf(copy, 'lifetime')]).toEqual(['contoso.com', '28800']);
      expect(copy.metadata.ownerReferences).toEqual([expect.objectContaining({ kind: 'TrustedServer', name: registrar })]);
    }
  });

  it('keeps the secret out of its status, its events, annotations, ConfigMaps and the log', async () => {
    const [secret = ''] = await accepted(trustmesh, 'turn');
    const relay = await trustmesh.admin.get(mediaRelays, { namespace: 'perimeter', name: 'turn' });
    const { items } = await trustmesh.admin.list(configMaps);
    const metadata = (await trustmesh.admin.list(secrets, { metadataOnly: true })).items;
    const told = (await trustmesh.admin.list(events)).items;
    for (const shown of [relay, items, metadata, told, trustmesh.operator.logs()]) {
      expect(JSON.stringify(shown)).not.toContain(secret);
    }
  });

  it('writes nothing more once all is in place', async () => {
    const versions = async () => {
      const { items } = await trustmesh.admin.list(secrets, {
        labelSelector: 'trustmesh.io/media-relay=turn',
        metadataOnly: true,
      });
      return items.map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`).sort();
    };
    const before = await versions();
    expect(before).toHaveLength(5);
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await trustmesh.apply(relayManifest('another', { registrars: [] }));
    await relayWhen(trustmesh, 'another');
    expect(await versions()).toEqual(before);
  });
});

describe('who gets the secret', () => {
  it('is whom the relay names, of whatever role, and nobody else', async () => {
    const registrars = ['fe', 'app'].map((name) => ({ namespace: 'media', name }));
    await trustmesh.apply(relayManifest('named', { registrars }));
    await relayWhen(trustmesh, 'named');
    expect((await copies()).filter((name) => name.includes('named'))).toEqual([
      'app-relay-named.perimeter',
      'fe-relay-named.perimeter',
    ]);
  });

  it('loses it when the relay no longer names it; and as it still knows it, the secret is rolled', async () => {
    await patchRelay(trustmesh, 'named', { registrars: [{ namespace: 'media', name: 'fe' }] });
    await relayWhen(trustmesh, 'named', 'rolling', ({ status }) => status?.phase === 'Prepared');
    expect(await trustmesh.find(secrets, copyOf('app', 'named'))).toBeUndefined();
    await waitFor('a second secret', async () => (await accepted(trustmesh, 'named')).length === 2);
  });

  it('is nobody where the relay lies in a namespace that the domain does not admit for Edges', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } };
    await trustmesh.apply(`${JSON.stringify(namespace)}\n---\n${relayManifest('stray').replaceAll('perimeter', 'elsewhere')}`);
    const refused = await waitFor('the refusal', async () => {
      const relay = await trustmesh.find(mediaRelays, { namespace: 'elsewhere', name: 'stray' });
      return relay?.status?.conditions?.find(({ type }) => type === 'TopologyValid');
    });
    expect(refused).toMatchObject({ status: 'False', reason: 'NamespaceNotAdmitted' });
    expect(await trustmesh.secretNames('elsewhere')).toEqual([]);
    expect((await copies()).filter((name) => name.includes('stray'))).toEqual([]);
  });
});

describe('what others do to copies', () => {
  it('is repaired: an edited copy, and a deleted one, with the secrets that are in force', async () => {
    const before = await accepted(trustmesh, 'turn');
    const copy = await trustmesh.secret('media', 'fe-relay-turn.perimeter');
    const forged = Buffer.from('forged').toString('base64');
    await trustmesh.admin.patch(secrets, copyOf('fe', 'turn'), {
      metadata: { resourceVersion: copy.metadata.resourceVersion },
      data: { secret: forged },
    });
    await waitFor('the copy to be put back', async () => (await presented(trustmesh, 'fe', 'turn')) === textOf(copy, 'secret'));
    await trustmesh.admin.delete(secrets, { namespace: 'perimeter', name: 'turn-credentials' });
    await waitFor('the relay to have its secrets back', async () => {
      const secret = await trustmesh.find(secrets, { namespace: 'perimeter', name: 'turn-credentials' });
      return secret !== undefined;
    });
    expect(await accepted(trustmesh, 'turn')).toEqual(before);
  });

  it('is left alone where the name is not ours: the relay says so, and everybody else has a copy', async () => {
    const taken = { name: 'med-relay-blocked.perimeter', namespace: 'media' };
    await trustmesh.admin.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: taken, data: {} });
    await trustmesh.apply(relayManifest('blocked'));
    const relay = await relayWhen(
      trustmesh,
      'blocked',
      'told',
      ({ status }) => status?.conditions?.some(({ reason }) => reason === 'SecretNotOwned') === true,
    );
    expect(relay.status?.conditions?.find(({ type }) => type === 'CredentialsDistributed')?.message).toContain(taken.name);
    expect((await accepted(trustmesh, 'blocked'))[0]).toBe(await presented(trustmesh, 'fe', 'blocked'));
    expect((await trustmesh.secret('media', taken.name)).data).toBeUndefined();
  });

  it('does not keep a registrar from news: a copy that was frozen is made again', async () => {
    const { resourceVersion, uid } = (await trustmesh.secret('media', 'fe-relay-turn.perimeter')).metadata;
    await trustmesh.admin.patch(secrets, copyOf('fe', 'turn'), { metadata: { resourceVersion }, immutable: true });
    await patchRelay(trustmesh, 'turn', { ports: { turns: 443 } });
    const copy = await waitFor('a copy with the new port', async () => {
      const seen = await trustmesh.find(secrets, copyOf('fe', 'turn'));
      return seen !== undefined && textOf(seen, 'uris').includes('turns:turn.contoso.com:443') ? seen : undefined;
    });
    expect(copy.metadata.uid).not.toBe(uid);
    expect([textOf(copy, 'secret')]).toEqual(await accepted(trustmesh, 'turn'));
  });

  it('costs no call where the record itself was lost: what was accepted still is, beside a new secret', async () => {
    await trustmesh.apply(relayManifest('forgetful'));
    await relayWhen(trustmesh, 'forgetful');
    const [before = ''] = await accepted(trustmesh, 'forgetful');
    await trustmesh.admin.delete(secrets, { namespace: 'trustmesh-system', name: 'forgetful.perimeter.media-relay' });
    await relayWhen(trustmesh, 'forgetful', 'rolling', ({ status }) => status?.phase === 'Prepared');
    await waitFor('two secrets', async () => (await accepted(trustmesh, 'forgetful')).length === 2);
    expect(await accepted(trustmesh, 'forgetful')).toContain(before);
    expect(await presented(trustmesh, 'fe', 'forgetful')).toBe(before);
  });
});

/** Looks at the copies for as long as it lives. Tells which secrets a registrar presented that the relay did not accept. */
function watchCopies(relay: string, registrars: readonly string[]): AsyncDisposable & { unknown(): Promise<readonly string[]> } {
  const ended = new AbortController();
  const unknown: string[] = [];
  const watching = (async () => {
    let rounds = 0;
    for (; !ended.signal.aborted; rounds += 1) {
      // Whatever happens in between: what is presented at that moment is accepted just before and just after.
      const before = await accepted(trustmesh, relay);
      const shown = await Promise.all(registrars.map((name) => presented(trustmesh, name, relay)));
      const after = await accepted(trustmesh, relay);
      unknown.push(...shown.filter((each) => each !== undefined && !(before.includes(each) && after.includes(each))).map(String));
      await pause(20);
    }
    return rounds;
  })();
  const end = async () => {
    ended.abort();
    expect(await watching).toBeGreaterThan(100);
    return unknown;
  };
  return { unknown: end, [Symbol.asyncDispose]: async () => void (await end()) };
}

describe('a roll', () => {
  it('never has a registrar present what the relay does not accept, though the operator is killed in every phase', async () => {
    const credentials = { lifetime: '1m', rollEvery: '720h', propagation: '4s' };
    await trustmesh.apply(relayManifest('rolled', { credentials }));
    await relayWhen(trustmesh, 'rolled');
    const first = await presented(trustmesh, 'fe', 'rolled');
    await using watch = watchCopies('rolled', ['fe', 'med']);
    const killed = async () => {
      await trustmesh.operator[Symbol.asyncDispose]();
      await trustmesh.startReplica();
    };

    await patchRelay(trustmesh, 'rolled', { credentials: { generation: 2 } });
    await waitFor('a second secret', async () => (await accepted(trustmesh, 'rolled')).length === 2);
    expect(await presented(trustmesh, 'fe', 'rolled')).toBe(first);
    await killed();
    await waitFor('the registrars to present it', async () => (await presented(trustmesh, 'fe', 'rolled')) !== first, {
      limitMs: 20_000,
    });
    await killed();
    const overlap = await relayWhen(trustmesh, 'rolled', 'in overlap', ({ status }) => status?.phase === 'Overlap');
    expect(await accepted(trustmesh, 'rolled')).toContain(first);
    const since = Date.now();
    await relayWhen(trustmesh, 'rolled', 'rolled', ({ status }) => status?.phase === 'Stable', 90_000);
    expect(Date.now() - since).toBeGreaterThan(50_000);
    expect(await watch.unknown()).toEqual([]);
    const [only, ...others] = await accepted(trustmesh, 'rolled');
    expect(others).toEqual([]);
    expect(only).not.toBe(first);
    expect([await presented(trustmesh, 'fe', 'rolled'), await presented(trustmesh, 'med', 'rolled')]).toEqual([only, only]);
    expect(Date.parse(overlap.status?.rollAt ?? '')).toBeGreaterThan(Date.now());
    // The operators that were killed may have taken the events of the first two steps with them.
    await waitFor('the event that tells of the end', async () => {
      const { items } = await trustmesh.admin.list(events, { namespace: 'perimeter' });
      return items.some(({ reason, regarding }) => reason === 'RolloverCompleted' && regarding.name === 'rolled');
    });
  });
});

describe('nobody holds a roll up', () => {
  const credentials = { lifetime: '1m', rollEvery: '720h', propagation: '1s' };
  const setFinalizers = async (name: string, finalizers: readonly string[] | null) => {
    const options = { contentType: 'application/merge-patch+json' };
    const path = `/api/v1/namespaces/media/secrets/${name}`;
    await trustmesh.admin.request('PATCH', path, { metadata: { finalizers } }, options);
  };

  it('who is a registrar no more, and keeps its copy by a finalizer or makes one up', async () => {
    const registrars = ['fe', 'app'].map((name) => ({ namespace: 'media', name }));
    await trustmesh.apply(relayManifest('guarded', { credentials, registrars }));
    await relayWhen(trustmesh, 'guarded');
    const copy = await trustmesh.secret('media', copyOf('app', 'guarded').name);
    const { labels, annotations, ownerReferences } = copy.metadata;
    const forged = { name: 'forged', namespace: 'media', labels, annotations, ownerReferences, finalizers: ['example.com/mine'] };
    await setFinalizers(copyOf('app', 'guarded').name, forged.finalizers);
    await trustmesh.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: forged, data: copy.data }));
    await patchRelay(trustmesh, 'guarded', { registrars: [{ namespace: 'media', name: 'fe' }] });
    await relayWhen(trustmesh, 'guarded', 'rolling', ({ status }) => status?.phase === 'Overlap');
    await relayWhen(trustmesh, 'guarded', 'rolled', ({ status }) => status?.phase === 'Stable', 90_000);
    expect(await accepted(trustmesh, 'guarded')).toEqual([await presented(trustmesh, 'fe', 'guarded')]);
    for (const name of ['forged', copyOf('app', 'guarded').name]) {
      const left = await trustmesh.secret('media', name);
      expect(left.metadata.deletionTimestamp).toBeDefined();
      await setFinalizers(name, null);
    }
  });
});

describe('a relay that is replaced as a whole', () => {
  it('accepts what its predecessor did, and gets another secret without a call losing it', async () => {
    await trustmesh.apply(relayManifest('reborn'));
    await relayWhen(trustmesh, 'reborn');
    const before = await presented(trustmesh, 'fe', 'reborn');
    const { uid } = await trustmesh.admin
      .get(mediaRelays, { namespace: 'perimeter', name: 'reborn' })
      .then(({ metadata }) => metadata);
    await trustmesh.admin.delete(mediaRelays, { namespace: 'perimeter', name: 'reborn' });
    await trustmesh.apply(relayManifest('reborn'));
    await waitFor(
      'the credentials of the new one',
      async () => {
        const secret = await trustmesh.find(secrets, { namespace: 'perimeter', name: 'reborn-credentials' });
        return secret !== undefined && secret.metadata.ownerReferences?.[0]?.uid !== uid;
      },
      { limitMs: 40_000 },
    );
    await relayWhen(trustmesh, 'reborn', 'rolling', ({ status }) => status?.phase === 'Prepared');
    expect(await accepted(trustmesh, 'reborn')).toContain(before);
    expect(await presented(trustmesh, 'fe', 'reborn')).toBe(before);
  });

  it('does so, too, when it was gone for so long that its registrars had let go of it', async () => {
    await trustmesh.apply(relayManifest('returning'));
    await relayWhen(trustmesh, 'returning');
    const before = await presented(trustmesh, 'fe', 'returning');
    await trustmesh.admin.delete(mediaRelays, { namespace: 'perimeter', name: 'returning' });
    await waitFor(
      'its registrars to let go of it',
      async () => (await copies()).every((name) => !name.includes('-relay-returning.')),
      { limitMs: 40_000 },
    );
    await trustmesh.apply(relayManifest('returning'));
    await relayWhen(trustmesh, 'returning', 'rolling', ({ status }) => status?.phase === 'Prepared');
    expect(await accepted(trustmesh, 'returning')).toContain(before);
    await relayWhen(trustmesh, 'returning');
    expect(await presented(trustmesh, 'fe', 'returning')).toBe(before);
  });
});

describe('when it goes', () => {
  it('takes a registrar’s copy along with the registrar', async () => {
    await trustmesh.apply(server('brief', 'Director'));
    await trustmesh.secret('media', 'brief-relay-turn.perimeter');
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'brief' });
    await waitFor('its copies to go', async () => (await copies()).every((name) => !name.startsWith('brief-')));
  });

  it('leaves no copy, and its record until the last credential has expired', async () => {
    const recordOf = (name: string) => ({ namespace: 'trustmesh-system', name: `${name}.perimeter.media-relay` });
    const record = recordOf('turn');
    await trustmesh.apply(relayManifest('tenant'));
    await relayWhen(trustmesh, 'tenant');
    const formerly = await accepted(trustmesh, 'tenant');
    const left = async () => {
      const all = await trustmesh.admin.list(secrets, { labelSelector: 'trustmesh.io/media-relay=turn', metadataOnly: true });
      return all.items.map(({ metadata }) => metadata.name);
    };
    let seen: readonly string[] = [];
    const waitForLeft = (what: string, names: readonly string[]) =>
      waitFor(
        what,
        async () => {
          seen = await left();
          return JSON.stringify(seen) === JSON.stringify(names);
        },
        { limitMs: 30_000, seen: () => seen },
      );
    // Since when it has no relay is on record, whoever leads.
    const annotate = async (key: ReturnType<typeof recordOf>, annotations: Readonly<Record<string, string>>) => {
      const { metadata } = await waitFor('the record to say since when', async () => {
        const seenSo = await trustmesh.admin.get(secrets, key);
        return seenSo.metadata.annotations?.['trustmesh.io/gone-since'] === undefined ? undefined : seenSo;
      });
      await trustmesh.admin.patch(secrets, key, { metadata: { resourceVersion: metadata.resourceVersion, annotations } });
    };
    for (const name of ['turn', 'tenant']) await trustmesh.admin.delete(mediaRelays, { namespace: 'perimeter', name });
    await waitForLeft('the copies to go', [record.name]);
    await annotate(record, { 'trustmesh.io/gone-since': '2026-01-01T00:00:00Z' });
    await waitForLeft('the record to go', []);

    await annotate(recordOf('tenant'), { 'trustmesh.io/namespace-uid': 'of-a-namespace-that-is-gone' });
    await trustmesh.apply(relayManifest('tenant'));
    await relayWhen(trustmesh, 'tenant');
    const now = await accepted(trustmesh, 'tenant');
    expect(now).toHaveLength(1);
    expect(formerly).not.toContain(now[0]);
    expect(await presented(trustmesh, 'fe', 'tenant')).toBe(now[0]);
    const { annotations } = (await trustmesh.admin.get(secrets, recordOf('tenant'))).metadata;
    expect(annotations).not.toHaveProperty(['trustmesh.io/gone-since']);
  });
});

describe('a seventeenth of its namespace', () => {
  const names = Array.from({ length: mostRelays + 1 }, (_, index) => `of${String(index).padStart(2, '0')}`);
  const [first = '', last = ''] = [names[0], names.at(-1)];
  const spec = { registrars: [{ namespace: 'media', name: 'fe' }] };

  it('gets a place when one is free, and keeps what it handed out when that one returns', async () => {
    const { items } = await trustmesh.admin.list(mediaRelays, { namespace: 'perimeter' });
    for (const { metadata } of items) await trustmesh.admin.delete(mediaRelays, { namespace: 'perimeter', name: metadata.name });
    await waitFor('the relays of before to be gone', async () => (await copies()).length === 0, { limitMs: 60_000 });
    await trustmesh.apply(
      names
        .slice(0, -1)
        .map((name) => relayManifest(name, spec))
        .join(''),
    );
    for (const name of names.slice(0, -1)) await relayWhen(trustmesh, name);
    await trustmesh.apply(relayManifest(last, spec));
    const tooMany = ({ status }: MediaRelay) => status?.conditions?.some(({ reason }) => reason === 'TooManyRelays') === true;
    await relayWhen(trustmesh, last, 'one too many', tooMany);
    expect(await presented(trustmesh, 'fe', last)).toBeUndefined();

    await patchRelay(trustmesh, first, { fqdn: 'turn.elsewhere.org' });
    await relayWhen(trustmesh, first, 'admitted no more', ({ status }) => status?.delistedAt !== undefined);
    const path = `/apis/trustmesh.io/v1alpha1/namespaces/perimeter/mediarelays/${first}/status`;
    const isLongAgo = { status: { delistedAt: '2026-01-01T00:00:00Z' } };
    await trustmesh.admin.request('PATCH', path, isLongAgo, { contentType: 'application/merge-patch+json' });
    await patchRelay(trustmesh, first, { fqdn: 'turn2.elsewhere.org' });
    await relayWhen(trustmesh, first, 'on no list', ({ status }) => status?.registrars === 0);
    await relayWhen(trustmesh, last);
    const { uid } = (await trustmesh.secret('media', copyOf('fe', last).name)).metadata;
    await patchRelay(trustmesh, first, { fqdn: `${first}.contoso.com` });
    await relayWhen(trustmesh, first, 'one too many', tooMany);
    await patchRelay(trustmesh, last, { ports: { turns: 443 } });
    await relayWhen(trustmesh, last);
    const copy = await trustmesh.secret('media', copyOf('fe', last).name);
    expect(copy.metadata.uid).toBe(uid);
    expect(textOf(copy, 'uris')).toContain(':443');
  }, 180_000);
});
