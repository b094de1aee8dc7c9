// Turns what was seen and done for a gateway into its status and the events that go with a change of it.
import type { MediaGateway, MediaGatewayStatus } from '../../api/v1alpha1/index.ts';
import { timestamp } from '../../outputs/labels.ts';
import { concernedByKey, type FindingReason } from '../../topology/findings.ts';
import type { LinkMedia } from '../../topology/link-media.ts';
import { shownLevels } from '../../topology/media-level.ts';
import { trunkMedia, trunkPort, usesGatewayAuthority } from '../../topology/trunks.ts';
import { delisted } from '../circumstances.ts';
import { type Aspect, summarise } from '../conditions.ts';
import type { Context } from '../context.ts';
import type { Obstacle } from '../policies.ts';
import { announceExpiry, certificateStatusOf, finalNeeds, topologyFault } from '../report-certificate.ts';
import { announceReasons, type Related } from '../shown-findings.ts';
import type { Outcome } from './enact.ts';
import type { Observation } from './observe.ts';
import type { Plan } from './plan.ts';

type CertificateStatus = NonNullable<MediaGatewayStatus['certificate']>;

export function report(observation: Observation, plan: Plan, outcome: Outcome, now: number): MediaGatewayStatus {
  const { gateway, standing, way } = observation;
  const { spec } = gateway;
  const media = standing.stands ? trunkMedia(gateway, standing.pool, standing.domain) : undefined;
  const aspects = [
    topologyValid(observation, plan),
    ...(media === undefined ? [] : [linkEncrypted(observation), mediaEncrypted(observation, media)]),
    certificateTrusted(observation, plan, outcome, now),
  ];
  const held = way === undefined ? gateway.status?.certificate : certificateOf(observation, plan, outcome);
  const own = way?.kind === 'OwnAuthority' ? way.own?.anchors : undefined;
  return {
    observedGeneration: gateway.metadata.generation ?? 0,
    conditions: [...summarise(gateway, aspects, now)],
    ...delisted(observation),
    ...(standing.stands
      ? {
          pool: standing.pool.spec.poolFQDN,
          port: trunkPort(spec, standing.pool.spec.role),
        }
      : {}),
    ...(media === undefined ? {} : { media: shownLevels[media.level] }),
    ...(held === undefined ? {} : { certificate: held }),
    ...(own === undefined || own.length === 0
      ? {}
      : {
          anchors: own.map(({ subject, fingerprint, notAfter }) => ({ subject, fingerprint, notAfter: timestamp(notAfter) })),
        }),
  };
}

function topologyValid({ standing, domainProblem, admission, way }: Observation, plan: Plan): Aspect {
  const type = 'TopologyValid';
  const refuse = (reason: string, message: string): Aspect => ({ type, status: 'False', reason, message, while: 'Stalled' });
  if (!standing.stands) {
    const { reason, message } = standing;
    if (reason !== 'NamespaceNotFound') return refuse(reason, message);
    return { type, status: 'Unknown', reason, message, while: 'Reconciling' };
  }
  if (domainProblem !== undefined) return refuse('TrustDomainNotValid', domainProblem);
  if (admission?.admitted === false) return refuse(admission.reason, admission.message);
  const fault =
    way?.kind === 'Secret' ? topologyFault(finalNeeds(plan.needs, { certificates: new Map(), obstacles: new Map() })) : undefined;
  if (fault !== undefined) return refuse(fault.reason, fault.message);
  const message = `TrustDomain ${standing.domain.metadata.name} names this gateway with a trunk to ${standing.pool.spec.poolFQDN}.`;
  return { type, status: 'True', reason: 'Admitted', message };
}

function linkEncrypted({ gateway, findings }: Observation): Aspect {
  const type = 'LinkEncrypted';
  const found = findings.find(({ condition }) => condition === type);
  // It works, and is as somebody declared it: that it is in the clear is said, and stops nothing.
  if (found !== undefined) return { type, status: 'False', reason: found.reason, message: found.message };
  return { type, status: 'True', reason: 'MutualTLS', message: `Calls with ${gateway.spec.fqdn} are set up over mutual TLS.` };
}

function mediaEncrypted({ gateway, findings }: Observation, media: LinkMedia): Aspect {
  const type = 'MediaEncrypted';
  const found = findings.find(({ condition }) => condition === type);
  return { type, ...media.condition, message: found?.message ?? `Media with ${gateway.spec.fqdn} is SRTP, or there is no call.` };
}

