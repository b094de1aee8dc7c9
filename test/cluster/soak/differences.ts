// How a cluster differs from what the topology says, a line each.
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { configMaps, type Secret, secrets, trustDomains, trustedServers } from '../../../operator/kube/resource.ts';
import { issuedFor } from '../../support/journal.ts';
import { bundlesOf, certificatesOf, domain, type Expected, namespaces, type Peers, type Pool, sharedUses } from './model.ts';

const ours = { labelSelector: 'app.kubernetes.io/managed-by=trustmesh' };
const own = 'trustmesh-system';

/** Reads everything there is, once. */
export async function differences(admin: KubeClient, pools: readonly Pool[]): Promise<readonly string[]> {
  const [servers, held, bundles, issued, trustDomain] = await Promise.all([
    admin.list(trustedServers),
    admin.list(secrets, ours),
    admin.list(configMaps, ours),
    issuedFor(admin),
    admin.get(trustDomains, { name: domain }),
  ]);
  const uids = new Map(servers.items.map(({ metadata }) => [`${metadata.namespace}/${metadata.name}`, metadata.uid]));
  const expected = new Map(
    pools.flatMap((pool) => certificatesOf(pool).map((each) => [`${pool.namespace}/${each.secret}`, { ...each, pool }] as const)),
  );
  const found = new Map(
    held.items
      .filter(({ metadata }) => metadata.namespace !== own)
      .map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]),
  );
  const { status } = trustDomain;
  const counts = `${status?.readyServers} of ${status?.servers} servers, ${status?.certificates} certificates`;
  const wantedCounts = `${pools.length} of ${pools.length} servers, ${expected.size} certificates`;
  return [
    ...sameKeys('TrustedServer', new Set(pools.map(({ namespace, name }) => `${namespace}/${name}`)), new Set(uids.keys())),
    ...servers.items.flatMap(({ metadata, status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      const isReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
      return isReady
        ? []
        : [`TrustedServer ${metadata.namespace}/${metadata.name} is not Ready: ${ready?.message ?? 'no status'}`];
    }),
    ...sameKeys('Secret', new Set(expected.keys()), new Set(found.keys())),
    ...[...expected].flatMap(([path, want]) => {
      const secret = found.get(path);
      if (secret === undefined) return [];
      const uid = uids.get(`${want.pool.namespace}/${want.pool.name}`);
      const record = sharedUses.has(want.use) ? undefined : issued.get(path)?.at(-1);
      return secretDifferences(path, secret, want, uid, record?.serial);
    }),
    ...uniqueSerials(expected, found),
    ...authorityDifferences(held.items),
    ...bundleDifferences(bundlesOf(pools), bundles.items),
    ...(counts === wantedCounts ? [] : [`TrustDomain ${domain} counts ${counts}, not ${wantedCounts}`]),
  ];
}

function sameKeys(kind: string, expected: ReadonlySet<string>, found: ReadonlySet<string>): readonly string[] {
  return [
    ...[...expected].filter((key) => !found.has(key)).map((key) => `${kind} ${key} is missing`),
    ...[...found].filter((key) => !expected.has(key)).map((key) => `${kind} ${key} is there, and nothing asks for it`),
  ];
}

const leafIn = ({ data }: Secret) => new X509Certificate(Buffer.from(data?.['tls.crt'] ?? '', 'base64'));
const serialOf = (secret: Secret) => leafIn(secret).serialNumber.toLowerCase();

function secretDifferences(
  path: string,
  secret: Secret,
  { names }: Expected,
  uid: string | undefined,
  recorded: string | undefined,
): readonly string[] {
  const leaf = leafIn(secret);
  const held = (leaf.subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|URI):/, ''))
    .sort();
  const owner = secret.metadata.ownerReferences?.map((reference) => reference.uid).join();
  const serial = serialOf(secret);
  return [
    ...(held.join() === names.join() ? [] : [`Secret ${path} is for ${held.join()}, not ${names.join()}`]),
    ...(owner === uid ? [] : [`Secret ${path} is owned by ${owner}, not ${uid}`]),
    ...(recorded === undefined || recorded === serial
      ? []
      : [`Secret ${path} holds ${serial}, the journal ends with ${recorded}`]),
  ];
}

/** A certificate is in one Secret, unless its use is shared: by the domain, or by the members of one pool. */
function uniqueSerials(
  expected: ReadonlyMap<string, Expected & { readonly pool: Pool }>,
  found: ReadonlyMap<string, Secret>,
): readonly string[] {
  const holders = Map.groupBy(
    [...expected].filter(([path]) => found.has(path)),
    ([path]) => serialOf(found.get(path) as Secret),
  );
  return [...holders].flatMap(([serial, all]) => {
    const sharing = new Set(
      all.map(([path, { use, pool }]) => (use === 'OAuthTokenIssuer' ? use : sharedUses.has(use) ? `${use} ${pool.name}` : path)),
    );
    return sharing.size === 1 ? [] : [`${serial} is in ${all.map(([path]) => path).join(', ')}`];
  });
}

function authorityDifferences(held: readonly Secret[]): readonly string[] {
  const names = held
    .filter(({ metadata }) => metadata.labels?.['trustmesh.io/enterprise-ca'] !== undefined)
    .map(({ metadata }) => metadata.name);
  return sameKeys('CA Secret', new Set(['contoso-issuing-1', 'contoso-root-1']), new Set(names));
}

const peersDocument = z.object({ peers: z.array(z.object({ pool: z.string(), names: z.array(z.string()) })) });

function bundleDifferences(
  expected: ReadonlyMap<string, Peers>,
  bundles: readonly {
    readonly metadata: { readonly namespace?: string; readonly name: string };
    readonly data?: Readonly<Record<string, string>>;
  }[],
): readonly string[] {
  const inNamespaces = bundles.filter(({ metadata }) => (namespaces as readonly string[]).includes(metadata.namespace ?? ''));
  const found = new Map(inNamespaces.map(({ metadata, data }) => [`${metadata.namespace}/${metadata.name}`, data ?? {}]));
  return [
    ...sameKeys('ConfigMap', new Set(expected.keys()), new Set(found.keys())),
    ...[...expected].flatMap(([path, peers]) => {
      const data = found.get(path);
      if (data === undefined) return [];
      const { peers: listed } = peersDocument.parse(JSON.parse(data['peers.json'] ?? '{"peers":[]}'));
      const [want, have] = [[...peers], listed.map(({ pool, names }) => [pool, [...names].sort()] as const)].map((all) =>
        all.map(([pool, names]) => `${pool}: ${names.join(' ')}`),
      );
      return sameKeys(`in ConfigMap ${path}, peer`, new Set(want), new Set(have));
    }),
  ];
}
