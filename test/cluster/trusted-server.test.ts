// The life of a server's certificates on a real API server: when they are issued, when again, and when not.
import { configMaps, secrets, trustDomains, trustedServers } from '../../operator/kube/resource.ts';
import { contoso, leafOf, namesOf, serverManifest, startTrustmesh, type Trustmesh, textOf } from '../support/installation.ts';
import { waitFor } from '../support/wait.ts';

let trustmesh: Trustmesh;

beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contoso);
});

afterAll(() => trustmesh[Symbol.asyncDispose]());

const mediation = (name: string, hosts: readonly string[], more: object = {}) =>
  serverManifest(name, {
    poolFQDN: `${name}.contoso.com`,
    members: hosts.map((host) => ({ fqdn: `${host}.contoso.com` })),
    ...more,
  });

async function patchServer(name: string, spec: object): Promise<void> {
  const server = await trustmesh.admin.get(trustedServers, { namespace: 'media', name });
  await trustmesh.admin.patch(
    trustedServers,
    { namespace: 'media', name },
    {
      metadata: { resourceVersion: server.metadata.resourceVersion },
      spec,
    },
  );
}

/** Waits for a certificate other than the one with this serial. */
const successorOf = (name: string, serial: string) =>
  waitFor(
    `a new certificate in ${name}`,
    async () => {
      const secret = await trustmesh.find(secrets, { namespace: 'media', name });
      return secret !== undefined && leafOf(secret).serialNumber !== serial ? secret : undefined;
    },
    { limitMs: 15_000 },
  );

describe('what a Ready server has', () => {
  it('has one complete Secret a member and use, owned by it, and says so in its status', async () => {
    await trustmesh.apply(
      serverManifest('fe', {
        role: 'FrontEnd',
        poolFQDN: 'pool01.contoso.com',
        members: [{ fqdn: 'fe01.contoso.com' }, { fqdn: 'fe02.contoso.com', name: 'second' }],
        webServices: { externalFQDN: 'web.contoso.com' },
      }),
    );
    const server = await trustmesh.ready('media', 'fe');
    const held = (await trustmesh.secretNames('media')).filter((name) => name.startsWith('fe-'));
    const expected = ['fe01', 'second'].flatMap((member) =>
      ['', '-web-services-internal', '-web-services-external', '-oauth-token-issuer'].map((use) => `fe-${member}${use}-tls`),
    );
    expect(held).toEqual([...expected].sort());
    const secret = await trustmesh.secret('media', 'fe-second-tls');
    expect(secret.type).toBe('kubernetes.io/tls');
    expect(Object.keys(secret.data ?? {}).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    expect(secret.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'TrustedServer', name: 'fe', uid: server.metadata.uid, controller: true }),
    ]);
    expect(namesOf(leafOf(secret))).toEqual([
      'pool01.contoso.com',
      'fe02.contoso.com',
      'sip.contoso.com',
      'spiffe://contoso.com/front-end/pool01.contoso.com/fe02.contoso.com',
    ]);
    const status = server.status?.certificates?.find((certificate) => certificate.secretName === 'fe-second-tls');
    expect(status).toMatchObject({
      use: 'Default',
      member: 'second',
      serial: leafOf(secret).serialNumber.toLowerCase(),
      fingerprint: leafOf(secret).fingerprint256.replaceAll(':', '').toLowerCase(),
    });
    expect(server.status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      'Ready=True',
      'TopologyValid=True',
      'CertificatesIssued=True',
      'TrustDistributed=True',
    ]);
  });

  it('shares one token signing certificate among all registrar pools of the domain', async () => {
    await trustmesh.apply(
      serverManifest('se', { role: 'StandardEdition', poolFQDN: 'se.contoso.com', members: [{ fqdn: 'se.contoso.com' }] }),
    );
    await trustmesh.ready('media', 'se');
    const [one, other] = await Promise.all([
      trustmesh.secret('media', 'fe-fe01-oauth-token-issuer-tls'),
      trustmesh.secret('media', 'se-se-oauth-token-issuer-tls'),
    ]);
    expect(other.data?.['tls.key']).toBe(one.data?.['tls.key']);
    expect(namesOf(leafOf(one))).toEqual(['contoso.com']);
  });

  it('has one certificate with the names of all members where the scope is Pool', async () => {
    const uses = [{ use: 'Default', secretName: 'chosen', formats: ['PKCS12', 'CombinedPEM'] }];
    await trustmesh.apply(mediation('pooled', ['p1', 'p2'], { certificates: { scope: 'Pool', uses } }));
    await trustmesh.ready('media', 'pooled');
    const secret = await trustmesh.secret('media', 'chosen');
    expect(namesOf(leafOf(secret))).toEqual([
      'pooled.contoso.com',
      'p1.contoso.com',
      'p2.contoso.com',
      'spiffe://contoso.com/mediation/pooled.contoso.com',
    ]);
    expect(Object.keys(secret.data ?? {}).sort()).toEqual([
      'ca.crt',
      'keystore-password',
      'keystore.p12',
      'tls-combined.pem',
      'tls.crt',
      'tls.key',
      'truststore.p12',
    ]);
    expect(textOf(secret, 'tls-combined.pem')).toBe(textOf(secret, 'tls.crt') + textOf(secret, 'tls.key'));
  });

  it('shows both faces of an Edge: enterprise trust inside, none of it outside', async () => {
    await trustmesh.apply(
      serverManifest('edge', {
        role: 'Edge',
        poolFQDN: 'edge-int.contoso.com',
        members: [{ fqdn: 'edge01-int.contoso.com', name: 'e1' }],
        edge: { accessFQDN: 'sip.contoso.com', conferencingFQDN: 'conf.contoso.com', audioVideoFQDN: 'av.contoso.com' },
      }),
    );
    await trustmesh.ready('media', 'edge');
    const [internal, external] = await Promise.all([
      trustmesh.secret('media', 'edge-e1-internal-tls'),
      trustmesh.secret('media', 'edge-e1-access-edge-external-tls'),
    ]);
    const roots = (await trustmesh.configMap('media', 'trustmesh-contoso'))['ca.crt'];
    expect(textOf(internal, 'ca.crt')).toBe(roots);
    expect((await trustmesh.configMap('media', 'trustmesh-contoso-edge'))['ca.crt']).toBe(roots);
    expect(textOf(external, 'ca.crt')).toBe('');
    expect((await trustmesh.configMap('media', 'trustmesh-contoso-edge-external'))['ca.crt']).toBe('');
  });
});

