// Kamailio inside a domain, on the files and Secrets as they stand in the API server: laid out as the documentation says,
// taken by Kamailio's own checker, and held to what they promise by requests over MTLS from Kamailio to Kamailio, to and from
// gateways, and from whoever has no business there.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustedServers } from '../../operator/kube/resource.ts';
import { contoso, serverManifest, startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { type Kamailio, startKamailio } from '../support/kamailio.ts';
import { mount, relocated } from '../support/mounted.ts';
import { needing } from '../support/needing.ts';
import { authorityOf, makeAuthority, makeMaterial, materialOf } from '../support/peers/material.ts';
import type { Material } from '../support/peers/peer.ts';
import { freePort } from '../support/port.ts';
import { startMediaProxy } from '../support/rtpengine.ts';
import { askByTLS, askByUDP, type Gateway, type SIPAnswer, sessionDescription, startGateway } from '../support/sip.ts';
import { type Callee, call, startCallee } from '../support/sipp.ts';
import { waitFor } from '../support/wait.ts';

const { describe } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'kamailio', 'sipp', 'rtpengine');

const example = join(import.meta.dirname, '../../examples/kamailio');

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;

/** Two pools on Kamailio, and behind the second somebody who answers calls. */
let front: Server;
let mediation: Server;
let callee: Callee;
let gatewayPort: number;
let clearPort: number;

