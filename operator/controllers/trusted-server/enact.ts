// Carries the actions of a plan out. Each is idempotent: what was written before a crash is found, not repeated.
import { createPrivateKey } from 'node:crypto';
import type { TrustedServer } from '../../api/v1alpha1/index.ts';
import { IssuanceError, storeOf } from '../../authorities/issue.ts';
import { ApiError, isApiError } from '../../kube/errors.ts';
import { messageOf } from '../../kube/log.ts';
import { configMaps, type MetadataObject, secrets, trustedServers } from '../../kube/resource.ts';
import {
  type CertificateFacts,
  certificateData,
  factAnnotations,
  formatKeys,
  type KeyMaterial,
  ownedBy,
  secretLabels,
  trustData,
} from '../../outputs/certificate-secret.ts';
import { annotation, label, managedBy } from '../../outputs/labels.ts';
import { serverTrustName } from '../../outputs/trust-bundle.ts';
import { parseCertificates } from '../../pki/certificate.ts';
import { trustStore } from '../../pki/key-store.ts';
import type { CertificateNeed } from '../../topology/names.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import { certify } from '../certify.ts';
import type { Context } from '../context.ts';
import { isForeign } from '../foreign.ts';
import type { Obstacle } from '../policies.ts';
import type { Action, Plan } from './plan.ts';

/** What became of the actions, by the name of the Secret. */
export interface Outcome {
  readonly certificates: ReadonlyMap<string, CertificateFacts>;
  readonly obstacles: ReadonlyMap<string, Obstacle>;
  /** The ConfigMap of the server's own is somebody else's. */
  readonly trustNotOwned: boolean;
  /** An error that only another attempt can tell more about. */
  readonly failure?: unknown;
}

export async function enact(server: TrustedServer, { actions }: Plan, context: Context): Promise<Outcome> {
  const certificates = new Map<string, CertificateFacts>();
  const obstacles = new Map<string, Obstacle>();
  let trustNotOwned = false;
  let failure: unknown;
  if (actions.some(isReplacementOfLost) && context.journal.recordsOf(server.metadata.uid).length > 0)
    await confirm(server, context);
  await Promise.all(
    actions.map(async (action) => {
      try {
        const facts = await carryOut(server, action, context);
        if (facts === 'NotOwned' && 'need' in action) obstacles.set(action.need.secretName, notOwned(action.need));
        else if (facts === 'NotOwned') trustNotOwned = true;
        else if (facts !== undefined && 'need' in action) certificates.set(action.need.secretName, facts);
      } catch (error) {
        if ('need' in action) {
          const { namespace = '' } = server.metadata;
          const name = action.need.secretName;
          obstacles.set(name, failed(server, action.need, error, context));
          if (isApiError(error, 'Invalid', 'Forbidden')) context.trust.refused(server.spec.trustDomain, { namespace, name });
        }
        failure ??= error;
      }
    }),
  );
  return { certificates, obstacles, trustNotOwned, ...(failure === undefined ? {} : { failure }) };
}

function isReplacementOfLost(action: Action): boolean {
  return (action.kind === 'Issue' || action.kind === 'Copy' || action.kind === 'WriteTrust') && action.replaces === undefined;
}

/**
 * What a deleted server had is deleted with it, and may be known to be gone before the server is: watches of two kinds do not
 * wait for each other. Throws ApiError where the server is no longer the one that was observed.
 */
async function confirm({ metadata }: TrustedServer, { client }: Context): Promise<void> {
  const { namespace = '', name, uid } = metadata;
  const current = await client.get(trustedServers, { namespace, name });
  if (current.metadata.uid === uid && current.metadata.deletionTimestamp === undefined) return;
  throw new ApiError('Conflict', `TrustedServer ${namespace}/${name} was deleted`);
}

