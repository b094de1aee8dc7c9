// examples/envoy: what a reader copies is what the operator renders, and Envoy takes it, with the Secrets and ConfigMaps that
// the Deployment mounts, where it mounts them.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { envoyProgram } from '../support/envoy.ts';
import { startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { mount, relocated } from '../support/mounted.ts';
import { needing } from '../support/needing.ts';
import { materialOf } from '../support/peers/material.ts';
import { runProgram } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'envoy');

const directory = join(import.meta.dirname, '../../examples/envoy');
const text = (file: string) => readFileSync(join(directory, file), 'utf8');
const [configMap, deployment] = parseAllDocuments(text('40-envoy.yaml')).map((document) => document.toJS());

const socket = z.object({ transport_socket: z.unknown() });
const bootstrap = z.object({
  static_resources: z.object({
    listeners: z.array(z.object({ name: z.string(), filter_chains: z.array(socket) })),
    clusters: z.array(socket.extend({ name: z.string() })),
  }),
});
const volumes = z.array(
  z.object({
    name: z.string(),
    secret: z.object({ secretName: z.string() }).optional(),
    configMap: z.object({ name: z.string() }).optional(),
  }),
);
const mounts = z.array(z.object({ name: z.string(), mountPath: z.string() }));

describe('examples/envoy', () => {
  let trustmesh: Trustmesh;
  let trust: Readonly<Record<string, string>>;

  beforeAll(async () => {
    trustmesh = await startTrustmesh();
    const files = ['00-namespace.yaml', '10-trust.yaml', '20-servers.yaml', '30-partner.yaml'];
    await trustmesh.apply(files.map(text).join('---\n'));
    await trustmesh.partner('fabrikam', 'Trusted');
    trust = await waitFor(
      'the files for the partner',
      async () => {
        const data = await trustmesh.configMap('fourthcoffee', 'edge-trust');
        return data['envoy-cluster-partner-fabrikam.yaml'] === undefined ? undefined : data;
      },
      { limitMs: 30_000 },
    );
  }, 120_000);
  afterAll(() => trustmesh?.[Symbol.asyncDispose]());

  it('has the transport sockets as they are rendered', () => {
    const { listeners, clusters } = bootstrap.parse(parse(configMap.data['envoy.yaml'])).static_resources;
    const rendered = (name: string) => parse(trust[name] ?? '').transport_socket;
    const shown = Object.fromEntries(listeners.map(({ name, filter_chains: [chain] }) => [name, chain?.transport_socket]));
    expect(shown).toEqual({
      outside: rendered('envoy-listener-outside.yaml'),
      inside: rendered('envoy-listener-inside.yaml'),
    });
    const called = clusters.find(({ name }) => name === 'fabrikam');
    expect(called?.transport_socket).toEqual(rendered('envoy-cluster-partner-fabrikam.yaml'));
  });

  it('is taken by Envoy with what the Deployment mounts', async () => {
    const { containers, volumes: of } = deployment.spec.template.spec;
    const root = await mkdtemp(join(tmpdir(), 'trustmesh-example-'));
    try {
      for (const { name, mountPath } of mounts.parse(containers[0].volumeMounts)) {
        const volume = volumes.parse(of).find((each) => each.name === name);
        const data =
          volume?.secret === undefined
            ? relocated(
                name === 'configuration'
                  ? configMap.data
                  : await trustmesh.configMap('fourthcoffee', volume?.configMap?.name ?? ''),
                root,
              )
            : { ...materialOf(await trustmesh.secret('fourthcoffee', volume.secret.secretName)) };
        await mount(mountPath.replace('/etc/trustmesh', root).replace('/etc/envoy', join(root, 'envoy')), data);
      }
      const args = [...containers[0].args].map((each) => each.replace('/etc/envoy', join(root, 'envoy')));
      await runProgram(await envoyProgram(), [...args, '--mode', 'validate', '--use-dynamic-base-id']);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