describe('when a certificate is issued again', () => {
  beforeAll(async () => {
    await trustmesh.apply(mediation('med', ['m1', 'm2']));
    await trustmesh.ready('media', 'med');
  });

  it('when its Secret was deleted', async () => {
    const before = leafOf(await trustmesh.secret('media', 'med-m1-tls')).serialNumber;
    await trustmesh.admin.delete(secrets, { namespace: 'media', name: 'med-m1-tls' });
    await successorOf('med-m1-tls', before);
  });

  it.each(['tls.crt', 'tls.key'])('when %s of its Secret was edited', async (key) => {
    const secret = await trustmesh.secret('media', 'med-m1-tls');
    const { resourceVersion } = secret.metadata;
    const data = { [key]: Buffer.from('somebody else was here').toString('base64') };
    await trustmesh.admin.patch(secrets, { namespace: 'media', name: 'med-m1-tls' }, { metadata: { resourceVersion }, data });
    const after = await waitFor('the Secret to be whole again', async () => {
      const now = await trustmesh.secret('media', 'med-m1-tls');
      return textOf(now, key) === 'somebody else was here' ? undefined : now;
    });
    expect(leafOf(after).serialNumber).not.toBe(leafOf(secret).serialNumber);
  });

  it('when an annotation claims another serial: the journal is the record', async () => {
    const secret = await trustmesh.secret('media', 'med-m1-tls');
    const { resourceVersion } = secret.metadata;
    await trustmesh.admin.patch(
      secrets,
      { namespace: 'media', name: 'med-m1-tls' },
      {
        metadata: { resourceVersion, annotations: { 'trustmesh.io/serial': '01' } },
      },
    );
    await successorOf('med-m1-tls', leafOf(secret).serialNumber);
  });

  it('but not when its anchors alone were edited: they are put back beside the same key', async () => {
    const secret = await trustmesh.secret('media', 'med-m2-tls');
    const { resourceVersion } = secret.metadata;
    const data = { 'ca.crt': Buffer.from('trust me').toString('base64') };
    await trustmesh.admin.patch(secrets, { namespace: 'media', name: 'med-m2-tls' }, { metadata: { resourceVersion }, data });
    const after = await waitFor('the anchors to be put back', async () => {
      const now = await trustmesh.secret('media', 'med-m2-tls');
      return textOf(now, 'ca.crt') === 'trust me' ? undefined : now;
    });
    expect(after.data).toEqual(secret.data);
  });

  it('when a member joins, for that member alone; and the Secret of one that leaves goes', async () => {
    const before = await trustmesh.secret('media', 'med-m1-tls');
    await patchServer('med', { members: [{ fqdn: 'm1.contoso.com' }, { fqdn: 'm3.contoso.com' }] });
    await trustmesh.secret('media', 'med-m3-tls');
    await waitFor(
      'the Secret of m2 to go',
      async () => (await trustmesh.find(secrets, { namespace: 'media', name: 'med-m2-tls' })) === undefined,
    );
    expect((await trustmesh.secret('media', 'med-m1-tls')).data).toEqual(before.data);
  });

  it('when its Secret gets another name; the old one goes once the new one is there', async () => {
    const member = { fqdn: 'r1.contoso.com' };
    await trustmesh.apply(mediation('renamed', ['r1']));
    await trustmesh.ready('media', 'renamed');
    await patchServer('renamed', { members: [{ ...member, name: 'first' }] });
    await trustmesh.secret('media', 'renamed-first-tls');
    expect(await trustmesh.find(secrets, { namespace: 'media', name: 'renamed-r1-tls' })).toBeDefined();
    await waitFor(
      'the old Secret to go',
      async () => (await trustmesh.find(secrets, { namespace: 'media', name: 'renamed-r1-tls' })) === undefined,
    );
  });

  it('when the domain gets another SIP domain, for the roles whose names follow from it', async () => {
    const director = serverManifest('dir', {
      role: 'Director',
      poolFQDN: 'dir.contoso.com',
      members: [{ fqdn: 'dir1.contoso.com' }],
    });
    await trustmesh.apply(director);
    await trustmesh.ready('media', 'dir');
    const [registrar, other] = await Promise.all([
      trustmesh.secret('media', 'dir-dir1-tls'),
      trustmesh.secret('media', 'med-m1-tls'),
    ]);
    const domain = await trustmesh.admin.get(trustDomains, { name: 'contoso' });
    await trustmesh.admin.patch(
      trustDomains,
      { name: 'contoso' },
      {
        metadata: { resourceVersion: domain.metadata.resourceVersion },
        spec: { sipDomains: ['contoso.com', 'contoso.net'] },
      },
    );
    const renewed = await successorOf('dir-dir1-tls', leafOf(registrar).serialNumber);
    expect(namesOf(leafOf(renewed))).toContain('sip.contoso.net');
    const token = await waitFor('the token signing certificate to follow', async () => {
      const secret = await trustmesh.secret('media', 'fe-fe01-oauth-token-issuer-tls');
      return namesOf(leafOf(secret)).includes('contoso.net') ? secret : undefined;
    });
    expect(token.data).toHaveProperty(['tls-previous.crt']);
    expect(namesOf(leafOf(await trustmesh.secret('media', 'dir-dir1-tls')))).toContain('sip.contoso.com');
    expect((await trustmesh.secret('media', 'med-m1-tls')).data).toEqual(other.data);
  });

  it('but no more often than somebody keeps destroying it: then it says why it waits', async () => {
    await trustmesh.apply(mediation('hunted', ['h1']));
    await trustmesh.ready('media', 'hunted');
    const name = 'hunted-h1-tls';
    for (let issued = 1; issued < 5; issued++) {
      const serial = leafOf(await trustmesh.secret('media', name)).serialNumber;
      await trustmesh.admin.delete(secrets, { namespace: 'media', name });
      await successorOf(name, serial);
    }
    await trustmesh.admin.delete(secrets, { namespace: 'media', name });
    const { message } = await trustmesh.reason('media', 'hunted', 'CertificatesIssued', 'ReissuedTooOften');
    expect(message).toContain('needed 5 certificates within an hour');
    expect(await trustmesh.find(secrets, { namespace: 'media', name })).toBeUndefined();
  });
});