function certificateTrusted(observation: Observation, plan: Plan, outcome: Outcome, now: number): Aspect {
  const type = 'CertificateTrusted';
  const { gateway, standing, way, findings } = observation;
  if (way === undefined || !standing.stands) {
    const message = 'Nothing is issued to it or trusted of it while it has no place in the topology.';
    return { type, status: 'Unknown', reason: 'NothingPlanned', message };
  }
  const pool = standing.pool.spec.poolFQDN;
  if (way.kind === 'None') {
    return {
      type,
      status: 'Unknown',
      reason: 'NoCertificate',
      message: 'Its transport is TCP, over which nobody shows a certificate.',
    };
  }
  if (way.kind === 'OwnAuthority') return ownAuthority(way, gateway, pool);
  const obstacle = obstacleOf(plan, outcome);
  if (obstacle !== undefined) return { type, status: 'False', ...withoutTimes(obstacle, observation, now) };
  if (certificateOf(observation, plan, outcome) === undefined) {
    return { type, status: 'False', reason: 'Pending', message: 'Its certificate is not issued yet.', while: 'Reconciling' };
  }
  const where =
    way.kind === 'Secret'
      ? `It lies in Secret ${way.need.need.secretName}.`
      : 'It lies in status.certificate.pem, and what the gateway must trust in status.certificate.ca.';
  const all = findings.find(({ condition }) => condition === type);
  if (all !== undefined) {
    return { type, status: 'True', reason: all.reason, message: `${all.message} ${where}` };
  }
  const [lost] = way.kind === 'Request' ? way.lost : [];
  if (lost !== undefined) {
    const message =
      `The key of generation ${lost.generation} of the gateway authority of ${pool} is lost, or of a server that had the name before: ` +
      `its certificate comes from the next one now. ` +
      `${where} Put that on the gateway, unless it is there already: until ${timestamp(lost.until)} ${pool} believes the former one too.`;
    return { type, status: 'True', reason: 'AuthorityLost', message };
  }
  return {
    type,
    status: 'True',
    reason: 'IssuedByGatewayAuthority',
    message: `Its certificate is from the gateway authority of ${pool}, which nobody but that pool trusts. ${where}`,
  };
}

function ownAuthority(
  { own, distributed }: Extract<NonNullable<Observation['way']>, { kind: 'OwnAuthority' }>,
  { spec }: MediaGateway,
  pool: string,
): Aspect {
  const type = 'CertificateTrusted';
  if (own === undefined) {
    return { type, status: 'Unknown', reason: 'Pending', message: 'Its CA was not looked at yet.', while: 'Reconciling' };
  }
  const refusals = own.refusals.join(' ');
  if (own.anchors.length === 0) {
    return {
      type,
      status: 'False',
      reason: 'UntrustedGateway',
      message: `${pool} trusts no CA of this gateway. ${refusals}`.trim(),
      while: 'Stalled',
    };
  }
  if (distributed !== undefined)
    return { type, status: 'False', reason: 'TrustPending', message: distributed, while: 'Reconciling' };
  const subjects = own.anchors.map(({ subject }) => `"${subject}"`).join(', ');
  const message = `${pool} alone trusts ${subjects}, for ${spec.fqdn} alone.`;
  return { type, status: 'True', reason: 'OwnAuthorityTrusted', message: [message, refusals].filter(Boolean).join(' ') };
}

function obstacleOf(plan: Plan, outcome: Outcome): Obstacle | undefined {
  const [need] = finalNeeds(plan.needs, outcome);
  return need?.obstacle ?? outcome.notGranted ?? plan.withheld;
}

/** What is in place goes on; until when is said once somebody should hurry. */
function withoutTimes({ reason, message, while: until }: Obstacle, { gateway }: Observation, now: number) {
  const { renewAt, notAfter } = gateway.status?.certificate ?? {};
  const isNear = renewAt !== undefined && notAfter !== undefined && now >= (Date.parse(renewAt) + Date.parse(notAfter)) / 2;
  return { reason, message: isNear ? `${message} What is in place expires at ${notAfter}.` : message, while: until };
}

