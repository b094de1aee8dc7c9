// Media gateways on a real API server: three ways to a certificate, and trust that goes to the gateway's own mediation pool
// and nowhere else.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import type { MediaGateway } from '../../operator/api/v1alpha1/index.ts';
import { configMaps, events, mediaGateways, type Secret, secrets, trustedServers } from '../../operator/kube/resource.ts';
import { compareResourceVersions } from '../../operator/kube/store.ts';
import { createRoot } from '../../operator/pki/authority.ts';
import { certificateRequest, ecKeys } from '../support/certificate-request.ts';
import { makeCA } from '../support/foreign-ca.ts';
import { recordHistory } from '../support/history.ts';
import { contoso, leafOf, namesOf, serverManifest, startTrustmesh, type Trustmesh, textOf } from '../support/installation.ts';
import { issuedFor } from '../support/journal.ts';
import {
  anchorsOfPool,
  certificatesIn,
  gatewayManifest,
  gatewayReady,
  gatewayReason,
  poolManifest,
  subjectsIn,
} from '../support/media-gateway.ts';
import { waitFor } from '../support/wait.ts';

const own = 'trustmesh-system';
const enterpriseRoot = 'CN=contoso Root CA';
const authorityOf = (pool: string) => `CN=${pool}.contoso.com gateway authority`;

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh();
  await trustmesh.apply(contoso);
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

/** Waits until a pool trusts exactly these, by subject, in any order. */
async function trusted(pool: string, ...subjects: readonly string[]): Promise<void> {
  let seen: readonly string[] = [];
  await waitFor(
    `${pool} to trust ${subjects.join(', ')}`,
    async () => {
      seen = await anchorsOfPool(trustmesh, pool);
      return [...seen].sort().join() === [...subjects].sort().join();
    },
    { limitMs: 40_000, seen: () => seen },
  );
}

/** What a gateway is told in an event of this reason. */
async function told(name: string, reason: string): Promise<string> {
  const gateway = await trustmesh.admin.get(mediaGateways, { namespace: 'media', name });
  let seen: readonly string[] = [];
  return await waitFor(
    `event ${reason} on ${name}`,
    async () => {
      const { items } = await trustmesh.admin.list(events, { namespace: 'media' });
      const ours = items.filter(({ regarding }) => regarding?.uid === gateway.metadata.uid);
      seen = ours.map((event) => `${event.reason}: ${event.note}`);
      return ours.find((event) => event.reason === reason)?.note;
    },
    { limitMs: 20_000, seen: () => seen },
  );
}

const change = (name: string, spec: object) =>
  trustmesh.admin
    .get(mediaGateways, { namespace: 'media', name })
    .then(({ metadata: { resourceVersion } }) =>
      trustmesh.admin.patch(mediaGateways, { namespace: 'media', name }, { metadata: { resourceVersion }, spec }),
    );

