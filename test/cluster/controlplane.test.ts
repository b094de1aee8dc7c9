// The control plane that every other cluster test, the demo and the bench stand on.
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { type Answer, askApiServer } from '../support/controlplane/kubeconfig.ts';
import { startProgram } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const quiet = { say: () => undefined };
const given = { ...process.env };
/** This file is about control planes of our own. */
delete process.env['TRUSTMESH_KUBECONFIG'];
afterEach(() => {
  for (const name of ['TRUSTMESH_KUBECONFIG', 'KUBEBUILDER_ASSETS', 'PATH']) {
    if (given[name] === undefined || name === 'TRUSTMESH_KUBECONFIG') delete process.env[name];
    else process.env[name] = given[name];
  }
});

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const configMap = (name: string, ownerReferences: readonly unknown[] = []) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ownerReferences },
});
const isAnswered = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    // A certificate that fetch does not know is an answer all the same.
    (error: { readonly cause?: { readonly code?: string } }) => error.cause?.code !== 'ECONNREFUSED',
  );

describe('a control plane', () => {
  let controlPlane: ControlPlane;
  beforeAll(async () => {
    controlPlane = await startControlPlane(quiet);
  });
  afterAll(() => controlPlane.stop());

  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    askApiServer(controlPlane.kubeconfig, method, path, body);
  const isGone = async (path: string): Promise<boolean> => (await ask('GET', path)).status === 404;

  it('says its version as a release does', async () => {
    const { body } = await ask('GET', '/version');
    expect(JSON.parse(body)).toMatchObject({ major: '1', gitVersion: expect.stringMatching(/^v1\.\d+\.\d+/) });
  });

  it('lets an administrator read its metrics', async () => {
    expect(await ask('GET', '/metrics')).toMatchObject({ status: 200, body: expect.stringContaining('apiserver_request_total') });
  });

  it('holds a service account to its permissions', async () => {
    const kubeconfig = await controlPlane.kubeconfigFor({ namespace: 'default', name: 'default' });
    const review = await askApiServer(kubeconfig, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    });
    expect(JSON.parse(review.body)).toMatchObject({
      status: { userInfo: { username: 'system:serviceaccount:default:default' } },
    });
    expect(await askApiServer(kubeconfig, 'GET', '/api/v1/namespaces/default/secrets')).toMatchObject({ status: 403 });
  });

  it('has no token for a service account that does not exist', async () => {
    await expect(controlPlane.kubeconfigFor({ namespace: 'default', name: 'nobody' })).rejects.toThrow(/default\/nobody: 404/);
  });

  it('collects what an owner leaves behind', async () => {
    const owner = await ask('POST', '/api/v1/namespaces/default/configmaps', configMap('owner'));
    const { metadata } = JSON.parse(owner.body) as { readonly metadata: { readonly uid: string } };
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid };
    await ask('POST', '/api/v1/namespaces/default/configmaps', configMap('owned', [reference]));
    await ask('DELETE', '/api/v1/namespaces/default/configmaps/owner');
    await waitFor('the owned ConfigMap is gone', () => isGone('/api/v1/namespaces/default/configmaps/owned'), {
      limitMs: 60_000,
    });
  });

  it('finishes the deletion of a namespace', async () => {
    await ask('POST', '/api/v1/namespaces', namespace('passing'));
    await waitFor(
      'its default service account',
      async () => !(await isGone('/api/v1/namespaces/passing/serviceaccounts/default')),
    );
    await ask('DELETE', '/api/v1/namespaces/passing');
    await waitFor('the namespace is gone', () => isGone('/api/v1/namespaces/passing'), { limitMs: 60_000 });
  });

  it('keeps its address and its data over a restart of the API server', async () => {
    await ask('POST', '/api/v1/namespaces', namespace('lasting'));
    await controlPlane.restartApiServer();
    expect(await ask('GET', '/api/v1/namespaces/lasting')).toMatchObject({ status: 200 });
  });

  it('can be used as a cluster that exists, which is never restarted or stopped', async () => {
    process.env['TRUSTMESH_KUBECONFIG'] = controlPlane.kubeconfig;
    const existing = await startControlPlane(quiet);
    expect(existing.url).toBe(controlPlane.url);
    const kubeconfig = await existing.kubeconfigFor({ namespace: 'default', name: 'default' });
    expect(await askApiServer(kubeconfig, 'GET', '/version')).toMatchObject({ status: 200 });
    await expect(existing.restartApiServer()).rejects.toThrow('not ours to restart');
    await existing.stop();
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 200 });
  });
});

describe('the end of a control plane', () => {
  it('leaves no process and no file', async () => {
    const before = await readdir(tmpdir());
    const controlPlane = await startControlPlane({ ...quiet, controllerManager: false });
    await controlPlane.stop();
    expect(await isAnswered(controlPlane.url)).toBe(false);
    const left = (await readdir(tmpdir())).filter((entry) => entry.startsWith(`trustmesh-controlplane-${process.pid}-`));
    expect(left.filter((entry) => !before.includes(entry))).toEqual([]);
  });

  it('comes with that of the process that started it, however that ends', async () => {
    const script = `
      const { startControlPlane } = await import(${JSON.stringify(join(import.meta.dirname, '../support/controlplane/index.ts'))});
      const { url } = await startControlPlane({ controllerManager: false, say: () => undefined });
      process.stdout.write(url);
      setInterval(() => undefined, 1000);`;
    await using starter = await startProgram(process.execPath, ['--input-type=module', '--eval', script], {
      env: { NODE_OPTIONS: undefined },
    });
    const url = await waitFor('the address', () => starter.stdout() || undefined, {
      limitMs: 60_000,
      seen: () => starter.output(),
    });
    expect(await isAnswered(url)).toBe(true);
    process.kill(starter.pid, 'SIGKILL');
    await waitFor('the API server is gone', async () => !(await isAnswered(url)));
  });
});

describe('a control plane that cannot start', () => {
  it('shows what its programs said', async () => {
    const assets = await mkdtemp(join(tmpdir(), 'trustmesh-broken-'));
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager']) {
      await writeFile(join(assets, name), `#!/bin/sh\necho "${name}: no room on this disk"; exit 3\n`);
      await chmod(join(assets, name), 0o755);
    }
    process.env['KUBEBUILDER_ASSETS'] = assets;
    await expect(startControlPlane(quiet)).rejects.toThrow(/ended.*"code":3[\s\S]*no room on this disk/);
    await rm(assets, { recursive: true });
  });
});
