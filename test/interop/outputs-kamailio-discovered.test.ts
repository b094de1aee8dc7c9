// Kamailio for domains that are on no list, on the files rendered for an Edge with a listener for them: a public CA vouches for
// everybody, so who gets an answer hangs on the domain that he sends for, on what DNS says of it, and on how often.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { crossCertify } from '../../operator/pki/cross-certificate.ts';
import type { ScriptedDNS } from '../support/dns-server.ts';
import { type Kamailio, startKamailio } from '../support/kamailio.ts';
import { type Names, startNameServer } from '../support/name-server.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName } from '../support/peers/forged.ts';
import { makeAuthority, makeMaterial } from '../support/peers/material.ts';
import type { Material } from '../support/peers/peer.ts';
import { askByTLS, askByUDP, type SIPAnswer, type SIPRequest, sessionDescription, startGateway } from '../support/sip.ts';
import { call, startCallee } from '../support/sipp.ts';
import { waitFor } from '../support/wait.ts';
import { constrained, type Edge, layOutEdge, unconstrained } from './support/edge.ts';

const { describe, it } = needing('kamailio', 'name-server', 'sipp');
const { dns } = generalName;

const contoso = makeAuthority('Contoso');
const fabrikam = constrained('fabrikam');
const publicCA = makeAuthority('Public Roots');
const shown = (...names: readonly string[]) => forge(publicCA, { names: names.map(dns) });

/** Ours, a partner's, and one that is blocked. */
const closedDomains = ['contoso.com', 'fabrikam.com', 'blocked.org'];

/** As a partner of the mode Discovered is believed: for every name but those. */
const anyName = publicCA.anchors
  .map((partnerCA) => {
    const subtrees = (hosts: readonly string[]) =>
      hosts.flatMap((host) => (['dns', 'uri', 'mail'] as const).map((kind) => ({ kind, host })));
    const { root, cross } = crossCertify({
      partnerCA,
      permitted: subtrees(['']),
      excluded: subtrees(closedDomains),
      now: Date.now(),
      federationKeys: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      serials: { root: randomBytes(16) },
    });
    return `${root.pem}${cross.pem}`;
  })
  .join('');

const service = (domain: string) => `_sipfederationtls._tcp.${domain}`;

interface Running extends AsyncDisposable {
  readonly edge: Edge;
  readonly kamailio: Kamailio;
  readonly names: Names;
  readonly dnsServer: ScriptedDNS;
  /** What somebody gets who shows this certificate and sends for this domain. */
  answer(identity: Material | undefined, domain: string, more?: Partial<SIPRequest>): Promise<number | 'no connection'>;
  /** What a request from inside gets. */
  call(to: string): Promise<number | 'no connection'>;
}

const noNames = (): Names => ({ services: new Map(), hosts: new Map() });

interface RunOptions {
  readonly trust?: string;
  readonly before?: string;
  readonly route?: string;
  /** Its SIP domain is `<name>.com`. */
  readonly name?: string;
  /** By default one of its own. */
  readonly names?: Names;
}