describe('what is not ours', () => {
  it('leaves a Secret of somebody else as it is, and takes the name once it is free', async () => {
    const metadata = { name: 'taken-t1-tls', namespace: 'media' };
    await trustmesh.admin.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data: { mine: 'bWluZQ==' } });
    await trustmesh.apply(mediation('taken', ['t1']));
    const { message } = await trustmesh.reason('media', 'taken', 'Ready', 'SecretNotOwned');
    expect(message).toContain('Secret taken-t1-tls');
    expect((await trustmesh.secret('media', 'taken-t1-tls')).data).toEqual({ mine: 'bWluZQ==' });
    await trustmesh.admin.delete(secrets, metadata);
    await trustmesh.ready('media', 'taken');
  });

  it('leaves a ConfigMap of somebody else as it is', async () => {
    const metadata = { name: 'narrow-trust', namespace: 'media' };
    await trustmesh.admin.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { mine: 'mine' } });
    await trustmesh.apply(
      serverManifest('narrow', {
        role: 'Server',
        poolFQDN: 'narrow.contoso.com',
        members: [{ fqdn: 'narrow.contoso.com' }],
        peers: ['wide.contoso.com'],
      }),
    );
    const { message } = await trustmesh.reason('media', 'narrow', 'Ready', 'SecretNotOwned');
    expect(message).toContain('ConfigMap narrow-trust');
    expect(await trustmesh.configMap('media', 'narrow-trust')).toEqual({ mine: 'mine' });
  });

  it('gives one Secret name to one server: the other is told', async () => {
    await trustmesh.apply(mediation('a', ['x'], { members: [{ fqdn: 'ax.contoso.com', name: 'b-c' }] }));
    await trustmesh.ready('media', 'a');
    await trustmesh.apply(mediation('a-b', ['y'], { members: [{ fqdn: 'aby.contoso.com', name: 'c' }] }));
    await trustmesh.reason('media', 'a-b', 'Ready', 'SecretNotOwned');
  });
});
