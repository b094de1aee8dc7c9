// A real coturn on a relay's Secrets as they stand in the API server, and clients that a registrar gave credentials to: who gets
// an allocation, and that a roll of the secret and a new certificate end none.
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { mediaRelays, secrets } from '../../operator/kube/resource.ts';
import { coturnVersion, relayedCall, startCoturn } from '../support/coturn.ts';
import { leafOf, serverManifest, startTrustmesh, type Trustmesh, textOf } from '../support/installation.ts';
import { type Capability, record } from '../support/matrix.ts';
import { contosoWithPerimeter, credential, patchRelay, presented, relayManifest, relayWhen } from '../support/media-relay.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName } from '../support/peers/forged.ts';
import { makeAuthority } from '../support/peers/material.ts';
import { freePort } from '../support/port.ts';
import { type TurnAnswer, turnClient, udpEcho } from '../support/turn-client.ts';
import { waitFor } from '../support/wait.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'coturn');

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;
let turn: number;
let turns: number;
let echo: number;

beforeAll(async () => {
  trustmesh = running.use(await startTrustmesh());
  [turn, turns] = [await freePort(), await freePort()];
  const echoing = running.use(await udpEcho());
  echo = echoing.port;
  const fe = serverManifest('fe', { role: 'FrontEnd', poolFQDN: 'fe.contoso.com', members: [{ fqdn: 'fe01.contoso.com' }] });
  await trustmesh.apply(contosoWithPerimeter + fe);
  const credentials = { lifetime: '1m', rollEvery: '720h', propagation: '4s' };
  await trustmesh.apply(relayManifest('turn', { ports: { turn, turns, relay: { from: 40_000, to: 40_999 } }, credentials }));
  await relayWhen(trustmesh, 'turn');
  running.use(await startCoturn(trustmesh, 'turn'));
}, 120_000);

afterAll(() => running.disposeAsync());

/** What a registrar hands to a user now. */
const credentialNow = async () => credential((await presented(trustmesh, 'fe', 'turn')) ?? '');

/** Whether a new allocation is granted for a secret. */
async function allocationBy(secret: string, seconds = 600): Promise<TurnAnswer> {
  await using client = await turnClient(turn, credential(secret, { seconds }));
  const answer = await client.allocate();
  if (answer === 'Success') await client.refresh(0);
  return answer;
}

const measured = async (capability: Capability, result: string) =>
  record({ software: 'coturn', version: await coturnVersion(), capability, result });