async function run({
  trust = anyName,
  before = '',
  route,
  name = 'contoso',
  names = noNames(),
}: RunOptions = {}): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const dnsServer = stack.use(await startNameServer(names));
  const edge = stack.use(
    await layOutEdge({
      output: 'Kamailio',
      contoso,
      partners: [fabrikam],
      anybody: { trust, blocked: ['blocked.org'] },
      name,
      issuer: publicCA,
    }),
  );
  const kamailio = stack.use(
    await startKamailio({
      trust: `${edge.root}/trust`,
      listener: 'anybody',
      port: edge.anybody,
      name: `sip.${name}.com`,
      ...(route === undefined ? {} : { route }),
      before: `loadmodule "ipops.so"\n${before}`,
      nameServer: dnsServer.host,
    }),
  );
  const owned = stack.move();
  return {
    edge,
    kamailio,
    names,
    dnsServer,
    answer: async (identity, domain, more = {}) =>
      statusOf(await askByTLS({ port: edge.anybody, identity, from: `sip:anna@${domain}`, to: 'sip:bob@contoso.com', ...more })),
    call: async (to) => statusOf(await askByUDP(kamailio.inside, { to, from: 'sip:bob@contoso.com' })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const statusOf = (answer: SIPAnswer) => ('status' in answer ? answer.status : 'no connection');

/** Its log may lag behind its answer. */
const says = async ({ program }: Kamailio, sentence: string) =>
  await waitFor(`Kamailio to say: ${sentence}`, () => program.output().includes(sentence), { seen: program.output });

describe('a listener for domains that are on no list', () => {
  const owned = new AsyncDisposableStack();
  let running: Running;
  beforeAll(async () => {
    running = owned.use(await run());
    const { services } = running.names;
    services.set(service('litware.org'), ['edge.elsewhere.net:5061', 'SIP.litware.org:5061', 'second.litware.org:5061']);
    services.set(service('adatum.org'), ['edge.elsewhere.net:5061']);
    services.set(service('blocked.org'), ['sip.blocked.org:5061']);
    for (const each of ['fabrikam.com', 'contoso.com']) services.set(service(each), [`sip.${each}:5061`]);
  });
  afterAll(() => owned.disposeAsync());

  it('lets a domain in by the edge that DNS names in it, whichever of them, and by its own name', async () => {
    expect(await running.answer(shown('sip.litware.org'), 'litware.org')).toBe(200);
    expect(await running.answer(shown('Second.Litware.org', 'www.litware.org'), 'LITWARE.org')).toBe(200);
    expect(await running.answer(shown('proseware.org'), 'proseware.org')).toBe(200);
  });

  it.each<readonly [string, Material, string]>([
    ['the certificate of another domain', shown('sip.proseware.org'), 'litware.org'],
    ['the certificate of another domain that is its own target', shown('sip.litware.org'), 'proseware.org'],
    ['an edge in the domain that DNS does not name', shown('www.litware.org'), 'litware.org'],
    ['its edge as second name', shown('www.litware.org', 'sip.litware.org'), 'litware.org'],
    ['a target outside the domain', shown('edge.elsewhere.net'), 'adatum.org'],
    ['a domain without a record', shown('sip.nowhere.org'), 'nowhere.org'],
    ['a domain below its own', shown('litware.org'), 'sub.litware.org'],
    ['the domain that its own lies in', shown('litware.org'), 'org'],
    ['a name that only ends like the domain', shown('sip.notlitware.org'), 'litware.org'],
    ['a pattern over the domain', shown('*.litware.org'), 'litware.org'],
    ['a NUL after the edge', shown('sip.litware.org\0.proseware.org'), 'litware.org'],
    ['a NUL before the domain', shown('proseware.org\0.litware.org'), 'litware.org'],
    ['no DNS name', forge(publicCA, { commonName: 'sip.litware.org' }), 'litware.org'],
    ['a URI alone', forge(publicCA, { names: [generalName.uri('sip:litware.org')] }), 'litware.org'],
    ['a certificate of the enterprise', makeMaterial(contoso, { dnsNames: ['sip.litware.org'] }), 'litware.org'],
    ['a certificate of a partner’s CA', forge(fabrikam.authority, { names: [dns('sip.fabrikam.com')] }), 'fabrikam.com'],
    ['the domain of a partner', shown('sip.fabrikam.com'), 'fabrikam.com'],
    ['our domain', shown('sip.contoso.com'), 'contoso.com'],
    ['a domain that is blocked', shown('sip.blocked.org'), 'blocked.org'],
    ['a domain below one that is blocked', shown('sub.blocked.org'), 'sub.blocked.org'],
  ])('refuses %s', async (_what, material, domain) => {
    expect([403, 'no connection']).toContain(await running.answer(material, domain));
  });

  it('refuses whoever shows no certificate, and whoever sends for no domain', async () => {
    expect(await running.answer(undefined, 'litware.org')).toBe('no connection');
    expect(await running.answer(shown('litware.org'), '', { from: 'tel:+49891234' })).toBe(403);
  });

  it('takes no session without SRTP', async () => {
    const invite = (sdp: string) => running.answer(shown('litware.org'), 'litware.org', { method: 'INVITE', sdp });
    expect(await invite(sessionDescription('RTP/AVP'))).toBe(488);
  });

  it('asks DNS for no domain that the certificate could not be of', async () => {
    const { dnsServer, answer } = running;
    const asked = () => dnsServer.asked.flatMap(({ query }) => (query.questions ?? []).map(({ name }) => name));
    expect(await answer(shown('sip.attacker.org'), 'relecloud.org')).toBe(403);
    expect(await answer(shown('sip.tailspin.org'), 'tailspin.org')).toBe(403);
    expect(asked()).toContain(service('tailspin.org'));
    expect(asked()).not.toContain(service('relecloud.org'));
  });

  it('calls nobody of a list, nobody without a record, and no target outside the domain', async () => {
    for (const domain of ['fabrikam.com', 'contoso.com', 'sub.blocked.org', 'nowhere.org', 'adatum.org', '127.0.0.1']) {
      expect([domain, await running.call(`sip:anna@${domain}`)]).toEqual([domain, 403]);
    }
  });

  it('refuses a domain from the moment that it is listed', async () => {
    const { edge, kamailio, answer } = running;
    const asWoodgrove = () => answer(shown('woodgrove.com'), 'woodgrove.com');
    expect(await asWoodgrove()).toBe(200);
    await edge.configure([fabrikam, constrained('woodgrove')]);
    await kamailio.command('htable.reload', 'trustmesh');
    expect(await asWoodgrove()).toBe(403);
  });
});

describe('by name alone, where the CA is believed for any', () => {
  it('refuses the domains of others', async () => {
    await using running = await run({ trust: unconstrained('anybody', publicCA).trust });
    const { answer, names } = running;
    for (const domain of [...closedDomains, 'sub.fabrikam.com', 'sub.contoso.com']) {
      names.services.set(service(domain), [`sip.${domain}:5061`]);
      expect([domain, await answer(shown(`sip.${domain}`), domain)]).toEqual([domain, 403]);
      expect([domain, await answer(shown(domain), domain)]).toEqual([domain, 403]);
    }
    expect(await answer(shown('litware.org'), 'litware.org')).toBe(200);
  });
});

it('lets nobody in where no partner has the mode Discovered', async () => {
  await using running = await run({ trust: '' });
  expect(await running.answer(shown('litware.org'), 'litware.org')).toBe('no connection');
});

describe('calling domains that are on no list', () => {
  const owned = new AsyncDisposableStack();
  let running: Running;
  beforeAll(async () => {
    running = owned.use(await run());
  });
  afterAll(() => owned.disposeAsync());

  /** What a call to the domain ends with, where its edge is who shows this. */
  async function calls(domain: string, identity: Material): Promise<Called> {
    const { edge, names, call } = running;
    const callee = owned.use(await startGateway({ ...identity, 'ca.crt': Buffer.from(edge.certificates.outside['ca.crt']) }));
    names.services.set(service(domain), ['edge.elsewhere.net:5061', `sip.${domain}:${callee.port}`]);
    names.hosts.set(`sip.${domain}`, '127.0.0.1');
    const answer = await call(`sip:anna@${domain}`);
    return { answer, arrived: callee.requests.length > 0, port: callee.port };
  }
  interface Called {
    readonly answer: number | 'no connection';
    readonly arrived: boolean;
    readonly port: number;
  }

  it('goes to the edge that DNS names in the domain, and takes its answer', async () => {
    expect(await calls('litware.org', shown('sip.litware.org'))).toMatchObject({ answer: 200, arrived: true });
    expect(await calls('adatum.org', shown('adatum.org'))).toMatchObject({ answer: 200, arrived: true });
  });

  it('sends nothing to whom the enterprise or a partner’s CA has vouched for, and drops the answer of another domain', async () => {
    const [ours, partner, other] = await Promise.all([
      calls('tailspin.org', makeMaterial(contoso, { dnsNames: ['sip.tailspin.org'] })),
      calls('relecloud.org', forge(fabrikam.authority, { names: [dns('sip.fabrikam.com')] })),
      calls('proseware.org', shown('sip.nobody.org')),
    ]);
    for (const { answer, arrived } of [ours, partner]) {
      expect(arrived).toBe(false);
      expect(answer).toBeGreaterThanOrEqual(400);
    }
    expect(other).toMatchObject({ answer: 408, arrived: true });
  });

  it('does not call an address as one domain that it has called as another', async () => {
    const { names, call, kamailio } = running;
    const { answer, port } = await calls('woodgrove.org', shown('sip.woodgrove.org'));
    expect(answer).toBe(200);
    names.services.set(service('northwind.org'), [`sip.northwind.org:${port}`]);
    names.hosts.set('sip.northwind.org', '127.0.0.1');
    expect(await call('sip:anna@northwind.org')).toBe(477);
    await says(
      kamailio,
      `not sent to discovered/northwind.org at 127.0.0.1:${port}, which was called as discovered/woodgrove.org`,
    );
  });
});

it('carries a call between two domains that have found each other, and what follows in its dialogue', async () => {
  const names = noNames();
  await using callee = await startCallee('RTP/SAVP');
  const trust = unconstrained('anybody', publicCA).trust;
  const route = `if (!has_totag()) $du = "sip:127.0.0.1:${callee.port}";`;
  await using contosos = await run({ trust, names });
  await using litwares = await run({ trust, names, name: 'litware', route });
  for (const [name, { edge }] of Object.entries({ contoso: contosos, litware: litwares })) {
    names.services.set(service(`${name}.com`), [`sip.${name}.com:${edge.anybody}`]);
    names.hosts.set(`sip.${name}.com`, '127.0.0.1');
  }
  const from = { by: contosos.kamailio.inside, from: 'contoso.com', media: 'RTP/SAVP' } as const;
  expect(await call({ ...from, to: 'sip:bob@litware.com' })).toEqual({ answered: true });
});

it('relays nothing between domains that are not its own', async () => {
  await using running = await run({ route: 'route(TRUSTMESH_TO);' });
  const { names, answer, kamailio } = running;
  names.services.set(service('adatum.org'), ['sip.adatum.org:5061']);
  const invite = { method: 'INVITE', to: 'sip:anna@adatum.org', sdp: sessionDescription('RTP/SAVP') } as const;
  expect(await answer(shown('litware.org'), 'litware.org', invite)).toBe(403);
  await says(kamailio, 'refused to relay INVITE');
});

describe('the rate', () => {
  const until = async (wanted: number, ask: () => Promise<number | 'no connection'>) =>
    await waitFor(`an answer ${wanted}`, async () => ((await ask()) === wanted ? true : undefined), { limitMs: 30_000 });

  it('is held for each domain, whose others are served meanwhile, and is over after a while', async () => {
    await using running = await run({ before: '#!define TRUSTMESH_PER_DOMAIN 1' });
    const { answer } = running;
    const [litware, proseware] = [shown('litware.org'), shown('proseware.org')];
    await until(503, () => answer(litware, 'litware.org'));
    expect(await answer(proseware, 'proseware.org')).toBe(200);
    await until(200, () => answer(litware, 'litware.org'));
  });

  it('is held for each address, whatever it sends for', async () => {
    await using running = await run({ before: '#!define TRUSTMESH_PER_ADDRESS 1' });
    const { answer } = running;
    await until(503, () => answer(shown('litware.org'), 'proseware.org'));
    await says(running.kamailio, 'too many requests from 127.0.0.1');
  });

  it('is counted for a domain only where the domain is proven', async () => {
    await using running = await run({ before: '#!define TRUSTMESH_PER_DOMAIN 1' });
    const { answer } = running;
    for (let count = 0; count < 3; count++) expect(await answer(shown('proseware.org'), 'litware.org')).toBe(403);
    expect(await answer(shown('litware.org'), 'litware.org')).toBe(200);
  });
});
