// Kamailio as a partner's edge, on the files rendered for an Edge with two partners, one Kamailio for each side: who gets an
// answer, for whom a partner may send, what a reload takes away and what it leaves, and whom it calls.
import { type Kamailio, kamailioVersion, startKamailio } from '../support/kamailio.ts';
import { record } from '../support/matrix.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName } from '../support/peers/forged.ts';
import { makeAuthority, makeMaterial, trustIn } from '../support/peers/material.ts';
import type { Material } from '../support/peers/peer.ts';
import { askByTLS, askByUDP, connectByTLS, type SIPAnswer, sessionDescription, startGateway } from '../support/sip.ts';
import { waitFor } from '../support/wait.ts';
import { constrained, type Edge, layOutEdge, type Partner, registrar, unconstrained } from './support/edge.ts';

const { describe } = needing('kamailio');
const { dns, uri, mail, ip, directory, userPrincipal } = generalName;

const contoso = makeAuthority('Contoso');
const fabrikam = constrained('fabrikam');
const northwind = constrained('northwind');
const of = ({ authority }: Partner, ...names: readonly Buffer[]) => forge(authority, { names });

const insider = makeMaterial(contoso, { dnsNames: ['pool01.contoso.com'], uri: registrar.uri });
const edgeOfFabrikam = of(fabrikam, dns('sip.fabrikam.com'));
const edgeOfNorthwind = of(northwind, dns('sip.northwind.com'));

type Side = 'inside' | 'outside';

const sideOf = ({ root, inside, outside }: Edge, side: Side) => ({
  trust: `${root}/trust`,
  listener: side,
  port: { inside, outside }[side],
  name: { inside: 'edge.contoso.com', outside: 'sip.contoso.com' }[side],
});

interface Running extends AsyncDisposable {
  readonly edge: Edge;
  readonly outside: Kamailio;
}

