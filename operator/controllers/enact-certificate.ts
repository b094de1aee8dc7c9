// Carries out what was planned for the certificates of one owner. Each action is idempotent: what was written before a crash
// is found, not repeated.
import { createPrivateKey } from 'node:crypto';
import type { KubeObject } from '../api/object.ts';
import { IssuanceError, storeOf } from '../authorities/issue.ts';
import { ApiError, isApiError } from '../kube/errors.ts';
import { messageOf } from '../kube/log.ts';
import { type MetadataObject, type Resource, secrets } from '../kube/resource.ts';
import {
  type CertificateFacts,
  type CertificateOwner,
  certificateData,
  factAnnotations,
  formatKeys,
  type KeyMaterial,
  ownedBy,
  secretLabels,
  trustData,
} from '../outputs/certificate-secret.ts';
import { parseCertificates } from '../pki/certificate.ts';
import { trustStore } from '../pki/key-store.ts';
import type { CertificateNeed } from '../topology/names.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import { certify } from './certify.ts';
import type { Context } from './context.ts';
import { createOwn, isForeign } from './foreign.ts';
import type { CertificateAction } from './planned-certificate.ts';
import type { Obstacle } from './policies.ts';

/** What became of the actions, by the name of the Secret. */
export interface CertificateOutcome {
  readonly certificates: ReadonlyMap<string, CertificateFacts>;
  readonly obstacles: ReadonlyMap<string, Obstacle>;
  /** An error that only another attempt can tell more about. */
  readonly failure?: unknown;
}

/**
 * One action's failure keeps no other from being carried out.
 * @throws ApiError where the owner is gone, and what it had with it
 */
export async function enactCertificates<T extends KubeObject & CertificateOwner>(
  resource: Resource<T>,
  owner: T,
  actions: readonly CertificateAction[],
  context: Context,
): Promise<CertificateOutcome> {
  const certificates = new Map<string, CertificateFacts>();
  const obstacles = new Map<string, Obstacle>();
  let failure: unknown;
  if (actions.some(makesSecret)) await confirmOwner(resource, owner, context);
  await Promise.all(
    actions.map(async (action) => {
      try {
        const facts = await carryOut(owner, action, context);
        if (facts === 'NotOwned' && 'need' in action) obstacles.set(action.need.secretName, notOwned(owner, action.need));
        else if (typeof facts === 'object' && 'need' in action) certificates.set(action.need.secretName, facts);
      } catch (error) {
        if ('need' in action) {
          const { namespace = '' } = owner.metadata;
          const name = action.need.secretName;
          obstacles.set(name, failed(owner, action.need, error, context));
          if (isApiError(error, 'Invalid', 'Forbidden')) context.trust.refused(owner.spec.trustDomain, { namespace, name });
        }
        failure ??= error;
      }
    }),
  );
  return { certificates, obstacles, ...(failure === undefined ? {} : { failure }) };
}

function makesSecret(action: CertificateAction): boolean {
  return (action.kind === 'Issue' || action.kind === 'Copy') && action.replaces === undefined;
}

/**
 * What a deleted owner had is deleted with it, and may be known to be gone before the owner is: watches of two kinds do not
 * wait for each other. Asks the API server only where something was issued to it before.
 * @throws ApiError where the owner is no longer the one that was observed
 */
export async function confirmOwner<T extends KubeObject>(
  resource: Resource<T>,
  { metadata }: T,
  { client, journal }: Context,
): Promise<void> {
  const { namespace = '', name, uid } = metadata;
  if (journal.recordsOf(uid).length === 0) return;
  const current = await client.get(resource, { namespace, name });
  if (current.metadata.uid === uid && current.metadata.deletionTimestamp === undefined) return;
  throw new ApiError('Conflict', `${resource.kind} ${namespace}/${name} was deleted`);
}

async function carryOut(
  owner: CertificateOwner,
  action: CertificateAction,
  context: Context,
): Promise<CertificateFacts | 'NotOwned' | undefined> {
  const { client, stores, log } = context;
  const { uid, namespace = '' } = owner.metadata;
  switch (action.kind) {
    case 'Issue': {
      const { need, authority, bundle, profileHash, replaces } = action;
      const name = need.secretName;
      if (replaces === undefined && (await isForeign(secrets, { namespace, name }, uid, context))) return 'NotOwned';
      const { material, facts } = await certify(
        {
          authority,
          ...need,
          keyStore: need.formats.includes('PKCS12'),
          uid,
          secret: `${namespace}/${name}`,
          profileHash,
          trustHash: bundle.hash,
        },
        context,
      );
      return await store(owner, need, { material, facts, bundle }, action, context);
    }
    case 'Copy': {
      const { need, source, bundle, replaces } = action;
      const name = need.secretName;
      if (replaces === undefined && (await isForeign(secrets, { namespace, name }, uid, context))) return 'NotOwned';
      const material = await readShared(source, need, context);
      const facts = { ...action.facts, trustHash: bundle.hash, profileHash: action.profileHash };
      return await store(owner, need, { material, facts, bundle }, action, context);
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
      log.info('trust of a certificate updated', { object: nameOf(owner), secret: name });
      return facts;
    }
    case 'Delete': {
      const { name, resourceVersion } = action.secret.metadata;
      await client.delete(secrets, { namespace, name }, { uid: action.secret.metadata.uid, resourceVersion });
      stores.secrets.remove({ namespace, name }, { uid: action.secret.metadata.uid });
      log.info('certificate deleted', { object: nameOf(owner), secret: name, reason: 'nothing asks for it any more' });
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
  owner: CertificateOwner,
  need: CertificateNeed,
  { material, facts, bundle }: Content,
  { cause, replaces }: Extract<CertificateAction, { kind: 'Issue' | 'Copy' }>,
  context: Context,
): Promise<CertificateFacts | 'NotOwned'> {
  const { client, stores, log, events } = context;
  const { uid, namespace = '' } = owner.metadata;
  const name = need.secretName;
  const labels = secretLabels(owner, need);
  const annotations = factAnnotations(facts, need.member);
  const data = { ...certificateData(need.formats, material), ...trustData(need.formats, bundle, trustStoreOf) };
  if (replaces === undefined) {
    const metadata = { name, namespace, labels, annotations, ownerReferences: [ownedBy(owner)] };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data } as const;
    if ((await createOwn(secrets, secret, uid, context)) === 'NotOwned') return 'NotOwned';
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
    object: nameOf(owner),
    secret: name,
    serial: facts.serial,
    reason: cause.because,
  });
  events.record({
    regarding: owner,
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

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function notOwned({ kind }: CertificateOwner, need: CertificateNeed): Obstacle {
  return {
    reason: 'SecretNotOwned',
    message:
      `Secret ${need.secretName} exists and is not of this ${kind}'s ${need.use} certificate. It is left as it is: ` +
      `delete or rename it, or rename the ${kind}.`,
    while: 'Stalled',
  };
}

function failed(owner: CertificateOwner, need: CertificateNeed, error: unknown, { log, events }: Context): Obstacle {
  const reason = error instanceof IssuanceError || error instanceof RangeError ? 'IssuanceFailed' : 'WriteFailed';
  const message = messageOf(error);
  if (reason === 'IssuanceFailed') {
    log.error('issuance failed', { object: nameOf(owner), secret: need.secretName, error: message });
    events.record({
      regarding: owner,
      type: 'Warning',
      reason: 'IssuanceFailed',
      action: 'Issue',
      note: message,
      key: need.secretName,
    });
  }
  return { reason, message, while: 'Reconciling' };
}