async function carryOut(
  server: TrustedServer,
  action: Action,
  context: Context,
): Promise<CertificateFacts | 'NotOwned' | undefined> {
  const { client, stores, log } = context;
  const namespace = server.metadata.namespace ?? '';
  switch (action.kind) {
    case 'Issue': {
      const { need, authority, bundle, profileHash, replaces } = action;
      const name = need.secretName;
      if (replaces === undefined && (await isForeign(secrets, { namespace, name }, server.metadata.uid, context)))
        return 'NotOwned';
      const { material, facts } = await certify(
        {
          authority,
          ...need,
          keyStore: need.formats.includes('PKCS12'),
          uid: server.metadata.uid,
          secret: `${namespace}/${name}`,
          profileHash,
          trustHash: bundle.hash,
        },
        context,
      );
      return await store(server, need, { material, facts, bundle }, action, context);
    }
    case 'Copy': {
      const { need, source, bundle } = action;
      const name = need.secretName;
      const isNew = action.replaces === undefined;
      if (isNew && (await isForeign(secrets, { namespace, name }, server.metadata.uid, context))) return 'NotOwned';
      const material = await readShared(source, need, context);
      const facts = { ...action.facts, trustHash: bundle.hash, profileHash: action.profileHash };
      return await store(server, need, { material, facts, bundle }, action, context);
    }
    case 'Refresh': {
      const { need, secret, bundle } = action;
      const facts = { ...action.facts, trustHash: bundle.hash };
      const { name, resourceVersion } = secret.metadata;
      const written = await client.patch(
        secrets,
        { namespace, name },
        {
          metadata: { resourceVersion, annotations: factAnnotations(facts, need.member) },
          data: trustData(need.formats, bundle, trustStoreOf),
        },
      );
      stores.secrets.apply(written);
      log.info('trust of a certificate updated', { object: objectOf(server), secret: name });
      return facts;
    }
    case 'Delete': {
      const { name, uid, resourceVersion } = action.secret.metadata;
      await client.delete(secrets, { namespace, name }, { uid, resourceVersion });
      stores.secrets.remove({ namespace, name }, { uid });
      log.info('certificate deleted', {
        object: objectOf(server),
        secret: name,
        reason: 'no member or use asks for it any more',
      });
      return undefined;
    }
    case 'WriteTrust': {
      const name = serverTrustName(server.metadata.name);
      const annotations = { [annotation.trustHash]: action.hash };
      if (action.replaces !== undefined) {
        const { resourceVersion, ownedDataKeys = [] } = action.replaces.metadata;
        const dropped = Object.fromEntries(ownedDataKeys.filter((key) => !(key in action.data)).map((key) => [key, null]));
        stores.configMaps.apply(
          await client.patch(
            configMaps,
            { namespace, name },
            { metadata: { resourceVersion, annotations }, data: { ...dropped, ...action.data } },
          ),
        );
      } else {
        if (await isForeign(configMaps, { namespace, name }, server.metadata.uid, context)) return 'NotOwned';
        const labels = { ...managedBy, [label.server]: server.metadata.name };
        const metadata = { name, namespace, labels, annotations, ownerReferences: [ownedBy(server)] };
        const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: action.data };
        if (!(await createOwn(() => client.create(configMaps, configMap), stores.configMaps))) {
          return await refusal(configMaps, { namespace, name }, server, context);
        }
      }
      log.info('trust of a server written', { object: objectOf(server), configMap: name });
      return undefined;
    }
    case 'DeleteTrust': {
      const { name, uid, resourceVersion } = action.configMap.metadata;
      await client.delete(configMaps, { namespace, name }, { uid, resourceVersion });
      stores.configMaps.remove({ namespace, name }, { uid });
      return undefined;
    }
  }
}

interface Content {
  readonly material: KeyMaterial;
  readonly facts: CertificateFacts;
  readonly bundle: TrustBundle;
}

