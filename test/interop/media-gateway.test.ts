// Media gateways on the wire, with the Secrets as the API server holds them: a gateway's certificate opens its own mediation
// pool and nothing else, in unmodified software.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCertificates } from '../../operator/pki/certificate.ts';
import { keyStore, keyStoreRandomLength } from '../../operator/pki/key-store.ts';
import { issuerOf } from '../../operator/pki/leaf.ts';
import { makeCA } from '../support/foreign-ca.ts';
import { contoso, serverManifest, startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { gatewayManifest, gatewayReady, poolManifest } from '../support/media-gateway.ts';
import { needing } from '../support/needing.ts';
import { onPath } from '../support/path.ts';
import {
  type Material,
  meet,
  meetEach,
  type PeerName,
  type Peers,
  peerNames,
  startPeers,
  type Trust,
  type Verdict,
  withEachClient,
} from '../support/peers/index.ts';
import { type Issuing, makeMaterial, materialOf } from '../support/peers/material.ts';
import { runProgram } from '../support/process.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'openssl', 'go', 'java');

const withStores = { certificates: { uses: [{ use: 'Default', formats: ['PKCS12', 'CombinedPEM'] }] } };
const unknownIssuer: Verdict = { refusedBy: 'server', reason: 'untrusted-issuer' };

let trustmesh: Trustmesh;
let peers: Peers;
let directory: string;
/** The gateway's own CA. */
let appliance: Issuing;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gateway-'));
  const openssl = await onPath('openssl');
  // As the page on gateways has it.
  await runProgram(openssl ?? 'openssl', [
    ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-subj', '/CN=box.contoso.com', '-keyout', join(directory, 'box.key'), '-out', join(directory, 'box.csr')],
  ]);
  const ca = await makeCA('Appliance CA');
  const [root] = parseCertificates(ca.pem);
  if (root === undefined) throw new Error('no CA was made');
  appliance = { issuer: issuerOf(root, createPrivateKey(ca.keyPem)), intermediates: [], anchors: [root] };
  [trustmesh, peers] = await Promise.all([startTrustmesh(), startPeers()]);
  await trustmesh.apply(contoso);
  await trustmesh.apply(
    ['med01', 'med02', 'med03'].map((name) => poolManifest(name, withStores)).join('') +
      serverManifest('dir', {
        role: 'Director',
        poolFQDN: 'dir.contoso.com',
        members: [{ fqdn: 'dir-a.contoso.com', name: 'a' }],
        ...withStores,
      }) +
      gatewayManifest('gw01', 'med01') +
      gatewayManifest('gw02', 'med02') +
      gatewayManifest('box', 'med01', { certificate: { csr: await readFile(join(directory, 'box.csr'), 'utf8') } }) +
      gatewayManifest('sbc', 'med03', { certificate: { trustAnchors: [{ pem: ca.pem }] } }),
  );
  for (const gateway of ['gw01', 'gw02', 'box', 'sbc']) await gatewayReady(trustmesh, gateway);
  for (const server of ['med01', 'med02', 'med03', 'dir']) await trustmesh.ready('media', server);
});
afterAll(async () => {
  await peers?.[Symbol.asyncDispose]();
  await trustmesh?.[Symbol.asyncDispose]();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

const server = async (name: string): Promise<Material> => materialOf(await trustmesh.secret('media', `${name}-a-tls`));

/** What a gateway's Secret holds, and the key store that Java makes of it. */
const gateway = async (name: string): Promise<Material> => inKeyStore(materialOf(await trustmesh.secret('media', `${name}-tls`)));

function inKeyStore(material: Material): Material {
  const password = randomBytes(16).toString('hex');
  const chain = parseCertificates(material['tls.crt'].toString());
  const privateKey = createPrivateKey(material['tls.key'].toString());
  return {
    ...material,
    'keystore.p12': Buffer.from(keyStore({ privateKey, chain, password, random: randomBytes(keyStoreRandomLength) })),
    'keystore-password': Buffer.from(password),
  };
}

/** What each software, as this server, says to a gateway that calls it with each. */
async function calls(caller: Material, name: string): Promise<Readonly<Record<string, Readonly<Record<string, Verdict>>>>> {
  const material = await server(name);
  const verdicts: Record<string, Readonly<Record<string, Verdict>>> = {};
  for (const software of peerNames) {
    await using listener = await peers[software].listen({ material, requireClientCertificate: true });
    const options = { material: caller, trust: caller, serverName: `${name}.contoso.com` };
    verdicts[software] = await meetEach(listener, peers, options);
  }
  return verdicts;
}

/** The same from every server with every client, but for some servers. */
const everywhere = (verdict: Verdict, but: Partial<Record<PeerName, Verdict>> = {}) =>
  Object.fromEntries(peerNames.map((software) => [software, withEachClient(but[software] ?? verdict)]));

describe('a gateway with a certificate from the authority of its pool', () => {
  it('is believed by its pool', async () => {
    expect(await calls(await gateway('gw01'), 'med01')).toEqual(everywhere('accepted'));
  });

  it('believes its pool, and is believed when it is called', async () => {
    const [material, pool] = [await gateway('gw01'), await server('med01')];
    for (const software of peerNames) {
      await using listener = await peers[software].listen({ material, requireClientCertificate: true });
      const verdicts = await meetEach(listener, peers, { material: pool, trust: pool, serverName: 'gw01.contoso.com' });
      expect(verdicts).toEqual(withEachClient('accepted'));
    }
  });

  it.each(['med02', 'dir'])('is refused by %s', async (other) => {
    expect(await calls(await gateway('gw01'), other)).toEqual(everywhere(unknownIssuer));
  });

  it('of another pool is refused', async () => {
    expect(await calls(await gateway('gw02'), 'med01')).toEqual(everywhere(unknownIssuer));
  });

  it('is no server to anybody else: a registrar that called it would not believe it', async () => {
    const [material, registrar] = [await gateway('gw01'), await server('dir')];
    await using listener = await peers.openssl.listen({ material, requireClientCertificate: true });
    const verdicts = await meetEach(listener, peers, { material: registrar, trust: registrar, serverName: 'gw01.contoso.com' });
    expect(verdicts).toEqual(withEachClient({ refusedBy: 'client', reason: 'untrusted-issuer' }));
  });
});

describe('a gateway whose key openssl req made', () => {
  it('is believed by its pool and believes it, with what lies in its status', async () => {
    const { status } = await gatewayReady(trustmesh, 'box');
    const material = inKeyStore({
      'tls.crt': Buffer.from(status?.certificate?.pem ?? ''),
      'tls.key': await readFile(join(directory, 'box.key')),
      'ca.crt': Buffer.from(status?.certificate?.ca ?? ''),
    });
    expect(await calls(material, 'med01')).toEqual(everywhere('accepted'));
    expect(await calls(material, 'dir')).toEqual(everywhere(unknownIssuer));
  });
});

describe('a gateway with a CA of its own', () => {
  /** What its administrator makes with it, and what it trusts. */
  const ownLeaf = async (names: { readonly dnsNames: readonly string[]; readonly uri?: string }): Promise<Material> => {
    const trust: Trust = { 'ca.crt': (await server('med02'))['ca.crt'] };
    return { ...makeMaterial(appliance, names), ...enterpriseOnly(trust) };
  };
  const enterpriseOnly = (trust: Trust): Trust => {
    const [root] = parseCertificates(trust['ca.crt'].toString()).filter(({ subject }) => subject === 'CN=contoso Root CA');
    return { 'ca.crt': Buffer.from(root?.pem ?? '') };
  };
  const withoutStore = ({ 'truststore.p12': _, ...material }: Material): Material => material;
  /** Java takes roots alone for anchors, and finds no cross-certificate that it is not sent. */
  const butJava = { java: unknownIssuer } as const;

  it('is believed by its pool for its name', async () => {
    const caller = withoutStore(await ownLeaf({ dnsNames: ['sbc.contoso.com'] }));
    expect(await calls(caller, 'med03')).toEqual(everywhere('accepted', butJava));
  });

  it.each<[string, { readonly dnsNames: readonly string[]; readonly uri?: string }]>([
    ['the name of a registrar', { dnsNames: ['dir.contoso.com'] }],
    ['the name of a registrar beside its own', { dnsNames: ['sbc.contoso.com', 'dir.contoso.com'] }],
    [
      'the SPIFFE ID of a registrar',
      { dnsNames: ['sbc.contoso.com'], uri: 'spiffe://contoso.com/director/dir.contoso.com/dir-a.contoso.com' },
    ],
  ])('is refused with %s', async (_title, names) => {
    const caller = withoutStore(await ownLeaf(names));
    const refused = { refusedBy: 'server', reason: 'name-not-permitted' } as const;
    expect(await calls(caller, 'med03')).toEqual(everywhere(refused, butJava));
  });

  it.each(['med01', 'dir'])('is refused by %s', async (other) => {
    const caller = withoutStore(await ownLeaf({ dnsNames: ['sbc.contoso.com'] }));
    const material = await server(other);
    await using listener = await peers.openssl.listen({ material, requireClientCertificate: true });
    const meeting = await meet(listener, peers.node, { material: caller, trust: caller, serverName: `${other}.contoso.com` });
    expect(meeting.verdict).toEqual(unknownIssuer);
  });
});
