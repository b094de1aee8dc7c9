// Gathers the trunks of one mediation pool and what is kept for them: the gateway authority with its keys, and the CAs that
// gateways bring.
import type { MediaGateway, TrustedServer } from '../../api/v1alpha1/index.ts';
import type { LeafDefaults } from '../../authorities/authority.ts';
import { leafDefaultsOf } from '../../authorities/gateway-authority.ts';
import type { JournalRecord } from '../../journal/record.ts';
import { configMaps, type MetadataObject } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import { type Certificate, CertificateError, parseCertificates } from '../../pki/certificate.ts';
import { type Trunk, trunksOf } from '../../topology/trunk-standing.ts';
import { trunkCertificate } from '../../topology/trunks.ts';
import type { OurAuthorities } from '../../trust/partner-anchors.ts';
import type { Context } from '../context.ts';
import { ourAuthorities } from '../our-authorities.ts';
import type { StoredAuthority } from '../stored-authority.ts';
import { type TrunkRecords, trunkRecordOf, trunksConfigMap } from '../trunk-records.ts';
import { find, type TrunkReadings } from './readings.ts';

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
  /** Of one that may be out of reach: the ConfigMap and its key. */
  readonly identity?: string;
  readonly certificates: readonly Certificate[];
}

interface MissingSource {
  readonly identity?: string;
  /** A sentence: what is missing and what to do. */
  readonly message: string;
}

/** A gateway with a CA of its own. */
export interface OwnSource {
  readonly gateway: MediaGateway;
  /** What could be read, as messages call it. */
  readonly sources: readonly AnchorSource[];
  /** Where nothing could be. */
  readonly missing: readonly MissingSource[];
}

/** What the journal says of a certificate: its issuer by subject key id, and times in epoch ms. */
export type Issued = Pick<JournalRecord, 'authority' | 'notBefore' | 'notAfter'>;

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
  readonly kept: TrunkRecords & { readonly object?: MetadataObject };
  /** By UID of the gateway, also of those that would have a trunk if the pool were there: what it was issued that has not expired. */
  readonly issued: ReadonlyMap<string, readonly Issued[]>;
  /** By `scopeInputs` of one anchor: why it cannot be held to a name. */
  readonly uncrossed: ReadonlyMap<string, string>;
  /** Every CA of ours, where a gateway brings one of its own. */
  readonly ours: OurAuthorities;
  /** What the pool trusts anyway. */
  readonly enterprise: readonly Certificate[];
}

/** Undefined while the domain is missing: then everything stays as it is. */
export async function observe(
  key: string,
  { readings, uncrossed }: { readonly readings: TrunkReadings; readonly uncrossed: ReadonlyMap<string, string> },
  context: Context,
): Promise<TrunkObservation | undefined> {
  const { topology, stores, trust, journal, now } = context;
  const server = topology.placement(key)?.server;
  if (server !== undefined && topology.domain(server.spec.trustDomain) === undefined) return undefined;
  const trunks = trunksOf(key, topology).filter(({ gateway }) => gateway.spec.transport === 'TLS');
  const [trunk] = trunks;
  const gateways =
    trunk === undefined
      ? [...topology.trunksOf(key)].flatMap((each) => topology.gateway(each)?.device ?? [])
      : trunks.map(({ gateway }) => gateway);
  const enterpriseCA = trunk && stores.enterpriseCAs.get(trunk.domain.spec.enterpriseCA);
  const [generations, own, kept] = await Promise.all([
    trunk === undefined ? [] : observeGenerations(key, trunk.pool, readings, context),
    Promise.all(
      trunks
        .filter(({ gateway }) => trunkCertificate(gateway.spec) === 'OwnAuthority')
        .map(({ gateway }) => observeOwn(gateway, context)),
    ),
    observeKept(key, readings, context),
  ]);
  return {
    key,
    ...(trunk === undefined ? {} : { pool: trunk.pool }),
    trunks,
    generations,
    ...(enterpriseCA === undefined ? {} : { leaf: leafDefaultsOf(enterpriseCA) }),
    own,
    kept,
    issued: new Map(
      gateways.map(({ metadata }) => [metadata.uid, journal.recordsOf(metadata.uid).filter(({ notAfter }) => notAfter > now())]),
    ),
    uncrossed,
    ours: own.length === 0 ? { certificates: [], keyIds: [] } : ourAuthorities(trunk?.domain, context),
    enterprise: trunk === undefined ? [] : (trust.of(trunk.domain.metadata.name, 'mediation')?.bundle.anchors ?? []),
  };
}

async function observeGenerations(
  key: string,
  pool: TrustedServer,
  readings: TrunkReadings,
  context: Context,
): Promise<readonly Generation[]> {
  const read = await readings.authorities.of(key, context.stores.secrets.byIndex('trunks', key), context);
  const generations = [...read].flatMap(([name, { owner, adopted, stored }]): readonly Generation[] => {
    const number = trunkRecordOf(name)?.generation;
    if (number === undefined) return [];
    const isAdopted = adopted || pool.metadata.annotations?.[annotation.adopt] === 'true';
    if (owner !== pool.metadata.uid && !isAdopted) return [{ number, found: { kind: 'Another' } }];
    if (typeof stored !== 'string') return [{ number, found: { kind: 'Held', ...stored } }];
    const message = `Secret ${context.namespace}/${name}, which holds the gateway authority, cannot be used: ${stored}. Restore it from a backup, or delete it for a new one.`;
    return [{ number, found: { kind: 'Damaged', message } }];
  });
  return generations.sort((a, b) => a.number - b.number);
}

async function observeOwn(gateway: MediaGateway, context: Context): Promise<OwnSource> {
  const { namespace = '' } = gateway.metadata;
  const found = await Promise.all(
    (gateway.spec.certificate?.trustAnchors ?? []).map(async ({ pem, configMapRef }, index) => {
      const field = `spec.certificate.trustAnchors[${index}]`;
      if (configMapRef === undefined) return readSource(`${field}.pem`, pem ?? '');
      const { name, key } = configMapRef;
      const content = (await find(configMaps, { namespace, name }, context.client))?.data?.[key];
      return content === undefined
        ? {
            identity: `${name}/${key}`,
            message: `${field} names ${key} of ConfigMap ${namespace}/${name}, which is not there: create it with the certificates of the gateway's CA, PEM.`,
          }
        : { identity: `${name}/${key}`, ...readSource(`${key} of ConfigMap ${namespace}/${name}`, content) };
    }),
  );
  return {
    gateway,
    sources: found.filter((each) => 'certificates' in each),
    missing: found.filter((each) => 'message' in each),
  };
}

function readSource(from: string, pem: string): AnchorSource | MissingSource {
  try {
    const certificates = parseCertificates(pem);
    if (certificates.length > 0) return { from, certificates };
    return { message: `${from} holds no certificate: it must be PEM, with at least one CERTIFICATE block.` };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return { message: `${from} ${error.message}: it must hold PEM certificates of CAs only.` };
  }
}

const nothingKept: TrunkRecords = { scoped: new Map(), authorities: [] };

async function observeKept(key: string, readings: TrunkReadings, context: Context): Promise<TrunkObservation['kept']> {
  const { stores, namespace } = context;
  const [serverNamespace = '', server = ''] = key.split('/');
  const object = stores.configMaps.get({ namespace, name: trunksConfigMap(server, serverNamespace) });
  if (object === undefined) return nothingKept;
  const read = await readings.records.of(key, [object], context);
  return { ...(read.get(object.metadata.name) ?? nothingKept), object };
}