describe('a gateway that is issued to', () => {
  it('gets a certificate from the authority of its pool, once the pool trusts that, and nobody else ever does', async () => {
    await trustmesh.apply(
      poolManifest('med01') +
        poolManifest('med02') +
        serverManifest('dir', {
          role: 'Director',
          poolFQDN: 'dir.contoso.com',
          members: [{ fqdn: 'dir1.contoso.com', name: 'a' }],
        }),
    );
    for (const server of ['med01', 'med02', 'dir']) await trustmesh.ready('media', server);
    const others = new Map(
      await Promise.all(
        ['med02-a-tls', 'dir-a-tls'].map(
          async (name) => [name, (await trustmesh.secret('media', name)).metadata.resourceVersion] as const,
        ),
      ),
    );
    await using history = await recordHistory<Secret>(trustmesh.admin, secrets, { namespace: 'media' });
    await trustmesh.apply(gatewayManifest('gw01', 'med01'));
    const { status } = await gatewayReady(trustmesh, 'gw01');
    expect(status).toMatchObject({ pool: 'med01.contoso.com', port: 5067, media: 'Encrypted' });
    expect(status?.certificate).toMatchObject({ source: 'GatewayAuthority', secretName: 'gw01-tls' });

    const secret = await trustmesh.secret('media', 'gw01-tls');
    expect(secret.metadata.ownerReferences).toMatchObject([{ kind: 'MediaGateway', name: 'gw01', controller: true }]);
    expect(namesOf(leafOf(secret))).toEqual(['gw01.contoso.com', 'spiffe://contoso.com/media-gateway/gw01.contoso.com']);
    expect(leafOf(secret).keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(subjectsIn(textOf(secret, 'tls.crt'))).toEqual(['CN=gw01.contoso.com']);
    expect(subjectsIn(textOf(secret, 'ca.crt'))).toEqual([enterpriseRoot]);
    await trusted('med01', enterpriseRoot, authorityOf('med01'));
    const [root] = certificatesIn(textOf(await trustmesh.secret('media', 'med01-a-tls'), 'ca.crt')).filter(
      ({ subject }) => subject === authorityOf('med01'),
    );
    expect(root?.ca).toBe(true);
    expect(root !== undefined && leafOf(secret).verify(root.publicKey)).toBe(true);

    for (const [name, resourceVersion] of others) {
      expect((await trustmesh.secret('media', name)).metadata.resourceVersion).toBe(resourceVersion);
    }
    for (const audience of ['mediation', 'director']) {
      const bundle = await trustmesh.configMap('media', `trustmesh-contoso-${audience}`);
      expect(subjectsIn(bundle['ca.crt'] ?? '')).toEqual([enterpriseRoot]);
    }
    // What was written first decides what a peer could have met: trust goes before the certificate.
    const firstOf = (name: string) => history.versions.find(({ object }) => object.metadata.name === name)?.object.metadata;
    const order = compareResourceVersions(
      firstOf('med01-a-tls')?.resourceVersion ?? '',
      firstOf('gw01-tls')?.resourceVersion ?? '',
    );
    expect(order).toBeLessThan(0);
    expect((await trustmesh.find(configMaps, { namespace: 'media', name: 'med01-trust' }))?.data).toBeUndefined();
  });

  it('keeps it over a restart of the operator, from the same authority', async () => {
    const before = await trustmesh.secret('media', 'gw01-tls');
    const pool = await trustmesh.secret('media', 'med01-a-tls');
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await trustmesh.apply(gatewayManifest('gw02', 'med01'));
    await gatewayReady(trustmesh, 'gw02');
    expect(leafOf(await trustmesh.secret('media', 'gw02-tls')).issuer).toBe(authorityOf('med01'));
    expect((await trustmesh.secret('media', 'gw01-tls')).data).toEqual(before.data);
    expect((await trustmesh.secret('media', 'med01-a-tls')).metadata.resourceVersion).toBe(pool.metadata.resourceVersion);
    const { items } = await trustmesh.admin.list(secrets, { namespace: own, labelSelector: 'trustmesh.io/trunks' });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['med01.media.gateways-1']);
  });

  it('loses its trust with its deletion: the last one takes the root from the pool', async () => {
    await trustmesh.admin.delete(mediaGateways, { namespace: 'media', name: 'gw02' });
    await trustmesh.admin.delete(mediaGateways, { namespace: 'media', name: 'gw01' });
    await trusted('med01', enterpriseRoot);
    await trustmesh.apply(gatewayManifest('gw11', 'med01'));
    await gatewayReady(trustmesh, 'gw11');
    await trusted('med01', enterpriseRoot, authorityOf('med01'));
  });

  it('moves to another pool with its trust', async () => {
    await change('gw11', { mediationServer: { name: 'med02' } });
    await trusted('med02', enterpriseRoot, authorityOf('med02'));
    await trusted('med01', enterpriseRoot);
    await waitFor('the certificate to come from the other authority', async () => {
      return leafOf(await trustmesh.secret('media', 'gw11-tls')).issuer === authorityOf('med02');
    });
  });

  it('follows a successor of the authority, which both are trusted for meanwhile', async () => {
    await trustmesh.apply(poolManifest('old'));
    const pool = await trustmesh.ready('media', 'old');
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const root = createRoot({
      commonName: 'old.contoso.com gateway authority',
      serial: Buffer.from('0123456789abcdef'),
      notBefore: Date.now() - 1000 * 3_600_000,
      notAfter: Date.now() + 300 * 3_600_000,
      pathLength: 0,
      ...keys,
    });
    const text = (value: string | Buffer) => Buffer.from(value).toString('base64');
    await trustmesh.admin.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: {
        name: 'old.media.gateways-1',
        namespace: own,
        labels: { 'app.kubernetes.io/managed-by': 'trustmesh', 'trustmesh.io/trunks': 'true' },
        annotations: { 'trustmesh.io/owner-uid': pool.metadata.uid },
      },
      data: {
        'tls.crt': text(root.pem),
        'tls.key': text(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
        'ca.crt': text(root.pem),
      },
    });
    await waitFor('the operator to know it', () => trustmesh.find(secrets, { namespace: own, name: 'old.media.gateways-1' }));
    await trustmesh.apply(gatewayManifest('gw-old', 'old'));
    await gatewayReady(trustmesh, 'gw-old');
    await trusted('old', enterpriseRoot, authorityOf('old'), authorityOf('old'));
    const successor = await trustmesh.secret(own, 'old.media.gateways-2');
    const issuer = new X509Certificate(textOf(successor, 'tls.crt'));
    expect(leafOf(await trustmesh.secret('media', 'gw-old-tls')).verify(issuer.publicKey)).toBe(true);
  });

  it('is issued to by the enterprise where it asks for that, and told what that means', async () => {
    await trustmesh.apply(poolManifest('med03') + gatewayManifest('gw03', 'med03', { certificate: { issuer: 'EnterpriseCA' } }));
    const { condition } = await gatewayReason(trustmesh, 'gw03', 'CertificateTrusted', 'IssuedByEnterpriseCA');
    expect(condition).toMatchObject({ status: 'True', message: expect.stringContaining('which every server trusts') });
    expect(leafOf(await trustmesh.secret('media', 'gw03-tls')).issuer).toBe('CN=contoso Issuing CA 1');
    await trusted('med03', enterpriseRoot);
  });
});

