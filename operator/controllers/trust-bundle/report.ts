// Events for a bundle that was written: one for its anchors, one for the peers that came, one for those that went.
import { bundleName } from '../../outputs/trust-bundle.ts';
import type { Context } from '../context.ts';
import type { BundleOutcome } from './enact.ts';
import type { BundleObservation } from './observe.ts';

/** Pools that entered and left the peer lists since the bundle was written last. */
export interface PeerDelta {
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

export function report(observation: BundleObservation, outcome: BundleOutcome, delta: PeerDelta, { events, log }: Context): void {
  const { key, domain, trust } = observation;
  if (domain === undefined) return;
  const name = bundleName(key.domain, key.audience);
  const where = `ConfigMap ${key.namespace}/${name}`;
  const record = (type: 'Normal' | 'Warning', reason: string, note: string, what: string) =>
    events.record({ regarding: domain, type, reason, action: 'Distribute', note, key: `${where}/${what}` });
  if (outcome.notOwned !== undefined) {
    const note = `ConfigMap ${key.namespace}/${outcome.notOwned} exists and is not ours. It is left as it is, and the trust of ${key.audience} is missing there: delete or rename it.`;
    log.warn('bundle not written', {
      object: `TrustDomain ${key.domain}`,
      configMap: `${key.namespace}/${outcome.notOwned}`,
      reason: 'SecretNotOwned',
    });
    record('Warning', 'SecretNotOwned', note, outcome.notOwned);
    return;
  }
  if (outcome.trustWritten && trust !== undefined) {
    const { anchors, expired, hash } = trust.bundle;
    const left = expired.length === 0 ? '' : ` Left out, since expired: ${expired.map(({ subject }) => subject).join('; ')}.`;
    log.info('trust bundle updated', {
      object: `TrustDomain ${key.domain}`,
      configMap: `${key.namespace}/${name}`,
      anchors: anchors.length,
    });
    record('Normal', 'TrustBundleUpdated', `${where} holds ${count(anchors.length, 'anchor')} for ${key.audience}.${left}`, hash);
  }
  if (!outcome.peersWritten || outcome.created) return;
  if (delta.added.size + delta.removed.size > 0) {
    log.info('peer list updated', {
      object: `TrustDomain ${key.domain}`,
      configMap: `${key.namespace}/${name}`,
      added: delta.added.size,
      removed: delta.removed.size,
    });
  }
  if (delta.added.size > 0) record('Normal', 'PeerAdded', `${where} lists ${some(delta.added)} from now on.`, some(delta.added));
  if (delta.removed.size > 0) {
    record('Normal', 'PeerRemoved', `${where} no longer lists ${some(delta.removed)}.`, some(delta.removed));
  }
}

function some(pools: ReadonlySet<string>): string {
  const first = [...pools].sort().slice(0, 5).join(', ');
  return `${count(pools.size, 'pool')} (${first}${pools.size > 5 ? ', …' : ''})`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
