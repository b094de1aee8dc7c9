// Envoy, HAProxy, nginx and Kamailio as an Edge between a pool and two partners: every file and Secret as it stands in the API
// server, mounted where the documentation says; who gets in on which side; what is left of a partner that is blocked; and whom the
// CRLs keep out that partners publish.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createPublisher } from 'node:http';
import { connect as connectPlain, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configMaps, federatedPartners, trustedServers } from '../../operator/kube/resource.ts';
import type { Output } from '../../operator/outputs/formats.ts';
import { decodePem, encodePem } from '../../operator/pki/pem.ts';
import { parseRevocationList } from '../../operator/pki/revocation-list.ts';
import { contoso, partnerManifest, serverManifest, startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { kamailioVersion, startKamailio } from '../support/kamailio.ts';
import { record } from '../support/matrix.ts';
import { mount, relocated } from '../support/mounted.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName, revocationList } from '../support/peers/forged.ts';
import { authorityOf, makeAuthority, materialOf, minute } from '../support/peers/material.ts';
import type { Material } from '../support/peers/peer.ts';
import { freePort } from '../support/port.ts';
import { type ProxySoftware, proxies, type RunningProxy, steadily } from '../support/proxies.ts';
import { askByTLS } from '../support/sip.ts';
import { waitFor } from '../support/wait.ts';
import { answering, answerOf, call, isLetIn, listening } from './support/calling.ts';
import { hostileFrom } from './support/hostile.ts';
import { startNodeEdge } from './support/node-edge.ts';

const { dns, uri } = generalName;
const tools = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'helm'] as const;

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;
/** Port of what lies behind each Edge. */
let backend: number;

const fabrikam = makeAuthority('Fabrikam');
const northwind = makeAuthority('Northwind');
type Authority = ReturnType<typeof makeAuthority>;
const partner = (name: string, { anchors }: Authority, trust: object = {}) =>
  partnerManifest(name, { trust: { anchors: anchors.map(({ pem }) => ({ pem })), ...trust } });
const partners = partner('fabrikam', fabrikam) + partner('northwind', northwind);
const ofFabrikam = (...names: readonly Buffer[]) => forge(fabrikam, { names });
const edgeOfFabrikam = ofFabrikam(dns('sip.fabrikam.com'));
const edgeOfNorthwind = forge(northwind, { names: [dns('sip.northwind.com')] });

/** Of a registrar in the topology, and of the CA that issued it. */
let insider: Material;
let stranger: Material;

const pool = (name: string, spec: Readonly<Record<string, unknown>>) =>
  serverManifest(name, {
    poolFQDN: `${name}.contoso.com`,
    members: [{ fqdn: `${name}-0.contoso.com` }],
    certificates: { scope: 'Pool' },
    ...spec,
  });

beforeAll(async () => {
  trustmesh = running.use(await startTrustmesh());
  backend = running.use(await listening(createServer(answering))).port;
  await trustmesh.apply(contoso + pool('pool01', { role: 'FrontEnd' }) + partners);
  await trustmesh.ready('media', 'pool01');
  insider = materialOf(await trustmesh.secret('media', 'pool01-tls'));
  const ourCA = authorityOf(materialOf(await trustmesh.secret('trustmesh-system', 'contoso-issuing-1')));
  stranger = forge(ourCA, { names: [dns('sip.fabrikam.com'), uri('spiffe://contoso.com/front-end/other.contoso.com')] });
}, 5 * 60_000);
afterAll(() => running.disposeAsync());

type Files = Readonly<Record<string, string>>;

interface MountedEdge {
  readonly name: string;
  /** Where the volumes are. */
  readonly root: string;
  readonly inside: number;
  readonly outside: number;
  /** Mounts what the API server has, once the rendered files and what lies beside them are as wanted. */
  readonly mountWhen: (what: string, isWanted: (files: Files) => boolean, as?: (files: Files) => Files) => Promise<void>;
}

interface RunningEdge extends MountedEdge {
  readonly proxy: RunningProxy;
  /** Whether it believes who answers with this as Fabrikam’s edge; absent where it calls nobody. */
  readonly believes?: (material: Material) => Promise<boolean>;
}

