// Domains, servers and namespaces for tests, as short as what they say: everything else has the schema's defaults.
import { parseObject } from '../../../operator/api/parse.ts';
import {
  type MediaGateway,
  mediaGateway as mediaGatewayKind,
  type Role,
  type TrustDomain,
  type TrustedServer,
  trustDomain as trustDomainKind,
  trustedServer as trustedServerKind,
} from '../../../operator/api/v1alpha1/index.ts';
import type { NamespaceFacts } from '../../../operator/topology/admission.ts';

export interface Identity {
  readonly uid?: string;
  readonly creationTimestamp?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
}

const metadata = (name: string, { uid = `uid-${name}`, creationTimestamp = '2026-01-01T00:00:00Z', ...rest }: Identity) => ({
  name,
  uid,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp,
  ...rest,
});

/** As the API server holds it: checked against the schema, with every default in place. */
export function parsed<T>(result: { readonly object: T } | { readonly problem: { readonly message: string } }): T {
  if ('problem' in result) throw new Error(result.problem.message);
  return result.object;
}

/** A domain of contoso.com with the CA contoso. */
export function trustDomain(name = 'contoso', spec: object = {}, identity: Identity = {}): TrustDomain {
  return parsed(
    parseObject(trustDomainKind, {
      apiVersion: 'trustmesh.io/v1alpha1',
      kind: 'TrustDomain',
      metadata: metadata(name, identity),
      spec: { enterpriseCA: 'contoso', sipDomains: ['contoso.com'], ...spec },
    }),
  );
}

export interface ServerOptions extends Identity {
  readonly namespace?: string;
  readonly status?: TrustedServer['status'];
}

/** A server of the domain contoso with the pool `<name>.contoso.com` and one member, unless the spec says otherwise. */
export function trustedServer(
  name: string,
  role: Role,
  spec: object = {},
  { namespace = 'voice', status, ...identity }: ServerOptions = {},
): TrustedServer {
  return parsed(
    parseObject(trustedServerKind, {
      apiVersion: 'trustmesh.io/v1alpha1',
      kind: 'TrustedServer',
      metadata: { ...metadata(name, identity), namespace },
      spec: {
        trustDomain: 'contoso',
        role,
        poolFQDN: `${name}.contoso.com`,
        members: [{ fqdn: `${name}-a.contoso.com` }],
        ...spec,
      },
      ...(status === undefined ? {} : { status }),
    }),
  );
}

/** A gateway of the domain contoso, `<name>.contoso.com` with a trunk to med01, unless the spec says otherwise. */
export function mediaGateway(
  name: string,
  spec: object = {},
  {
    namespace = 'voice',
    status,
    ...identity
  }: Identity & { readonly namespace?: string; readonly status?: MediaGateway['status'] } = {},
): MediaGateway {
  return parsed(
    parseObject(mediaGatewayKind, {
      apiVersion: 'trustmesh.io/v1alpha1',
      kind: 'MediaGateway',
      metadata: { ...metadata(name, identity), namespace },
      spec: { trustDomain: 'contoso', fqdn: `${name}.contoso.com`, mediationServer: { name: 'med01' }, ...spec },
      ...(status === undefined ? {} : { status }),
    }),
  );
}

/** A namespace with the label that every namespace has of its own. */
export function namespace(name: string, labels: Readonly<Record<string, string>> = {}, terminating = false): NamespaceFacts {
  return { name, labels: { 'kubernetes.io/metadata.name': name, ...labels }, terminating };
}

/** Admits the given namespaces with every role for every name below contoso.com. */
export const admitting = (...names: readonly string[]) => ({
  admission: [
    {
      namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: names }] },
      roles: [
        'FrontEnd',
        'StandardEdition',
        'Director',
        'Mediation',
        'Edge',
        'SurvivableBranch',
        'PersistentChat',
        'TrustedApplication',
        'Server',
      ],
      names: ['*.contoso.com'],
    },
  ],
});

export const keyOf = (server: TrustedServer) => `${server.metadata.namespace}/${server.metadata.name}`;
