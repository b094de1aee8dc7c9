// The chart as a package: it lints, its versions are those of the source tree, its CRDs are the generated ones, its notes help.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { chartDirectory, HELM_LIMIT_MS, helm, type Release, renderChart } from '../../support/chart.ts';
import { parseManifests } from '../../support/manifest.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')));

beforeAll(() => helm(['version']), HELM_LIMIT_MS);

it('passes helm lint, warnings included', async () => {
  const { stdout } = await helm(['lint', '--strict', chartDirectory]);
  expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
});

it('has the version of the operator that it installs', async () => {
  const chart: unknown = parse(await readFile(join(chartDirectory, 'Chart.yaml'), 'utf8'));
  expect(chart).toMatchObject({ version, appVersion: version });
  const manifests = await renderChart();
  expect(manifests.find(({ kind }) => kind === 'Deployment')).toHaveProperty(
    'spec.template.spec.containers.0.image',
    `trustmesh:${version}`,
  );
});

describe('the CRDs', () => {
  const crdsOf = async (values: NonNullable<Release['values']>) =>
    (await renderChart({ values })).filter(({ kind }) => kind === 'CustomResourceDefinition');

  it('say what the generated ones say, and are kept on uninstall', async () => {
    const directory = join(import.meta.dirname, '../../../crds');
    const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml'));
    const generated = await Promise.all(files.map(async (name) => parseManifests(await readFile(join(directory, name), 'utf8'))));
    const rendered = await crdsOf({});
    const specs = (crds: typeof rendered) => Object.fromEntries(crds.map((crd) => [crd.metadata.name, crd['spec']]));
    expect(specs(rendered)).toEqual(specs(generated.flat()));
    for (const { metadata } of rendered) expect(metadata).toHaveProperty(['annotations', 'helm.sh/resource-policy'], 'keep');
  });

  it('go with the release where the user says so', async () => {
    for (const { metadata } of await crdsOf({ crds: { keep: false } })) expect(metadata).not.toHaveProperty('annotations');
  });

  it('are left to others where the user says so', async () => {
    expect(await crdsOf({ crds: { install: false } })).toEqual([]);
  });
});

describe('the notes', () => {
  const notesOf = async (values: NonNullable<Release['values']>) => {
    const { stdout } = await helm(
      ['install', 'trustmesh', chartDirectory, '--namespace=trustmesh-system', '--dry-run=client', '--output=json'],
      {
        values,
      },
    );
    return z.object({ info: z.object({ notes: z.string() }) }).parse(JSON.parse(stdout)).info.notes;
  };

  it('tell the next three commands', async () => {
    expect(await notesOf({})).toBe(`Trustmesh ${version} serves all namespaces.

1. Wait until it runs:
   kubectl rollout status deployment/trustmesh --namespace trustmesh-system

2. Declare an authority, a trust domain and its servers, for instance the reference topology of the source tree:
   kubectl apply --filename examples/contoso

3. See what became of them:
   kubectl get trustmesh --all-namespaces
`);
  });

  it('name the namespaces that are served', async () => {
    expect(await notesOf({ watchNamespaces: ['voice', 'lab'] })).toContain('serves the namespaces voice, lab.');
  });

  it('say why there is no ServiceMonitor where one was asked for', async () => {
    expect(await notesOf({ serviceMonitor: { enabled: true } })).toContain('does not know monitoring.coreos.com/v1');
  });

  it('say that permissions are the user’s to grant where the chart grants none', async () => {
    expect(await notesOf({ rbac: { create: false } })).toContain('No permissions were granted');
  });
});
