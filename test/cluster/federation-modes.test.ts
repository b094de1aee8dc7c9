// The modes of federation on a real API server, with real DNS and a real publisher of revocation lists: where an edge is found, who
// wins, what only a listener of its own may hold, and when crl.pem is there.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { configMaps, events, federatedPartners } from '../../operator/kube/resource.ts';
import { type Certificate, parseCertificates } from '../../operator/pki/certificate.ts';
import { signRevocationList } from '../../operator/pki/crl.ts';
import { extensionIds } from '../../operator/pki/object-identifiers.ts';
import { decodePem } from '../../operator/pki/pem.ts';
import { parseRevocationList } from '../../operator/pki/revocation-list.ts';
import { describeSubtree, nameConstraintsOf } from '../../operator/pki/subtree.ts';
import { type DNSProgram, startDnsmasq } from '../support/dns-server.ts';
import { contoso, partnerManifest, serverManifest, startTrustmesh, type Trustmesh, textOf } from '../support/installation.ts';
import { needing } from '../support/needing.ts';
import { makeRoot } from '../support/peers/forged.ts';
import { day, type Issuing } from '../support/peers/material.ts';
import { freePort } from '../support/port.ts';
import { waitFor } from '../support/wait.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'dnsmasq');

let trustmesh: Trustmesh;
let dns: DNSProgram;
const dnsPort = freePort();
const service = (target: string, port = 5061) => `_sipfederationtls._tcp.fabrikam.com,${target},${port},1,1`;
const zone = (...services: readonly string[]) => ({ domain: 'fabrikam.com', ttl: 30, services });
const edgeSpec = {
  role: 'Edge',
  poolFQDN: 'edge.contoso.com',
  members: [{ fqdn: 'edge01.contoso.com' }],
  edge: { accessFQDN: 'access.contoso.com' },
} as const;
const edge = serverManifest('edge', edgeSpec);

beforeAll(async () => {
  const port = await dnsPort;
  dns = await startDnsmasq(zone(service('sip.fabrikam.com')), port);
  trustmesh = await startTrustmesh({ args: ['--resolver', `127.0.0.1:${port}`] });
  await trustmesh.apply(contoso + edge);
  await trustmesh.ready('media', 'edge');
});
afterAll(async () => {
  await trustmesh?.[Symbol.asyncDispose]();
  await dns?.[Symbol.asyncDispose]();
});

const trustIn = (...authorities: readonly Issuing[]) => ({
  anchors: [{ pem: authorities.flatMap(({ anchors }) => anchors.map(({ pem }) => pem)).join('') }],
});
const bundle = () => trustmesh.configMap('media', 'trustmesh-contoso-edge-external');
const listed = async () => JSON.parse((await bundle())['peers.json'] ?? '{}').partners;
const subjectsIn = (pem = '') => parseCertificates(pem).map(({ subject }) => subject);
const conditionOf = async (name: string, type: string) =>
  (await trustmesh.admin.get(federatedPartners, { name })).status?.conditions?.find((condition) => condition.type === type);

/** Waits until a condition has this reason; returns its message. */
async function reason(name: string, type: string, wanted: string, limitMs = 10_000): Promise<string> {
  let seen: unknown;
  const condition = await waitFor(
    `${type} of ${name} to be ${wanted}`,
    async () => {
      const found = await conditionOf(name, type);
      seen = found;
      return found?.reason === wanted ? found : undefined;
    },
    { limitMs, seen: () => seen },
  );
  return condition.message;
}

async function remove(...names: readonly string[]): Promise<void> {
  for (const name of names) await trustmesh.admin.delete(federatedPartners, { name });
  await waitFor('the bundle to be empty', async () => ((await bundle())['ca.crt'] === '' ? true : undefined));
}

