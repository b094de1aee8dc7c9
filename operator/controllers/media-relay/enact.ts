// Carries the actions of a plan out: the record first, then the relay's copy, then the registrars'. What fails in between is
// caught up by the next pass, from the record.
import { randomBytes } from 'node:crypto';
import type { ObjectKey } from '../../api/object.ts';
import type { MediaRelay } from '../../api/v1alpha1/index.ts';
import { isImmutable } from '../../kube/errors.ts';
import { messageOf } from '../../kube/log.ts';
import { type MetadataObject, mediaRelays, secrets } from '../../kube/resource.ts';
import { ownedBy } from '../../outputs/certificate-secret.ts';
import { secretFile } from '../../outputs/coturn.ts';
import { annotation, label, managedBy } from '../../outputs/labels.ts';
import type { SecretId } from '../../trust/credential-roll.ts';
import type { Context } from '../context.ts';
import { type CertificateOutcome, enactCertificates } from '../enact-certificate.ts';
import { createOwn, isForeign } from '../foreign.ts';
import { recordName } from './names.ts';
import type { CredentialAction, Plan } from './plan.ts';
import { claimOf, encodeRoll } from './record.ts';

export interface Outcome extends CertificateOutcome {
  /** Secrets, `namespace/name`, that hold what this pass wrote. */
  readonly written: readonly string[];
  /** Secrets, `namespace/name`, whose name is somebody else's. */
  readonly notOwned: readonly string[];
  /** By `namespace/name`, why a Secret could not be written: sentences. */
  readonly unwritten: ReadonlyMap<string, string>;
  /** The record says now what was planned. */
  readonly recorded: boolean;
}

/** 256 bits: more than HMAC-SHA1 has, so that it is never the weaker part. */
const secretLength = 32;

/** @throws ApiError where the relay is gone, and what it had with it */
export async function enact(relay: MediaRelay, plan: Plan, context: Context): Promise<Outcome> {
  const outcome = await enactCertificates(mediaRelays, relay, plan.certificates, context);
  const written: string[] = [];
  const notOwned: string[] = [];
  const unwritten = new Map<string, string>();
  let { failure } = outcome;
  let recorded = true;
  const attempt = async (action: CredentialAction): Promise<void> => {
    const { namespace, name } = placeOf(relay, action, context);
    const path = `${namespace}/${name}`;
    try {
      (await carryOut(relay, action, context)) === 'NotOwned' ? notOwned.push(path) : written.push(path);
    } catch (error) {
      failure ??= error;
      unwritten.set(path, messageOf(error));
      if (action.kind === 'Record') recorded = false;
    }
  };
  const { actions } = plan.credentials;
  for (const action of actions.filter(({ kind }) => kind === 'Record')) await attempt(action);
  if (recorded) {
    for (const action of actions.filter(({ kind }) => kind === 'WriteRelay')) await attempt(action);
    await Promise.all(actions.filter(({ kind }) => kind !== 'Record' && kind !== 'WriteRelay').map(attempt));
  }
  return { ...outcome, written, notOwned, unwritten, recorded, ...(failure === undefined ? {} : { failure }) };
}

type Written = 'Written' | 'NotOwned';

/** The Secret that an action is about. */
function placeOf(relay: MediaRelay, action: CredentialAction, context: Context): Required<ObjectKey> {
  switch (action.kind) {
    case 'Record':
      return { namespace: context.namespace, name: recordName(relay) };
    case 'WriteRelay':
      return { namespace: relay.metadata.namespace ?? '', name: action.name };
    case 'WriteRegistrar':
      return { namespace: action.registrar.server.metadata.namespace ?? '', name: action.registrar.name };
    case 'DeleteCopy':
      return { namespace: action.secret.metadata.namespace ?? '', name: action.secret.metadata.name };
  }
}

