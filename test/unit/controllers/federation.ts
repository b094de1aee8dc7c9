// A domain and its partners as the federated-partner controller observes them, and the controller's own loop over a plan: actions
// are carried out on records in memory, with real cross-certificates, until nothing is left to do.
import { type FederatedPartner, federatedPartner } from '../../../operator/api/v1alpha1/index.ts';
import { generateKeyPair, randomSerial } from '../../../operator/authorities/keys.ts';
import { crossData } from '../../../operator/controllers/federated-partner/cross-records.ts';
import type { FederationObservation, ObservedPartner } from '../../../operator/controllers/federated-partner/observe.ts';
import { type FederationAction, type FederationPlan, plan } from '../../../operator/controllers/federated-partner/plan.ts';
import { type Data, recordName } from '../../../operator/controllers/federated-partner/records.ts';
import { report } from '../../../operator/controllers/federated-partner/report.ts';
import { recordedIn, type SourceObservation } from '../../../operator/controllers/federated-partner/sources.ts';
import { federationFiles, renderedHash } from '../../../operator/controllers/federation-state.ts';
import { crossCertify } from '../../../operator/pki/cross-certificate.ts';
import { serverEnd } from '../../../operator/topology/link-media.ts';
import { type Forged, forge, now, type Wish } from '../pki/forge.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';

export { now };

/** A root of a partner, valid for ten years unless the wish says otherwise. */
export const rootOf = (subject: string, wish: Wish = {}): Forged =>
  forge({ ca: true, subject, notAfter: now + 3650 * 24 * 3_600_000, ...wish });

export const pemOf = (...authorities: readonly Forged[]): string =>
  authorities.map(({ certificate }) => certificate.pem).join('');

type Spec = Readonly<Record<string, unknown>>;

/** Of contoso, mode Direct with the edge `sip.<name>.com`, unless the spec says otherwise; each younger than the one made before. */
export function partnerOf(name: string, spec: Spec = {}): FederatedPartner {
  const mode = spec['mode'] ?? 'Direct';
  age += 1;
  return {
    apiVersion: 'trustmesh.io/v1alpha1',
    kind: 'FederatedPartner',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: new Date(now + age * 1000).toISOString(),
    },
    spec: federatedPartner.spec.parse({
      trustDomain: 'contoso',
      mode,
      ...(mode === 'Discovered' ? {} : { sipDomains: [`${name}.com`] }),
      ...(mode === 'Direct' || mode === 'HostingProvider' ? { accessEdge: { fqdn: `sip.${name}.com` } } : {}),
      ...spec,
    }),
  };
}
let age = 0;

/** A ConfigMap or an endpoint, with a record of its own. */
export function sourceOf(partner: string, changes: Partial<SourceObservation> = {}): SourceObservation {
  return { from: `ConfigMap ${partner}`, record: recordName('contoso', 'source', partner), polled: true, ...changes };
}

/** With these anchors in `spec`, and whatever else was observed. */
export function observed(
  partner: FederatedPartner,
  anchors: readonly Forged[] | string = [],
  changes: Partial<ObservedPartner> = {},
): ObservedPartner {
  const pem = typeof anchors === 'string' ? anchors : pemOf(...anchors);
  const own: SourceObservation = { from: 'spec.trust.anchors[0].pem', current: { pem }, polled: false };
  return { partner, sources: pem === '' ? [] : [own], lookups: [], lists: [], ...changes };
}

export function federationOf(
  partners: readonly ObservedPartner[],
  changes: Partial<FederationObservation> = {},
): FederationObservation {
  return {
    name: 'contoso',
    domain: trustDomain('contoso'),
    partners,
    records: new Map(),
    unreadable: new Map(),
    failed: new Map(),
    unwritten: new Map(),
    ours: { certificates: [ours.certificate], keyIds: [] },
    ourNames: { domains: ['contoso.com'], names: ['edge.elsewhere.com'] },
    edges: [],
    ...changes,
  };
}
export const ours = rootOf('Contoso Root');

export interface Settled {
  readonly observation: FederationObservation;
  readonly planned: FederationPlan;
  /** Everything that was done on the way. */
  readonly done: readonly FederationAction[];
}

/** What the controller comes to rest at. */
export function settle(observation: FederationObservation, at = now): Settled {
  const records = new Map(observation.records);
  const done: FederationAction[] = [];
  for (let round = 0; round < 4; round++) {
    const current = { ...observation, partners: observation.partners.map((each) => remembering(each, records)), records };
    const planned = plan(current, at);
    if (planned.actions.length === 0) return { observation: current, planned, done };
    for (const action of planned.actions) carryOut(action, records, at);
    done.push(...planned.actions);
  }
  throw new Error(`it never comes to rest: ${JSON.stringify(done.map(({ kind, record }) => [kind, record]))}`);
}

function carryOut(action: FederationAction, records: Map<string, Data>, at: number): void {
  if (action.kind === 'Remove') records.delete(action.record);
  else if (action.kind !== 'CrossCertify') records.set(action.record, action.data);
  else {
    const { certificate, permitted, excluded } = action.authority;
    const federationKeys = generateKeyPair({ algorithm: 'ECDSA', size: 256 });
    const serials = { root: randomSerial() };
    const made = crossCertify({ partnerCA: certificate, permitted, excluded, now: at, federationKeys, serials });
    records.set(action.record, crossData(action.authority, made));
  }
}

/** As the next look sees it: what a source brought is recorded. */
function remembering(partner: ObservedPartner, records: ReadonlyMap<string, Data>): ObservedPartner {
  return {
    ...partner,
    sources: partner.sources.map((source) => {
      const recorded = source.record === undefined ? undefined : recordedIn(records.get(source.record));
      return recorded === undefined ? source : { ...source, recorded };
    }),
  };
}

/** The status of a partner at rest, with one Edge that holds everything, unless it is told otherwise. */
export function statusOf(name: string, settled: Settled, edges?: FederationObservation['edges'], at = now) {
  const { observation, planned } = settled;
  const decision = planned.decisions.find(({ partner }) => partner.metadata.name === name);
  if (decision === undefined) throw new Error(`nothing was decided about ${name}`);
  return report({ ...observation, edges: edges ?? [edgeWith(planned)] }, planned, decision, at);
}

/** An Edge that holds what was planned. */
export function edgeWith({ federation }: FederationPlan) {
  const { hash } = federation.bundle;
  return {
    key: 'media/edge',
    bundle: { object: 'ConfigMap media/trustmesh-contoso-edge-external', hash, files: federationFiles(federation).hash },
    secrets: [{ object: 'Secret media/edge-access-edge-external-tls', hash }],
    rendered: { object: 'ConfigMap media/edge-trust', hash: renderedHash(federation, true), listensForAnybody: true },
    media: serverEnd(trustedServer('edge', 'Edge')),
  } satisfies FederationObservation['edges'][number];
}

/** `Type Status Reason` of each condition that the status has. */
export function conditionsOf({ conditions = [] }: ReturnType<typeof statusOf>): readonly string[] {
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

/** The message of a condition. */
export function messageOf({ conditions = [] }: ReturnType<typeof statusOf>, type: string): string {
  return conditions.find((condition) => condition.type === type)?.message ?? `no condition ${type}`;
}