/** One write: the Secret complete and new, or all of it over the old one, which serves until then. */
async function store(
  server: TrustedServer,
  need: CertificateNeed,
  { material, facts, bundle }: Content,
  { cause, replaces }: Extract<Action, { kind: 'Issue' | 'Copy' }>,
  context: Context,
): Promise<CertificateFacts | 'NotOwned'> {
  const { client, stores, log, events } = context;
  const namespace = server.metadata.namespace ?? '';
  const name = need.secretName;
  const labels = secretLabels(server, need);
  const annotations = factAnnotations(facts, need.member);
  const data = { ...certificateData(need.formats, material), ...trustData(need.formats, bundle, trustStoreOf) };
  if (replaces === undefined) {
    const metadata = { name, namespace, labels, annotations, ownerReferences: [ownedBy(server)] };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data } as const;
    if (!(await createOwn(() => client.create(secrets, secret), stores.secrets))) {
      return await refusal(secrets, { namespace, name }, server, context);
    }
  } else {
    const { resourceVersion } = replaces.metadata;
    const dropped = Object.fromEntries(formatKeys.filter((key) => !(key in data)).map((key) => [key, null]));
    stores.secrets.apply(
      await client.patch(
        secrets,
        { namespace, name },
        { metadata: { resourceVersion, labels, annotations }, data: { ...dropped, ...data } },
      ),
    );
  }
  const reason = cause.kind === 'Missing' ? 'CertificateIssued' : 'CertificateRenewed';
  const what = need.shared === undefined ? 'certificate' : 'copy of the shared certificate';
  log.info(`${what} ${reason === 'CertificateIssued' ? 'issued' : 'renewed'}`, {
    object: objectOf(server),
    secret: name,
    serial: facts.serial,
    reason: cause.because,
  });
  events.record({
    regarding: server,
    type: 'Normal',
    reason,
    action: reason === 'CertificateIssued' ? 'Issue' : 'Renew',
    note:
      `Secret ${name} holds a certificate for ${inShort(need.dnsNames)} ` +
      `(${need.use}, serial ${facts.serial}), because ${cause.because}.`,
    key: `${name}/${facts.serial}`,
  });
  return facts;
}

function inShort(names: readonly string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more <= 0 ? '' : ` and ${more} more ${more === 1 ? 'name' : 'names'}`);
}

/** Creates an object and remembers it. False where something of that name exists already. */
async function createOwn(create: () => Promise<MetadataObject>, store: Context['stores']['secrets']): Promise<boolean> {
  try {
    store.apply(await create());
    return true;
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) return false;
    throw error;
  }
}

/** Something has the name already: ours, which the next look will find, or somebody else's. */
async function refusal(
  resource: Parameters<typeof isForeign>[0],
  key: { readonly namespace: string; readonly name: string },
  server: TrustedServer,
  context: Context,
): Promise<'NotOwned'> {
  context.foreign.add(`${resource.kind}/${key.namespace}/${key.name}`);
  if (await isForeign(resource, key, server.metadata.uid, context)) return 'NotOwned';
  throw new Error(`${resource.kind} ${key.namespace}/${key.name} came to exist meanwhile: looking again`);
}

/** The shared certificate and key, from the operator's own namespace. */
async function readShared(source: MetadataObject, need: CertificateNeed, { client }: Context): Promise<KeyMaterial> {
  const { data = {} } = await client.get(secrets, source.metadata);
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const chain = text('tls.crt');
  const privateKey = text('tls.key');
  const wantsStore = need.formats.includes('PKCS12');
  return {
    chain,
    privateKey,
    ...(wantsStore ? { keyStore: storeOf(parseCertificates(chain), createPrivateKey(privateKey)) } : {}),
    ...(data['tls-previous.crt'] === undefined
      ? {}
      : { previous: { chain: text('tls-previous.crt'), privateKey: text('tls-previous.key') } }),
  };
}

const trustStoreOf = (anchors: TrustBundle['anchors']) => trustStore({ anchors });

function objectOf(server: TrustedServer): string {
  return `TrustedServer ${server.metadata.namespace}/${server.metadata.name}`;
}

function notOwned(need: CertificateNeed): Obstacle {
  return {
    reason: 'SecretNotOwned',
    message:
      `Secret ${need.secretName} exists and is not of this server's ${need.use} certificate. It is left as it is: ` +
      'delete or rename it, or rename the server.',
    while: 'Stalled',
  };
}

function failed(server: TrustedServer, need: CertificateNeed, error: unknown, { log, events }: Context): Obstacle {
  const reason = error instanceof IssuanceError || error instanceof RangeError ? 'IssuanceFailed' : 'WriteFailed';
  const message = messageOf(error);
  if (reason === 'IssuanceFailed') {
    log.error('issuance failed', { object: objectOf(server), secret: need.secretName, error: message });
    events.record({
      regarding: server,
      type: 'Warning',
      reason: 'IssuanceFailed',
      action: 'Issue',
      note: message,
      key: need.secretName,
    });
  }
  return { reason, message, while: 'Reconciling' };
}
