// The peers themselves: each accepts and refuses as server and as client, for every reason, and what it says of it is read
// right. Whatever the other interop tests conclude rests on this.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { needing } from '../support/needing.ts';
import {
  type ConnectOptions,
  type ListenOptions,
  meet,
  meetEach,
  type PeerName,
  type Peers,
  peerNames,
  startPeers,
  type Verdict,
  withEachClient,
} from '../support/peers/index.ts';
import { day, makeAuthority, makeMaterial, trustIn } from '../support/peers/material.ts';

const { describe, it } = needing('openssl', 'go', 'java');

const contoso = makeAuthority('Contoso');
const rogue = makeAuthority('Rogue');
const now = Date.now();

const serverNames = {
  dnsNames: ['pool01.contoso.com', 'fe01.contoso.com'],
  uri: 'spiffe://contoso.com/front-end/pool01.contoso.com/fe01.contoso.com',
};
const clientNames = {
  dnsNames: ['med01.contoso.com'],
  uri: 'spiffe://contoso.com/mediation/med01.contoso.com/med01.contoso.com',
};
const server = makeMaterial(contoso, serverNames);
const client = makeMaterial(contoso, clientNames);
const trust = trustIn(contoso.anchors);
const past = { notBefore: now - 2 * day, notAfter: now - day };
const future = { notBefore: now + day / 2, notAfter: now + day };

let peers: Peers;
beforeAll(async () => {
  peers = await startPeers();
});
afterAll(() => peers[Symbol.asyncDispose]());

interface Case {
  readonly listen?: Partial<ListenOptions>;
  readonly connect?: Partial<ConnectOptions>;
  /** The client has no certificate. */
  readonly anonymous?: true;
}

async function verdicts(name: PeerName, { listen, connect, anonymous }: Case): Promise<Readonly<Record<string, Verdict>>> {
  await using listener = await peers[name].listen({ material: server, requireClientCertificate: true, ...listen });
  const caller = anonymous ? {} : { material: client };
  return await meetEach(listener, peers, { ...caller, trust, serverName: 'pool01.contoso.com', ...connect });
}

describe.each(peerNames)('%s as server, each of the four as client', (name) => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s: both accept, and each knows the names of the other', async (protocol) => {
    await using listener = await peers[name].listen({ material: server, requireClientCertificate: true, protocol });
    for (const caller of peerNames) {
      const meeting = await meet(listener, peers[caller], { material: client, trust, serverName: 'fe01.contoso.com' });
      expect(meeting).toEqual({
        server: { accepted: true, peerNames: [...clientNames.dnsNames, clientNames.uri], protocol },
        client: { accepted: true, peerNames: [...serverNames.dnsNames, serverNames.uri], protocol },
        verdict: 'accepted',
      });
    }
  });

  it('asks clients for no certificate where none is required', async () => {
    await using listener = await peers[name].listen({ material: server, requireClientCertificate: false });
    for (const caller of peerNames) {
      const meeting = await meet(listener, peers[caller], { trust, serverName: 'fe01.contoso.com' });
      expect(meeting.verdict).toBe('accepted');
      expect(meeting.server).toMatchObject({ peerNames: [] });
    }
  });

  it.each<[string, Case, Verdict]>([
    [
      'a client of another CA',
      { connect: { material: makeMaterial(rogue, clientNames) } },
      { refusedBy: 'server', reason: 'untrusted-issuer' },
    ],
    ['a client without a certificate', { anonymous: true }, { refusedBy: 'server', reason: 'no-certificate-presented' }],
    [
      'a client whose certificate has expired',
      { connect: { material: makeMaterial(contoso, { ...clientNames, ...past }) } },
      { refusedBy: 'server', reason: 'expired' },
    ],
    [
      'a client whose certificate is not valid yet',
      { connect: { material: makeMaterial(contoso, { ...clientNames, ...future }) } },
      { refusedBy: 'server', reason: 'not-yet-valid' },
    ],
    [
      'a client whose certificate is not for TLS',
      { connect: { material: makeMaterial(contoso, { dnsNames: clientNames.dnsNames, profile: 'TokenSigning' }) } },
      { refusedBy: 'server', reason: 'wrong-key-usage' },
    ],
    [
      'a server of another CA',
      { listen: { material: { ...makeMaterial(rogue, serverNames), ...trust } } },
      { refusedBy: 'client', reason: 'untrusted-issuer' },
    ],
    [
      'a server under another name',
      { connect: { serverName: 'pool02.contoso.com' } },
      { refusedBy: 'client', reason: 'name-mismatch' },
    ],
    [
      'a server whose certificate has expired',
      { listen: { material: makeMaterial(contoso, { ...serverNames, ...past }) } },
      { refusedBy: 'client', reason: 'expired' },
    ],
    [
      'a server whose certificate is not valid yet',
      { listen: { material: makeMaterial(contoso, { ...serverNames, ...future }) } },
      { refusedBy: 'client', reason: 'not-yet-valid' },
    ],
    [
      'a server whose certificate is for clients',
      { listen: { material: makeMaterial(contoso, { ...serverNames, profile: 'Client' }) } },
      { refusedBy: 'client', reason: 'wrong-key-usage' },
    ],
    [
      'a client that speaks older versions only',
      { listen: { protocol: 'TLSv1.3' }, connect: { protocol: 'TLSv1.2' } },
      { refusedBy: 'server', reason: 'protocol-mismatch' },
    ],
    [
      'a client that speaks newer versions only',
      { listen: { protocol: 'TLSv1.2' }, connect: { protocol: 'TLSv1.3' } },
      { refusedBy: 'server', reason: 'protocol-mismatch' },
    ],
  ])('refuses %s', async (_, options, verdict) => {
    expect(await verdicts(name, options)).toEqual(withEachClient(verdict));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('tells the same reasons in %s', async (protocol) => {
    const only = { listen: { protocol }, connect: { protocol } };
    expect(await verdicts(name, { ...only, anonymous: true })).toEqual(
      withEachClient({ refusedBy: 'server', reason: 'no-certificate-presented' }),
    );
    expect(await verdicts(name, { ...only, connect: { serverName: 'pool02.contoso.com' } })).toEqual(
      withEachClient({ refusedBy: 'client', reason: 'name-mismatch' }),
    );
  });
});