async function carryOut(relay: MediaRelay, action: CredentialAction, context: Context): Promise<Written> {
  const place = placeOf(relay, action, context);
  switch (action.kind) {
    case 'Record': {
      const { roll, made, dropped, namespaceUID, replaces } = action;
      const fresh = made.map((id) => [secretFile(id), base64(randomBytes(secretLength).toString('base64url'))]);
      const gone = dropped.map((id) => [secretFile(id), null]);
      return await write(
        {
          ...place,
          labels: labelsOf(relay),
          annotations: { ...claimOf(relay, namespaceUID), [annotation.credentialRoll]: encodeRoll(roll) },
          data: Object.fromEntries([...fresh, ...gone]),
          ...(replaces === undefined ? {} : { replaces }),
        },
        context,
      );
    }
    case 'WriteRelay': {
      const { content, added, dropped, replaces } = action;
      const values = added.length === 0 ? new Map<SecretId, string>() : await valuesOf(relay, context);
      const fresh = added.map((id) => [secretFile(id), base64(`${secretOf(values, id)}\n`)]);
      const gone = dropped.map((id) => [secretFile(id), null]);
      return await write(
        {
          ...place,
          labels: labelsOf(relay),
          annotations: { [annotation.contentHash]: content.hash },
          data: { ...encoded(content.files), ...Object.fromEntries([...fresh, ...gone]) },
          owner: relay,
          ...(replaces === undefined ? {} : { replaces }),
        },
        context,
      );
    }
    case 'WriteRegistrar': {
      const { registrar, id } = action;
      const { server, content, secret } = registrar;
      const value = secretOf(await valuesOf(relay, context), id);
      return await write(
        {
          ...place,
          labels: labelsOf(relay),
          annotations: { [annotation.contentHash]: content.hash, [annotation.secretID]: id },
          data: { ...encoded(content.files), secret: base64(value) },
          owner: server,
          ...(secret === undefined ? {} : { replaces: secret }),
        },
        context,
      );
    }
    case 'DeleteCopy':
      await deleteSecret(action.secret, context);
      return 'Written';
  }
}

interface Writing {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Here, too, null takes a key out. */
  readonly annotations: Readonly<Record<string, string | null>>;
  /** In base64; null takes a key out. */
  readonly data: Readonly<Record<string, string | null>>;
  /** Absent for the record, which nothing in its namespace owns. */
  readonly owner?: Parameters<typeof ownedBy>[0];
  readonly replaces?: MetadataObject;
}

async function write({ owner, replaces, data, ...named }: Writing, context: Context): Promise<Written> {
  const { client, stores, log } = context;
  const { namespace, name, labels, annotations } = named;
  if (replaces === undefined) {
    const uid = owner?.metadata.uid ?? '';
    if (await isForeign(secrets, { namespace, name }, uid, context)) return 'NotOwned';
    const metadata = {
      ...named,
      annotations: present(annotations),
      ...(owner === undefined ? {} : { ownerReferences: [ownedBy(owner)] }),
    };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: present(data) } as const;
    if ((await createOwn(secrets, secret, uid, context)) === 'NotOwned') return 'NotOwned';
  } else {
    const { resourceVersion } = replaces.metadata;
    try {
      stores.secrets.apply(
        await client.patch(secrets, { namespace, name }, { metadata: { resourceVersion, labels, annotations }, data }),
      );
    } catch (error) {
      // Somebody froze it. Its readers keep what they have loaded, and the next pass makes it again.
      if (isImmutable(error) && replaces.metadata.deletionTimestamp === undefined) await deleteSecret(replaces, context);
      throw error;
    }
  }
  log.info('credentials of a relay written', { secret: `${namespace}/${name}` });
  return 'Written';
}

function present(entries: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== null));
}

export async function deleteSecret({ metadata }: MetadataObject, { client, stores, log }: Context): Promise<void> {
  const { namespace = '', name, uid, resourceVersion } = metadata;
  await client.delete(secrets, { namespace, name }, { uid, resourceVersion });
  stores.secrets.remove({ namespace, name }, { uid });
  log.info('credentials of a relay deleted', { secret: `${namespace}/${name}` });
}

/** The values that are on record: read when they are to be written somewhere, and never kept. */
async function valuesOf(relay: MediaRelay, { client, namespace }: Context): Promise<ReadonlyMap<SecretId, string>> {
  const { data = {} } = await client.get(secrets, { namespace, name: recordName(relay) });
  return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

function secretOf(values: ReadonlyMap<string, string>, id: SecretId): string {
  const value = values.get(secretFile(id));
  if (value === undefined) throw new Error(`the record of the relay's credentials lost ${secretFile(id)}: looking again`);
  return value;
}

function labelsOf({ metadata, spec }: MediaRelay): Readonly<Record<string, string>> {
  return {
    ...managedBy,
    [label.domain]: spec.trustDomain,
    [label.mediaRelay]: metadata.name,
    [label.mediaRelayNamespace]: metadata.namespace ?? '',
  };
}

function encoded(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([key, text]) => [key, base64(text)]));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
