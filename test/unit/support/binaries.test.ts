// The order in which a program of the control plane is looked for, what is said of it, and the official archive.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { runProgram } from '../../support/process.ts';

type Binaries = typeof import('../../support/controlplane/binaries.ts');

let root: string;
let archives: Server;
let requests: string[];
let archive: Buffer;
let sha512: string;
const given = { ...process.env };

const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'trustmesh-binaries-'));
  await mkdir(join(root, 'controller-tools/envtest'), { recursive: true });
  for (const name of ['etcd', 'kube-apiserver', 'kubectl']) await program(join(root, 'controller-tools/envtest', name));
  await runProgram('tar', ['-czf', 'archive.tar.gz', 'controller-tools'], { cwd: root });
  archive = await readFile(join(root, 'archive.tar.gz'));
  archives = createServer((request, response) => {
    requests.push(request.url ?? '');
    response.end(request.url === '/index.yaml' ? index() : archive);
  });
  archives.listen(0, '127.0.0.1');
  await once(archives, 'listening');
});
afterAll(async () => {
  archives.closeAllConnections();
  archives.close();
  await rm(root, { recursive: true });
});

beforeEach(async () => {
  requests = [];
  sha512 = createHash('sha512').update(archive).digest('hex');
  process.env['TRUSTMESH_CACHE'] = await mkdtemp(join(root, 'cache-'));
  process.env['TRUSTMESH_ENVTEST_INDEX'] = `${address()}/index.yaml`;
  process.env['PATH'] = await mkdtemp(join(root, 'path-'));
  delete process.env['KUBEBUILDER_ASSETS'];
  // One attempt at the archive is remembered for the life of the module.
  jest.resetModules();
});
afterEach(() => {
  process.env['PATH'] = given['PATH'];
});

const address = (): string => `http://127.0.0.1:${(archives.address() as AddressInfo).port}`;
const index = (): string => `releases:
  v1.36.2:
    envtest-v1.36.2-${platform}.tar.gz: {hash: '${'0'.repeat(128)}', selfLink: '${address()}/v1.36.2.tar.gz'}
  v1.36.10:
    envtest-v1.36.10-${platform}.tar.gz: {hash: '${sha512}', selfLink: '${address()}/v1.36.10.tar.gz'}
  v1.37.0:
    envtest-v1.37.0-${platform}.tar.gz: {hash: '${sha512}', selfLink: '${address()}/v1.37.0.tar.gz'}
`;

async function program(path: string): Promise<string> {
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
}

async function find(
  binary: Parameters<Binaries['findBinary']>[0],
): Promise<{ readonly path: string; readonly said: readonly string[] }> {
  const { findBinary }: Binaries = await import('../../support/controlplane/binaries.ts');
  const said: string[] = [];
  return { path: await findBinary(binary, (line) => said.push(line)), said };
}

describe('a program of the control plane', () => {
  it('is taken from KUBEBUILDER_ASSETS before PATH', async () => {
    const assets = await mkdtemp(join(root, 'assets-'));
    process.env['KUBEBUILDER_ASSETS'] = assets;
    const path = await program(join(assets, 'etcd'));
    await program(join(process.env['PATH'] ?? '', 'etcd'));
    expect(await find('etcd')).toEqual({ path, said: [`etcd from KUBEBUILDER_ASSETS: ${path}`] });
  });

  it('is taken from PATH where the assets have none', async () => {
    process.env['KUBEBUILDER_ASSETS'] = await mkdtemp(join(root, 'assets-'));
    const path = await program(join(process.env['PATH'] ?? '', 'etcd'));
    expect(await find('etcd')).toEqual({ path, said: [`etcd from PATH: ${path}`] });
  });

  it('comes from the newest official archive of its minor version, and from the cache after that', async () => {
    process.env['PATH'] = `${process.env['PATH']}:${given['PATH']}`;
    const cache = process.env['TRUSTMESH_CACHE'] ?? '';
    const path = join(cache, `envtest/v1.36.10-${platform}/kube-apiserver`);
    expect(await find('kube-apiserver')).toEqual({ path, said: [`kube-apiserver from the envtest archive: ${path}`] });
    expect(await find('kube-apiserver')).toEqual({ path, said: [`kube-apiserver from the cache: ${path}`] });
    expect(requests).toEqual(['/index.yaml', '/v1.36.10.tar.gz']);
  });

  it('is not taken from an archive with another checksum; without Go, everything that was tried is said', async () => {
    sha512 = 'f'.repeat(128);
    const failure = await find('etcd').catch((error: unknown) => String(error));
    expect(failure).toMatch(/There is no etcd\. Tried:/);
    expect(failure).toMatch(/KUBEBUILDER_ASSETS: not set/);
    expect(failure).toMatch(/PATH: no etcd on it/);
    expect(failure).toMatch(/the cache: /);
    expect(failure).toMatch(/the envtest archive: SHA-512 of .* is [0-9a-f]{128}, the index says f{128}/);
    expect(failure).toMatch(/its pinned Go module: There is no Go on PATH\. Install Go 1\.26 or newer/);
  });

  it('that the archive does not have costs no download', async () => {
    await expect(find('kube-controller-manager')).rejects.toThrow('it has etcd, kube-apiserver, kubectl only');
    expect(requests).toEqual([]);
  });

  it('is not waited for where there is no network', async () => {
    process.env['TRUSTMESH_ENVTEST_INDEX'] = 'http://127.0.0.1:1/index.yaml';
    await expect(find('etcd')).rejects.toThrow('http://127.0.0.1:1/index.yaml: ');
  });
});