describe('AllowedDomain', () => {
  const fabrikam = makeRoot('Fabrikam Root');
  beforeAll(async () => {
    await trustmesh.apply(partnerManifest('fabrikam', { mode: 'AllowedDomain', trust: trustIn(fabrikam) }));
    await trustmesh.partner('fabrikam', 'Trusted');
  });
  afterAll(() => remove('fabrikam'));

  it('finds the edge by SRV', async () => {
    expect(await reason('fabrikam', 'EdgeFound', 'EdgeFound')).toBe('DNS says that its edge is sip.fabrikam.com:5061.');
    expect(await listed()).toMatchObject([{ accessEdge: { fqdn: 'sip.fabrikam.com', port: 5061 } }]);
    expect(await dns.asked('_sipfederationtls._tcp.fabrikam.com')).toBe(1);
  });

  it('follows it when its TTL is over, and refuses a target elsewhere in words', async () => {
    const port = dns.port;
    await dns[Symbol.asyncDispose]();
    dns = await startDnsmasq(zone(service('edge2.fabrikam.com', 5071), service('edge.example.net')), port);
    const message = await reason('fabrikam', 'EdgeFound', 'EdgeFoundInPart', 60_000);
    expect(message).toContain('leads to edge.example.net, which is neither sip.fabrikam.com nor lies in fabrikam.com');
    const names = ['edge2.fabrikam.com', 'sip.fabrikam.com', 'fabrikam.com'];
    await waitFor('the edges to be told of it', async () => ((await listed())[0]?.accessEdge.port === 5071 ? true : undefined));
    expect(await listed()).toMatchObject([{ accessEdge: { fqdn: 'edge2.fabrikam.com', port: 5071 }, names }]);
    // What was there before stays for a day, after what is there now.
    const edges = ['edge2.fabrikam.com:5071', 'sip.fabrikam.com:5061'];
    expect((await trustmesh.partner('fabrikam', 'Trusted')).status?.accessEdges).toEqual(edges);
  }, 90_000);

  it('keeps it over a restart while no name server answers', async () => {
    const { port } = dns;
    const before = await listed();
    await dns[Symbol.asyncDispose]();
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await waitFor(
      'the silence to be told',
      async () =>
        (await conditionOf('fabrikam', 'EdgeFound'))?.message.includes('could not be looked up') === true ? true : undefined,
      { limitMs: 60_000 },
    );
    expect(await conditionOf('fabrikam', 'EdgeFound')).toMatchObject({ status: 'True', reason: 'EdgeFoundInPart' });
    expect(await listed()).toEqual(before);
    dns = await startDnsmasq(zone(service('edge2.fabrikam.com', 5071)), port);
  }, 90_000);

  it('of a domain without such a record says so, and may call all the same', async () => {
    await trustmesh.apply(
      partnerManifest('litware', {
        mode: 'AllowedDomain',
        sipDomains: ['sub.fabrikam.com'],
        trust: trustIn(makeRoot('Litware')),
      }),
    );
    await trustmesh.partner('litware', 'Trusted');
    expect(await reason('litware', 'EdgeFound', 'EdgeNotFound')).toContain('sub.fabrikam.com');
    expect((await listed()).find(({ name }: { name: string }) => name === 'litware')).toMatchObject({
      names: ['sip.sub.fabrikam.com', 'sub.fabrikam.com'],
    });
    await trustmesh.admin.delete(federatedPartners, { name: 'litware' });
  });
});

it('HostingProvider: many domains behind one edge', async () => {
  const sipDomains = Array.from({ length: 20 }, (_, index) => `customer${index}.com`);
  const accessEdge = { fqdn: 'federation.hosting.net' };
  await trustmesh.apply(
    partnerManifest('hosting', { mode: 'HostingProvider', sipDomains, accessEdge, trust: trustIn(makeRoot('Hosting')) }),
  );
  await trustmesh.partner('hosting', 'Trusted');
  expect(await listed()).toMatchObject([{ sipDomains, names: [accessEdge.fqdn, ...sipDomains], accessEdge: { port: 5061 } }]);
  expect(subjectsIn((await bundle())['ca.crt'])).toEqual(['CN=Hosting', 'CN=Hosting']);
  await remove('hosting');
});

