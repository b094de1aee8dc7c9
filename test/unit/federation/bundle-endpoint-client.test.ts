// What is fetched from a partner's endpoint, and every way in which it is not.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type BundleEndpoint, type FetchOptions, fetchBundleText } from '../../../operator/federation/bundle-endpoint-client.ts';
import { endpointMistrust } from '../../../operator/federation/endpoint-trust.ts';
import { extensionIds } from '../../../operator/pki/object-identifiers.ts';
import { freePort } from '../../support/port.ts';
import { day, forge, generalName, now } from '../pki/forge.ts';
import { chainPem, host, issuing, pemOf, root, type ScriptedEndpoint, scriptEndpoint, servedBy } from './endpoints.ts';

const { signal } = new AbortController();
const ca = root.certificate.pem;

const http = (status: string, headers: Readonly<Record<string, string>> = {}, body = ''): string =>
  [`HTTP/1.1 ${status}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n');
const json = { 'content-type': 'application/json' };
const ok = (body: string, headers: Readonly<Record<string, string>> = json) => http('200 OK', headers, body);

const fetchFrom = (
  { port }: { port: number },
  trust: Omit<BundleEndpoint, 'url'> = { ca },
  options: Partial<FetchOptions> = {},
) => fetchBundleText({ url: `https://${host}:${port}/bundles/fabrikam.com`, ...trust }, { now, ...options }, signal);

/** `Reason: what follows the endpoint's name in the message`. */
async function failure(
  endpoint: { port: number },
  ...rest: [trust?: Omit<BundleEndpoint, 'url'>, options?: Partial<FetchOptions>]
) {
  const fetched = await fetchFrom(endpoint, ...rest);
  if (fetched.outcome !== 'Failed') return fetched.outcome;
  const start = `The bundle endpoint https://${host}:${endpoint.port}/bundles/fabrikam.com `;
  expect(fetched.message.slice(0, start.length)).toBe(start);
  return `${fetched.reason}: ${fetched.message.slice(start.length)}`;
}

const pin = (leaf = servedBy()) => createHash('sha256').update(leaf.certificate.der).digest('hex');
const showing = (leaf = servedBy(), chain = chainPem(leaf)) => scriptEndpoint(ok('{}'), { cert: chain, key: pemOf(leaf) });

/** Nothing of HTTP. */
const nothingSent = ({ received }: ScriptedEndpoint) => expect(received.join('')).toBe('');

describe('the endpoint is believed', () => {
  it('by the CA that was named', async () => {
    await using endpoint = await showing();
    expect(await fetchFrom(endpoint)).toEqual({ outcome: 'Fetched', text: '{}' });
    expect(endpoint.received.join('')).toMatch(/^GET \/bundles\/fabrikam\.com HTTP\/1\.1\r\nhost: localhost:\d+\r\n/);
  });

  it('by the fingerprint of its certificate, whoever issued it and whatever its name', async () => {
    const own = forge({ subject: 'pinned', names: [generalName.dns('elsewhere.example')] });
    await using endpoint = await showing(own, own.certificate.pem);
    expect(await fetchFrom(endpoint, { certificateSHA256: pin(own) })).toEqual({ outcome: 'Fetched', text: '{}' });
  });

  it('by its IP address, where the URL has one', async () => {
    const leaf = servedBy({ names: [generalName.ip('7f000001')] });
    await using endpoint = await showing(leaf);
    const fetched = await fetchBundleText({ url: `https://127.0.0.1:${endpoint.port}/`, ca }, { now }, signal);
    expect(fetched).toEqual({ outcome: 'Fetched', text: '{}' });
  });

  it('by a wildcard, as on the Web', () => {
    const leaf = servedBy({ names: [generalName.dns('*.fabrikam.com')] });
    const chain = [leaf, issuing].map(({ certificate }) => certificate.der);
    expect(endpointMistrust({ chain, host: 'federation.fabrikam.com' }, { ca }, now)).toBeUndefined();
    expect(endpointMistrust({ chain, host: 'fabrikam.com' }, { ca }, now)).toContain('is not for "fabrikam.com"');
  });
});

describe('nothing is sent to an endpoint', () => {
  it('with another certificate than the pinned one', async () => {
    await using endpoint = await showing();
    const other = pin(servedBy({ subject: 'other' }));
    expect(await failure(endpoint, { certificateSHA256: other })).toMatch(
      new RegExp(`^EndpointNotTrusted: is not believed: it presents the certificate [0-9a-f]{64}, and ${other} is the one`),
    );
    nothingSent(endpoint);
  });

  it.each([
    ['that has expired', { notAfter: now - day / 2 }, /its certificate expired at 2026-06-15T00:00:00Z\.$/],
    ['that is not valid yet', { notBefore: now + day }, /its certificate is not valid before 2026-06-16T12:00:00Z\.$/],
  ])('with a pinned certificate %s', async (_what, wish, sentence) => {
    const leaf = servedBy(wish);
    await using endpoint = await showing(leaf);
    expect(await failure(endpoint, { certificateSHA256: pin(leaf) })).toMatch(sentence);
    nothingSent(endpoint);
  });

  const itself = forge({ subject: 'web', names: [generalName.dns(host)] });
  it.each([
    ['of another CA', itself, '"CN=web" is issued by itself and is not among the anchors'],
    [
      'for another name',
      servedBy({ names: [generalName.dns('fabrikam.com')] }),
      '"CN=web" is not for "localhost": it is for the DNS name "fabrikam.com"',
    ],
    [
      'with the name in its common name alone',
      servedBy({ subject: host, extensions: { [extensionIds.subjectAltName]: null } }),
      '"CN=localhost" is not for "localhost": it has no subject alternative name, and a common name does not count',
    ],
    [
      'that has expired',
      servedBy({ notAfter: now - day / 2 }),
      '"CN=web" expired at 2026-06-15T00:00:00Z, and it is 2026-06-15T12:00:00Z',
    ],
    [
      'that is for clients',
      servedBy({ extendedKeyUsage: ['clientAuth'] }),
      '"CN=web" is for clientAuth: a server needs serverAuth',
    ],
  ])('with a certificate %s', async (_what, leaf, sentence) => {
    await using endpoint = await showing(leaf, leaf === itself ? leaf.certificate.pem : chainPem(leaf));
    expect(await failure(endpoint)).toBe(`EndpointNotTrusted: is not believed: ${sentence}.`);
    nothingSent(endpoint);
  });

  it('that leaves out its issuing CA', async () => {
    const leaf = servedBy();
    await using endpoint = await showing(leaf, leaf.certificate.pem);
    expect(await failure(endpoint)).toMatch(/^EndpointNotTrusted: is not believed: .*Fabrikam Web CA/);
    nothingSent(endpoint);
  });

  it('that only a private CA answers for, where public ones are asked for', async () => {
    await using endpoint = await showing();
    expect(await failure(endpoint, {})).toMatch(/^EndpointNotTrusted/);
    nothingSent(endpoint);
  });

  it('where what names its CAs is something else', async () => {
    await using endpoint = await showing();
    const sentence = 'what names its CAs holds a PRIVATE KEY block among the certificates';
    expect(await failure(endpoint, { ca: pemOf(root) })).toBe(`EndpointNotTrusted: is not believed: ${sentence}.`);
    nothingSent(endpoint);
  });

  it('without a TLS version in common', async () => {
    const leaf = servedBy();
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await using endpoint = await scriptEndpoint(ok('{}'), { cert: chainPem(leaf), key: pemOf(leaf), ...old });
    expect(await failure(endpoint)).toMatch(/^TLSMismatch: does not agree on TLS: .*protocol version\.$/);
  });

  it.each([
    ['http://fabrikam.com/bundle', 'http://fabrikam.com/bundle is not reached by https, which alone tells whose bundle it is.'],
    ['file:///etc/passwd', 'file:///etc/passwd is not reached by https, which alone tells whose bundle it is.'],
    ['https://user:secret@fabrikam.com/', 'https://fabrikam.com/ has a user name or password in its URL: leave them out.'],
    ['https://fabrikam.com/#part', 'https://fabrikam.com/ has a fragment (#) in its URL: leave it out.'],
    ['fabrikam.com', '"fabrikam.com" has no URL that can be read.'],
  ])('at %s', async (url, sentence) => {
    const reason = 'EndpointURLInvalid';
    expect(await fetchBundleText({ url }, { now }, signal)).toEqual({
      outcome: 'Failed',
      reason,
      message: `The bundle endpoint ${sentence}`,
    });
  });
});

describe('an endpoint cannot be reached', () => {
  it('where nobody listens', async () => {
    expect(await failure({ port: await freePort() })).toBe('EndpointUnreachable: cannot be reached: the connection is refused.');
  });

  it('where its name is not known', async () => {
    expect(await fetchBundleText({ url: 'https://no-such-host.invalid/' }, { now }, signal)).toMatchObject({
      reason: 'DNSNameNotFound',
      message: 'The bundle endpoint https://no-such-host.invalid/ cannot be reached: DNS knows no such name.',
    });
  });

  it.each([
    ['speaks HTTP without TLS', 'HTTP/1.1 400 Bad Request\r\n\r\n', /^TLSMismatch: does not agree on TLS: .+\.$/],
    ['hangs up', '', /^EndpointUnreachable: cannot be reached: the connection is broken off\.$/],
  ])('where it %s', async (_what, octets, expected) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.end(octets));
    });
    server.listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    expect(await failure({ port: address !== null && typeof address === 'object' ? address.port : 0 })).toMatch(expected);
    server.close();
    await once(server, 'close');
  });

  it('where it does not answer in time', async () => {
    await using endpoint = await scriptEndpoint('', { leaveOpen: true });
    expect(await failure(endpoint, { ca }, { limitMs: 300 })).toBe('EndpointTimeout: does not answer in full within 0.3 s.');
  });

  it('where its answer does not end in time', async () => {
    const open = ok('{', { ...json, 'transfer-encoding': 'chunked' }).replace(/\{$/, '1\r\n{\r\n');
    await using endpoint = await scriptEndpoint(open, { leaveOpen: true });
    expect(await failure(endpoint, { ca }, { limitMs: 300 })).toBe('EndpointTimeout: does not answer in full within 0.3 s.');
  });
});

