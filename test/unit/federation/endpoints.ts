// Bundle endpoints for the tests of this folder: certificates as a Secret is mounted, our own server on them, and a server that
// answers whatever the test hands it.
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Certificate } from '../../../operator/pki/certificate.ts';
import { freePort } from '../../support/port.ts';
import { type Forged, forge, generalName, type Wish } from '../pki/forge.ts';

export const host = 'localhost';

export const root = forge({ subject: 'Fabrikam Web Root', ca: true });
export const issuing = forge({ subject: 'Fabrikam Web CA', ca: true, by: root });

/** A certificate for the host, under the root by way of an issuing CA. */
export const servedBy = (wish: Wish = {}): Forged =>
  forge({ subject: 'web', by: issuing, names: [generalName.dns(host)], ...wish });

export const pemOf = ({ keys }: Forged): string => keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** What a server presents: the leaf and the issuing CA. */
export const chainPem = (leaf: Forged): string => leaf.certificate.pem + issuing.certificate.pem;

export interface MountedSecret extends AsyncDisposable {
  readonly directory: string;
  /** Each file takes the place of the former one at once. */
  replace(files: Readonly<Record<string, string>>): Promise<void>;
  hold(leaf: Forged): Promise<void>;
}

export async function mountSecret(): Promise<MountedSecret> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-endpoint-'));
  const replace: MountedSecret['replace'] = async (files) => {
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(directory, `.${name}`), content);
      await rename(join(directory, `.${name}`), join(directory, name));
    }
  };
  return {
    directory,
    replace,
    hold: (leaf) => replace({ 'tls.crt': chainPem(leaf), 'tls.key': pemOf(leaf) }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

export interface ScriptedEndpoint extends AsyncDisposable {
  readonly port: number;
  /** What came over each connection so far. */
  readonly received: readonly string[];
}

/** Answers whatever comes over each connection with these octets, then closes it unless it is to stay open. */
export async function scriptEndpoint(
  answer: string | Buffer,
  { leaveOpen = false, ...options }: TlsOptions & { readonly leaveOpen?: boolean } = {},
): Promise<ScriptedEndpoint> {
  const leaf = servedBy();
  const received: string[] = [];
  const connections = new Set<TLSSocket>();
  const server = createServer({ cert: chainPem(leaf), key: pemOf(leaf), ...options }, (socket) => {
    connections.add(socket);
    const place = received.push('') - 1;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      received[place] += data.toString('latin1');
      socket.write(answer);
      if (!leaveOpen) socket.end();
    });
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: address === null || typeof address === 'string' ? 0 : address.port,
    received,
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An authority of a bundle; another certificate at each call. */
export const authorityOf = (name: string): Certificate => forge({ subject: name, ca: true }).certificate;