describe('a gateway whose key never leaves it', () => {
  const keys = ecKeys();
  const request = (name: string, using = keys) => certificateRequest({ keys: using, commonName: name, dnsNames: [name] });
  const grantedTo = ({ status }: MediaGateway) => new X509Certificate(status?.certificate?.pem ?? '');

  it('finds its certificate in the status, with what it must trust', async () => {
    await trustmesh.apply(
      poolManifest('med04') + gatewayManifest('box', 'med04', { certificate: { csr: request('box.contoso.com') } }),
    );
    const gateway = await gatewayReady(trustmesh, 'box');
    const leaf = grantedTo(gateway);
    expect(leaf.publicKey.equals(keys.publicKey)).toBe(true);
    expect(namesOf(leaf)).toEqual(['box.contoso.com', 'spiffe://contoso.com/media-gateway/box.contoso.com']);
    expect(leaf.issuer).toBe(authorityOf('med04'));
    expect(subjectsIn(gateway.status?.certificate?.ca ?? '')).toEqual([enterpriseRoot]);
    expect(gateway.status?.certificate?.secretName).toBeUndefined();
    expect(await trustmesh.secretNames('media')).not.toContain('box-tls');
    await trusted('med04', enterpriseRoot, authorityOf('med04'));
    expect(await told('box', 'CertificateIssued')).toContain('status.certificate.pem');
  });

  it('gets no second one for nothing: not by a restart, not by another request for the same key', async () => {
    const before = await gatewayReady(trustmesh, 'box');
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await change('box', { certificate: { csr: certificateRequest({ keys, commonName: 'BOX.contoso.com' }) } });
    const after = await gatewayReady(trustmesh, 'box');
    expect(after.status?.certificate).toEqual(before.status?.certificate);
    expect((await issuedFor(trustmesh.admin)).get('media/box:csr')).toHaveLength(1);
  });

  it('gets another for another key, and again where somebody cleared the status', async () => {
    const other = ecKeys();
    await change('box', { certificate: { csr: request('box.contoso.com', other) } });
    const granted = await waitFor('a certificate for the other key', async () => {
      const gateway = await gatewayReady(trustmesh, 'box');
      return grantedTo(gateway).publicKey.equals(other.publicKey) ? gateway : undefined;
    });
    const { resourceVersion } = granted.metadata;
    await trustmesh.admin.patch(
      mediaGateways,
      { namespace: 'media', name: 'box' },
      { metadata: { resourceVersion }, status: { certificate: null } },
      { subresource: 'status' },
    );
    await waitFor('the certificate to come back', async () => {
      const { certificate } = (await gatewayReady(trustmesh, 'box')).status ?? {};
      return certificate !== undefined && certificate.serial !== granted.status?.certificate?.serial;
    });
    expect((await issuedFor(trustmesh.admin)).get('media/box:csr')).toHaveLength(3);
  });

  it('is believed by what it shows though the key of the authority be lost, and told what to put there instead', async () => {
    const csr = request('kept.contoso.com');
    await trustmesh.apply(poolManifest('med10') + gatewayManifest('kept', 'med10', { certificate: { csr } }));
    const before = grantedTo(await gatewayReady(trustmesh, 'kept'));
    const former = certificatesIn(textOf(await trustmesh.secret(own, 'med10.media.gateways-1'), 'tls.crt'));
    await trusted('med10', enterpriseRoot, authorityOf('med10'));
    await trustmesh.admin.delete(secrets, { namespace: own, name: 'med10.media.gateways-1' });
    const { gateway, condition } = await gatewayReason(trustmesh, 'kept', 'CertificateTrusted', 'AuthorityLost');
    expect(condition.message).toContain('The key of generation 1 of the gateway authority of med10.contoso.com is lost,');
    expect(condition.message).toContain(new Date(before.validTo).toISOString().slice(0, 19));
    const [successor] = certificatesIn(textOf(await trustmesh.secret(own, 'med10.media.gateways-2'), 'tls.crt'));
    expect(successor && grantedTo(gateway).verify(successor.publicKey)).toBe(true);
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await change('kept', { srtp: 'Required' });
    await gatewayReady(trustmesh, 'kept');
    await trusted('med10', enterpriseRoot, authorityOf('med10'), authorityOf('med10'));
    const anchors = certificatesIn(textOf(await trustmesh.secret('media', 'med10-a-tls'), 'ca.crt'));
    expect(anchors.map(({ fingerprint256 }) => fingerprint256)).toContain(former[0]?.fingerprint256);
    expect(await told('kept', 'CertificateRenewed')).toContain('Put it on the gateway');
  }, 60_000);

  it('is believed by what it shows though its pool be made anew', async () => {
    const csr = request('staying.contoso.com');
    await trustmesh.apply(poolManifest('med11') + gatewayManifest('staying', 'med11', { certificate: { csr } }));
    await gatewayReady(trustmesh, 'staying');
    const former = certificatesIn(textOf(await trustmesh.secret(own, 'med11.media.gateways-1'), 'tls.crt'));
    await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'med11' });
    await gatewayReason(trustmesh, 'staying', 'TopologyValid', 'MediationServerNotFound');
    // As the garbage collector does, in its own time.
    await trustmesh.admin.request('DELETE', '/api/v1/namespaces/media/secrets?labelSelector=trustmesh.io%2Fserver%3Dmed11');
    await trustmesh.apply(poolManifest('med11'));
    const { condition } = await gatewayReason(trustmesh, 'staying', 'CertificateTrusted', 'AuthorityLost');
    expect(condition.message).toContain('is lost, or of a server that had the name before');
    await trusted('med11', enterpriseRoot, authorityOf('med11'), authorityOf('med11'));
    const anchors = certificatesIn(textOf(await trustmesh.secret('media', 'med11-a-tls'), 'ca.crt'));
    expect(anchors.map(({ fingerprint256 }) => fingerprint256)).toContain(former[0]?.fingerprint256);
  }, 60_000);

  it('is refused what it may not have, in a sentence; what it has stays', async () => {
    const before = await gatewayReady(trustmesh, 'box');
    await change('box', { certificate: { csr: request('dir.contoso.com') } });
    const { condition, gateway } = await gatewayReason(trustmesh, 'box', 'CertificateTrusted', 'RequestRefused');
    expect(condition).toMatchObject({
      status: 'False',
      message:
        'spec.certificate.csr of MediaGateway media/box has the common name "dir.contoso.com": ask for box.contoso.com alone, or for no name; ' +
        'and it asks for the DNS name "dir.contoso.com": ask for box.contoso.com alone, or for no name.',
    });
    expect(gateway.status?.certificate).toEqual(before.status?.certificate);
    expect(await told('box', 'UntrustedGateway')).toContain('asks for the DNS name "dir.contoso.com"');
  });
});

