// A partner's bundle over time: its own server publishes, we ask again when it is due, and nothing that goes wrong on its side
// takes away what is held.

import { askEndpoint, type EndpointAnswer } from '../../../operator/controllers/federated-partner/endpoint.ts';
import { serveBundles } from '../../../operator/federation/bundle-endpoint-server.ts';
import { silent } from '../../../operator/kube/log.ts';
import type { PublishedBundle } from '../../../operator/trust/spiffe-bundle.ts';
import { now } from '../pki/forge.ts';
import { authorityOf, host, mountSecret, root, servedBy } from './endpoints.ts';

const { signal } = new AbortController();
const [oldRoot, newRoot] = [authorityOf('Fabrikam Root'), authorityOf('Fabrikam Root 2')];
const minute = 60_000;

/** A partner that publishes what the test sets, and a reader that remembers. */
async function federation(first: PublishedBundle | undefined) {
  const secret = await mountSecret();
  await secret.hold(servedBy());
  const publishes = { bundle: first };
  const listen = { host: '127.0.0.1', port: 0 };
  const server = await serveBundles({ listen, tlsDirectory: secret.directory, bundleOf: () => publishes.bundle, log: silent });
  const url = `https://${host}:${server.port}/bundles/fabrikam.com`;
  const clock = { now };
  let answer: EndpointAnswer | undefined;
  return {
    publishes,
    clock,
    url,
    async ask(trust: { ca: string } | { certificateSHA256: string } = { ca: root.certificate.pem }) {
      const reply = await askEndpoint({ url, ...trust }, answer, clock.now, signal);
      answer = reply.answer;
      return { ...reply.answer, inMs: reply.askAgainAt - clock.now };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await secret[Symbol.asyncDispose]();
    },
  };
}

it('follows the roll of a root without a person', async () => {
  await using fabrikam = await federation({ authorities: [oldRoot], sequence: 1, refreshHint: 600 });
  expect(await fabrikam.ask()).toMatchObject({ held: { pem: oldRoot.pem, sequence: 1, since: now }, inMs: 10 * minute });
  fabrikam.clock.now += 10 * minute;
  expect(await fabrikam.ask()).toMatchObject({ held: { pem: oldRoot.pem, since: now }, inMs: 10 * minute });
  fabrikam.publishes.bundle = { authorities: [oldRoot, newRoot], sequence: 2, refreshHint: 600 };
  expect(await fabrikam.ask()).toMatchObject({
    held: { pem: oldRoot.pem + newRoot.pem, sequence: 2, since: fabrikam.clock.now },
  });
  fabrikam.publishes.bundle = { authorities: [newRoot], sequence: 3 };
  expect(await fabrikam.ask()).toMatchObject({ held: { pem: newRoot.pem, sequence: 3 }, inMs: 5 * minute });
});

it('asks as often as the partner wishes, from a minute to a day', async () => {
  await using fabrikam = await federation({ authorities: [oldRoot], refreshHint: 1 });
  expect(await fabrikam.ask()).toMatchObject({ inMs: minute });
  fabrikam.publishes.bundle = { authorities: [oldRoot], refreshHint: 1_000_000 };
  expect(await fabrikam.ask()).toMatchObject({ inMs: 24 * 60 * minute });
});

describe('what is held stays', () => {
  it('where the sequence goes back, though the endpoint is the right one', async () => {
    await using fabrikam = await federation({ authorities: [newRoot], sequence: 7 });
    await fabrikam.ask();
    fabrikam.publishes.bundle = { authorities: [oldRoot, newRoot], sequence: 6 };
    expect(await fabrikam.ask()).toMatchObject({
      held: { pem: newRoot.pem, sequence: 7 },
      failure: expect.stringContaining('has the sequence number 6, and 7 was seen before'),
      inMs: 5_000,
    });
    fabrikam.publishes.bundle = { authorities: [newRoot], sequence: 8 };
    expect(await fabrikam.ask()).not.toHaveProperty('failure');
  });

  it('where the bundle has no authority any more, or is gone', async () => {
    await using fabrikam = await federation({ authorities: [oldRoot], sequence: 1 });
    await fabrikam.ask();
    fabrikam.publishes.bundle = { authorities: [], sequence: 2 };
    const held = { pem: oldRoot.pem, sequence: 1 };
    expect(await fabrikam.ask()).toMatchObject({ held, failure: expect.stringContaining('holds no X.509 authority') });
    fabrikam.publishes.bundle = undefined;
    expect(await fabrikam.ask()).toMatchObject({ held, failure: `The bundle endpoint ${fabrikam.url} answers 404, not 200.` });
  });

  it('where somebody else answers', async () => {
    await using fabrikam = await federation({ authorities: [oldRoot], sequence: 1 });
    await fabrikam.ask();
    fabrikam.publishes.bundle = { authorities: [newRoot], sequence: 2 };
    expect(await fabrikam.ask({ certificateSHA256: 'ab'.repeat(32) })).toMatchObject({
      held: { pem: oldRoot.pem },
      failure: expect.stringContaining('is not believed: it presents the certificate'),
    });
  });
});

it('holds nothing where there never was a bundle', async () => {
  await using fabrikam = await federation(undefined);
  expect(await fabrikam.ask()).toEqual({
    failure: `The bundle endpoint ${fabrikam.url} answers 404, not 200.`,
    failures: 1,
    inMs: 5_000,
  });
  const waits = [];
  for (let count = 0; count < 5; count++) waits.push((await fabrikam.ask()).inMs);
  expect(waits).toEqual([10_000, 20_000, 40_000, minute, minute]);
  fabrikam.publishes.bundle = { authorities: [oldRoot], sequence: 1 };
  expect(await fabrikam.ask()).not.toHaveProperty('failures');
});