async function mountEdge(output: Output): Promise<MountedEdge> {
  const name = `edge-${output.toLowerCase()}`;
  const [inside, outside] = [await freePort(), await freePort()];
  await trustmesh.apply(
    pool(name, {
      role: 'Edge',
      edge: { accessFQDN: `access-${name}.contoso.com` },
      certificates: { scope: 'Pool', uses: [{ use: 'Internal' }, { use: 'AccessEdgeExternal' }] },
      outputs: [output],
      listeners: [
        { name: 'inside', port: inside, protocol: 'MTLS', face: 'Internal' },
        { name: 'outside', port: outside, protocol: 'MTLS', face: 'External' },
      ],
    }),
  );
  await trustmesh.ready('media', name);
  await Promise.all(['fabrikam', 'northwind'].map((each) => trustmesh.partner(each, 'Trusted')));
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-mounted-'));
  running.defer(() => rm(root, { recursive: true, force: true }));
  const data = async (of: string) => (await trustmesh.admin.get(configMaps, { namespace: 'media', name: of })).data ?? {};
  const mountWhen: MountedEdge['mountWhen'] = async (what, isWanted, as = (files) => files) => {
    const wanted = async () => {
      const files = await data(`${name}-trust`);
      return isWanted(files) ? files : undefined;
    };
    const files = await waitFor(what, wanted, { limitMs: 30_000 });
    const [internal, external] = await Promise.all(
      ['internal', 'access-edge-external'].map(async (use) => materialOf(await trustmesh.secret('media', `${name}-${use}-tls`))),
    );
    await mount(join(root, 'internal'), { ...internal });
    await mount(join(root, 'access-edge-external'), { ...external });
    await mount(join(root, 'trust'), relocated(as(files), root));
  };
  await mountWhen('both partners in the rendered files', namesBoth);
  return { name, root, inside, outside, mountWhen };
}

function namesBoth(files: Readonly<Record<string, string>>): boolean {
  const text = Object.values(files).join('');
  return /fabrikam/.test(text) && /northwind/.test(text);
}

async function startEdge(software: ProxySoftware): Promise<RunningEdge> {
  const mounted = await mountEdge(software.output);
  const { root, inside, outside } = mounted;
  const listeners = [
    { name: 'inside', port: inside },
    { name: 'outside', port: outside },
  ];
  const calling = software.name === 'Envoy' ? await callingFabrikam() : undefined;
  const proxy = running.use(await software.start({ root, listeners, backend, ...(calling && { calls: calling.calls }) }));
  await waitFor(`${software.name} to listen`, () => isLetIn(inside, insider), { limitMs: 30_000, seen: proxy.program.output });
  return { ...mounted, proxy, ...(calling && { believes: calling.believes }) };
}

/** Somebody at Fabrikam’s edge, and a port from which a proxy passes on to there. */
async function callingFabrikam() {
  const believing = { 'ca.crt': Buffer.from((await trustmesh.configMap('media', 'trustmesh-contoso'))['ca.crt'] ?? '') };
  const callee = running.use(await startNodeEdge({ ...edgeOfFabrikam, ...believing }));
  const calls = { port: await freePort(), to: callee.port, name: 'sip.fabrikam.com', partner: 'fabrikam' };
  const believes = async (material: Material) => {
    callee.takeUp({ ...material, ...believing });
    const socket = connectPlain(calls.port, '127.0.0.1');
    const answer = await answerOf(socket);
    socket.destroy();
    return answer;
  };
  return { calls, believes };
}

for (const software of proxies) {
  needing(...tools, ...software.tools).describe(software.name, () => {
    let edge: RunningEdge;
    beforeAll(async () => {
      edge = await startEdge(software);
    }, 120_000);
    const outside = (material?: Material) => isLetIn(edge.outside, material);
    const inside = (material?: Material) => isLetIn(edge.inside, material);

    it('lets partners in outside and registrars inside', async () => {
      expect(await outside(edgeOfFabrikam)).toBe(true);
      expect(await outside(edgeOfNorthwind)).toBe(true);
      expect(await outside(ofFabrikam(dns('fabrikam.com')))).toBe(true);
      expect(await inside(insider)).toBe(true);
    });

    it('refuses each side on the other, and our own CA’s unlisted on both', async () => {
      expect(await outside(insider)).toBe(false);
      expect(await inside(edgeOfFabrikam)).toBe(false);
      expect({ outside: await outside(stranger), inside: await inside(stranger) }).toEqual({ outside: false, inside: false });
      expect({ outside: await outside(), inside: await inside() }).toEqual({ outside: false, inside: false });
    });

    it.each(hostileFrom(fabrikam, 'fabrikam.com'))('refuses from a partner, on both sides: %s', async (_what, material) => {
      expect({ outside: await outside(material), inside: await inside(material) }).toEqual({ outside: false, inside: false });
    });

    it('refuses a partner that is blocked, new and resumed, also with the cross-certificate that it had', async () => {
      const standing = await call(edge.outside, edgeOfFabrikam);
      const former = (await trustmesh.configMap('media', 'trustmesh-contoso-edge-external'))['partner-fabrikam.crt'] ?? '';
      const withFormer = { ...edgeOfFabrikam, 'tls.crt': Buffer.concat([edgeOfFabrikam['tls.crt'], Buffer.from(former)]) };
      expect(await outside(withFormer)).toBe(true);
      await trustmesh.apply(partnerManifest('unwanted', { mode: 'Blocked', sipDomains: ['fabrikam.com'] }));
      await trustmesh.partner('fabrikam', 'Blocked');
      await edge.mountWhen('the files without it', (files) => !Object.values(files).join('').includes('fabrikam'));
      edge.proxy.reload();
      await waitFor(
        `${software.name} to read them`,
        steadily(async () => !(await outside(edgeOfFabrikam))),
        { limitMs: 30_000, seen: edge.proxy.program.output },
      );
      expect(await outside(withFormer)).toBe(false);
      expect(await isLetIn(edge.outside, edgeOfFabrikam, standing.session())).toBe(false);
      expect(await outside(edgeOfNorthwind)).toBe(true);
      expect(await standing.ask()).toBe(true);
      standing.socket?.destroy();
      await trustmesh.admin.delete(federatedPartners, { name: 'unwanted' });
      await trustmesh.partner('fabrikam', 'Trusted');
    });

    it('refuses by the CRLs that partners publish, takes up the next, and names none once one of them publishes no more', async () => {
      const { mountWhen, proxy, believes } = edge;
      await holdsToCRLs({
        mountWhen,
        letsIn: outside,
        reload: async () => proxy.reload(),
        settled: steadily,
        ...(believes && { believes }),
      });
      const how = software.name === 'Envoy' ? 'yes, of partners; takes up the next by itself' : 'yes, of partners';
      record({ software: software.name, version: await software.version(), capability: 'CRL', result: how });
    }, 120_000);
  });
}