describe('a gateway with a CA of its own', () => {
  it('has it trusted by its pool alone, for its name alone', async () => {
    const ca = await makeCA('Appliance CA');
    await trustmesh.apply(
      poolManifest('med05') +
        poolManifest('med06') +
        gatewayManifest('sbc', 'med05', { certificate: { trustAnchors: [{ pem: ca.pem }] } }),
    );
    const { gateway, condition } = await gatewayReason(trustmesh, 'sbc', 'CertificateTrusted', 'OwnAuthorityTrusted');
    expect(condition.message).toBe('med05.contoso.com alone trusts "CN=Appliance CA", for sbc.contoso.com alone.');
    expect(gateway.status?.anchors).toMatchObject([{ subject: 'CN=Appliance CA' }]);
    expect(gateway.status?.certificate).toBeUndefined();
    await trusted('med05', enterpriseRoot, 'CN=Appliance CA', 'CN=Appliance CA');
    const anchors = certificatesIn(textOf(await trustmesh.secret('media', 'med05-a-tls'), 'ca.crt'));
    // Its own root, which would sign for any name, is none of them.
    expect(anchors.map(({ raw }) => raw.toString('hex'))).not.toContain(Buffer.from(ca.certificate.rawData).toString('hex'));
    const trust = await waitFor('med05-trust', () => trustmesh.configMap('media', 'med05-trust'));
    expect([...subjectsIn(trust['ca.crt'] ?? '')].sort()).toEqual([enterpriseRoot, 'CN=Appliance CA', 'CN=Appliance CA'].sort());
    await trustmesh.ready('media', 'med06');
    expect(await anchorsOfPool(trustmesh, 'med06')).toEqual([enterpriseRoot]);
    expect(subjectsIn((await trustmesh.configMap('media', 'trustmesh-contoso-mediation'))['ca.crt'] ?? '')).toEqual([
      enterpriseRoot,
    ]);
  });

  it('keeps the same pair over a restart, and gets another for another name', async () => {
    const held = async () => textOf(await trustmesh.secret('media', 'med05-a-tls'), 'ca.crt');
    const before = await held();
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await change('sbc', { srtp: 'Required' });
    await gatewayReady(trustmesh, 'sbc');
    expect(await held()).toBe(before);
    await change('sbc', { fqdn: 'sbc01.contoso.com' });
    await waitFor('another pair', async () => (await held()) !== before);
    await gatewayReady(trustmesh, 'sbc');
    await trusted('med05', enterpriseRoot, 'CN=Appliance CA', 'CN=Appliance CA');
  });

  it('may keep it in a ConfigMap: one that is missing is named, and one that goes takes nothing with it', async () => {
    const ca = await makeCA('Carrier CA');
    const configMapRef = { name: 'carrier', key: 'ca.crt' };
    await trustmesh.apply(
      poolManifest('med07') + gatewayManifest('carrier', 'med07', { certificate: { trustAnchors: [{ configMapRef }] } }),
    );
    const { condition } = await gatewayReason(trustmesh, 'carrier', 'CertificateTrusted', 'UntrustedGateway');
    expect(condition.message).toContain(
      'spec.certificate.trustAnchors[0] names ca.crt of ConfigMap media/carrier, which is not there',
    );
    const metadata = { name: 'carrier', namespace: 'media' };
    await trustmesh.admin.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': ca.pem } });
    await gatewayReason(trustmesh, 'carrier', 'CertificateTrusted', 'OwnAuthorityTrusted');
    await trusted('med07', enterpriseRoot, 'CN=Carrier CA', 'CN=Carrier CA');
    await trustmesh.admin.delete(configMaps, metadata);
    await change('carrier', { srtp: 'Required' });
    const gone = await waitFor(
      'the missing ConfigMap to be told',
      async () => {
        const found = await gatewayReason(trustmesh, 'carrier', 'CertificateTrusted', 'OwnAuthorityTrusted');
        return found.condition.message.includes('which is not there') ? found : undefined;
      },
      { limitMs: 45_000 },
    );
    expect(gone.gateway.status?.anchors).toMatchObject([{ subject: 'CN=Carrier CA' }]);
    expect(await anchorsOfPool(trustmesh, 'med07')).toHaveLength(3);
  }, 120_000);

  it('is told where its CA is refused: the enterprise is no gateway', async () => {
    const bundle = await trustmesh.configMap('media', 'trustmesh-contoso-mediation');
    await trustmesh.apply(
      poolManifest('med08') +
        gatewayManifest('impostor', 'med08', { certificate: { trustAnchors: [{ pem: bundle['ca.crt'] }] } }),
    );
    const { condition } = await gatewayReason(trustmesh, 'impostor', 'CertificateTrusted', 'UntrustedGateway');
    expect(condition).toMatchObject({ status: 'False', message: expect.stringContaining('has the key of a CA of ours') });
    expect(await told('impostor', 'UntrustedGateway')).toContain('med08.contoso.com trusts no CA of this gateway.');
    await trustmesh.ready('media', 'med08');
    expect(await anchorsOfPool(trustmesh, 'med08')).toEqual([enterpriseRoot]);
  });
});

