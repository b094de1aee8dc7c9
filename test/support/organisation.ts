// A complete installation of its own: a control plane, an operator, an enterprise CA, an Edge, and its bundle served to whoever
// asks, with a certificate that it issued itself.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  domainManifest,
  enterpriseCAManifest,
  leafOf,
  mediaNamespace,
  partnerManifest,
  serverManifest,
  startTrustmesh,
  type Trustmesh,
  textOf,
} from './installation.ts';
import { mount } from './mounted.ts';
import { freePort } from './port.ts';

export interface Organisation extends AsyncDisposable {
  /** Its TrustDomain; its SIP domain is `<name>.com`. */
  readonly name: string;
  readonly trustmesh: Trustmesh;
  /** Where its bundle is. */
  readonly url: string;
  /** SHA-256 of the certificate there, lower-case hex. */
  readonly certificateSHA256: string;
}

/** With an Edge `edge` in namespace media, whose access FQDN is `sip.<name>.com`. */
export async function startOrganisation(name: string, edge: Readonly<Record<string, unknown>> = {}): Promise<Organisation> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-endpoint-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const port = await freePort();
  const args = ['--bundle-listen', `127.0.0.1:${port}`, '--bundle-tls-dir', join(directory, 'tls')];
  const trustmesh = stack.use(await startTrustmesh({ args }));
  const server = (pool: string, spec: object) =>
    serverManifest(pool, {
      trustDomain: name,
      poolFQDN: `${pool}.${name}.com`,
      members: [{ fqdn: `${pool}01.${name}.com` }],
      certificates: { scope: 'Pool' },
      ...spec,
    });
  await trustmesh.apply(
    mediaNamespace +
      enterpriseCAManifest(name, { managed: {} }) +
      domainManifest(name) +
      server('edge', { role: 'Edge', edge: { accessFQDN: `sip.${name}.com` }, ...edge }) +
      server('federation', { role: 'Server' }),
  );
  await Promise.all(['edge', 'federation'].map((pool) => trustmesh.ready('media', pool)));
  const secret = await trustmesh.secret('media', 'federation-tls');
  await mount(join(directory, 'tls'), { 'tls.crt': textOf(secret, 'tls.crt'), 'tls.key': textOf(secret, 'tls.key') });
  const owned = stack.move();
  return {
    name,
    trustmesh,
    url: `https://127.0.0.1:${port}/bundles/${name}.com`,
    certificateSHA256: createHash('sha256').update(leafOf(secret).raw).digest('hex'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Has one believe the other, by the bundle that it publishes. `port`: where the access edge of the other is called. */
export async function federate(from: Organisation, { name, url, certificateSHA256 }: Organisation, port = 5061): Promise<void> {
  await from.trustmesh.apply(
    partnerManifest(name, {
      trustDomain: from.name,
      accessEdge: { fqdn: `sip.${name}.com`, port },
      trust: { anchors: [{ bundleEndpoint: { url, certificateSHA256 } }] },
    }),
  );
}