/** The certificate that the TLS listener shows, by whoever trusts the enterprise alone. */
async function certificateShown(options: object = {}): Promise<X509Certificate> {
  const ca = textOf(await trustmesh.secret('perimeter', 'turn-tls'), 'ca.crt');
  return await new Promise((resolve, reject) => {
    const socket = connect({ port: turns, host: '127.0.0.1', servername: 'turn.contoso.com', ca, ...options }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.on('error', reject);
    // coturn is silent to a handshake that it does not take.
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer to the handshake')));
  });
}

describe('a relay', () => {
  it('carries calls of users whom a registrar gave credentials, over UDP and TCP', async () => {
    expect(await relayedCall(turn, await credentialNow())).toBe(0);
    expect(await relayedCall(turn, await credentialNow(), '-t')).toBe(0);
  });

  it('carries media of one who speaks TLS to it and trusts the enterprise alone', async () => {
    const ca = textOf(await trustmesh.secret('perimeter', 'turn-tls'), 'ca.crt');
    await using client = await turnClient(turns, await credentialNow(), { ca, servername: 'turn.contoso.com' });
    expect(await client.allocate()).toBe('Success');
    expect(await client.echo(echo, 'over TLS')).toBe('over TLS');
  });

  it('refuses a credential made with another secret, and one that has expired', async () => {
    expect(await allocationBy('forged')).toBe(401);
    expect(await allocationBy((await presented(trustmesh, 'fe', 'turn')) ?? '', -1)).toBe(401);
    await expect(relayedCall(turn, credential('forged'))).rejects.toThrow();
    expect(await allocationBy((await presented(trustmesh, 'fe', 'turn')) ?? '')).toBe('Success');
    await measured('Allow-list', 'by time-limited credential');
  });

  it('takes the credential of whoever comes by TLS, whatever certificate that shows or none', async () => {
    const ca = textOf(await trustmesh.secret('perimeter', 'turn-tls'), 'ca.crt');
    const stranger = forge(makeAuthority('Nobody'), { names: [generalName.dns('pool01.contoso.com')] });
    for (const shown of [{}, { cert: stranger['tls.crt'], key: stranger['tls.key'] }]) {
      const tls = { ca, servername: 'turn.contoso.com', ...shown };
      await using welcome = await turnClient(turns, await credentialNow(), tls);
      expect(await welcome.allocate()).toBe('Success');
      await using refused = await turnClient(turns, credential('forged'), tls);
      expect(await refused.allocate()).toBe(401);
    }
    await measured('Name check', 'calls nobody');
    await measured('CRL', 'asks for no certificate');
    await measured('Name constraints', 'asks for no certificate');
  });

  it('shows the certificate that was issued for it, and takes no old TLS', async () => {
    const issued = leafOf(await trustmesh.secret('perimeter', 'turn-tls'));
    expect((await certificateShown()).fingerprint256).toBe(issued.fingerprint256);
    await expect(certificateShown({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' })).rejects.toThrow();
  });
});

describe('an allocation', () => {
  it('outlives a roll of the secret, during which old and new are granted, and after which the old is refused', async () => {
    const old = (await presented(trustmesh, 'fe', 'turn')) ?? '';
    await using call = await turnClient(turn, credential(old, { seconds: 30 }));
    expect(await call.allocate()).toBe('Success');
    expect(await call.echo(echo, 'before the roll')).toBe('before the roll');

    await patchRelay(trustmesh, 'turn', { credentials: { generation: 2 } });
    const refused: TurnAnswer[] = [];
    /** Waits for a phase, while the call goes on and users make new ones. */
    const phase = (wanted: string) =>
      waitFor(
        `the roll to be ${wanted}`,
        async () => {
          const answers = [await call.refresh(), await allocationBy((await presented(trustmesh, 'fe', 'turn')) ?? '')];
          refused.push(...answers.filter((answer) => answer !== 'Success'));
          const { status } = await trustmesh.admin.get(mediaRelays, { namespace: 'perimeter', name: 'turn' });
          return status?.phase === wanted;
        },
        { limitMs: 100_000, everyMs: 200 },
      );
    await phase('Prepared');
    expect(await presented(trustmesh, 'fe', 'turn')).toBe(old);
    await phase('Overlap');
    const young = await waitFor('the registrar to present the new secret', async () => {
      const secret = await presented(trustmesh, 'fe', 'turn');
      return secret === old ? undefined : secret;
    });
    expect([await allocationBy(old), await allocationBy(young)]).toEqual(['Success', 'Success']);
    expect(await relayedCall(turn, credential(old))).toBe(0);
    expect(await relayedCall(turn, credential(young))).toBe(0);
    await phase('Stable');
    await waitFor('the old secret to be refused', async () => (await allocationBy(old)) === 401);
    expect(refused).toEqual([]);
    expect(await allocationBy(young)).toBe('Success');
    expect(await call.refresh()).toBe('Success');
    expect(await call.echo(echo, 'after the roll')).toBe('after the roll');
    await measured('Reload', 'yes, by the script around it');
  }, 150_000);

  it('outlives a new certificate, which the listener shows without being started again', async () => {
    await using call = await turnClient(turn, await credentialNow());
    expect(await call.allocate()).toBe('Success');
    const before = await certificateShown();
    await trustmesh.admin.delete(secrets, { namespace: 'perimeter', name: 'turn-tls' });
    const after = await waitFor(
      'another certificate',
      async () => {
        const shown = await certificateShown();
        return shown.serialNumber === before.serialNumber ? undefined : shown;
      },
      { limitMs: 30_000 },
    );
    expect(after.fingerprint256).toBe(leafOf(await trustmesh.secret('perimeter', 'turn-tls')).fingerprint256);
    expect(await call.refresh()).toBe('Success');
    expect(await call.echo(echo, 'after the renewal')).toBe('after the renewal');
    await measured('Reload', 'yes, by the script around it');
  });
});