/** The certificate that is in force, as the status has it. */
function certificateOf({ gateway, way }: Observation, plan: Plan, outcome: Outcome): CertificateStatus | undefined {
  const source = usesGatewayAuthority(gateway.spec) ? 'GatewayAuthority' : 'EnterpriseCA';
  if (way?.kind === 'Secret') {
    const [need] = finalNeeds(plan.needs, outcome);
    return need?.facts === undefined ? undefined : { source, ...certificateStatusOf(need, need.facts) };
  }
  if (way?.kind !== 'Request') return undefined;
  const ca = way.need.bundle?.pem ?? gateway.status?.certificate?.ca;
  const { granted } = outcome;
  if (granted !== undefined) {
    const { serial, fingerprint, notBefore, notAfter, renewAt } = granted.facts;
    return {
      source,
      serial,
      fingerprint,
      notBefore: timestamp(notBefore),
      notAfter: timestamp(notAfter),
      renewAt: timestamp(renewAt),
      pem: granted.pem,
      ...(ca === undefined ? {} : { ca }),
    };
  }
  const before = gateway.status?.certificate;
  if (before === undefined || way.held === undefined) return undefined;
  const renewAt = way.renewAt === undefined ? before.renewAt : timestamp(way.renewAt);
  return { ...before, renewAt, ...(ca === undefined ? {} : { ca }) };
}

/** Conditions that users get an event for when they come up: by reason, what it is called. */
const announced: Readonly<Record<string, string>> = {
  NameConflict: 'NameConflict',
  NameNotAdmitted: 'NameNotAdmitted',
  SecretNotOwned: 'SecretNotOwned',
  PlainTCP: 'UnencryptedLink',
  PlainTCPNotAllowed: 'UnencryptedLink',
  MediaUnencrypted: 'UnencryptedLink',
  EncryptedWherePossible: 'UnencryptedLink',
  UntrustedGateway: 'UntrustedGateway',
  RequestRefused: 'UntrustedGateway',
  SRTPNotPossible: 'SRTPNotPossible',
  MediationServerNotFound: 'ReferenceNotFound',
  MediationServerUnsuitable: 'ReferenceNotFound',
};

/** What is said of a trunk concerns its pool. */
function atTheOtherEnd({ standing }: Observation): Related {
  if (!standing.stands) return () => undefined;
  const { namespace, name } = standing.pool.metadata;
  return (reason) => (ofTrunks.has(reason) ? concernedByKey('TrustedServer', `${namespace}/${name}`) : undefined);
}

const ofTrunks: ReadonlySet<string> = new Set([
  'UnencryptedLink',
  'SRTPNotPossible',
  'UntrustedGateway',
] satisfies FindingReason[]);

/** Events for what the new status says and the old one did not. */
export function announce(
  observation: Observation,
  status: MediaGatewayStatus,
  plan: Plan,
  outcome: Outcome,
  context: Context,
): void {
  const { gateway } = observation;
  announceReasons(gateway, status.conditions, announced, context, atTheOtherEnd(observation));
  announceGrant(observation, plan, outcome, context);
  announceTrust(observation, status, context);
  announceExpiry(gateway, plan.needs, context);
}

function announceGrant({ gateway }: Observation, { grant }: Plan, { granted }: Outcome, { events }: Context): void {
  if (grant === undefined || granted === undefined) return;
  const first = gateway.status?.certificate?.pem === undefined;
  const { serial, notAfter } = granted.facts;
  events.record({
    regarding: gateway,
    type: 'Normal',
    reason: first ? 'CertificateIssued' : 'CertificateRenewed',
    action: first ? 'Issue' : 'Renew',
    note:
      `status.certificate.pem holds a certificate for ${gateway.spec.fqdn} (serial ${serial}, valid until ${timestamp(notAfter)}), ` +
      `because ${grant.cause.because}. Put it on the gateway, with what it must trust from status.certificate.ca.`,
    key: serial,
  });
}

/** What was pasted onto the gateway by hand must be pasted again. */
function announceTrust({ gateway, way }: Observation, status: MediaGatewayStatus, { events }: Context): void {
  const before = gateway.status?.certificate?.ca;
  const ca = status.certificate?.ca;
  if (way?.kind !== 'Request' || before === undefined || ca === undefined || before === ca) return;
  events.record({
    regarding: gateway,
    type: 'Normal',
    reason: 'TrustBundleUpdated',
    action: 'Distribute',
    note: 'What the gateway must trust has changed: put status.certificate.ca on it again.',
    key: way.need.bundle?.hash ?? ca,
  });
}