describe.each(['node', 'go', 'java'] as const)('%s as server that checks names', (name) => {
  it.each([
    ['DNS name', clientNames.dnsNames[0] ?? ''],
    ['SPIFFE ID', clientNames.uri],
  ])('accepts a client that is listed by its %s', async (_, allowed) => {
    expect(await verdicts(name, { listen: { allowedNames: ['other.contoso.com', allowed] } })).toEqual(
      withEachClient('accepted'),
    );
  });

  it.each([
    ['lists others', ['other.contoso.com']],
    ['lists nobody', []],
    ['lists the end of its name only', ['contoso.com', '01.contoso.com']],
  ])('refuses a client of the right CA when the topology %s', async (_, allowedNames) => {
    expect(await verdicts(name, { listen: { allowedNames } })).toEqual(
      withEachClient({ refusedBy: 'server', reason: 'peer-not-in-topology' }),
    );
  });
});

it('says that OpenSSL cannot check a list of names, rather than accepting everybody', async () => {
  await expect(peers.openssl.listen({ material: server, requireClientCertificate: true, allowedNames: [] })).rejects.toThrow(
    'no list of names',
  );
});

describe.each(peerNames)('%s as client', (name) => {
  it('says when nobody listens', async () => {
    const closed = await peers.node.listen({ material: server, requireClientCertificate: false });
    await closed[Symbol.asyncDispose]();
    expect(await peers[name].connect({ trust, serverName: 'pool01.contoso.com', port: closed.port })).toMatchObject({
      accepted: false,
      reason: 'connection-refused',
    });
  });

  it('gives up on a listener that says nothing', async () => {
    const silent = createServer((socket) => socket.unref()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const handshake = await peers[name].connect({ trust, serverName: 'pool01.contoso.com', port, timeoutMs: 200 });
      expect(handshake).toMatchObject({ accepted: false, reason: 'timeout' });
    } finally {
      silent.close();
    }
  });
});

it.each(['node', 'go', 'java'] as const)('%s says what is wrong with material that it cannot use', async (name) => {
  const mixed = { ...server, 'tls.key': client['tls.key'], 'keystore-password': client['keystore-password'] ?? Buffer.alloc(0) };
  await expect(peers[name].listen({ material: mixed, requireClientCertificate: true })).rejects.toThrow(/key|password/i);
});