it('media with a partner follows from its level, which is listed, and from that of the Edge', async () => {
  const own = { trust: trustIn(makeRoot('Fabrikam Media')), media: { encryptionLevel: 'NotSupported' } };
  await trustmesh.apply(partnerManifest('fabrikam', own));
  expect(await reason('fabrikam', 'MediaEncrypted', 'SRTPNotPossible')).toContain('of FederatedPartner fabrikam is NotSupported');
  await trustmesh.partner('fabrikam', 'Trusted');
  expect(await listed()).toMatchObject([{ name: 'fabrikam', encryptionLevel: 'NotSupported' }]);
  await trustmesh.apply(partnerManifest('fabrikam', { trust: own.trust }));
  await reason('fabrikam', 'MediaEncrypted', 'Encrypted');
  await trustmesh.apply(serverManifest('edge', { ...edgeSpec, media: { encryptionLevel: 'Supported' } }));
  await reason('fabrikam', 'MediaEncrypted', 'EncryptedWherePossible');
  await trustmesh.apply(edge);
  await reason('fabrikam', 'MediaEncrypted', 'Encrypted');
  await remove('fabrikam');
});

it('Blocked wins over every mode', async () => {
  const modes = ['Direct', 'AllowedDomain', 'HostingProvider'];
  const manifests = modes.map((mode, index) =>
    partnerManifest(`partner${index}`, {
      mode,
      ...(mode === 'AllowedDomain' ? {} : { accessEdge: { fqdn: `sip.partner${index}.com` } }),
      trust: trustIn(makeRoot(`Partner ${index}`)),
    }),
  );
  await trustmesh.apply(manifests.join(''));
  for (const index of modes.keys()) await trustmesh.partner(`partner${index}`, 'Trusted');
  await trustmesh.apply(
    partnerManifest('unwanted', { mode: 'Blocked', sipDomains: modes.map((_, index) => `partner${index}.com`) }),
  );
  for (const index of modes.keys()) await trustmesh.partner(`partner${index}`, 'Blocked');
  await waitFor('nobody to be believed', async () => ((await bundle())['ca.crt'] === '' ? true : undefined));
  expect(await listed()).toEqual([]);
  expect(textOf(await trustmesh.secret('media', 'edge-edge01-access-edge-external-tls'), 'ca.crt')).toBe('');
  await remove('unwanted', ...modes.map((_, index) => `partner${index}`));
});