describe('Kamailio', () => {
  beforeAll(async () => {
    trustmesh = running.use(await startTrustmesh());
    gatewayPort = await freePort();
    clearPort = await freePort();
    const [frontPort, mediationPort] = [await freePort(), await freePort()];
    await trustmesh.apply(
      contoso +
        pool('front', 'FrontEnd', frontPort) +
        pool('retired', 'FrontEnd') +
        pool('mediation', 'Mediation', mediationPort) +
        pool('neighbour', 'Mediation') +
        pool('chat', 'PersistentChat') +
        gateway('gw01', 'mediation', { port: gatewayPort, srtp: 'Required' }) +
        gateway('gw02', 'neighbour', {}) +
        gateway('gw03', 'mediation', { port: clearPort, srtp: 'NotSupported' }),
    );
    callee = running.use(await startCallee('RTP/SAVP'));
    front = await started('front', frontPort);
    // What the mediation server does with a call that was let in: it is for whoever is behind.
    const route = `if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    if (is_method("INVITE") && !has_totag()) {
      record_route_advertised_address("mediation.contoso.com:${mediationPort}");
      if ($rU == "pstn") {
        $ru = "sip:pstn@gw01.contoso.com";
        route(TRUSTMESH_TO);
      } else {
        $du = "sip:127.0.0.1:${callee.port}";
      }
      t_relay();
      exit;
    }`;
    mediation = await started('mediation', mediationPort, route, ['gw01.contoso.com', 'gw03.contoso.com']);
    for (const { kamailio } of [front, mediation]) {
      for (const name of ['front', 'retired', 'mediation', 'neighbour', 'gw01', 'gw02'])
        await kamailio.resolve(`${name}.contoso.com`);
    }
  }, 10 * 60_000);
  afterAll(() => running.disposeAsync());

  describe('as a server', () => {
    it('answers a peer, Kamailio to Kamailio and both ways', async () => {
      expect(await calls(front, mediation)).toBe(200);
      expect(await calls(mediation, front)).toBe(200);
    });

    it('answers a peer that is no Kamailio', async () => {
      expect(await answerFor(await issued('front'), mediation)).toBe(200);
      expect(await answerFor(await issued('retired'), mediation)).toBe(200);
    });

    it('refuses a certificate of the right CA that is of no peer', async () => {
      const contosoCA = authorityOf(materialOf(await trustmesh.secret('trustmesh-system', 'contoso-issuing-1')));
      for (const dnsName of ['stranger.contoso.com', 'front.contoso.com']) {
        const names = { dnsNames: [dnsName], uri: 'spiffe://contoso.com/front-end/stranger.contoso.com' };
        expect(await answerFor(makeMaterial(contosoCA, names), mediation)).toBe(403);
      }
    });

    it.each(['chat', 'neighbour'])('refuses a trusted server that has no business there: %s', async (name) => {
      expect(await answerFor(await issued(name), mediation)).toBe(403);
    });

    it('refuses no certificate, and the names of a peer from another CA', async () => {
      const names = { dnsNames: ['front.contoso.com'], uri: 'spiffe://contoso.com/front-end/front.contoso.com' };
      expect(await answerFor(undefined, mediation)).toBe('no connection');
      expect(await answerFor(makeMaterial(makeAuthority('contoso'), names), mediation)).toBe('no connection');
    });

    it('refuses who has left the topology, without a restart', async () => {
      const retired = await issued('retired');
      await trustmesh.admin.delete(trustedServers, { namespace: 'media', name: 'retired' });
      const trust = await waitFor(
        'the list without it',
        async () => {
          const files = await trustmesh.configMap('media', 'mediation-trust');
          return files['kamailio-default-names']?.includes('retired') ? undefined : files;
        },
        { limitMs: 30_000 },
      );
      expect(await answerFor(retired, mediation)).toBe(200);
      await mount(join(mediation.root, 'trust'), relocated(trust, mediation.root));
      await mediation.kamailio.command('htable.reload', 'trustmesh');
      expect(await answerFor(retired, mediation)).toBe(403);
      expect(await calls(front, mediation)).toBe(200);
    });
  });

  describe('as a client', () => {
    it('calls nobody whom the topology does not name', async () => {
      for (const host of ['elsewhere.contoso.com', 'chat.contoso.com.evil.com', '127.0.0.1']) {
        expect(await asks(mediation, `sip:${host}:${front.port};transport=tls`)).toBe(403);
      }
    });

    it('sends nothing to whom another CA has vouched for', async () => {
      const impostor = makeMaterial(makeAuthority('contoso'), { dnsNames: ['mediation.contoso.com'] });
      await using other = await startGateway({ ...impostor, 'ca.crt': await anchors() });
      expect(await asks(front, `sip:mediation.contoso.com:${other.port};transport=tls`)).toBeGreaterThanOrEqual(400);
      expect(other.requests).toEqual([]);
    });

    it('drops the answer of a trusted server that is not the one called', async () => {
      await using other = await startGateway({ ...(await issued('neighbour')), 'ca.crt': await anchors() });
      expect(await asks(front, `sip:mediation.contoso.com:${other.port};transport=tls`)).toBe(408);
      await using right = await startGateway({ ...(await issued('neighbour')), 'ca.crt': await anchors() });
      expect(await asks(front, `sip:neighbour.contoso.com:${right.port};transport=tls`)).toBe(200);
    });

    it('goes over TLS, whatever the request says of transport', async () => {
      expect(await asks(front, `sip:mediation.contoso.com:${mediation.port};transport=udp`)).toBe(200);
      expect(await asks(front, `sip:mediation.contoso.com:${mediation.port}`)).toBe(200);
    });
  });

  describe('and a gateway', () => {
    const trunk = new AsyncDisposableStack();
    let gw01: Gateway;
    beforeAll(async () => {
      gw01 = trunk.use(await startGateway(await issued('gw01'), gatewayPort));
    });
    afterAll(() => trunk.disposeAsync());

    it('call each other on their trunk, at its port', async () => {
      expect(await asks(mediation, 'sip:gw01.contoso.com')).toBe(200);
      expect(gw01.requests).toEqual([expect.stringMatching(/^OPTIONS sip:gw01\.contoso\.com/)]);
      expect(await answerFor(await issued('gw01'), mediation)).toBe(200);
    });

    it('of another pool are strangers', async () => {
      expect(await answerFor(await issued('gw02'), mediation)).toBe('no connection');
      expect(await asks(mediation, 'sip:gw02.contoso.com')).toBe(403);
    });

    it('of a mediation pool is nobody to the registrars', async () => {
      expect(await answerFor(await issued('gw01'), front)).toBe('no connection');
    });

    it('set up calls with SRTP, where the trunk requires it, and none without', async () => {
      const invite = async (transport: Parameters<typeof sessionDescription>[0]) =>
        statusOf(
          await askByTLS({
            ...callTo(mediation),
            method: 'INVITE',
            identity: await issued('gw01'),
            sdp: sessionDescription(transport),
          }),
        );
      expect(await invite('RTP/AVP')).toBe(488);
      expect(await invite('RTP/SAVP')).toBe(200);
    });
  });

  it('has calls in the clear with the gateway that is declared to have no SRTP, and with nobody else, since the domain requires it', async () => {
    const invite = async (name: string) => {
      const call = { method: 'INVITE', identity: await issued(name), sdp: sessionDescription('RTP/AVP') } as const;
      return await askByTLS({ ...callTo(mediation), ...call });
    };
    expect(statusOf(await invite('gw03'))).toBe(200);
    for (const name of ['gw01', 'front']) expect(await invite(name)).toEqual({ status: 488, reason: 'SRTP Required' });
  });

  describe('with rtpengine', () => {
    /** The mediation server once more, that has rtpengine on this port, and calls the gateway that is asked for. */
    async function withMediaProxy(on: number): Promise<Kamailio> {
      const { root, name } = mediation;
      const more = `loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${on}")
modparam("rtpengine", "rtpengine_retr", 1)
modparam("rtpengine", "rtpengine_tout_ms", 1000)
include_file "${root}/trust/kamailio-media.cfg"
onreply_route[MEDIA] { route(TRUSTMESH_ANSWER); }`;
      const route = `if (is_method("INVITE")) {
      $ru = "sip:" + $rU + ".contoso.com";
      route(TRUSTMESH_TO);
      route(TRUSTMESH_OFFER);
      t_on_reply("MEDIA");
      t_relay();
      exit;
    }`;
      const own = { trust: join(root, 'trust'), listener: 'sip', port: await freePort(), name: `${name}.contoso.com` };
      const kamailio = await startKamailio({ ...own, more, route });
      for (const gateway of ['gw01', 'gw03']) await kamailio.resolve(`${gateway}.contoso.com`);
      return kamailio;
    }
    const invite = async ({ port }: Kamailio, from: string, whom: string, media: 'RTP/AVP' | 'RTP/SAVP') => {
      const to = `sip:${whom}@mediation.contoso.com:${port}`;
      const call = { method: 'INVITE', identity: await issued(from), sdp: sessionDescription(media) } as const;
      return statusOf(await askByTLS({ port, to, from: 'sip:anna@contoso.com', ...call }));
    };

    it('makes media on each link what its level says, whatever the link before it has', async () => {
      await using proxy = await startMediaProxy();
      await using kamailio = await withMediaProxy(proxy.port);
      await using encrypted = await startGateway(await issued('gw01'), gatewayPort, 'RTP/SAVP');
      await using clear = await startGateway(await issued('gw03'), clearPort, 'RTP/AVP');
      expect(await invite(kamailio, 'front', 'gw01', 'RTP/SAVP')).toBe(200);
      expect(await invite(kamailio, 'front', 'gw03', 'RTP/SAVP')).toBe(200);
      expect(await invite(kamailio, 'gw03', 'gw01', 'RTP/AVP')).toBe(200);
      const mediaOf = ({ descriptions }: Gateway) =>
        descriptions.map((description) => [/^m=audio \d+ (\S+)/m.exec(description)?.[1], description.includes('a=crypto:')]);
      const srtp = ['RTP/SAVP', true];
      expect(mediaOf(encrypted)).toEqual([srtp, srtp]);
      expect(mediaOf(clear)).toEqual([['RTP/AVP', false]]);
    });

    it('ends a call rather than pass it on where no media proxy answers', async () => {
      await using kamailio = await withMediaProxy(await freePort());
      expect(await invite(kamailio, 'front', 'gw01', 'RTP/SAVP')).toBe(503);
    });
  });

  describe('as examples/kamailio has it', () => {
    it('takes the configuration there, and passes calls between registrar and gateway', async () => {
      const manifests = await Promise.all((await readdir(example)).sort().map((file) => readFile(join(example, file), 'utf8')));
      const [gatewayPort, registrarPort, port] = [await freePort(), await freePort(), await freePort()];
      await trustmesh.apply(manifests.join('---\n').replace('port: 5061\n  srtp', `port: ${gatewayPort}\n  srtp`));
      await trustmesh.ready('sip', 'registrar');
      await trustmesh.ready('sip', 'mediation');
      const secret = async (name: string) => materialOf(await trustmesh.secret('sip', `${name}-tls`));
      const { 'kamailio.cfg': text = '' } = await trustmesh.configMap('sip', 'mediation-kamailio');
      const root = await mounted('sip', 'mediation', ['gw01.litware.com']);
      const { text: own = '' } = relocated({ text }, root);
      const here = own
        .replace('listen=tls:0.0.0.0:5067', `listen=tls:127.0.0.1:${port}`)
        .replace('registrar.litware.com:5061', `registrar.litware.com:${registrarPort}`);
      await using kamailio = await startKamailio({ trust: join(root, 'trust'), port, text: here });
      for (const name of ['registrar', 'gw01']) await kamailio.resolve(`${name}.litware.com`);
      await using gw01 = await startGateway(await secret('gw01'), gatewayPort);
      await using registrar = await startGateway(await secret('registrar'), registrarPort);
      const invite = async (from: string, sdp = sessionDescription('RTP/SAVP')) =>
        statusOf(
          await askByTLS({
            port,
            identity: await secret(from),
            method: 'INVITE',
            to: 'sip:4989@mediation.litware.com:5067',
            from: 'sip:anna@litware.com',
            sdp,
          }),
        );
      expect(await invite('registrar')).toBe(200);
      expect(gw01.requests).toEqual([expect.stringMatching(/^INVITE sip:4989@gw01\.litware\.com/)]);
      expect(await invite('gw01')).toBe(200);
      expect(registrar.requests).toEqual([expect.stringMatching(/^INVITE sip:4989@mediation/)]);
      expect(await invite('registrar', sessionDescription('RTP/AVP'))).toBe(488);
    });
  });

  describe('and a call by sipp across both', () => {
    const made = (media: 'RTP/AVP' | 'RTP/SAVP', whom = 'bob') =>
      call({ by: front.kamailio.inside, to: `sip:${whom}@mediation.contoso.com:${mediation.port}`, from: 'contoso.com', media });

    it('is set up and ended', async () => {
      expect(await made('RTP/SAVP')).toEqual({ answered: true });
    });

    it('goes on within its dialogue to a gateway that gives its address for its contact', async () => {
      await using gw01 = await startGateway(await issued('gw01'), gatewayPort);
      expect(await made('RTP/SAVP', 'pstn')).toEqual({ answered: true });
      expect(gw01.requests.map((line) => line.replace(/:\d+;transport=tls /, ' '))).toEqual([
        'INVITE sip:pstn@gw01.contoso.com SIP/2.0',
        'ACK sip:gateway@127.0.0.1 SIP/2.0',
        'BYE sip:gateway@127.0.0.1 SIP/2.0',
      ]);
    });

    it('is refused without SRTP, since the domain requires it', async () => {
      expect(await made('RTP/AVP')).toEqual({ failed: expect.stringContaining('488 SRTP Required') });
    });
  });
});