describe('a gateway that comes to its certificate in another way', () => {
  it('is believed by what it still shows, until it can show the other', async () => {
    const ca = await makeCA('Moving CA');
    await trustmesh.apply(poolManifest('med08') + gatewayManifest('mover', 'med08'));
    await gatewayReady(trustmesh, 'mover');
    await trusted('med08', enterpriseRoot, authorityOf('med08'));
    await change('mover', { certificate: { trustAnchors: [{ pem: ca.pem }] } });
    await gatewayReason(trustmesh, 'mover', 'CertificateTrusted', 'OwnAuthorityTrusted');
    const all = [enterpriseRoot, authorityOf('med08'), 'CN=Moving CA', 'CN=Moving CA'];
    await trusted('med08', ...all);

    await change('mover', {
      certificate: {
        trustAnchors: null,
        csr: certificateRequest({ keys: ecKeys(), commonName: 'mover.contoso.com', dnsNames: ['mover.contoso.com'] }),
      },
    });
    const granted = await waitFor('a certificate for its request', async () => {
      const gateway = await gatewayReady(trustmesh, 'mover');
      return gateway.status?.certificate?.pem === undefined ? undefined : gateway;
    });
    expect(new X509Certificate(granted.status?.certificate?.pem ?? '').issuer).toBe(authorityOf('med08'));
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await change('mover', { srtp: 'Required' });
    await gatewayReady(trustmesh, 'mover');
    await trusted('med08', ...all);
  });
});

