// Labels and annotations on everything the operator writes (contract).

export const managedBy = { 'app.kubernetes.io/managed-by': 'trustmesh' } as const;
/** What we watch: everything we wrote and nothing else. */
export const managedBySelector = 'app.kubernetes.io/managed-by=trustmesh';

export const label = {
  domain: 'trustmesh.io/domain',
  audience: 'trustmesh.io/audience',
  server: 'trustmesh.io/server',
  mediaGateway: 'trustmesh.io/media-gateway',
  mediaRelay: 'trustmesh.io/media-relay',
  /** Of the relay, where what belongs to it lies elsewhere. */
  mediaRelayNamespace: 'trustmesh.io/media-relay-namespace',
  use: 'trustmesh.io/use',
  enterpriseCA: 'trustmesh.io/enterprise-ca',
  trunks: 'trustmesh.io/trunks',
  federation: 'trustmesh.io/federation',
} as const;

export const annotation = {
  serial: 'trustmesh.io/serial',
  fingerprint: 'trustmesh.io/fingerprint',
  notBefore: 'trustmesh.io/not-before',
  notAfter: 'trustmesh.io/not-after',
  renewAt: 'trustmesh.io/renew-at',
  authority: 'trustmesh.io/authority',
  profileHash: 'trustmesh.io/profile-hash',
  trustHash: 'trustmesh.io/trust-hash',
  peersHash: 'trustmesh.io/peers-hash',
  shards: 'trustmesh.io/shards',
  leftAt: 'trustmesh.io/left-at',
  member: 'trustmesh.io/member',
  adopt: 'trustmesh.io/adopt',
  owner: 'trustmesh.io/owner-uid',
  fqdn: 'trustmesh.io/fqdn',
  namespaceUID: 'trustmesh.io/namespace-uid',
  goneSince: 'trustmesh.io/gone-since',
  publishedBundle: 'trustmesh.io/published-bundle',
  publishedSince: 'trustmesh.io/published-since',
  contentHash: 'trustmesh.io/content-hash',
  secretID: 'trustmesh.io/secret-id',
  credentialRoll: 'trustmesh.io/credential-roll',
} as const;

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timestamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