it('Discovered: public CAs lie in a file of their own, for every name but ours, partners’ and blocked ones', async () => {
  await trustmesh.apply(
    partnerManifest('fabrikam', { trust: trustIn(makeRoot('Fabrikam')) }) +
      partnerManifest('unwanted', { mode: 'Blocked' }) +
      partnerManifest('anybody', { mode: 'Discovered', sipDomains: [], trust: trustIn(makeRoot('Public')) }),
  );
  await trustmesh.partner('anybody', 'Trusted');
  await trustmesh.partner('fabrikam', 'Trusted');
  expect(await reason('anybody', 'NamesConstrained', 'AnyName')).toContain('listener of its own');
  const data = await bundle();
  expect(subjectsIn(data['ca.crt'])).toEqual(['CN=Fabrikam', 'CN=Fabrikam']);
  expect(subjectsIn(data['discovered.crt'])).toEqual(['CN=Public', 'CN=Public']);
  expect(Object.keys(data).sort()).toEqual(['ca.crt', 'discovered.crt', 'partner-fabrikam.crt', 'peers.json']);
  expect((await listed()).map(({ name }: { name: string }) => name)).toEqual(['fabrikam']);
  const [cross] = parseCertificates(data['discovered.crt'] ?? '');
  const constraints = cross?.extensions.get(extensionIds.nameConstraints)?.value ?? Buffer.alloc(0);
  const excluded = nameConstraintsOf(constraints).excluded.map((subtree) => `${subtree.kind} ${describeSubtree(subtree)}`);
  expect(excluded).toEqual(expect.arrayContaining(['dns "contoso.com"', 'dns "fabrikam.com"', 'dns "unwanted.com"']));
  for (const secret of ['edge-edge01-access-edge-external-tls', 'edge-edge01-internal-tls'])
    expect(subjectsIn(textOf(await trustmesh.secret('media', secret), 'ca.crt'))).not.toContain('CN=Public');

  const outside = { name: 'outside', port: 5061, protocol: 'MTLS', face: 'External' };
  const listeners = [outside, { ...outside, name: 'anybody', port: 5063, partners: 'Discovered' }];
  await trustmesh.apply(serverManifest('edge', { ...edgeSpec, listeners, outputs: ['Kamailio'] }));
  const rendered = () => trustmesh.configMap('media', 'edge-trust');
  const files = await waitFor('the files of the listener', async () => {
    const found = await rendered().catch(() => undefined);
    return found?.['kamailio-anybody.cfg'] === undefined ? undefined : found;
  });
  expect(files['discovered.crt']).toBe(data['discovered.crt']);
  expect(files['kamailio-anybody-tls.cfg']).toContain('ca_list = /etc/trustmesh/trust/discovered.crt');
  const closed = (domain: string) => `closed\\:${domain}:0:0:closed\n`;
  for (const domain of ['contoso.com', 'fabrikam.com', 'unwanted.com'])
    expect(files['kamailio-discovered-names']).toContain(closed(domain));
  await trustmesh.apply(partnerManifest('barred', { mode: 'Blocked' }));
  await waitFor('a blocked domain to be closed', async () =>
    (await rendered())['kamailio-discovered-names']?.includes(closed('barred.com')) === true ? true : undefined,
  );

  await trustmesh.admin.delete(federatedPartners, { name: 'anybody' });
  await waitFor('the file to go', async () => ((await bundle())['discovered.crt'] === undefined ? true : undefined));
  await waitFor('nobody to be believed there', async () => {
    const { 'discovered.crt': anchors, 'kamailio-anybody-tls.cfg': profiles } = await rendered();
    return anchors === undefined && profiles?.includes('discovered.crt') === false ? true : undefined;
  });
  await trustmesh.admin.delete(federatedPartners, { name: 'barred' });
  await trustmesh.apply(edge);
  await remove('fabrikam', 'unwanted');
});

const hour = 3_600_000;

