// Our own bundles as partners get them: by our own client, and by requests that a client of ours would not make.
import { once } from 'node:events';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, TLSSocket } from 'node:tls';
import { fetchBundleText } from '../../../operator/federation/bundle-endpoint-client.ts';
import { type BundleEndpointServer, serveBundles } from '../../../operator/federation/bundle-endpoint-server.ts';
import { type PublishedBundle, parseBundle, sequenceFault } from '../../../operator/trust/spiffe-bundle.ts';
import { waitFor } from '../../support/wait.ts';
import { now } from '../pki/forge.ts';
import { authorityOf, host, type MountedSecret, mountSecret, pemOf, root, servedBy } from './endpoints.ts';

const { signal } = new AbortController();

/** The lines that were logged, each with its reason. */
function listening() {
  const lines: string[] = [];
  const say = (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void lines.push(`${message}: ${fields['reason'] ?? fields['fingerprint'] ?? fields['error']}`);
  return { lines, log: { debug: say, info: say, warn: say, error: say } };
}

/** Bundles by trust domain, which a test may change. */
type Bundles = Map<string, PublishedBundle>;

const contoso = (): PublishedBundle => ({ authorities: [authorityOf('Contoso Root')], sequence: 3, refreshHint: 300 });

async function serving(secret: MountedSecret, bundles: Bundles, log = listening().log): Promise<BundleEndpointServer> {
  const listen = { host: '127.0.0.1', port: 0 };
  return serveBundles({ listen, tlsDirectory: secret.directory, bundleOf: (domain) => bundles.get(domain), log, rereadMs: 20 });
}

const fetchFrom = (port: number, path = '/bundles/contoso.com', etag?: string) =>
  fetchBundleText({ url: `https://${host}:${port}${path}`, ca: root.certificate.pem }, { now, etag }, signal);

/** What the bundle says, by its authorities' subjects, or why there is none. */
async function bundleAt(port: number, path?: string): Promise<string> {
  const fetched = await fetchFrom(port, path);
  if (fetched.outcome !== 'Fetched') return fetched.outcome === 'Failed' ? fetched.message : fetched.outcome;
  const bundle = parseBundle(fetched.text);
  if (!bundle.ok) return bundle.message;
  return `${bundle.authorities.map(({ subject }) => subject).join(' ')}, ${bundle.sequence}, ${bundle.refreshHint}`;
}

async function ask(port: number, options: RequestOptions) {
  const asking = request({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false, ...options });
  asking.end();
  const [response] = await once(asking, 'response');
  const { statusCode, headers, socket } = response;
  return { statusCode, headers, body: await text(response), socket };
}

describe('a partner gets', () => {
  let secret: MountedSecret;
  let server: BundleEndpointServer;
  const bundles: Bundles = new Map();
  beforeAll(async () => {
    secret = await mountSecret();
    await secret.hold(servedBy());
    server = await serving(secret, bundles);
  });
  beforeEach(() => bundles.clear());
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await secret[Symbol.asyncDispose]();
  });

  it('the bundle of each trust domain, in both forms', async () => {
    bundles.set('contoso.com', contoso());
    const lab = [authorityOf('Lab A'), authorityOf('Lab B')];
    bundles.set('lab', { authorities: lab, sequence: 1 });
    expect(await bundleAt(server.port)).toBe('CN=Contoso Root, 3, 300');
    expect(await bundleAt(server.port, '/bundles/contoso.com.pem')).toBe('CN=Contoso Root, undefined, undefined');
    expect(await bundleAt(server.port, '/bundles/lab')).toBe('CN=Lab A CN=Lab B, 1, undefined');
    const { headers, body } = await ask(server.port, { path: '/bundles/lab.pem' });
    expect(body).toBe(lab.map(({ pem }) => pem).join(''));
    expect(headers).toMatchObject({ 'content-type': 'application/x-pem-file', 'cache-control': 'no-cache' });
  });

  it('the bundle as it is now, and nothing again that it holds', async () => {
    bundles.set('contoso.com', contoso());
    const first = await fetchFrom(server.port);
    const etag = first.outcome === 'Fetched' ? first.etag : undefined;
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect(await fetchFrom(server.port, undefined, etag)).toEqual({ outcome: 'Unchanged' });
    bundles.set('contoso.com', { authorities: [authorityOf('Contoso Root'), authorityOf('Contoso Root 2')], sequence: 4 });
    expect(await bundleAt(server.port)).toBe('CN=Contoso Root CN=Contoso Root 2, 4, undefined');
    expect(await fetchFrom(server.port, undefined, etag)).toMatchObject({ outcome: 'Fetched' });
  });

  it('a sequence that it can tell an older bundle by', async () => {
    bundles.set('contoso.com', contoso());
    const read = async () => {
      const fetched = await fetchFrom(server.port);
      const bundle = parseBundle(fetched.outcome === 'Fetched' ? fetched.text : '');
      return bundle.ok ? bundle.sequence : undefined;
    };
    const before = await read();
    expect(sequenceFault(before, await read())).toBeUndefined();
    bundles.set('contoso.com', { ...contoso(), sequence: 2 });
    expect(sequenceFault(before, await read())).toContain('has the sequence number 2, and 3 was seen before');
  });

  it('only the header with HEAD', async () => {
    bundles.set('contoso.com', contoso());
    const whole = await ask(server.port, { path: '/bundles/contoso.com' });
    const head = await ask(server.port, { path: '/bundles/contoso.com', method: 'HEAD' });
    expect(head).toMatchObject({ statusCode: 200, body: '' });
    for (const name of ['etag', 'content-length', 'content-type']) expect(head.headers[name]).toBe(whole.headers[name]);
  });

  it.each([
    ['"x", W/ETAG', 304],
    ['ETAG', 304],
    ['*', 304],
    ['"x"', 200],
    ['', 200],
  ])('by If-None-Match: %s the status %d', async (condition, status) => {
    bundles.set('contoso.com', contoso());
    const { headers } = await ask(server.port, { path: '/bundles/contoso.com' });
    const again = { 'if-none-match': condition.replace('ETAG', headers.etag) };
    expect(await ask(server.port, { path: '/bundles/contoso.com', headers: again })).toMatchObject({ statusCode: status });
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/bundles/', 404],
    ['GET', '/bundles/fabrikam.com', 404],
    ['GET', '/bundles/.pem', 404],
    ['GET', '/bundles/contoso.com/', 404],
    ['GET', '/bundles/contoso.com?x', 404],
    ['GET', '/bundles/CONTOSO.com', 404],
    ['GET', '/bundles/../bundles/contoso.com', 404],
    ['GET', '/bundles/%63ontoso.com', 404],
    ['GET', '/bundles/__proto__', 404],
    ['GET', 'https://contoso.com/bundles/contoso.com', 404],
    ['GET', '/metrics', 404],
    ['POST', '/bundles/contoso.com', 405],
    ['DELETE', '/bundles/contoso.com', 405],
    ['OPTIONS', '*', 405],
  ])('to %s %s the status %d', async (method, path, status) => {
    bundles.set('contoso.com', contoso());
    expect(await ask(server.port, { method, path })).toMatchObject({ statusCode: status, headers: { connection: 'close' } });
  });

  it('nothing without TLS, and nothing by TLS 1.1', async () => {
    const plain = connectPlain(server.port, '127.0.0.1');
    plain.end('GET /bundles/contoso.com HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await text(plain)).not.toContain('HTTP');
    const versions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const old = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ...versions });
    const [error] = await once(old, 'error');
    expect(error.message).toContain('protocol version');
  });

  it('a sentence where its bundle cannot be told', async () => {
    const { lines, log } = listening();
    const failing = () => {
      throw new Error('the index is not there');
    };
    await using broken = await serveBundles({ listen: { port: 0 }, tlsDirectory: secret.directory, bundleOf: failing, log });
    expect(await ask(broken.port, { path: '/bundles/contoso.com' })).toMatchObject({ statusCode: 500 });
    expect(lines).toContain('the bundle endpoint cannot answer: the index is not there');
  });
});

