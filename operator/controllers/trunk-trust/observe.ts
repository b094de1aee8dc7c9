// Gathers the trunks of one mediation pool and what is kept for them: the gateway authority with its keys, and the CAs that
// gateways bring.
import { createPrivateKey } from 'node:crypto';
import type { KubeObject, ObjectKey } from '../../api/object.ts';
import type { MediaGateway, TrustedServer } from '../../api/v1alpha1/index.ts';
import type { LeafDefaults } from '../../authorities/authority.ts';
import { leafDefaultsOf } from '../../authorities/gateway-authority.ts';
import { isApiError } from '../../kube/errors.ts';
import { configMaps, type MetadataObject, type Resource, secrets } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import { type Certificate, CertificateError, parseCertificates } from '../../pki/certificate.ts';
import { type Trunk, trunksOf } from '../../topology/trunk-standing.ts';
import { trunkCertificate } from '../../topology/trunks.ts';
import type { OurAuthorities } from '../../trust/partner-anchors.ts';
import type { Context } from '../context.ts';
import { readAuthority, type StoredAuthority } from '../stored-authority.ts';
import { decodeScoped, type ScopedRecord, trunkRecordOf, trunksConfigMap } from '../trunk-records.ts';

export interface Generation {
  readonly number: number;
  readonly found:
    | ({ readonly kind: 'Held' } & StoredAuthority)
    /** Of a server that had the name before: its keys are not taken up. */
    | { readonly kind: 'Another' }
    | { readonly kind: 'Damaged'; readonly message: string };
}

interface AnchorSource {
  readonly from: string;
  readonly certificates: readonly Certificate[];
}

/** A gateway with a CA of its own. */
export interface OwnSource {
  readonly gateway: MediaGateway;
  /** What could be read, as messages call it. */
  readonly sources: readonly AnchorSource[];
  /** Where nothing could be: a sentence each. */
  readonly missing: readonly string[];
}

export interface TrunkObservation {
  readonly key: string;
  /** Absent where there is no such server, or it has no place in the topology. */
  readonly pool?: TrustedServer;
  readonly trunks: readonly Trunk[];
  /** Oldest first. */
  readonly generations: readonly Generation[];
  /** The settings of the domain's EnterpriseCA; absent where that does not exist. */
  readonly leaf?: LeafDefaults;
  readonly own: readonly OwnSource[];
  readonly kept: {
    readonly records: ReadonlyMap<string, ScopedRecord>;
    readonly object?: MetadataObject;
  };
  /** Every CA of ours, where a gateway brings one of its own. */
  readonly ours: OurAuthorities;
  /** What the pool trusts anyway. */
  readonly enterprise: readonly Certificate[];
}

/** Undefined while the domain is missing: then everything stays as it is. */
export async function observe(key: string, context: Context): Promise<TrunkObservation | undefined> {
  const { topology, stores, trust } = context;
  const server = topology.placement(key)?.server;
  if (server !== undefined && topology.domain(server.spec.trustDomain) === undefined) return undefined;
  const trunks = trunksOf(key, topology).filter(({ gateway }) => gateway.spec.transport === 'TLS');
  const [trunk] = trunks;
  const enterpriseCA = trunk && stores.enterpriseCAs.get(trunk.domain.spec.enterpriseCA);
  const [generations, own, kept] = await Promise.all([
    trunk === undefined ? [] : observeGenerations(key, trunk.pool, context),
    Promise.all(
      trunks
        .filter(({ gateway }) => trunkCertificate(gateway.spec) === 'OwnAuthority')
        .map(({ gateway }) => observeOwn(gateway, context)),
    ),
    observeKept(key, context),
  ]);
  return {
    key,
    ...(trunk === undefined ? {} : { pool: trunk.pool }),
    trunks,
    generations,
    ...(enterpriseCA === undefined ? {} : { leaf: leafDefaultsOf(enterpriseCA) }),
    own,
    kept,
    ours: own.length === 0 ? { certificates: [], keyIds: [] } : oursOf(context),
    enterprise: trunk === undefined ? [] : (trust.of(trunk.domain.metadata.name, 'mediation')?.bundle.anchors ?? []),
  };
}

