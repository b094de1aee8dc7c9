// Every rule of the resource schemas in both directions, on a real API server: what is accepted, and what a user reads when
// it is not. Nothing is kept but the objects whose immutable fields are tried.
import { parse as parseYAML } from 'yaml';
import { z } from 'zod';
import { generatedFiles } from '../../crds/generate.ts';
import { kinds } from '../../operator/api/v1alpha1/index.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { askApiServer } from '../support/controlplane/kubeconfig.ts';
import { applyManifests, type Manifest, parseManifests } from '../support/manifest.ts';
import { waitFor } from '../support/wait.ts';
import { enterpriseCATable } from './schema/enterprise-ca.ts';
import { federatedPartnerTable } from './schema/federated-partner.ts';
import { mediaGatewayTable } from './schema/media-gateway.ts';
import { mediaRelayTable } from './schema/media-relay.ts';
import { type Spec, unchecked } from './schema/table.ts';
import { trustDomainTable } from './schema/trust-domain.ts';
import { trustedServerTable } from './schema/trusted-server.ts';

const apiVersion = 'trustmesh.io/v1alpha1';
const collections: Readonly<Record<string, string>> = {
  EnterpriseCA: '/apis/trustmesh.io/v1alpha1/enterprisecas',
  TrustDomain: '/apis/trustmesh.io/v1alpha1/trustdomains',
  TrustedServer: '/apis/trustmesh.io/v1alpha1/namespaces/default/trustedservers',
  MediaGateway: '/apis/trustmesh.io/v1alpha1/namespaces/default/mediagateways',
  FederatedPartner: '/apis/trustmesh.io/v1alpha1/federatedpartners',
  MediaRelay: '/apis/trustmesh.io/v1alpha1/namespaces/default/mediarelays',
};

let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
  const crds = generatedFiles().filter(({ path }) => path.startsWith('crds/'));
  await applyManifests(
    controlPlane.kubeconfig,
    crds.flatMap(({ content }) => parseManifests(content)),
  );
  for (const [kind, path] of Object.entries(collections)) {
    await waitFor(`${kind} to be served`, async () => (await askApiServer(controlPlane.kubeconfig, 'GET', path)).status === 200);
  }
});
afterAll(() => controlPlane?.stop());

const status = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(z.object({ field: z.string().optional(), message: z.string() })).optional() }).optional(),
});

/** What the API server says to a write: nothing where it takes it, else `<field>: <sentence>` for each fault. */
async function answerTo(method: 'POST' | 'PUT', path: string, object: Manifest, query: string): Promise<readonly string[]> {
  const { status: code, body } = await askApiServer(
    controlPlane.kubeconfig,
    method,
    `${path}?fieldValidation=Strict${query}`,
    object,
  );
  if (code === 200 || code === 201) return [];
  const { message, details } = status.parse(JSON.parse(body));
  return details?.causes?.map((cause) => `${cause.field}: ${cause.message}`) ?? [message];
}

const manifest = (kind: string, spec: Spec, name = 'sample'): Manifest => ({ apiVersion, kind, metadata: { name }, spec });

/** What the API server says to `spec` for a new object. */
const create = (kind: string, spec: Spec, name?: string) =>
  answerTo('POST', collections[kind] ?? '', manifest(kind, spec, name), '&dryRun=All');

/** What it says to `after` where `before` is there. */
async function change(kind: string, before: Spec, after: Spec): Promise<readonly string[]> {
  const name = `changed-${crypto.randomUUID()}`;
  const collection = collections[kind] ?? '';
  expect(await answerTo('POST', collection, manifest(kind, before, name), '')).toEqual([]);
  const { body } = await askApiServer(controlPlane.kubeconfig, 'GET', `${collection}/${name}`);
  const current = z.looseObject({ metadata: z.looseObject({ name: z.string() }) }).parse(JSON.parse(body));
  return answerTo('PUT', `${collection}/${name}`, { ...manifest(kind, after, name), metadata: current.metadata }, '&dryRun=All');
}