interface Server {
  readonly name: string;
  readonly root: string;
  readonly port: number;
  readonly kamailio: Kamailio;
}

function pool(name: string, role: string, port?: number): string {
  return serverManifest(name, {
    role,
    poolFQDN: `${name}.contoso.com`,
    members: [{ fqdn: `${name}01.contoso.com` }],
    certificates: { scope: 'Pool', uses: [{ use: 'Default' }] },
    ...(port === undefined ? {} : { listeners: [{ name: 'sip', port, protocol: 'MTLS' }], outputs: ['Kamailio'] }),
  });
}

function gateway(name: string, mediationServer: string, spec: object): string {
  const whole = { trustDomain: 'contoso', fqdn: `${name}.contoso.com`, mediationServer: { name: mediationServer }, ...spec };
  const object = {
    apiVersion: 'trustmesh.io/v1alpha1',
    kind: 'MediaGateway',
    metadata: { name, namespace: 'media' },
    spec: whole,
  };
  return `${JSON.stringify(object)}\n---\n`;
}

const issued = async (name: string): Promise<Material> => materialOf(await trustmesh.secret('media', `${name}-tls`));
const anchors = async () => (await issued('front'))['ca.crt'];

/** A pool's Kamailio on what the API server holds for it. */
async function started(name: string, port: number, route?: string, listed = ['neighbour.contoso.com']): Promise<Server> {
  const root = await mounted('media', name, listed);
  const own = { trust: join(root, 'trust'), listener: 'sip', port, name: `${name}.contoso.com` };
  const kamailio = running.use(await startKamailio(route === undefined ? own : { ...own, route }));
  return { name, root, port, kamailio };
}

