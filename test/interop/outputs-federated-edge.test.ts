// Envoy, HAProxy and nginx as an Edge between a pool and two partners: every file and Secret as it stands in the API server,
// mounted where the documentation says; who gets in on which side; and what is left of a partner that is blocked.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configMaps, federatedPartners } from '../../operator/kube/resource.ts';
import { contoso, partnerManifest, serverManifest, startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { mount, relocated } from '../support/mounted.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName } from '../support/peers/forged.ts';
import { authorityOf, makeAuthority, materialOf } from '../support/peers/material.ts';
import type { Material } from '../support/peers/peer.ts';
import { freePort } from '../support/port.ts';
import { type ProxySoftware, proxies, type RunningProxy, steadily } from '../support/proxies.ts';
import { waitFor } from '../support/wait.ts';
import { answering, call, isLetIn, listening } from './support/calling.ts';
import { hostileFrom } from './support/hostile.ts';

const { dns, uri } = generalName;
const tools = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'helm'] as const;

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;
/** Port of what lies behind each Edge. */
let backend: number;

const fabrikam = makeAuthority('Fabrikam');
const northwind = makeAuthority('Northwind');
const partner = (name: string, authority: ReturnType<typeof makeAuthority>) =>
  partnerManifest(name, { trust: { anchors: authority.anchors.map(({ pem }) => ({ pem })) } });
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
  await trustmesh.apply(
    contoso + pool('pool01', { role: 'FrontEnd' }) + partner('fabrikam', fabrikam) + partner('northwind', northwind),
  );
  await trustmesh.ready('media', 'pool01');
  insider = materialOf(await trustmesh.secret('media', 'pool01-tls'));
  const ourCA = authorityOf(materialOf(await trustmesh.secret('trustmesh-system', 'contoso-issuing-1')));
  stranger = forge(ourCA, { names: [dns('sip.fabrikam.com'), uri('spiffe://contoso.com/front-end/other.contoso.com')] });
}, 5 * 60_000);
afterAll(() => running.disposeAsync());

interface RunningEdge {
  readonly inside: number;
  readonly outside: number;
  readonly proxy: RunningProxy;
  /** Mounts what the API server has now. */
  readonly mountAll: () => Promise<void>;
}

async function startEdge(software: ProxySoftware): Promise<RunningEdge> {
  const name = `edge-${software.name.toLowerCase()}`;
  const [inside, outside] = [await freePort(), await freePort()];
  await trustmesh.apply(
    pool(name, {
      role: 'Edge',
      edge: { accessFQDN: `access-${name}.contoso.com` },
      certificates: { scope: 'Pool', uses: [{ use: 'Internal' }, { use: 'AccessEdgeExternal' }] },
      outputs: [software.output],
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
  const mountAll = async () => {
    const [internal, external] = await Promise.all(
      ['internal', 'access-edge-external'].map(async (use) => materialOf(await trustmesh.secret('media', `${name}-${use}-tls`))),
    );
    await mount(join(root, 'internal'), { ...internal });
    await mount(join(root, 'access-edge-external'), { ...external });
    await mount(join(root, 'trust'), relocated(await data(`${name}-trust`), root));
  };
  await waitFor(
    'both partners in the rendered files',
    async () => {
      const text = Object.values(await data(`${name}-trust`)).join('');
      return /fabrikam/.test(text) && /northwind/.test(text);
    },
    { limitMs: 30_000 },
  );
  await mountAll();
  const listeners = [
    { name: 'inside', port: inside },
    { name: 'outside', port: outside },
  ];
  const proxy = running.use(await software.start({ root, listeners, backend }));
  await waitFor(`${software.name} to listen`, () => isLetIn(inside, insider), { limitMs: 30_000, seen: proxy.program.output });
  return { inside, outside, proxy, mountAll };
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
      const rendered = async () =>
        Object.values(await trustmesh.configMap('media', `edge-${software.name.toLowerCase()}-trust`)).join('');
      await waitFor('the files without it', async () => !(await rendered()).includes('fabrikam'), { limitMs: 30_000 });
      await edge.mountAll();
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
  });
}