describe('revocation Published', () => {
  const fabrikam = makeRoot('Fabrikam');
  const litware = makeRoot('Litware');
  /** Made when it is asked for. */
  const pages = new Map<string, () => Buffer>();
  const publisher = createServer(({ url = '' }, response) => {
    const page = pages.get(url);
    response.writeHead(page === undefined ? 404 : 200).end(page?.());
  });
  let base = '';
  beforeAll(async () => {
    publisher.listen(await freePort(), '127.0.0.1');
    await once(publisher, 'listening');
    const address = publisher.address();
    base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterAll(() => {
    publisher.closeAllConnections();
    publisher.close();
  });

  function listOf({ issuer, anchors: [root] }: Issuing, number: number, life = day): Buffer {
    const now = Math.floor(Date.now() / 1000) * 1000;
    return signRevocationList(issuer, {
      issuerKeyId: Buffer.from(root?.subjectKeyId ?? '', 'hex'),
      number,
      thisUpdate: now - hour + number * 1000,
      nextUpdate: now + life,
      revoked: [{ serial: '0a', since: now - day }],
    });
  }
  const published = (authority: Issuing, page: string) => ({
    ...trustIn(authority),
    revocation: 'Published',
    crlURLs: [`${base}${page}`],
  });
  const listsIn = async () => {
    const { 'crl.pem': pem } = await bundle();
    return pem === undefined ? undefined : decodePem(pem).map(({ der }) => parseRevocationList(der).authorityKeyId ?? '');
  };
  const keyIds = (...certificates: readonly (Certificate | undefined)[]) =>
    certificates.map((each) => each?.subjectKeyId ?? '').sort();

  it('delivers the lists while each partner has one, also over a restart, and says who is in the way', async () => {
    pages.set('/fabrikam.crl', () => listOf(fabrikam, 1));
    await trustmesh.apply(partnerManifest('fabrikam', { trust: published(fabrikam, '/fabrikam.crl') }));
    await trustmesh.partner('fabrikam', 'Trusted');
    await reason('fabrikam', 'RevocationCurrent', 'Delivered');
    const lists = await waitFor('the lists to be delivered', listsIn);
    const [root] = parseCertificates((await bundle())['ca.crt'] ?? '').filter(
      ({ subjectKeyId, authorityKeyId }) => subjectKeyId === authorityKeyId,
    );
    expect([...lists].sort()).toEqual(keyIds(root, fabrikam.anchors[0]));

    const before = await trustmesh.admin.get(configMaps, { namespace: 'media', name: 'trustmesh-contoso-edge-external' });
    pages.delete('/fabrikam.crl');
    await trustmesh.stopReplicas();
    await trustmesh.startReplica();
    await trustmesh.apply(partnerManifest('unwanted', { mode: 'Blocked' }));
    await trustmesh.partner('unwanted', 'Blocked');
    const after = await trustmesh.admin.get(configMaps, { namespace: 'media', name: 'trustmesh-contoso-edge-external' });
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);

    await trustmesh.apply(partnerManifest('litware', { trust: published(litware, '/nowhere.crl') }));
    const waiting = await waitFor('its list to be missed', async () => {
      const condition = await conditionOf('litware', 'TrustEstablished');
      return condition?.message.includes('answers 404') === true ? condition : undefined;
    });
    expect(waiting).toMatchObject({ status: 'False', reason: 'ListUnavailable' });
    await reason('fabrikam', 'RevocationCurrent', 'Delivered');
    const meanwhile = await trustmesh.admin.get(configMaps, { namespace: 'media', name: 'trustmesh-contoso-edge-external' });
    expect(meanwhile.metadata.resourceVersion).toBe(before.metadata.resourceVersion);

    await trustmesh.apply(partnerManifest('litware', { trust: trustIn(litware) }));
    await trustmesh.partner('litware', 'Trusted');
    expect(await reason('fabrikam', 'RevocationCurrent', 'PartnersWithoutLists')).toContain('litware');
    await waitFor('the lists to go', async () => ((await listsIn()) === undefined ? true : undefined));

    pages.set('/litware.crl', () => listOf(litware, 1));
    await trustmesh.apply(partnerManifest('litware', { trust: published(litware, '/litware.crl') }));
    await reason('litware', 'RevocationCurrent', 'Delivered');
    expect(await waitFor('the lists of both', listsIn)).toHaveLength(4);
    await remove('fabrikam', 'litware', 'unwanted');
    expect(await listsIn()).toBeUndefined();
  }, 60_000);

  it('takes the file away an hour before a list ends, and the next one puts it back', async () => {
    pages.set('/long.crl', () => listOf(fabrikam, 1));
    await trustmesh.apply(partnerManifest('fabrikam', { trust: published(fabrikam, '/long.crl') }));
    await reason('fabrikam', 'RevocationCurrent', 'Delivered');
    // Ten seconds from each time it is asked for: until one of them is taken up, the one before goes on.
    pages.set('/short.crl', () => listOf(fabrikam, 2, hour + 10_000));
    await trustmesh.apply(partnerManifest('fabrikam', { trust: published(fabrikam, '/short.crl') }));
    expect(await reason('fabrikam', 'RevocationCurrent', 'ListUnavailable', 150_000)).toContain('it ends at');
    pages.delete('/short.crl');
    await waitFor('the lists to go', async () => ((await listsIn()) === undefined ? true : undefined));
    const told = await waitFor('an event about it', async () => {
      const { items } = await trustmesh.admin.list(events, { namespace: 'default' });
      const of = items.filter(
        ({ regarding, reason: why }) => regarding?.name === 'fabrikam' && why === 'RevocationListsWithdrawn',
      );
      return of.map(({ note }) => note ?? '').find((note) => note.includes('it ends at'));
    });
    expect(told).toContain('crl.pem is not delivered, and no file names it');
    pages.set('/next.crl', () => listOf(fabrikam, 3));
    await trustmesh.apply(partnerManifest('fabrikam', { trust: published(fabrikam, '/next.crl') }));
    await reason('fabrikam', 'RevocationCurrent', 'Delivered');
    await waitFor('the lists to be back', listsIn);
    await remove('fabrikam');
  }, 180_000);
});