/** A pool's Secret and ConfigMap where the documentation says, below the directory that is returned, once these are listed there. */
async function mounted(namespace: string, name: string, listed: readonly string[]): Promise<string> {
  await trustmesh.ready(namespace, name);
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-mounted-'));
  running.defer(() => rm(root, { recursive: true, force: true }));
  const files = await waitFor(
    `${listed.join(', ')} in what ${name} reads`,
    async () => {
      const data = await trustmesh.configMap(namespace, `${name}-trust`);
      return listed.every((each) => data['kamailio-default-names']?.includes(each)) ? data : undefined;
    },
    { limitMs: 60_000 },
  );
  await mount(join(root, 'default'), { ...materialOf(await trustmesh.secret(namespace, `${name}-tls`)) });
  await mount(join(root, 'trust'), relocated(files, root));
  return root;
}

const callTo = ({ name, port }: Server) => ({ port, to: `sip:${name}.contoso.com:${port}`, from: 'sip:anna@contoso.com' });

async function answerFor(identity: Material | undefined, server: Server): Promise<number | 'no connection'> {
  return statusOf(await askByTLS({ ...callTo(server), identity }));
}

/** A request that comes to a server from behind, for somewhere else. */
async function asks({ kamailio }: Server, to: string): Promise<number | 'no connection'> {
  return statusOf(await askByUDP(kamailio.inside, { to, from: 'sip:anna@contoso.com' }));
}

const calls = (from: Server, to: Server) => asks(from, `sip:${to.name}.contoso.com:${to.port};transport=tls`);

const statusOf = (answer: SIPAnswer) => ('status' in answer ? answer.status : 'no connection');
