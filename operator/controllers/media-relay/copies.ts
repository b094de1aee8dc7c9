// The copies of a relay's credentials as they are: the record, the relay's own, and one beside each registrar.
import { createHash } from 'node:crypto';
import { type MediaRelay, parseDuration, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { coturnFiles, secretsAmong, turnURIs } from '../../outputs/coturn.ts';
import { annotation } from '../../outputs/labels.ts';
import { relayUsers } from '../../topology/relay-users.ts';
import {
  type CredentialRoll,
  inheritedRoll,
  type RollPolicy,
  type SecretId,
  type SeenCopies,
} from '../../trust/credential-roll.ts';
import type { Context } from '../context.ts';
import { recordName, registrarOf, registrarSecretName, relaySecretName } from './names.ts';
import { isClaimed, isPredecessors, parseRoll } from './record.ts';

/** What a copy holds beside secrets, by data key, and the hash of it. */
export interface Content {
  readonly files: Readonly<Record<string, string>>;
  readonly hash: string;
}

/** A Secret that should hold a copy. */
export interface ObservedCopy {
  readonly name: string;
  /** What is there, if it is ours. */
  readonly secret?: MetadataObject;
  /** Somebody else's object has the name. */
  readonly foreign: boolean;
  /** What should be in it beside secrets. */
  readonly content: Content;
  /** It is, and nobody edited it. */
  readonly current: boolean;
}

export interface ObservedRegistrar extends ObservedCopy {
  readonly server: TrustedServer;
  readonly presents?: SecretId;
  /** Somebody else wrote it. */
  readonly edited: boolean;
}

export interface Credentials {
  readonly record?: MetadataObject;
  readonly roll?: CredentialRoll;
  /** The record says that it is of this relay. */
  readonly claimed: boolean;
  readonly namespaceUID: string;
  readonly policy: RollPolicy;
  readonly seen: SeenCopies;
  readonly relay: ObservedCopy;
  readonly registrars: readonly ObservedRegistrar[];
  /** Its namespace has as many others as may hand their secrets out, and nobody has its. */
  readonly crowdedOut: boolean;
  /** Copies that nobody should have any more. */
  readonly leftovers: readonly MetadataObject[];
}

export function observeCredentials(relay: MediaRelay, listed: boolean, domain: TrustDomain, context: Context): Credentials {
  const { stores, topology, namespace: own } = context;
  const record = stores.secrets.get({ namespace: own, name: recordName(relay) });
  const kept = secretsAmong(record?.metadata.ownedDataKeys ?? []);
  const policy = policyOf(relay);
  const namespaceUID = namespaceOf(relay, context);
  const heir = isPredecessors(record, relay, namespaceUID) ? policy : undefined;
  const roll = rollOf(record, relay, kept, heir);
  const relayCopy = observeRelayCopy(relay, domain, context);
  const crowdedOut =
    listed && !topology.hasUsers(`${relay.metadata.namespace}/${relay.metadata.name}`, (each) => hasDelivered(each, context));
  const registrars =
    listed && !crowdedOut ? registrarsOf(relay, context).map((server) => observeRegistrar(server, relay, domain, context)) : [];
  const names = new Set(registrars.map(({ server, name }) => `${server.metadata.uid}/${name}`));
  // Of one that is crowded out nobody knows that copies are in use, as where its record was lost: they may be.
  const copies = crowdedOut ? [] : copiesOf(relay, context);
  const leftovers = copies.filter((copy) => !names.has(`${registrarOf(copy)}/${copy.metadata.name}`));
  return {
    ...(record === undefined ? {} : { record }),
    ...(roll === undefined ? {} : { roll }),
    claimed: isClaimed(record, relay, namespaceUID),
    namespaceUID,
    policy,
    seen: {
      kept,
      relay: secretsAmong(relayCopy.secret?.metadata.ownedDataKeys ?? []),
      registrars: new Map(registrars.map((each) => [each.server.metadata.uid, isGoing(each) ? undefined : each.presents])),
      edited: new Set(registrars.flatMap((each) => (each.edited && !isGoing(each) ? [each.server.metadata.uid] : []))),
    },
    relay: relayCopy,
    registrars,
    crowdedOut,
    leftovers,
  };
}

/** Every copy beside a registrar, of whichever object had the relay's name. */
function copiesOf({ metadata }: Pick<MediaRelay, 'metadata'>, { stores }: Context): readonly MetadataObject[] {
  return stores.secrets
    .byIndex('relay', `${metadata.namespace}/${metadata.name}`)
    .filter((copy) => registrarOf(copy) !== undefined);
}

/** Whether a registrar has the relay's secret. The record is ours alone to write; a copy is anybody's who writes Secrets there. */
function hasDelivered(relay: MediaRelay, context: Context): boolean {
  const { stores, topology, namespace: own } = context;
  const record = stores.secrets.get({ namespace: own, name: recordName(relay) });
  const isOnRecord =
    record?.metadata.annotations?.[annotation.owner] === relay.metadata.uid ||
    isPredecessors(record, relay, namespaceOf(relay, context));
  const isHeld = (copy: MetadataObject): boolean => {
    const { metadata } = copy;
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
    const server = topology.placement(`${metadata.namespace}/${owner?.name}`)?.server;
    if (server === undefined || server.metadata.uid !== registrarOf(copy)) return false;
    return metadata.deletionTimestamp === undefined && metadata.name === registrarSecretName(server, relay);
  };
  return isOnRecord && copiesOf(relay, context).some(isHeld);
}

function policyOf({ spec: { credentials } }: MediaRelay): RollPolicy {
  return {
    lifetime: parseDuration(credentials.lifetime),
    rollEvery: parseDuration(credentials.rollEvery),
    propagation: parseDuration(credentials.propagation),
    generation: credentials.generation,
  };
}

/** A finalizer may keep it for ever: nobody waits for what is to be deleted. */
function isGoing({ secret }: ObservedCopy): boolean {
  return secret?.metadata.deletionTimestamp !== undefined;
}

/** Nothing is planned for a relay while its namespace is not known. */
function namespaceOf({ metadata }: MediaRelay, { stores }: Context): string {
  return stores.namespaces.get({ name: metadata.namespace ?? '' })?.metadata.uid ?? '';
}

/**
 * The record, where it is of this object, or of one that it takes the place of, by the policy that is then given. A secret that
 * was to come and whose value is lost is forgotten: another one will.
 */
function rollOf(
  record: MetadataObject | undefined,
  { metadata }: MediaRelay,
  kept: ReadonlySet<SecretId>,
  heir: RollPolicy | undefined,
): CredentialRoll | undefined {
  const annotations = record?.metadata.annotations;
  if (heir === undefined && annotations?.[annotation.owner] !== metadata.uid) return undefined;
  const recorded = parseRoll(annotations?.[annotation.credentialRoll]);
  const roll = recorded && heir ? inheritedRoll(recorded, heir) : recorded;
  if (roll?.next === undefined || kept.has(roll.next.id)) return roll;
  const { next: _, ...rest } = roll;
  return rest;
}

function registrarsOf({ spec }: MediaRelay, { topology }: Context): readonly TrustedServer[] {
  const { trustDomain, registrars } = spec;
  const keys =
    registrars?.map(({ namespace, name }) => `${namespace}/${name}`) ??
    relayUsers.flatMap((role) => [...topology.serversOfRole(trustDomain, role)]);
  return keys.flatMap((key) => {
    const placement = topology.placement(key);
    return placement?.listed === true && placement.server.spec.trustDomain === trustDomain ? [placement.server] : [];
  });
}

function observeRelayCopy(relay: MediaRelay, domain: TrustDomain, context: Context): ObservedCopy {
  const { namespace = '', uid, name } = relay.metadata;
  const { fqdn, ports } = relay.spec;
  const { minVersion } = domain.spec.security.tls;
  const files = coturnFiles({
    relay: `${namespace}/${name}`,
    fqdn,
    realm: realmOf(relay, domain),
    turn: ports.turn,
    turns: ports.turns,
    relayPorts: ports.relay,
    minVersion,
    fips: domain.spec.security.fips === 'Required',
  });
  return observeCopy({ namespace, name: relaySecretName(relay) }, uid, files, [], context);
}

function observeRegistrar(server: TrustedServer, relay: MediaRelay, domain: TrustDomain, context: Context): ObservedRegistrar {
  const { namespace = '', uid } = server.metadata;
  const { fqdn, ports, credentials } = relay.spec;
  const files = {
    fqdn,
    realm: realmOf(relay, domain),
    uris: `${turnURIs({ fqdn, turn: ports.turn, turns: ports.turns }).join('\n')}\n`,
    lifetime: String(parseDuration(credentials.lifetime) / 1000),
  };
  const copy = observeCopy({ namespace, name: registrarSecretName(server, relay) }, uid, files, ['secret'], context);
  const presents = copy.secret?.metadata.annotations?.[annotation.secretID];
  const edited = copy.secret !== undefined && copy.secret.metadata.ownedDataKeys?.includes('secret') !== true;
  return { ...copy, server, edited, ...(presents === undefined || edited ? {} : { presents }) };
}

function observeCopy(
  key: { readonly namespace: string; readonly name: string },
  owner: string,
  files: Content['files'],
  others: readonly string[],
  { stores, foreign }: Context,
): ObservedCopy {
  const named = stores.secrets.get(key);
  const isOurs = named?.metadata.ownerReferences?.some(({ controller, uid }) => controller === true && uid === owner) === true;
  const secret = isOurs ? named : undefined;
  const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex');
  const keys = [...Object.keys(files), ...others];
  return {
    name: key.name,
    ...(secret === undefined ? {} : { secret }),
    foreign: secret === undefined && (named !== undefined || foreign.has(`Secret/${key.namespace}/${key.name}`)),
    content: { files, hash },
    current:
      secret?.metadata.annotations?.[annotation.contentHash] === hash &&
      keys.every((each) => secret.metadata.ownedDataKeys?.includes(each) === true),
  };
}

function realmOf({ spec }: MediaRelay, domain: TrustDomain): string {
  return spec.realm ?? domain.spec.sipDomains[0] ?? spec.fqdn;
}