describe('the examples of the reference pages', () => {
  it.each(kinds.map((kind) => [kind.kind, kind.example] as const))('apply as they stand: %s', async (_kind, example) => {
    const object = parseManifests(example);
    const namespace = object[0]?.metadata.namespace;
    const namespaces = namespace ? [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }] : [];
    await applyManifests(controlPlane.kubeconfig, namespaces);
    expect(await applyManifests(controlPlane.kubeconfig, object)).toMatchObject([parseYAML(example)]);
  });
});

describe('every kind', () => {
  const minimal: readonly (readonly [string, Spec])[] = [
    ['EnterpriseCA', { managed: {} }],
    ['TrustDomain', { enterpriseCA: 'contoso', sipDomains: ['contoso.com'] }],
    [
      'TrustedServer',
      { trustDomain: 'contoso', role: 'Server', poolFQDN: 'app.contoso.com', members: [{ fqdn: 'app.contoso.com' }] },
    ],
    ['MediaGateway', { trustDomain: 'contoso', fqdn: 'gw01.contoso.com', mediationServer: { name: 'med01' } }],
    ['FederatedPartner', { trustDomain: 'contoso', sipDomains: ['fabrikam.com'], mode: 'Blocked' }],
    ['MediaRelay', { trustDomain: 'contoso', fqdn: 'turn.contoso.com' }],
  ];

  it.each(minimal)('begins with a status that no tool takes for current: %s', async (kind, spec) => {
    const path = `${collections[kind]}?dryRun=All`;
    const { body } = await askApiServer(controlPlane.kubeconfig, 'POST', path, manifest(kind, spec));
    expect(JSON.parse(body)).toMatchObject({ status: { observedGeneration: -1 } });
  });

  it.each(minimal)('refuses a field that it does not know: %s', async (kind, spec) => {
    expect(await create(kind, { ...spec, surprise: {} })).toEqual([
      `${kind} in version "v1alpha1" cannot be handled as a ${kind}: strict decoding error: unknown field "spec.surprise"`,
    ]);
  });

  it.each(minimal)('drops such a field for a client that does not ask for strictness: %s', async (kind, spec) => {
    const path = `${collections[kind]}?dryRun=All&fieldValidation=Warn`;
    const { body } = await askApiServer(controlPlane.kubeconfig, 'POST', path, manifest(kind, { ...spec, surprise: {} }));
    expect(JSON.parse(body)).toMatchObject({ spec: expect.not.objectContaining({ surprise: {} }) });
  });

  it.each(Object.keys(collections))('needs a spec: %s', async (kind) => {
    const object: Manifest = { apiVersion, kind, metadata: { name: 'sample' } };
    expect(await answerTo('POST', collections[kind] ?? '', object, '&dryRun=All')).toEqual(['spec: Required value', unchecked]);
  });
});

describe.each([
  enterpriseCATable,
  trustDomainTable,
  trustedServerTable,
  mediaGatewayTable,
  mediaRelayTable,
  federatedPartnerTable,
])('$kind', ({ kind, cases, changes }) => {
  describe('accepts', () => {
    const accepted = cases.filter(({ refusals }) => refusals.length === 0);
    it.each(accepted)('$title', async ({ spec, name }) => {
      expect(await create(kind, spec, name)).toEqual([]);
    });
  });

  describe('refuses', () => {
    const refused = cases.filter(({ refusals }) => refusals.length > 0);
    it.each(refused)('$title', async ({ spec, name, refusals }) => {
      expect(await create(kind, spec, name)).toEqual(refusals);
    });
  });

  describe('once it exists', () => {
    it.each(changes)('may it change: $title', async ({ before, after, refusals }) => {
      expect(await change(kind, before, after)).toEqual(refusals);
    });
  });
});
