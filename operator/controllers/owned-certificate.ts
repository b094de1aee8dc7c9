// Observes one certificate in one Secret, for whichever object owns it: a server, a gateway, a relay. What decides about it
// afterwards (planned-certificate.ts), carries that out (enact-certificate.ts) and tells of it (report-certificate.ts) is the
// same for all of them.
import { kebabCase } from '../api/v1alpha1/index.ts';
import type { AuthorityState } from '../authorities/authority.ts';
import { complianceProblem } from '../authorities/compliance.ts';
import type { MetadataObject } from '../kube/resource.ts';
import { type CertificateFacts, type CertificateOwner, expectedKeys, readFacts } from '../outputs/certificate-secret.ts';
import { annotation, label } from '../outputs/labels.ts';
import { nameConflict } from '../topology/name-conflict.ts';
import type { CertificateNeed } from '../topology/names.ts';
import type { AudienceTrust } from '../trust/anchors.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import { renewalTime } from '../trust/renewal.ts';
import { issuesOf, renewalSeed } from './certify.ts';
import type { Context } from './context.ts';
import type { Succession } from './external-authority.ts';
import type { ObservedNeed } from './observed-need.ts';
import { profileHash } from './profile-hash.ts';

/** A certificate that an object asks for, and what of its surroundings only that object's controller knows. */
export interface WantedCertificate {
  readonly need: CertificateNeed;
  /** Whoever issues it. */
  readonly state: AuthorityState;
  /** What the owner trusts on the face that shows this certificate; it lies beside it as `ca.crt`. */
  readonly trust: AudienceTrust | undefined;
  /** Why those who will meet the certificate cannot all verify it yet. */
  readonly trustPending: string | undefined;
  readonly succession?: Succession;
  /** Names that the owner itself declares, and that another object may hold. */
  readonly declared: readonly string[];
  /** The domain requires FIPS. */
  readonly fips: boolean;
  /** Of a shared certificate: the original that is copied. */
  readonly source?: ObservedNeed['source'];
}

export function observeCertificate(owner: CertificateOwner, wanted: WantedCertificate, context: Context): ObservedNeed {
  const { stores, journal } = context;
  const { need, state, trust, trustPending, succession, source } = wanted;
  const { uid, namespace = '' } = owner.metadata;
  const named = stores.secrets.get({ namespace, name: need.secretName });
  const secret = named !== undefined && belongsTo(named, owner, need) ? named : undefined;
  const facts = readFacts(secret?.metadata.annotations);
  const path = `${namespace}/${need.secretName}`;
  const latest = need.shared === undefined ? journal.latestOf(path) : undefined;
  const recorded = latest?.uid === uid ? latest : undefined;
  const bundle = trust !== undefined && (trust.unknown.length === 0 || secret === undefined) ? trust.bundle : undefined;
  const renewAt =
    facts === undefined || !state.available || need.shared !== undefined
      ? facts?.renewAt
      : renewalTime(facts, state.authority.leaf.renewAfterPercent, renewalSeed(uid, path));
  const conflict = conflictOver(owner, wanted, context);
  const problem = state.available && wanted.fips ? complianceProblem(state.authority) : undefined;
  return {
    need,
    state,
    profileHash: profileHash(need, state),
    ...(secret === undefined ? {} : { secret }),
    foreign: named !== undefined && secret === undefined,
    ...(facts === undefined ? {} : { facts }),
    ...(recorded === undefined ? {} : { recorded }),
    issues: issuesOf(uid, path, state, context),
    ...(renewAt === undefined ? {} : { renewAt }),
    ...(bundle === undefined ? {} : { bundle }),
    ...(trustPending === undefined ? {} : { trustPending }),
    ...(succession === undefined ? {} : { succession }),
    stale: isStale(secret, facts, need, bundle, renewAt),
    ...(conflict === undefined ? {} : { conflict }),
    ...(problem === undefined ? {} : { complianceProblem: problem }),
    ...(source === undefined ? {} : { source }),
  };
}

/** A Secret belongs to one (object, use, member). */
function belongsTo({ metadata }: MetadataObject, owner: CertificateOwner, need: CertificateNeed): boolean {
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  return (
    controller?.uid === owner.metadata.uid &&
    metadata.labels?.[label.use] === kebabCase(need.use) &&
    metadata.annotations?.[annotation.member] === need.member
  );
}

function isStale(
  secret: MetadataObject | undefined,
  facts: CertificateFacts | undefined,
  need: CertificateNeed,
  bundle: TrustBundle | undefined,
  renewAt: number | undefined,
): boolean {
  if (secret === undefined || facts === undefined || bundle === undefined) return false;
  const lost = expectedKeys(need.formats).trust.some((key) => secret.metadata.ownedDataKeys?.includes(key) !== true);
  return lost || facts.trustHash !== bundle.hash || (renewAt !== undefined && renewAt !== facts.renewAt);
}

/** The first name of this need that another object holds. */
function conflictOver(
  { metadata }: CertificateOwner,
  { need, declared }: WantedCertificate,
  { topology }: Context,
): ObservedNeed['conflict'] {
  for (const name of need.dnsNames) {
    const conflict = declared.includes(name) ? nameConflict(name, metadata.uid, topology) : undefined;
    if (conflict !== undefined) return conflict;
  }
  return undefined;
}
