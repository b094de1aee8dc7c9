// How findings are shown: each reason as a condition of its own, that is there only while something is found, and as an event
// when it comes up; and what the conditions of an object count as in the status of its TrustDomain.
import type { Condition, KubeObject } from '../api/object.ts';
import { group, version } from '../api/v1alpha1/index.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { ObjectName } from '../kube/resource.ts';
import { type Concerned, type Finding, type FindingReason, findingReasons } from '../topology/findings.ts';
import type { Aspect } from './conditions.ts';

/** The type of condition that is False while something is found. */
const conditionTypes: Readonly<Record<FindingReason, string>> = {
  UnencryptedLink: 'LinkEncrypted',
  SRTPNotPossible: 'MediaEncrypted',
  UntrustedGateway: 'CertificateTrusted',
  NameConflict: 'TopologyValid',
  PartnerConflict: 'TopologyValid',
  ReferenceNotFound: 'ReferencesFound',
  NotFIPSCompliant: 'FIPSCompliant',
  NoEdgeForPartner: 'TrustEstablished',
  AnchorExpiring: 'AnchorsCurrent',
  ListenerNotAllowed: 'ListenersAllowed',
};

/** Reasons of conditions that say of one kind what a finding says of all. */
const countedAs: Readonly<Record<string, FindingReason>> = {
  ...Object.fromEntries(findingReasons.map((reason) => [reason, reason])),
  PlainTCP: 'UnencryptedLink',
  PlainTCPNotAllowed: 'UnencryptedLink',
  MediaUnencrypted: 'UnencryptedLink',
  EncryptedWherePossible: 'UnencryptedLink',
  SIPDomainsOverlap: 'NameConflict',
  EnterpriseCANotFound: 'ReferenceNotFound',
  MediationServerNotFound: 'ReferenceNotFound',
  MediationServerUnsuitable: 'ReferenceNotFound',
  NoEdge: 'NoEdgeForPartner',
};

/** Sentences of one condition at most: the rest is counted. */
const sentencesShown = 5;

/** A condition for each reason. None of them keeps the object from being Ready. */
export function findingAspects(findings: readonly Finding[]): readonly Aspect[] {
  return findingReasons.flatMap((reason): Aspect[] => {
    const messages = findings.filter((finding) => finding.reason === reason).map(({ message }) => message);
    if (messages.length === 0) return [];
    const more = messages.length > sentencesShown ? [`And ${messages.length - sentencesShown} more.`] : [];
    return [
      {
        type: conditionTypes[reason],
        status: 'False',
        reason,
        message: [...messages.slice(0, sentencesShown), ...more].join(' '),
      },
    ];
  });
}

/** What is found about an object, each reason once, by its conditions. */
export function findingsShown(conditions: readonly Condition[] | undefined): readonly FindingReason[] {
  const shown = new Set(
    (conditions ?? []).flatMap(({ status, reason }) => (status === 'False' ? (countedAs[reason] ?? []) : [])),
  );
  return findingReasons.filter((reason) => shown.has(reason));
}

interface Shown extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

/** What else an event of this reason has to do with. */
export type Related = (reason: string) => Concerned | undefined;

/** Of several findings of one reason the first tells. */
export function concernedBy(findings: readonly Finding[]): Related {
  return (reason) => findings.find((finding) => finding.reason === reason)?.concerns[1];
}

interface Recording {
  readonly events: Pick<EventRecorder, 'record'>;
}

function record(regarding: Shown, reason: string, note: string, related: Related, { events }: Recording): void {
  const concerned = related(reason);
  const beside: { readonly related?: ObjectName } =
    concerned === undefined ? {} : { related: { apiVersion: `${group}/${version}`, ...concerned } };
  events.record({ regarding, ...beside, type: 'Warning', reason, action: 'Reconcile', note, key: note });
}

/** An event for each finding that the new conditions show and the object's did not. What passes by itself is not told of. */
export function announceFindings(
  object: Shown,
  conditions: readonly Condition[] | undefined,
  recording: Recording,
  related: Related = () => undefined,
): void {
  const known = new Set(findingsShown(object.status?.conditions));
  for (const { type, status, reason, message } of conditions ?? []) {
    const finding =
      type === 'Ready' || type === 'Reconciling' || reason === 'EnterpriseCANotFound' ? undefined : countedAs[reason];
    if (status !== 'False' || finding === undefined || known.has(finding)) continue;
    known.add(finding);
    record(object, finding, message, related, recording);
  }
}

/** An event for each reason among these, under the name that it has here, for which a condition is False and was not before. */
export function announceReasons(
  object: Shown,
  conditions: readonly Condition[] | undefined,
  names: Readonly<Record<string, string>>,
  recording: Recording,
  related: Related = () => undefined,
): void {
  const before = new Map((object.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  const told = new Set<string>();
  for (const { type, status, reason, message } of conditions ?? []) {
    const name = names[reason];
    if (status !== 'False' || name === undefined || told.has(name) || before.get(type) === `${status} ${reason}`) continue;
    told.add(name);
    record(object, name, message, related, recording);
  }
}