async function observeGenerations(key: string, pool: TrustedServer, context: Context): Promise<readonly Generation[]> {
  const known = context.stores.secrets.byIndex('trunks', key);
  const generations = await Promise.all(
    known.map(async ({ metadata }): Promise<readonly Generation[]> => {
      const number = trunkRecordOf(metadata.name)?.generation;
      const secret = await find(secrets, { namespace: context.namespace, name: metadata.name }, context);
      if (number === undefined || secret === undefined) return [];
      const owner = secret.metadata.annotations?.[annotation.owner];
      const adopted = [pool, secret].some((object) => object.metadata.annotations?.[annotation.adopt] === 'true');
      if (owner !== pool.metadata.uid && !adopted) return [{ number, found: { kind: 'Another' } }];
      const text = (field: string) => Buffer.from(secret.data?.[field] ?? '', 'base64').toString();
      const read = readAuthority({ certificate: text('tls.crt'), root: text('tls.crt') }, () =>
        createPrivateKey(text('tls.key')),
      );
      if (typeof read !== 'string') return [{ number, found: { kind: 'Held', ...read.stored } }];
      const message = `Secret ${context.namespace}/${metadata.name}, which holds the gateway authority, cannot be used: ${read}. Restore it from a backup, or delete it for a new one.`;
      return [{ number, found: { kind: 'Damaged', message } }];
    }),
  );
  return generations.flat().sort((a, b) => a.number - b.number);
}

async function observeOwn(gateway: MediaGateway, context: Context): Promise<OwnSource> {
  const { namespace = '' } = gateway.metadata;
  const found = await Promise.all(
    (gateway.spec.certificate?.trustAnchors ?? []).map(async ({ pem, configMapRef }, index) => {
      const field = `spec.certificate.trustAnchors[${index}]`;
      if (configMapRef === undefined) return readSource(`${field}.pem`, pem ?? '');
      const { name, key } = configMapRef;
      const content = (await find(configMaps, { namespace, name }, context))?.data?.[key];
      return content === undefined
        ? `${field} names ${key} of ConfigMap ${namespace}/${name}, which is not there: create it with the certificates of the gateway's CA, PEM.`
        : readSource(`${key} of ConfigMap ${namespace}/${name}`, content);
    }),
  );
  return {
    gateway,
    sources: found.filter((each) => typeof each !== 'string'),
    missing: found.filter((each) => typeof each === 'string'),
  };
}

/** A sentence where it holds no certificates. */
function readSource(from: string, pem: string): AnchorSource | string {
  try {
    const certificates = parseCertificates(pem);
    if (certificates.length > 0) return { from, certificates };
    return `${from} holds no certificate: it must be PEM, with at least one CERTIFICATE block.`;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return `${from} ${error.message}: it must hold PEM certificates of CAs only.`;
  }
}

async function observeKept(key: string, context: Context): Promise<TrunkObservation['kept']> {
  const { stores, namespace } = context;
  const [serverNamespace = '', server = ''] = key.split('/');
  const object = stores.configMaps.get({ namespace, name: trunksConfigMap(server, serverNamespace) });
  const held = object && (await find(configMaps, { namespace, name: object.metadata.name }, context));
  return { records: decodeScoped(held?.data ?? {}), ...(object === undefined ? {} : { object }) };
}

function oursOf({ authorities, trunks }: Context): OurAuthorities {
  const known = authorities.known();
  const issuing = known.flatMap(({ enterpriseCA }) => {
    const state = authorities.get(enterpriseCA);
    return state.available ? state.authority.chain : [];
  });
  return {
    certificates: [...known.flatMap(({ anchors }) => anchors), ...issuing],
    keyIds: [...known.flatMap(({ keyIds }) => keyIds), ...trunks.keyIds()],
  };
}

async function find<T extends KubeObject>(
  resource: Resource<T>,
  key: Required<ObjectKey>,
  { client }: Context,
): Promise<T | undefined> {
  try {
    return await client.get(resource, key);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}