describe('a link in the clear', () => {
  it('works, and is reported: the condition says so and an event recommends what to do', async () => {
    await trustmesh.apply(poolManifest('med09') + gatewayManifest('plain', 'med09', { transport: 'TCP' }));
    const { gateway } = await gatewayReason(trustmesh, 'plain', 'LinkEncrypted', 'PlainTCPNotAllowed');
    expect(gateway.status).toMatchObject({ port: 5066, media: 'Unencrypted' });
    expect(gateway.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(gateway.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'MediaEncrypted', status: 'False', reason: 'SRTPNotPossible' }),
    );
    expect(await told('plain', 'UnencryptedLink')).toContain('Set spec.transport to TLS');
    expect(await told('plain', 'SRTPNotPossible')).toContain('transport of MediaGateway media/plain is TCP');
    await trustmesh.ready('media', 'med09');
    expect(await anchorsOfPool(trustmesh, 'med09')).toEqual([enterpriseRoot]);
    expect(await trustmesh.secretNames('media')).not.toContain('plain-tls');
  });

  it('has no media once its server is declared to require SRTP, and both say so', async () => {
    await trustmesh.apply(poolManifest('med09', { media: { encryptionLevel: 'Required' } }));
    let seen: object | undefined;
    await waitFor(
      'the trunk to have no media',
      async () => {
        const { status } = (await gatewayReason(trustmesh, 'plain', 'MediaEncrypted', 'SRTPNotPossible')).gateway;
        seen = status;
        return status?.media === 'None';
      },
      { limitMs: 20_000, seen: () => seen },
    );
    const { condition } = await gatewayReason(trustmesh, 'plain', 'MediaEncrypted', 'SRTPNotPossible');
    expect(condition.message).toContain('media.encryptionLevel of TrustedServer media/med09 is Required, and transport of');
    const media = await trustmesh.reason('media', 'med09', 'MediaEncrypted', 'SRTPNotPossible');
    expect(media.message).toContain('media/plain (1 of 1)');
    await trustmesh.ready('media', 'med09');
    const link = await trustmesh.reason('media', 'med09', 'LinkEncrypted', 'UnencryptedLink');
    expect(link.message).toContain('media/plain (1 of 1)');
  });

  it('cannot have encrypted media: that is refused at once', async () => {
    await expect(trustmesh.apply(gatewayManifest('unsafe', 'med09', { transport: 'TCP', srtp: 'Required' }))).rejects.toThrow(
      'srtp is Required and transport is TCP: the keys of SRTP would travel in the clear. Set transport to TLS, or srtp to NotSupported.',
    );
  });
});