async function run(
  partners: readonly Partner[],
  more: Pick<Parameters<typeof layOutEdge>[0], 'fips' | 'encryptionLevel'> = {},
): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(await layOutEdge({ output: 'Kamailio', contoso, partners, ...more }));
  const outside = stack.use(await startKamailio(sideOf(edge, 'outside')));
  const owned = stack.move();
  return { edge, outside, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What somebody gets who shows this certificate: a status, or `no connection`. */
async function answerFor(
  port: number,
  identity: Material | undefined,
  from = 'sip:anna@fabrikam.com',
): Promise<number | 'no connection'> {
  return statusOf(await askByTLS({ port, identity, from, to: 'sip:bob@contoso.com' }));
}

const statusOf = (answer: SIPAnswer) => ('status' in answer ? answer.status : 'no connection');

/** Signed by Fabrikam's own CA, and refused: by the chain, or by the names. */
const hostile: readonly (readonly [what: string, material: Material])[] = [
  ['an unlisted name of its own', of(fabrikam, dns('www.fabrikam.com'))],
  ['its edge as second name', of(fabrikam, dns('www.fabrikam.com'), dns('sip.fabrikam.com'))],
  ['a pattern over its edge', of(fabrikam, dns('*.fabrikam.com'))],
  ['one of our names as DNS name', of(fabrikam, dns('sip.contoso.com'))],
  ['one of our names beside its own', of(fabrikam, dns('sip.fabrikam.com'), dns('pool01.contoso.com'))],
  ['a SPIFFE ID of ours', of(fabrikam, uri(registrar.uri))],
  ['a SPIFFE ID of ours beside its own name', of(fabrikam, dns('sip.fabrikam.com'), uri(registrar.uri))],
  ['an IP address beside its own name', of(fabrikam, dns('sip.fabrikam.com'), ip(10, 0, 0, 1))],
  ['a mail address of ours beside its own name', of(fabrikam, dns('sip.fabrikam.com'), mail('ceo@contoso.com'))],
  ['our name as common name', forge(fabrikam.authority, { commonName: 'sip.contoso.com', names: [dns('www.fabrikam.com')] })],
  ['its edge as common name', forge(fabrikam.authority, { commonName: 'sip.fabrikam.com', names: [dns('www.fabrikam.com')] })],
  ['our name as principal', of(fabrikam, userPrincipal('pool01@contoso.com'), dns('www.fabrikam.com'))],
  ['our name as directory name', of(fabrikam, directory('pool01.contoso.com'), dns('www.fabrikam.com'))],
  ['no names beside the subject', forge(fabrikam.authority, { commonName: 'sip.fabrikam.com' })],
  ['a NUL after its edge', of(fabrikam, dns('sip.fabrikam.com\0.fabrikam.com'))],
  ['a NUL after one of our names', of(fabrikam, dns('pool01.contoso.com\0.fabrikam.com'))],
  ['our host as userinfo', of(fabrikam, dns('www.fabrikam.com'), uri('spiffe://contoso.com:x@fabrikam.com/front-end'))],
  ["the other partner's edge", of(fabrikam, dns('sip.northwind.com'))],
];

const measured = async (capability: Parameters<typeof record>[0]['capability'], result: string) =>
  record({ software: 'Kamailio', version: await kamailioVersion(), capability, result });

describe('an edge with two partners', () => {
  const running = new AsyncDisposableStack();
  let edge: Edge;
  beforeAll(async () => {
    edge = running.use(await layOutEdge({ output: 'Kamailio', contoso, partners: [fabrikam, northwind] }));
    for (const side of ['inside', 'outside'] as const) running.use(await startKamailio(sideOf(edge, side)));
  });
  afterAll(() => running.disposeAsync());
  const outside = (identity?: Material, from?: string) => answerFor(edge.outside, identity, from);
  const inside = (identity?: Material) => answerFor(edge.inside, identity, 'sip:bob@contoso.com');

  it('lets partners in outside, by edge and by SIP domain, with other names of theirs beside it', async () => {
    expect(await outside(edgeOfFabrikam)).toBe(200);
    expect(await outside(edgeOfNorthwind, 'sip:nora@northwind.com')).toBe(200);
    expect(await outside(of(fabrikam, dns('fabrikam.com'), mail('a@fabrikam.com')))).toBe(200);
    expect(await outside(of(fabrikam, dns('SIP.fabrikam.com'), dns('www.fabrikam.com')))).toBe(200);
  });

  it('lets a partner in whose chain ends with its own root', async () => {
    const roots = trustIn(fabrikam.authority.anchors)['ca.crt'];
    expect(await outside({ ...edgeOfFabrikam, 'tls.crt': Buffer.concat([edgeOfFabrikam['tls.crt'], roots]) })).toBe(200);
  });

  it.each(hostile)('refuses from a partner, outside as inside: %s', async (_what, material) => {
    expect([403, 'no connection']).toContain(await outside(material));
    expect(await inside(material)).toBe('no connection');
  });

  it('takes no name of ours that lies beside a good one for the name of who sends', async () => {
    for (const names of [
      [dns('sip.fabrikam.com'), userPrincipal('bob@contoso.com')],
      [dns('sip.fabrikam.com'), directory('pool01.contoso.com')],
    ]) {
      const material = forge(fabrikam.authority, { commonName: 'pool01.contoso.com', names });
      expect(await outside(material, 'sip:bob@contoso.com')).toBe(403);
    }
  });

  it('lets a partner send for its own SIP domains alone (RFC 5922)', async () => {
    expect(await outside(edgeOfFabrikam, 'sip:anna@FABRIKAM.com')).toBe(200);
    for (const domain of ['northwind.com', 'contoso.com', 'sub.fabrikam.com', 'nobody.example']) {
      expect([domain, await outside(edgeOfFabrikam, `sip:anna@${domain}`)]).toEqual([domain, 403]);
    }
    expect(await outside(edgeOfFabrikam, 'tel:+49891234')).toBe(403);
  });

  it('refuses each side on the other', async () => {
    expect(await inside(insider)).toBe(200);
    expect(await inside(edgeOfFabrikam)).toBe('no connection');
    expect(await outside(insider)).toBe('no connection');
    expect(await outside(forge(contoso, { names: [dns('sip.fabrikam.com')] }))).toBe('no connection');
  });

  it('refuses a caller without a certificate, and a good name from a CA that is nobody’s', async () => {
    expect(await outside()).toBe('no connection');
    expect(await inside()).toBe('no connection');
    expect(await outside(forge(makeAuthority('fabrikam'), { names: [dns('sip.fabrikam.com')] }))).toBe('no connection');
  });

  it('holds callers to the list', async () => {
    expect(await outside(edgeOfFabrikam)).toBe(200);
    expect(await outside(of(fabrikam, dns('www.fabrikam.com')))).toBe(403);
    expect(
      await inside(makeMaterial(contoso, { dnsNames: ['x.contoso.com'], uri: 'spiffe://contoso.com/front-end/x.contoso.com' })),
    ).toBe(403);
    await measured('Allow-list', 'yes, after the handshake');
  });

  it.each([
    ['another URI first', [dns('pool01.contoso.com'), uri('sip:pool01.contoso.com'), uri(registrar.uri)]],
    ['userinfo', [uri('spiffe://contoso.com:x@evil.com/front-end/pool01.contoso.com')]],
    ['a NUL', [uri(`${registrar.uri}\0`)]],
    ['the DNS name of a peer without its SPIFFE ID', [dns('pool01.contoso.com')]],
  ])('refuses inside, from our own CA: %s', async (_what, names) => {
    expect(await inside(forge(contoso, { names }))).toBe(403);
  });

  it('resumes no session', async () => {
    const connect = async (session?: Buffer) => {
      const connection = await connectByTLS({ port: edge.outside, identity: edgeOfFabrikam, tls: session ? { session } : {} });
      if ('refused' in connection) throw new Error(connection.refused);
      return connection;
    };
    using first = await connect();
    await first.ask({ to: 'sip:bob@contoso.com', from: 'sip:anna@fabrikam.com' });
    using second = await connect(first.session());
    expect(second.resumed).toBe(false);
  });
});

it('enforces what a cross-certificate permits', async () => {
  await using running = await run([fabrikam, unconstrained('northwind', northwind.authority)]);
  const { port } = running.outside;
  const beyond = [dns('pool01.contoso.com'), ip(10, 0, 0, 1)];
  expect(await answerFor(port, of(northwind, dns('sip.northwind.com'), ...beyond), 'sip:nora@northwind.com')).toBe(200);
  for (const name of beyond) {
    expect(await answerFor(port, of(fabrikam, dns('sip.fabrikam.com'), name))).toBe('no connection');
  }
  await measured('Name constraints', 'yes');
});

it('takes media in the clear from a partner that is declared to have no other, unless the Edge is declared to require SRTP', async () => {
  const partners = [fabrikam, { ...northwind, encryptionLevel: 'NotSupported' } as const];
  const offer = (port: number, identity: Material, from: string, transport: 'RTP/AVP' | 'RTP/SAVP') =>
    askByTLS({ port, identity, to: 'sip:bob@contoso.com', from, sdp: sessionDescription(transport) }).then(statusOf);
  const answers = async (encryptionLevel?: 'Required') => {
    await using running = await run(partners, encryptionLevel === undefined ? {} : { encryptionLevel });
    const { port } = running.outside;
    return {
      encrypted: await offer(port, edgeOfFabrikam, 'sip:anna@fabrikam.com', 'RTP/SAVP'),
      clear: await offer(port, edgeOfFabrikam, 'sip:anna@fabrikam.com', 'RTP/AVP'),
      clearAsDeclared: await offer(port, edgeOfNorthwind, 'sip:nora@northwind.com', 'RTP/AVP'),
    };
  };
  expect(await answers()).toEqual({ encrypted: 200, clear: 488, clearAsDeclared: 200 });
  expect(await answers('Required')).toEqual({ encrypted: 200, clear: 488, clearAsDeclared: 488 });
});

it('takes up a block without a restart: the blocked is refused at once, and what stands of others goes on', async () => {
  await using running = await run([fabrikam, northwind]);
  const { edge, outside } = running;
  const connect = async (identity: Material) => {
    const connection = await connectByTLS({ port: outside.port, identity });
    if ('refused' in connection) throw new Error(connection.refused);
    return connection;
  };
  using blocked = await connect(edgeOfFabrikam);
  using standing = await connect(edgeOfNorthwind);
  const asFabrikam = { to: 'sip:bob@contoso.com', from: 'sip:anna@fabrikam.com' };
  const asNorthwind = { to: 'sip:bob@contoso.com', from: 'sip:nora@northwind.com' };
  expect(statusOf(await blocked.ask(asFabrikam))).toBe(200);
  expect(statusOf(await standing.ask(asNorthwind))).toBe(200);
  await edge.configure([northwind]);
  await outside.command('tls.reload');
  await outside.command('htable.reload', 'trustmesh');
  expect(statusOf(await blocked.ask(asFabrikam))).toBe(403);
  expect(await answerFor(outside.port, edgeOfFabrikam)).toBe('no connection');
  expect(statusOf(await standing.ask(asNorthwind))).toBe(200);
  await measured('Reload', 'yes; the blocked is refused on connections that stand, too');
});

describe('calling a partner', () => {
  /** What a call to Fabrikam ends with, where its edge is who shows this. */
  async function calls(identity: Material, more?: (running: Running, port: number) => Promise<unknown>): Promise<Called> {
    await using running = await run([fabrikam, northwind]);
    const { edge, outside } = running;
    const believed = Buffer.from(trustOf(edge.certificates.outside));
    await using callee = await startGateway({ ...identity, 'ca.crt': believed });
    await outside.resolve('sip.fabrikam.com');
    await outside.resolve('sip.northwind.com');
    const to = `sip:sip.fabrikam.com:${callee.port};transport=tls`;
    const answer = statusOf(await askByUDP(outside.inside, { to, from: 'sip:bob@contoso.com' }));
    await more?.(running, callee.port);
    return { answer, arrived: callee.requests.length > 0 };
  }
  interface Called {
    readonly answer: number | 'no connection';
    readonly arrived: boolean;
  }
  const trustOf = (material: Material) => material['ca.crt'];

  it('takes the answer of its edge', async () => {
    expect(await calls(edgeOfFabrikam)).toEqual({ answer: 200, arrived: true });
  });

  it('sends nothing to whom another partner’s CA, or ours, has vouched for', async () => {
    for (const material of [edgeOfNorthwind, makeMaterial(contoso, { dnsNames: ['sip.fabrikam.com'] })]) {
      const { answer, arrived } = await calls(material);
      expect(arrived).toBe(false);
      expect(answer).toBeGreaterThanOrEqual(400);
    }
  });

  it('drops the answer of another server of that partner, which has the request by then', async () => {
    expect(await calls(of(fabrikam, dns('www.fabrikam.com')))).toEqual({ answer: 408, arrived: true });
    await measured('Name check', 'no: replies under another name are dropped');
  });

  it('does not call an address as one partner that it has called as another', async () => {
    const seen: { answer?: unknown; log?: string } = {};
    await calls(edgeOfFabrikam, async ({ outside }, port) => {
      const to = `sip:sip.northwind.com:${port};transport=tls`;
      seen.answer = statusOf(await askByUDP(outside.inside, { to, from: 'sip:bob@contoso.com' }));
      seen.log = outside.program.output();
    });
    expect(seen.answer).toBe(477);
    expect(seen.log).toMatch(/not sent to partner\/northwind at 127\.0\.0\.1:\d+, which was called as partner\/fabrikam/);
  });

  it('calls an address as whose it is soon after another partner has pointed its name there', async () => {
    await using running = await run([fabrikam, northwind]);
    const { edge, outside } = running;
    const believed = Buffer.from(trustOf(edge.certificates.outside));
    await using callee = await startGateway({ ...edgeOfNorthwind, 'ca.crt': believed });
    for (const name of ['sip.fabrikam.com', 'sip.northwind.com']) await outside.resolve(name);
    const ask = async (host: string) =>
      statusOf(await askByUDP(outside.inside, { to: `sip:${host}:${callee.port};transport=tls`, from: 'sip:bob@contoso.com' }));
    expect(await ask('sip.fabrikam.com')).not.toBe(200);
    const answer = async () => ((await ask('sip.northwind.com')) === 200 ? true : undefined);
    await waitFor('the call to the partner whose address it is', answer, { limitMs: 30_000 });
  });

  it('calls nobody who is no partner', async () => {
    await using running = await run([fabrikam]);
    for (const host of ['sip.northwind.com', 'pool01.contoso.com', '127.0.0.1']) {
      const to = `sip:${host}:5061;transport=tls`;
      expect(statusOf(await askByUDP(running.outside.inside, { to, from: 'sip:bob@contoso.com' }))).toBe(403);
    }
  });
});

it('speaks within FIPS what is approved', async () => {
  await using running = await run([fabrikam], { fips: true });
  const speaks = async (tls: Parameters<typeof connectByTLS>[0]['tls']) => {
    const connection = await connectByTLS({ port: running.outside.port, identity: edgeOfFabrikam, ...(tls ? { tls } : {}) });
    if ('refused' in connection) return 'no connection';
    using open = connection;
    return statusOf(await open.ask({ to: 'sip:bob@contoso.com', from: 'sip:anna@fabrikam.com' }));
  };
  for (const approved of [{}, { maxVersion: 'TLSv1.2' }, { ecdhCurve: 'P-384' }] as const) {
    expect([approved, await speaks(approved)]).toEqual([approved, 200]);
  }
  for (const refused of [
    { ecdhCurve: 'X25519' },
    { ciphers: 'TLS_CHACHA20_POLY1305_SHA256', minVersion: 'TLSv1.3' },
    { ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305', maxVersion: 'TLSv1.2' },
    { ciphers: 'ECDHE-ECDSA-AES128-SHA', maxVersion: 'TLSv1.2' },
  ] as const) {
    expect([refused, await speaks(refused)]).toEqual([refused, 'no connection']);
  }
});