/** The fingerprint of what is shown to a new connection. */
async function shown(port: number): Promise<string> {
  const { socket } = await ask(port, { path: '/' });
  return socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase() : '';
}

describe('its certificate', () => {
  const [first, second] = [servedBy({ subject: 'first' }), servedBy({ subject: 'second' })];
  const bundles: Bundles = new Map([['contoso.com', contoso()]]);
  const reasons = (directory: string, lines: readonly string[]) => lines.map((line) => line.replaceAll(directory, 'DIRECTORY'));

  it('is taken anew when its files are replaced, and no connection is dropped for it', async () => {
    await using secret = await mountSecret();
    await secret.hold(first);
    await using server = await serving(secret, bundles);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const path = '/bundles/contoso.com';
    const before = await ask(server.port, { path, agent });
    await secret.hold(second);
    await waitFor('the second certificate', async () => (await shown(server.port)) === second.certificate.fingerprint);
    const after = await ask(server.port, { path, agent });
    expect(after.socket).toBe(before.socket);
    expect(after.statusCode).toBe(200);
    agent.destroy();
  });

  it('stays, and the log says why, while the files do not make another', async () => {
    await using secret = await mountSecret();
    await secret.hold(first);
    const { lines, log } = listening();
    await using server = await serving(secret, bundles, log);
    const faults = [
      [
        { 'tls.key': pemOf(second) },
        'tls.key in DIRECTORY is not the private key, in PEM and not encrypted, of the first certificate in tls.crt.',
      ],
      [
        { 'tls.key': 'secret' },
        'tls.key in DIRECTORY is not the private key, in PEM and not encrypted, of the first certificate in tls.crt.',
      ],
      [{ 'tls.crt': '' }, 'tls.crt in DIRECTORY holds no certificate.'],
      [{ 'tls.crt': pemOf(second) }, 'tls.crt in DIRECTORY holds a PRIVATE KEY block among the certificates.'],
      [{ 'tls.crt': '-----BEGIN CERTIFICATE-----\n!\n' }, 'tls.crt in DIRECTORY has a CERTIFICATE block that does not end.'],
    ] as const;
    for (const [files, reason] of faults) {
      await secret.replace(files);
      const line = `the bundle endpoint has no new certificate: ${reason}`;
      await waitFor(line, () => reasons(secret.directory, lines).at(-1) === line, { seen: () => lines });
      expect(await shown(server.port)).toBe(first.certificate.fingerprint);
    }
    expect(lines).toHaveLength(1 + new Set(faults.map(([, reason]) => reason)).size);
    expect(lines.join()).not.toMatch(/secret(?!-)|BEGIN/);
    await secret.hold(second);
    await waitFor('the second certificate', async () => (await shown(server.port)) === second.certificate.fingerprint);
  });

  it('may come later than the server: until then no handshake succeeds', async () => {
    await using secret = await mountSecret();
    const { lines, log } = listening();
    await using server = await serving(secret, bundles, log);
    expect(await fetchFrom(server.port)).toMatchObject({ outcome: 'Failed', reason: 'TLSMismatch' });
    expect(reasons(secret.directory, lines)).toEqual([
      'the bundle endpoint has no new certificate: tls.crt in DIRECTORY is not there.',
    ]);
    await secret.hold(first);
    await waitFor('a bundle', async () => (await fetchFrom(server.port)).outcome === 'Fetched');
  });
});

it('ends with every connection that it has, those in mid-handshake as well', async () => {
  await using secret = await mountSecret();
  await secret.hold(servedBy());
  const server = await serving(secret, new Map());
  const idle = connectPlain(server.port, '127.0.0.1');
  await once(idle, 'connect');
  await server[Symbol.asyncDispose]();
  await once(idle.resume(), 'close');
});
