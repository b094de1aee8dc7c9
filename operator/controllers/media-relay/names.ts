// What the Secrets of a relay's credentials are called, and how they are told apart.
import type { MediaRelay, TrustedServer } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';

/** In the operator's namespace: the record of the roll, with the values of the secrets. */
export function recordName({ metadata }: MediaRelay): string {
  return `${metadata.name}.${metadata.namespace}.media-relay`;
}

/** Beside the relay: its configuration and every secret that it must accept. */
export function relaySecretName({ metadata }: MediaRelay): string {
  return `${metadata.name}-credentials`;
}

/** Beside a registrar: the secret that it presents. The namespace keeps relays of one name apart, the server its neighbours. */
export function registrarSecretName(registrar: TrustedServer, { metadata }: MediaRelay): string {
  return `${registrar.metadata.name}-relay-${metadata.name}.${metadata.namespace}`;
}

/** The UID of the server whose copy this is; undefined for every other Secret. */
export function registrarOf({ metadata }: MetadataObject): string | undefined {
  return metadata.ownerReferences?.find(({ controller, kind }) => controller === true && kind === 'TrustedServer')?.uid;
}