describe('an answer is not taken', () => {
  const megabyte = 1024 * 1024;
  it.each<[string, string | Buffer, string]>([
    [
      'that sends us elsewhere',
      http('302 Found', { location: 'https://forger.example/"x' }),
      'EndpointRedirects: sends us to "https://forger.example/\\"x" (302): name the URL that has the bundle itself.',
    ],
    [
      'that sends us nowhere',
      http('301 Moved Permanently'),
      'EndpointRedirects: sends us elsewhere (301): name the URL that has the bundle itself.',
    ],
    [
      'that says unchanged, which was not asked',
      http('304 Not Modified'),
      'EndpointRedirects: sends us elsewhere (304): name the URL that has the bundle itself.',
    ],
    ['that says there is none', http('404 Not Found', json), 'EndpointRefuses: answers 404, not 200.'],
    ['that is partial', http('206 Partial Content', json, '{}'), 'EndpointRefuses: answers 206, not 200.'],
    [
      'of another type',
      ok('<html>', { 'content-type': 'text/html; charset=utf-8' }),
      'EndpointRefuses: answers with content of type "text/html; charset=utf-8", which is neither JSON nor PEM.',
    ],
    ['of no type', ok('{}', {}), 'EndpointRefuses: answers with content of type "none", which is neither JSON nor PEM.'],
    [
      'that is compressed',
      ok('', { ...json, 'content-encoding': 'gzip' }),
      'EndpointRefuses: answers with content encoded as "gzip", which was not asked for.',
    ],
    [
      'that is too large, and says so',
      ok('x'.repeat(megabyte + 1), { ...json, 'content-length': String(megabyte + 1) }),
      'EndpointRefuses: sends more than 1024 KiB.',
    ],
    ['that is too large, and does not say so', ok('x'.repeat(megabyte + 1)), 'EndpointRefuses: sends more than 1024 KiB.'],
    [
      'that ends too early',
      ok('{', { ...json, 'content-length': '2' }),
      'EndpointUnreachable: cannot be reached: the connection is broken off.',
    ],
    [
      'that is not UTF-8',
      Buffer.concat([Buffer.from(ok('')), Buffer.of(0xff, 0xfe)]),
      'EndpointRefuses: sends content that is not UTF-8.',
    ],
    ['that is not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'EndpointRefuses: answers with something that is not HTTP.'],
    [
      'whose header has no end',
      `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}`,
      'EndpointRefuses: answers with something that is not HTTP.',
    ],
    ['that breaks off', '', 'EndpointUnreachable: cannot be reached: the connection is broken off.'],
  ])('%s', async (_what, octets, expected) => {
    await using endpoint = await scriptEndpoint(octets);
    expect(await failure(endpoint)).toBe(expected);
  });
});

describe('an answer is taken', () => {
  it.each([
    ['JSON', json],
    ['a JWK set', { 'content-type': 'Application/JWK-Set+JSON' }],
    ['PEM', { 'content-type': 'application/x-pem-file' }],
    ['text', { 'content-type': 'text/plain; charset=utf-8' }],
  ])('as %s', async (_what, headers) => {
    await using endpoint = await scriptEndpoint(ok('any text', { ...headers, etag: '"a"' }));
    expect(await fetchFrom(endpoint)).toEqual({ outcome: 'Fetched', text: 'any text', etag: '"a"' });
  });

  it('up to its last octet', async () => {
    const body = 'x'.repeat(1024 * 1024);
    await using endpoint = await scriptEndpoint(ok(body));
    expect(await fetchFrom(endpoint)).toEqual({ outcome: 'Fetched', text: body });
  });

  it('for unchanged since the one that is held', async () => {
    await using endpoint = await scriptEndpoint(http('304 Not Modified'));
    expect(await fetchFrom(endpoint, { ca }, { etag: '"a"' })).toEqual({ outcome: 'Unchanged' });
    expect(endpoint.received.join('')).toContain('\r\nif-none-match: "a"\r\n');
  });
});

it('stops when it is told to', async () => {
  await using endpoint = await scriptEndpoint('', { leaveOpen: true });
  const stop = new AbortController();
  const fetched = fetchBundleText({ url: `https://${host}:${endpoint.port}/`, ca }, { now }, stop.signal);
  stop.abort(new Error('the term has ended'));
  await expect(fetched).rejects.toThrow('the term has ended');
});