needing(...tools, 'kamailio').describe('Kamailio', () => {
  it('is named no CRLs of partners, by which it refuses where somebody names them before it starts', async () => {
    const edge = await mountEdge('Kamailio');
    const revoked = ofFabrikam(dns('sip.fabrikam.com'));
    await using published = await publication(revoked);
    await trustmesh.apply(published.manifests);
    await edge.mountWhen('the CRLs of both', published.areIn);
    const profiles = join(edge.root, 'trust/kamailio-outside-tls.cfg');
    const text = await readFile(profiles, 'utf8');
    expect(text).not.toMatch(/^crl/m);
    await waitFor('the Edge to say so', async () => {
      const { status } = await trustmesh.admin.get(trustedServers, { namespace: 'media', name: edge.name });
      const told = status?.conditions?.find(({ type }) => type === 'TrustDistributed');
      return told?.message.includes('CRLs of partners are not checked by Kamailio') === true ? true : undefined;
    });
    const outside = async (identity: Material) => {
      const domain = identity === edgeOfNorthwind ? 'northwind.com' : 'fabrikam.com';
      const answer = await askByTLS({ port: edge.outside, identity, from: `sip:a@${domain}`, to: 'sip:bob@contoso.com' });
      return 'status' in answer && answer.status === 200;
    };
    const withProfiles = async (content: string) => {
      await writeFile(profiles, content);
      const name = `access-${edge.name}.contoso.com`;
      await using _running = await startKamailio({
        trust: join(edge.root, 'trust'),
        listener: 'outside',
        port: edge.outside,
        name,
      });
      return [await outside(edgeOfFabrikam), await outside(edgeOfNorthwind), await outside(revoked)];
    };
    expect(await withProfiles(text)).toEqual([true, true, true]);
    const lists = join(edge.root, 'trust/..data/crl.pem');
    expect(await withProfiles(text.replace('[server:default]\n', `[server:default]\ncrl = ${lists}\n`))).toEqual([
      true,
      true,
      false,
    ]);
    record({
      software: 'Kamailio',
      version: await kamailioVersion(),
      capability: 'CRL',
      result: 'none is named: a reload may then end it',
    });
    await trustmesh.apply(partners);
  }, 120_000);
});

interface HeldToCRLs extends Pick<MountedEdge, 'mountWhen'>, Pick<RunningEdge, 'believes'> {
  readonly letsIn: (material: Material) => Promise<boolean>;
  readonly reload: () => Promise<void>;
  /** What is so a moment after a reload may be the doing of a process that ends. */
  readonly settled: typeof steadily;
}

/**
 * Both partners publish, Fabrikam of its root and of the CA below: software checks the whole chain. Then Fabrikam publishes its
 * next list, and then Northwind none any more.
 */
