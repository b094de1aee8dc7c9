// Gathers an EnterpriseCA and what its Secrets hold, each parsed and checked: the one place where a CA's key is read.
import { createPrivateKey } from 'node:crypto';
import type { ObjectKey } from '../../api/object.ts';
import type { EnterpriseCA } from '../../api/v1alpha1/index.ts';
import { isApiError } from '../../kube/errors.ts';
import { type Secret, secrets } from '../../kube/resource.ts';
import { annotation } from '../../outputs/labels.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { checkProvided, type Problem, type ProvidedAuthority } from '../../pki/check.ts';
import type { Context } from '../context.ts';
import { readAuthority, type StoredAuthority } from '../stored-authority.ts';
import { authoritySecretName, type History, historyOf } from './secrets.ts';

export type Slot =
  | { readonly kind: 'Absent' }
  /** `root` is what its ca.crt holds: known even where the root's own Secret is lost. */
  | { readonly kind: 'Held'; readonly stored: StoredAuthority; readonly root: Certificate }
  /** Of another EnterpriseCA, or not an authority at all. */
  | { readonly kind: 'Refused'; readonly reason: 'SecretNotOwned' | 'SecretDamaged'; readonly message: string };

export interface Generation {
  readonly number: number;
  readonly root: Slot;
  readonly issuing: Slot;
}

export type BackendObservation =
  /** Oldest first; the last is the one that the spec asks for. */
  | { readonly kind: 'Managed'; readonly generations: readonly Generation[] }
  | {
      readonly kind: 'Provided';
      readonly secretName: string;
      readonly found: ProvidedAuthority | { readonly problems: readonly Problem[] } | undefined;
      readonly history: History;
    }
  | { readonly kind: 'None' };

export interface CAObservation {
  readonly enterpriseCA: EnterpriseCA;
  readonly backend: BackendObservation;
}

export async function observe(name: string, context: Context): Promise<CAObservation | undefined> {
  const enterpriseCA = context.stores.enterpriseCAs.get(name);
  if (enterpriseCA === undefined) return undefined;
  return { enterpriseCA, backend: await observeBackend(enterpriseCA, context) };
}

async function observeBackend(enterpriseCA: EnterpriseCA, context: Context): Promise<BackendObservation> {
  const { namespace, now } = context;
  const { managed, provided } = enterpriseCA.spec;
  const { name } = enterpriseCA.metadata;
  if (managed !== undefined) {
    const numbers = Array.from({ length: managed.generation }, (_, index) => index + 1);
    const generations = await Promise.all(
      numbers.map(async (number): Promise<Generation> => {
        const [root, issuing] = await Promise.all([
          observeSlot(enterpriseCA, authoritySecretName(name, 'root', number), context),
          observeSlot(enterpriseCA, authoritySecretName(name, 'issuing', number), context),
        ]);
        return { number, root, issuing };
      }),
    );
    return { kind: 'Managed', generations };
  }
  if (provided !== undefined) {
    const secretName = provided.secretRef.name;
    const secret = await find({ namespace, name: secretName }, context);
    const text = (key: string) => {
      const value = secret?.data?.[key];
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
    };
    const found =
      secret && checkProvided({ chainPEM: text('tls.crt'), keyPEM: text('tls.key'), anchorsPEM: text('ca.crt'), now: now() });
    return { kind: 'Provided', secretName, found, history: await historyOf(name, context) };
  }
  return { kind: 'None' };
}

async function observeSlot(enterpriseCA: EnterpriseCA, name: string, context: Context): Promise<Slot> {
  const secret = await find({ namespace: context.namespace, name }, context);
  if (secret === undefined) return { kind: 'Absent' };
  const owner = secret.metadata.annotations?.[annotation.owner];
  const adopted = [enterpriseCA, secret].some(({ metadata }) => metadata.annotations?.[annotation.adopt] === 'true');
  if (owner !== enterpriseCA.metadata.uid && !adopted) {
    return {
      kind: 'Refused',
      reason: 'SecretNotOwned',
      message:
        `Secret ${context.namespace}/${name} is there, and was made for another EnterpriseCA. To take its key up, annotate this ` +
        `EnterpriseCA with ${annotation.adopt}: "true"; else choose another name.`,
    };
  }
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  const stored = readAuthority({ certificate: text('tls.crt'), root: text('ca.crt') }, () => createPrivateKey(text('tls.key')));
  if (typeof stored === 'string') {
    return {
      kind: 'Refused',
      reason: 'SecretDamaged',
      message: `Secret ${context.namespace}/${name} cannot be used: ${stored}. Restore it from a backup: nothing is written over it.`,
    };
  }
  return { kind: 'Held', ...stored };
}

async function find(key: Required<ObjectKey>, { client }: Context): Promise<Secret | undefined> {
  try {
    return await client.get(secrets, key);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}
