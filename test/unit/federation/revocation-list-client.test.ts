// Fetching a partner's revocation list: over http or https, DER or PEM, when it is asked for again, and what a stranger's server
// cannot bring about.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { askForList, type ListAnswer } from '../../../operator/controllers/federated-partner/lists.ts';
import { fetchRevocationList } from '../../../operator/federation/revocation-list-client.ts';
import { onlyElement, tags } from '../../../operator/pki/der-reader.ts';
import { sequence, tlv } from '../../../operator/pki/der-writer.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { freePort } from '../../support/port.ts';
import { day, forge, forgeList, now } from '../pki/forge.ts';

const hour = 3_600_000;
const { signal } = new AbortController();
const by = forge({ ca: true, subject: 'Fabrikam' });
const list = (nextUpdate = now + day) => forgeList({ by, nextUpdate });

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/issuing.crl`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const answering = (body: Buffer | string, status = 200) =>
  serve((_, response) => {
    response.writeHead(status, { location: 'http://127.0.0.1/elsewhere' });
    response.end(body);
  });

async function ask(body: Buffer | string, before?: ListAnswer) {
  await using server = await answering(body);
  const { answer, askAgainAt } = await askForList(server.url, before, now, signal);
  return { ...answer, inMs: askAgainAt - now, url: server.url };
}

it.each([
  ['DER', list()],
  ['PEM', encodePem('X509 CRL', list())],
])('takes a list in %s', async (_, body) => {
  expect(await ask(body)).toMatchObject({ list: expect.any(String), inMs: 6 * hour });
});

it.each([
  ['six hours at most', now + 30 * day, 6 * hour],
  ['half of the time until it may not be delivered any more', now + 5 * hour, 2 * hour],
  ['a minute at least, also where that is over', now + hour, 60_000],
])('asks again after %s', async (_, nextUpdate, inMs) => {
  expect(await ask(list(nextUpdate))).toMatchObject({ inMs });
});

it('keeps what it has while the answer is no list, and asks again soon, then more rarely', async () => {
  const { list: held } = await ask(list());
  const answer = await ask('nothing', { list: held ?? '' });
  expect(answer).toMatchObject({ list: held, failures: 1, inMs: 5_000 });
  expect(answer.failure).toBe(`${answer.url} answers with what is no revocation list.`);
  expect(await ask(encodePem('CERTIFICATE', by.certificate.der), answer)).toMatchObject({
    list: held,
    failures: 2,
    inMs: 10_000,
  });
  expect(await ask(Buffer.from('3003020101', 'hex'), { failures: 30 })).toMatchObject({ failures: 31, inMs: 600_000 });
});

it('takes no list with more in it than OpenSSL reads, as somebody on the way may add behind the signature', async () => {
  const padded = sequence(onlyElement(list(), tags.sequence).content, tlv(0x05));
  expect(await ask(padded, { list: 'held' })).toMatchObject({
    list: 'held',
    failure: expect.stringMatching(/ answers with a revocation list that OpenSSL cannot read\.$/),
  });
});

describe('a server that', () => {
  const told = async (listener: RequestListener, limitMs?: number) => {
    await using server = await serve(listener);
    const fetched = await fetchRevocationList(server.url, signal, limitMs);
    return fetched.outcome === 'Failed' ? fetched.message.replace(server.url, 'It') : fetched.outcome;
  };

  it.each([301, 404, 500])('answers %s has no list', async (status) => {
    expect(await told((_, response) => response.writeHead(status, { location: 'http://127.0.0.1/' }).end())).toBe(
      `It answers ${status}, not 200.`,
    );
  });

  it('sends too much is not heard to the end', async () => {
    expect(await told((_, response) => response.end(Buffer.alloc(300 * 1024)))).toBe('It sends more than 256 KiB.');
  });

  it('sends nothing is not waited for without end', async () => {
    expect(await told(() => undefined, 50)).toBe('It does not answer in full within 0.05 s.');
  });

  it('breaks off says nothing', async () => {
    expect(await told((_, response) => response.destroy())).toBe('It cannot be reached: the connection is broken off.');
  });

  it('is not there says nothing', async () => {
    const url = `http://127.0.0.1:${await freePort()}/`;
    const message = `${url} cannot be reached: the connection is refused.`;
    expect(await fetchRevocationList(url, signal)).toEqual({ outcome: 'Failed', message });
  });
});

it('ends with who asked', async () => {
  const asking = new AbortController();
  await using server = await serve(() => asking.abort(new Error('the term is over')));
  await expect(fetchRevocationList(server.url, asking.signal)).rejects.toThrow('the term is over');
});
