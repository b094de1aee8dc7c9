// The task pages against a real API server: every object of ours that one shows is taken as it stands; and what a page about
// software mounts, names or lists is what the operator writes once that page's objects are declared.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../operator/api/object.ts';
import { configMaps, type Resource, secrets } from '../../operator/kube/resource.ts';
import { startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { applyManifests, type Manifest, parseManifests } from '../support/manifest.ts';
import { needing } from '../support/needing.ts';
import { waitFor } from '../support/wait.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm');

const repository = join(import.meta.dirname, '../..');
const read = (...path: readonly string[]) => readFileSync(join(repository, ...path), 'utf8');

const pages = readdirSync(join(repository, 'docs/tasks'))
  .filter((file) => file.endsWith('.md'))
  .map((name) => ({ name, text: read('docs/tasks', name) }))
  .map((page) => ({ ...page, objects: objectsOf(page.text) }))
  .filter(({ objects }) => objects.length > 0);

/** Of the YAML blocks; a block without `apiVersion` is a part of an object, or something else. */
function objectsOf(markdown: string): readonly Manifest[] {
  return [...markdown.matchAll(/^ *```yaml\n(.*?)^ *```$/gms)]
    .map(([, block = '']) => block)
    .filter((block) => block.includes('apiVersion: trustmesh.io/v1alpha1'))
    .flatMap(parseManifests);
}

const namespacesOf = (objects: readonly Manifest[]) => [...new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []))];
const namespaceNamed = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** The first group of each match, once. */
const all = (text: string, pattern: RegExp) => [...new Set([...text.matchAll(pattern)].flatMap(([, group]) => group ?? []))];

interface Listing {
  readonly namespace: string;
  readonly name: string;
  readonly keys: readonly string[];
}

/** The ConfigMaps whose keys a page shows, one a line. */
function listingsOf(text: string): readonly Listing[] {
  const listings = text.matchAll(/get configmap (\S+) -n (\S+) -o go-template='\{\{range .*\n((?:[\w.-]+\n)+)/g);
  return [...listings].map(([, name = '', namespace = '', keys = '']) => ({ namespace, name, keys: keys.trimEnd().split('\n') }));
}

interface Named {
  readonly secrets: readonly string[];
  readonly configMaps: readonly string[];
  readonly files: readonly string[];
}

/** What a page says that is there. */
function namedBy(text: string): Named {
  return {
    secrets: all(text, /(?:secretName: |Secret `)([a-z0-9-]+)/g),
    configMaps: all(text, /(?:configMap: \{name: |ConfigMap `)([a-z0-9-]+)/g),
    files: [
      ...all(text, /\/etc\/trustmesh\/trust\/([\w.-]*\w)/g),
      ...all(text, /`((?:kamailio|opensips|freeswitch|asterisk|envoy|haproxy|nginx)-[\w.-]+)`/g),
    ],
  };
}

/** What of it is in none of the namespaces; files are keys of the ConfigMaps. */
async function missing(named: Named, namespaces: readonly string[]): Promise<readonly string[]> {
  const findAll = async <T extends KubeObject>(resource: Resource<T>, names: readonly string[]) =>
    await Promise.all(names.flatMap((name) => namespaces.map((namespace) => trustmesh.find(resource, { namespace, name }))));
  const mounted = await findAll(configMaps, named.configMaps);
  const there = new Set([
    ...(await findAll(secrets, named.secrets)).map((secret) => secret?.metadata.name),
    ...mounted.map((configMap) => configMap?.metadata.name),
    ...mounted.flatMap((configMap) => Object.keys(configMap?.data ?? {})),
  ]);
  return Object.values(named)
    .flat()
    .filter((name) => !there.has(name));
}

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh();
  const folder = 'examples/contoso';
  for (const file of readdirSync(join(repository, folder)).sort()) await trustmesh.apply(read(folder, file));
}, 120_000);
afterAll(() => trustmesh?.[Symbol.asyncDispose]());

describe('a task page', () => {
  it.each(pages)('shows objects that the API server takes: $name', async ({ objects }) => {
    const { kubeconfig } = trustmesh.controlPlane;
    await applyManifests(kubeconfig, namespacesOf(objects).map(namespaceNamed));
    await applyManifests(kubeconfig, objects, { dryRun: true });
  });
});

describe('a page about software', () => {
  const aboutSoftware = pages.filter(({ name }) => name.startsWith('use-'));

  it('is there for each', () => {
    const outputs = aboutSoftware.flatMap(({ text }) => all(text, /outputs: \[(\w+)\]/g));
    expect(outputs.sort()).toEqual(['Asterisk', 'Envoy', 'FreeSWITCH', 'HAProxy', 'Kamailio', 'Nginx', 'OpenSIPS']);
  });

  it.each(aboutSoftware)('names what is written: $name', async ({ text, objects }) => {
    await applyManifests(trustmesh.controlPlane.kubeconfig, objects);
    const named = namedBy(text);
    expect(named.secrets).not.toEqual([]);
    expect(named.configMaps).not.toEqual([]);
    let lacking: readonly string[] = [];
    const everything = async () => {
      lacking = await missing(named, namespacesOf(objects));
      return lacking.length === 0;
    };
    await waitFor('what the page names to be there', everything, {
      limitMs: 30_000,
      seen: () => `all but ${lacking.join(', ')}`,
    });
    for (const { namespace, name, keys } of listingsOf(text)) {
      let seen = '';
      const asListed = async () => {
        seen = Object.keys(await trustmesh.configMap(namespace, name))
          .sort()
          .join(', ');
        return seen === keys.join(', ');
      };
      await waitFor(`${name} to have ${keys.join(', ')}`, asListed, { seen: () => seen });
    }
  });
});