async function holdsToCRLs({ mountWhen, letsIn, believes, reload, settled }: HeldToCRLs): Promise<void> {
  const [first, second] = [ofFabrikam(dns('sip.fabrikam.com')), ofFabrikam(dns('sip.fabrikam.com'))];
  const letIn = async () => {
    const all = [edgeOfFabrikam, edgeOfNorthwind, first, second].map(letsIn);
    const [good, other, ...revoked] = await Promise.all(all);
    return { good, other, revoked };
  };
  await using published = await publication(first, second);
  const takesUp = async (what: string, wanted: Awaited<ReturnType<typeof letIn>>) => {
    await reload();
    let seen: unknown;
    const isSo = settled(async () => {
      seen = await letIn();
      return JSON.stringify(seen) === JSON.stringify(wanted);
    });
    await waitFor(what, isSo, { limitMs: 30_000, seen: () => seen });
  };
  const calls = async (wanted: { readonly good: boolean; readonly revoked: boolean }) => {
    if (believes === undefined) return;
    const isSo = async () =>
      JSON.stringify({ good: await believes(edgeOfFabrikam), revoked: await believes(first) }) === JSON.stringify(wanted);
    await waitFor('whom it calls to be held to the list', isSo, { limitMs: 30_000 });
  };
  const everybody = { good: true, other: true, revoked: [true, true] };

  await mountWhen('both partners in the files', namesBoth);
  await takesUp('everybody to get in', everybody);
  await trustmesh.apply(published.manifests);
  let before: string | undefined;
  await mountWhen('the CRLs of both', (files) => {
    before = files['crl.pem'];
    return published.areIn(files);
  });
  await takesUp('the first list to count', { ...everybody, revoked: [false, true] });
  await calls({ good: true, revoked: false });
  await trustmesh.apply(published.next);
  await mountWhen('the next list', ({ 'crl.pem': lists }) => lists !== undefined && lists !== before);
  await takesUp('the next list to count', { ...everybody, revoked: [false, false] });
  await mountWhen('the next list still', published.areIn, withListExpired);
  await takesUp('a list that has expired to keep out everybody of its CA, and nobody else', {
    good: false,
    other: true,
    revoked: [false, false],
  });
  await trustmesh.apply(partner('northwind', northwind));
  await mountWhen('files that name no CRL', (files) => !/crl\.pem/.test(Object.entries(files).join()));
  await takesUp('everybody to get in', everybody);
  await calls({ good: true, revoked: true });
  await trustmesh.apply(partners);
  for (const name of ['fabrikam', 'northwind']) await trustmesh.partner(name, 'Trusted');
}

/** With one of Fabrikam's issuing CA that ended a minute ago: what is left unread, or of an operator that is down, comes to that. */
function withListExpired(files: Files): Files {
  const [issuing] = fabrikam.intermediates;
  const lists = decodePem(files['crl.pem'] ?? '').map(({ der }) =>
    parseRevocationList(der).authorityKeyId === issuing?.subjectKeyId ? revocationList(fabrikam, [], 3, -minute) : der,
  );
  return { ...files, 'crl.pem': lists.map((der) => encodePem('X509 CRL', der)).join('') };
}

interface Publication extends AsyncDisposable {
  /** Both partners, as they publish; and Fabrikam with the list after that. */
  readonly manifests: string;
  readonly next: string;
  readonly areIn: (files: Readonly<Record<string, string>>) => boolean;
}

/** The lists of both partners: Fabrikam has revoked `first`, and on the next list all of them. */
async function publication(first: Material, ...more: readonly Material[]): Promise<Publication> {
  const pages = new Map([
    ['/fabrikam-root.crl', revocationList(fabrikam.root, [])],
    ['/fabrikam-1.crl', revocationList(fabrikam, [first])],
    ['/fabrikam-2.crl', revocationList(fabrikam, [first, ...more], 2)],
    ['/northwind-root.crl', revocationList(northwind.root, [])],
    ['/northwind.crl', revocationList(northwind, [])],
  ]);
  const publisher = await listening(
    createPublisher(({ url = '' }, response) => void response.writeHead(pages.has(url) ? 200 : 404).end(pages.get(url))),
  );
  const publishing = (name: string, authority: Authority, ...paths: readonly string[]) =>
    partner(
      name,
      { ...authority, anchors: [...authority.anchors, ...authority.intermediates] },
      { revocation: 'Published', crlURLs: paths.map((path) => `http://127.0.0.1:${publisher.port}${path}`) },
    );
  return {
    manifests:
      publishing('northwind', northwind, '/northwind-root.crl', '/northwind.crl') +
      publishing('fabrikam', fabrikam, '/fabrikam-root.crl', '/fabrikam-1.crl'),
    next: publishing('fabrikam', fabrikam, '/fabrikam-root.crl', '/fabrikam-2.crl'),
    // A federation root and its cross-certificate for each of four CAs.
    areIn: ({ 'crl.pem': lists, 'partners.crt': anchors }) => lists !== undefined && anchors?.match(/BEGIN/g)?.length === 8,
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  };
}
