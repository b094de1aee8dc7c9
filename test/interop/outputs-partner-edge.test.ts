// Envoy, HAProxy and nginx as a partner's edge, on the files rendered for an Edge with two partners: who gets in on which
// side, what a reload takes away and what it leaves, and whom they call. What they can be held to goes into the matrix.
import { connect as connectPlain, createServer } from 'node:net';
import { connect, createServer as createTLSServer } from 'node:tls';
import { record } from '../support/matrix.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName } from '../support/peers/forged.ts';
import { makeAuthority, makeMaterial } from '../support/peers/material.ts';
import type { Material } from '../support/peers/peer.ts';
import { freePort } from '../support/port.ts';
import { type ProxySoftware, proxies, type RunningProxy, steadily } from '../support/proxies.ts';
import { waitFor } from '../support/wait.ts';
import { answering, answerOf, call, isLetIn, listening } from './support/calling.ts';
import { constrained, type Edge, layOutEdge, type Partner, registrar, unconstrained } from './support/edge.ts';
import { hostileFrom } from './support/hostile.ts';

const { dns, uri, mail, ip } = generalName;

const contoso = makeAuthority('Contoso');
const fabrikam = constrained('fabrikam');
const northwind = constrained('northwind');
const of = ({ authority }: Partner, ...names: readonly Buffer[]) => forge(authority, { names });

interface Running extends AsyncDisposable {
  readonly edge: Edge;
  readonly proxy: RunningProxy;
}