describe('a gateway without a place', () => {
  it.each<[string, string, string, object, string]>([
    ['whose pool does not exist', 'lost', 'none', {}, 'MediationServerNotFound'],
    ['whose pool has another role', 'misled', 'dir', {}, 'MediationServerUnsuitable'],
    ['with a name that is not admitted', 'stray', 'med01', { fqdn: 'stray.fabrikam.com' }, 'NameNotAdmitted'],
    ['with the name of a server', 'thief', 'med01', { fqdn: 'dir1.contoso.com' }, 'NameConflict'],
    ['whose domain does not exist', 'orphan', 'med01', { trustDomain: 'nowhere' }, 'TrustDomainNotFound'],
  ])('%s gets nothing but the condition', async (_title, name, pool, spec, reason) => {
    await trustmesh.apply(gatewayManifest(name, pool, spec));
    const { gateway } = await gatewayReason(trustmesh, name, 'TopologyValid', reason);
    expect(gateway.status?.certificate).toBeUndefined();
    expect(await trustmesh.secretNames('media')).not.toContain(`${name}-tls`);
  });

  it('gets it as soon as it has one', async () => {
    await trustmesh.apply(poolManifest('none'));
    await gatewayReady(trustmesh, 'lost');
    expect(await trustmesh.admin.get(trustedServers, { namespace: 'media', name: 'none' })).toBeDefined();
  });
});
