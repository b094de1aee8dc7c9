// Turns what was seen and done for a relay into its status and the events that go with a change of it. Never a secret.
import type { MediaRelay, MediaRelayStatus } from '../../api/v1alpha1/index.ts';
import { timestamp } from '../../outputs/labels.ts';
import { inShort } from '../../topology/findings.ts';
import { mostRelays } from '../../topology/relay-users.ts';
import { acceptedSecrets, phaseOf } from '../../trust/credential-roll.ts';
import { delisted } from '../circumstances.ts';
import { type Aspect, summarise } from '../conditions.ts';
import type { Context } from '../context.ts';
import {
  announceExpiry,
  certificateStatusOf,
  certificatesIssued,
  type FinalNeed,
  finalNeeds,
  topologyFault,
} from '../report-certificate.ts';
import { announceFindings, announceReasons, findingAspects } from '../shown-findings.ts';
import type { Outcome } from './enact.ts';
import type { Observation } from './observe.ts';
import { isWithheld, type Plan } from './plan.ts';

export function report(observation: Observation, plan: Plan, outcome: Outcome, now: number): MediaRelayStatus {
  const { relay, domain, credentials } = observation;
  const needs = finalNeeds(plan.needs, outcome);
  const aspects = [
    topologyValid(observation, needs),
    certificatesIssued(needs, now),
    credentialsDistributed(observation, plan, outcome),
    ...findingAspects(observation.findings),
  ];
  const [certificate] = needs.flatMap((need) => (need.facts === undefined ? [] : [certificateStatusOf(need, need.facts)]));
  // Without a domain nothing can be said of what was issued: it stays, and so does what is known of it.
  const held = domain === undefined ? relay.status?.certificate : certificate;
  const roll = outcome.recorded ? plan.credentials.roll : credentials?.roll;
  return {
    observedGeneration: relay.metadata.generation ?? 0,
    conditions: [...summarise(relay, aspects, now)],
    ...delisted(observation),
    ...(roll === undefined || credentials === undefined
      ? {}
      : { phase: phaseOf(roll), rollAt: timestamp(roll.active.since + credentials.policy.rollEvery) }),
    ...(credentials === undefined ? {} : { registrars: credentials.registrars.length }),
    ...(held === undefined ? {} : { certificate: held }),
  };
}

function topologyValid({ relay, domain, domainProblem, admission, namespace }: Observation, needs: readonly FinalNeed[]): Aspect {
  const type = 'TopologyValid';
  const refuse = (reason: string, message: string): Aspect => ({ type, status: 'False', reason, message, while: 'Stalled' });
  if (domain === undefined) {
    return refuse(
      'TrustDomainNotFound',
      `TrustDomain ${relay.spec.trustDomain} does not exist. Create it, or name another in spec.trustDomain. ` +
        'What was issued stays as it is.',
    );
  }
  if (domainProblem !== undefined) return refuse('TrustDomainNotValid', domainProblem);
  if (namespace === undefined) {
    const message = `Namespace ${relay.metadata.namespace} is not known yet.`;
    return { type, status: 'Unknown', reason: 'NamespaceNotFound', message, while: 'Reconciling' };
  }
  if (namespace.terminating) return refuse('NamespaceTerminating', `Namespace ${namespace.name} is being deleted.`);
  if (admission?.admitted === false) return refuse(admission.reason, admission.message);
  const fault = topologyFault(needs);
  if (fault !== undefined) return refuse(fault.reason, fault.message);
  return { type, status: 'True', reason: 'Admitted', message: `TrustDomain ${domain.metadata.name} names this relay.` };
}

function credentialsDistributed(observation: Observation, plan: Plan, { notOwned, written, unwritten }: Outcome): Aspect {
  const type = 'CredentialsDistributed';
  const { credentials, relay } = observation;
  const { roll, laggards } = plan.credentials;
  if (credentials?.crowdedOut === true) {
    const message =
      `Namespace ${relay.metadata.namespace} has ${mostRelays} other relays of this domain that do, and no more may leave a Secret beside each server that ` +
      'uses them. It has its certificate, and nobody makes credentials for it: delete another, or declare it in another namespace.';
    return { type, status: 'False', reason: 'TooManyRelays', message, while: 'Stalled' };
  }
  if (credentials === undefined || roll === undefined || isWithheld(observation)) {
    const message =
      'No credentials are made for a relay that the topology does not name, or whose name is held by another object.';
    return { type, status: 'Unknown', reason: 'NothingPlanned', message, while: 'Reconciling' };
  }
  if (notOwned.length > 0) {
    const message =
      `Secret ${notOwned.join(', Secret ')} ${notOwned.length === 1 ? 'exists and is' : 'exist and are'} not ours to write. ` +
      'What is there is left as it is: delete or rename it.';
    return { type, status: 'False', reason: 'SecretNotOwned', message, while: 'Stalled' };
  }
  const paths = credentials.registrars
    .filter(({ server }) => laggards.includes(server.metadata.uid))
    .map(({ server, name }) => `${server.metadata.namespace}/${name}`)
    .filter((path) => !written.includes(path));
  const own = `${relay.metadata.namespace}/${credentials.relay.name}`;
  const isBehind = !written.includes(own) && acceptedSecrets(roll).some((id) => !credentials.seen.relay.has(id));
  const open = [...(isBehind ? [own] : []), ...paths];
  if (open.length > 0) {
    const former = roll.former.length === 0 ? '' : ' Until it is, the relay accepts the former secret.';
    const [why] = open.flatMap((path) => unwritten.get(path) ?? []);
    const message = `Secret ${inShort(open)} is not written yet` + `${why === undefined ? '' : `: ${why}`}.${former}`;
    return { type, status: 'False', reason: 'Pending', message, while: 'Reconciling' };
  }
  const count = credentials.registrars.length;
  const who = count === 0 ? 'No server makes' : count === 1 ? '1 server makes' : `${count} servers make`;
  return { type, status: 'True', reason: 'Distributed', message: `${who} credentials that the relay accepts.` };
}

/** Reasons of conditions that users get an event for when they come up. */
const announced = { NameNotAdmitted: 'NameNotAdmitted', SecretNotOwned: 'SecretNotOwned' };

/** Events for what the new status says and the old one did not. */
export function announce(relay: MediaRelay, status: MediaRelayStatus, plan: Plan, context: Context): void {
  announceReasons(relay, status.conditions, announced, context);
  announceFindings(relay, status.conditions, context);
  announceExpiry(relay, plan.needs, context);
}

/** Events for each step of the roll that is on record now and was not before. */
export function announceRoll({ relay, credentials }: Observation, { credentials: { roll } }: Plan, { events }: Context): void {
  const before = credentials?.roll;
  if (before === undefined || roll === undefined) return;
  const steps = [
    {
      reason: 'RolloverStarted',
      taken: roll.next !== undefined && roll.next.id !== before.next?.id,
      note: 'The relay gets a new shared secret beside the one in force.',
    },
    {
      reason: 'RolloverAdvanced',
      taken: roll.active.id !== before.active.id,
      note: 'Registrars make credentials with the new shared secret; the relay accepts the former one too.',
    },
    {
      reason: 'RolloverCompleted',
      taken: before.former.length > 0 && roll.former.length === 0,
      note: 'Every credential made with the former shared secret has expired: the relay accepts it no more.',
    },
  ];
  for (const { reason, note } of steps.filter(({ taken }) => taken)) {
    const key = `${reason}/${roll.next?.id ?? roll.active.id}`;
    events.record({ regarding: relay, type: 'Normal', reason, action: 'Roll', note, key });
  }
}