async function run(software: ProxySoftware, partners: readonly Partner[], more: Partial<RunOptions> = {}): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(await layOutEdge({ output: software.output, contoso, partners, fips: more.fips ?? false }));
  const backend = stack.use(await listening(createServer(answering)));
  const listeners = [
    { name: 'inside', port: edge.inside },
    { name: 'outside', port: edge.outside },
  ];
  const { calls } = more;
  const proxy = stack.use(
    await software.start({ root: edge.root, listeners, backend: backend.port, ...(calls ? { calls } : {}) }),
  );
  await waitFor(`${software.name} to listen`, () => isLetIn(edge.inside, insider), {
    limitMs: 30_000,
    seen: proxy.program.output,
  });
  const owned = stack.move();
  return { edge, proxy, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface RunOptions {
  readonly fips: boolean;
  readonly calls: Parameters<ProxySoftware['start']>[0]['calls'];
}

const insider = makeMaterial(contoso, { dnsNames: ['pool01.contoso.com'], uri: registrar.uri });
const edgeOfFabrikam = of(fabrikam, dns('sip.fabrikam.com'));
const edgeOfNorthwind = of(northwind, dns('sip.northwind.com'));

const hostile = hostileFrom(fabrikam.authority, 'fabrikam.com');

for (const software of proxies) {
  const measured = async (capability: Parameters<typeof record>[0]['capability'], result: string) =>
    record({ software: software.name, version: await software.version(), capability, result });

  needing(...software.tools).describe(software.name, () => {
    describe('with two partners', () => {
      let running: Running;
      beforeAll(async () => {
        running = await run(software, [fabrikam, northwind]);
      });
      afterAll(() => running[Symbol.asyncDispose]());
      const outside = (material?: Material) => isLetIn(running.edge.outside, material);
      const inside = (material?: Material) => isLetIn(running.edge.inside, material);

      it('lets partners in outside, by edge and by SIP domain, with other names of theirs beside it', async () => {
        expect(await outside(edgeOfFabrikam)).toBe(true);
        expect(await outside(edgeOfNorthwind)).toBe(true);
        expect(await outside(of(fabrikam, dns('fabrikam.com')))).toBe(true);
        expect(await outside(of(fabrikam, dns('a.fabrikam.com'), mail('a@fabrikam.com'), dns('SIP.fabrikam.com')))).toBe(true);
      });

      it('lets a partner in whose chain ends with its own root, and one with a CA of its own below', async () => {
        const [root = ''] = fabrikam.authority.anchors.map(({ pem }) => pem);
        expect(
          await outside({ ...edgeOfFabrikam, 'tls.crt': Buffer.concat([edgeOfFabrikam['tls.crt'], Buffer.from(root)]) }),
        ).toBe(true);
      });

      it('holds callers to the list', async () => {
        expect(await outside(edgeOfFabrikam)).toBe(true);
        expect(await inside(insider)).toBe(true);
        expect(await outside(of(fabrikam, dns('www.fabrikam.com')))).toBe(false);
        expect(
          await inside(
            makeMaterial(contoso, { dnsNames: ['x.contoso.com'], uri: 'spiffe://contoso.com/front-end/x.contoso.com' }),
          ),
        ).toBe(false);
        await measured('Allow-list', 'yes');
      });

      it.each(hostile)('refuses from a partner, outside as inside: %s', async (_what, material) => {
        expect({ outside: await outside(material), inside: await inside(material) }).toEqual({ outside: false, inside: false });
      });

      it('refuses each side on the other', async () => {
        expect(await inside(edgeOfFabrikam)).toBe(false);
        expect(await outside(insider)).toBe(false);
        expect(await outside(forge(contoso, { names: [dns('sip.fabrikam.com')] }))).toBe(false);
      });

      it('refuses a caller without a certificate, and a good name from a CA that is nobody’s', async () => {
        expect(await outside()).toBe(false);
        expect(await inside()).toBe(false);
        expect(await outside(forge(makeAuthority('fabrikam'), { names: [dns('sip.fabrikam.com')] }))).toBe(false);
      });

      it.each([
        ['two URIs', [dns('pool01.contoso.com'), uri(registrar.uri), uri('sip:pool01.contoso.com')]],
        ['userinfo', [uri('spiffe://contoso.com:x@evil.com/front-end/pool01.contoso.com')]],
        ['a NUL', [uri(`${registrar.uri}\0`)]],
        ['the DNS name of a peer without its SPIFFE ID', [dns('pool01.contoso.com')]],
      ])('refuses inside, from our own CA: %s', async (what, names) => {
        // Envoy looks for one that it knows, and our CA issues one URI a certificate.
        expect(await inside(forge(contoso, { names }))).toBe(what === 'two URIs' && software.name === 'Envoy');
      });
    });

    it('enforces what a cross-certificate permits', async () => {
      await using running = await run(software, [fabrikam, unconstrained('northwind', northwind.authority)]);
      const beyond = [dns('pool01.contoso.com'), ip(10, 0, 0, 1)];
      expect(await isLetIn(running.edge.outside, of(northwind, dns('sip.northwind.com'), ...beyond))).toBe(true);
      expect(await isLetIn(running.edge.outside, of(fabrikam, dns('sip.fabrikam.com')))).toBe(true);
      for (const name of beyond) {
        expect(await isLetIn(running.edge.outside, of(fabrikam, dns('sip.fabrikam.com'), name))).toBe(false);
      }
      await measured('Name constraints', 'yes');
    });

    it('takes up a block: the new and the resumed are refused, and what stands goes on', async () => {
      await using running = await run(software, [fabrikam, northwind]);
      const { edge, proxy } = running;
      const standing = await call(edge.outside, edgeOfFabrikam);
      const others = await call(edge.outside, edgeOfNorthwind);
      const session = standing.session();
      await edge.configure([northwind]);
      let dropped = 0;
      let during = true;
      const calling = (async () => {
        while (during) if (!(await isLetIn(edge.outside, edgeOfNorthwind))) dropped++;
      })();
      proxy.reload();
      const isBlocked = steadily(async () => !(await isLetIn(edge.outside, edgeOfFabrikam)));
      await waitFor('the block', isBlocked, { limitMs: 30_000, seen: proxy.program.output });
      during = false;
      await calling;
      expect(await standing.ask()).toBe(true);
      expect(await others.ask()).toBe(true);
      expect(await isLetIn(edge.outside, edgeOfFabrikam, session)).toBe(false);
      expect(await isLetIn(edge.outside, edgeOfNorthwind)).toBe(true);
      expect(dropped).toBe(0);
      for (const { socket } of [standing, others]) socket?.destroy();
      await measured('Reload', software.name === 'Envoy' ? 'yes, by itself' : 'yes');
    });

    it('takes up that the last partner is blocked, where no anchor is left, and starts like that', async () => {
      await using running = await run(software, [fabrikam]);
      const { edge, proxy } = running;
      expect(await isLetIn(edge.outside, edgeOfFabrikam)).toBe(true);
      await edge.configure([]);
      proxy.reload();
      const isBlocked = steadily(async () => !(await isLetIn(edge.outside, edgeOfFabrikam)));
      await waitFor('the block', isBlocked, { limitMs: 30_000, seen: proxy.program.output });
      expect(await isLetIn(edge.inside, insider)).toBe(true);
      await using without = await run(software, []);
      expect(await isLetIn(without.edge.outside, edgeOfFabrikam)).toBe(false);
      expect(await isLetIn(without.edge.outside, without.edge.certificates.outside)).toBe(false);
    });

    it('believes only the partner that it calls, by name', async () => {
      const port = await freePort();
      const answers = async (material: Material): Promise<boolean> => {
        await using server = await listening(createTLSServer({ cert: material['tls.crt'], key: material['tls.key'] }, answering));
        const calls = { port, to: server.port, name: 'sip.fabrikam.com', partner: 'fabrikam' };
        await using _running = await run(software, [fabrikam, northwind], { calls });
        const socket = connectPlain(port, '127.0.0.1');
        const answer = await answerOf(socket);
        socket.destroy();
        return answer;
      };
      expect(await answers(edgeOfFabrikam)).toBe(true);
      expect(await answers(of(fabrikam, dns('www.fabrikam.com')))).toBe(false);
      expect(await answers(edgeOfNorthwind)).toBe(false);
      const byCommonName = await answers(forge(fabrikam.authority, { commonName: 'sip.fabrikam.com' }));
      expect(byCommonName).toBe(software.name !== 'Envoy');
      await measured('Name check', byCommonName ? 'yes; the common name where there is no other' : 'yes');
    });

    it('speaks within FIPS what is approved', async () => {
      await using running = await run(software, [fabrikam], { fips: true });
      const speaks = (options: object) =>
        handshake(running.edge.outside, { cert: edgeOfFabrikam['tls.crt'], key: edgeOfFabrikam['tls.key'], ...options });
      expect(await speaks({})).toMatch(/^TLS_AES_(128|256)_GCM/);
      expect(await speaks({ maxVersion: 'TLSv1.2' })).toMatch(/^ECDHE-ECDSA-AES(128|256)-GCM/);
      expect(await speaks({ ecdhCurve: 'P-384' })).toMatch(/^TLS_AES/);
      for (const refused of [
        { ecdhCurve: 'X25519' },
        { ciphers: 'TLS_CHACHA20_POLY1305_SHA256', minVersion: 'TLSv1.3' },
        { ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305', maxVersion: 'TLSv1.2' },
        { ciphers: 'ECDHE-ECDSA-AES128-SHA', maxVersion: 'TLSv1.2' },
      ]) {
        expect([refused, await speaks(refused)]).toEqual([refused, 'nothing']);
      }
    });
  });
}

/** The suite that is agreed on. */
function handshake(port: number, options: object): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    socket.once('secureConnect', () => {
      resolve(socket.getCipher().name);
      socket.destroy();
    });
    socket.once('error', () => resolve('nothing'));
  });
}
