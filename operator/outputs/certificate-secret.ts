// The Secret of one certificate (contract): type kubernetes.io/tls, owned by the object that shows it, complete in one write.
import type { KubeObject, NewObject, OwnerReference } from '../api/object.ts';
import { kebabCase } from '../api/v1alpha1/index.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { CertificateNeed } from '../topology/names.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import { annotation, label, managedBy, timestamp } from './labels.ts';

/** What a certificate is issued to: a server, a gateway or a relay, of one domain. */
export interface CertificateOwner extends KubeObject {
  readonly spec: { readonly trustDomain: string };
}

/** The hints that planning reads back in place of the certificate. The journal is the record. */
export interface CertificateFacts {
  readonly serial: string;
  readonly fingerprint: string;
  /** Epoch ms. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly renewAt: number;
  /** Subject key id of the issuing CA, hex. */
  readonly authority: string;
  readonly profileHash: string;
  readonly trustHash: string;
}

/** A key and its certificate, ready to be stored. */
export interface KeyMaterial {
  /** Leaf, then intermediates, no root: PEM. */
  readonly chain: string;
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** PKCS#12 and its password, where the use asks for it. */
  readonly keyStore?: { readonly pkcs12: Uint8Array; readonly password: string };
  /** The certificate and key in force before, while what they signed may still be met (shared uses). */
  readonly previous?: { readonly chain: string; readonly privateKey: string };
}

export interface NewSecret extends NewObject {
  readonly type: 'kubernetes.io/tls';
  readonly data: Readonly<Record<string, string>>;
}

const base64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64');

/** The keys that follow from trust alone: all that a change of trust rewrites. */
export function trustData(
  formats: CertificateNeed['formats'],
  bundle: TrustBundle,
  store: (anchors: readonly Certificate[]) => Uint8Array,
) {
  return {
    'ca.crt': base64(bundle.pem),
    ...(formats.includes('PKCS12') ? { 'truststore.p12': base64(store(bundle.anchors)) } : {}),
  };
}

/** The keys that follow from the certificate and its key. */
export function certificateData(formats: CertificateNeed['formats'], material: KeyMaterial): Readonly<Record<string, string>> {
  const { chain, privateKey, keyStore, previous } = material;
  return {
    'tls.crt': base64(chain),
    'tls.key': base64(privateKey),
    ...(keyStore === undefined
      ? {}
      : { 'keystore.p12': base64(keyStore.pkcs12), 'keystore-password': base64(keyStore.password) }),
    ...(formats.includes('CombinedPEM') ? { 'tls-combined.pem': base64(chain + privateKey) } : {}),
    ...(previous === undefined
      ? {}
      : { 'tls-previous.crt': base64(previous.chain), 'tls-previous.key': base64(previous.privateKey) }),
  };
}

/** The data keys that not every Secret has. */
export const formatKeys = [
  'keystore.p12',
  'truststore.p12',
  'keystore-password',
  'tls-combined.pem',
  'tls-previous.crt',
  'tls-previous.key',
] as const;

/** The data keys that a Secret for these formats holds and that we must still own: one missing was edited by somebody. */
export function expectedKeys(formats: CertificateNeed['formats']): {
  readonly certificate: readonly string[];
  readonly trust: readonly string[];
} {
  return {
    certificate: [
      'tls.crt',
      'tls.key',
      ...(formats.includes('PKCS12') ? ['keystore.p12', 'keystore-password'] : []),
      ...(formats.includes('CombinedPEM') ? ['tls-combined.pem'] : []),
    ],
    trust: ['ca.crt', ...(formats.includes('PKCS12') ? ['truststore.p12'] : [])],
  };
}

/** The label by which what belongs to an object of this kind names it. */
function ownerLabel(kind: string): string {
  return kind === 'MediaGateway' ? label.mediaGateway : kind === 'MediaRelay' ? label.mediaRelay : label.server;
}

export function secretLabels(owner: CertificateOwner, need: CertificateNeed): Readonly<Record<string, string>> {
  return {
    ...managedBy,
    [label.domain]: owner.spec.trustDomain,
    [ownerLabel(owner.kind)]: owner.metadata.name,
    [label.use]: kebabCase(need.use),
  };
}

export function factAnnotations(facts: CertificateFacts, member: string | undefined): Readonly<Record<string, string>> {
  return {
    [annotation.serial]: facts.serial,
    [annotation.fingerprint]: facts.fingerprint,
    [annotation.notBefore]: timestamp(facts.notBefore),
    [annotation.notAfter]: timestamp(facts.notAfter),
    [annotation.renewAt]: timestamp(facts.renewAt),
    [annotation.authority]: facts.authority,
    [annotation.profileHash]: facts.profileHash,
    [annotation.trustHash]: facts.trustHash,
    ...(member === undefined ? {} : { [annotation.member]: member }),
  };
}

/** Reads the hints back; undefined where one is missing or is no time: then the Secret was edited. */
export function readFacts(annotations: Readonly<Record<string, string>> | undefined): CertificateFacts | undefined {
  const read = (key: string) => annotations?.[key];
  const time = (key: string) => Date.parse(read(key) ?? '');
  const facts = {
    serial: read(annotation.serial),
    fingerprint: read(annotation.fingerprint),
    authority: read(annotation.authority),
    profileHash: read(annotation.profileHash),
    trustHash: read(annotation.trustHash),
  };
  const times = { notBefore: time(annotation.notBefore), notAfter: time(annotation.notAfter), renewAt: time(annotation.renewAt) };
  const { serial, fingerprint, authority, profileHash, trustHash } = facts;
  if (serial === undefined || fingerprint === undefined || authority === undefined) return undefined;
  if (profileHash === undefined || trustHash === undefined || Object.values(times).some(Number.isNaN)) return undefined;
  return { serial, fingerprint, authority, profileHash, trustHash, ...times };
}

export function ownedBy(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: false,
  };
}
