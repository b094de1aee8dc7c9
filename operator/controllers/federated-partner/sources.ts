// Reads where a partner's anchors come from. What was read once stays when its source is out of reach or spoilt: a missing
// ConfigMap or a broken endpoint takes no partner's trust away, and blocking a partner does.
import { z } from 'zod';
import type { FederatedPartner } from '../../api/v1alpha1/index.ts';
import type { BundleEndpoint } from '../../federation/bundle-endpoint-client.ts';
import type { Inquiries } from '../../federation/inquiries.ts';
import { ApiError, isApiError } from '../../kube/errors.ts';
import { type ConfigMap, configMaps, type Secret, secrets } from '../../kube/resource.ts';
import type { Context } from '../context.ts';
import type { EndpointAnswer, HeldBundle } from './endpoint.ts';
import { type Data, recordName } from './records.ts';

export interface SourceObservation {
  /** As messages call it. */
  readonly from: string;
  /** What is there now; absent where it cannot be had, and then `problem` says why. */
  readonly current?: SourceContent;
  /** What was last taken from it, where that is recorded. */
  readonly recorded?: SourceContent;
  readonly problem?: string;
  /** The name of its record; absent for what lies in the partner itself. */
  readonly record?: string;
  /** It is not watched, and so read again. */
  readonly polled: boolean;
}

export interface SourceContent {
  readonly pem: string;
  readonly sequence?: number;
  /** When it was first read as it is, epoch ms. */
  readonly since?: number;
}

/** Octets of one source: eight CA certificates take far less. */
const mostOctets = 256 * 1024;

type AnchorSpec = FederatedPartner['spec']['trust']['anchors'][number];
export type Endpoints = Inquiries<BundleEndpoint, EndpointAnswer>;

export interface SourceReading {
  readonly sources: readonly SourceObservation[];
  readonly endpoints: readonly BundleEndpoint[];
  /** Epoch ms at which an endpoint is asked again. */
  readonly lookAgainAt?: number;
}

export async function readSources(
  partner: FederatedPartner,
  records: ReadonlyMap<string, Data>,
  endpoints: Endpoints,
  context: Context,
): Promise<SourceReading> {
  const { name } = partner.metadata;
  const { trustDomain, trust } = partner.spec;
  const read = await Promise.all(
    trust.anchors.map(async (spec, index) => {
      const { pem, configMapRef, secretRef, bundleEndpoint } = spec;
      if (pem !== undefined)
        return {
          source: { from: `spec.trust.anchors[${index}].pem`, current: { pem }, polled: false } satisfies SourceObservation,
        };
      // By where it is, not by how it is believed: whoever changes a pin goes on with what was taken from there.
      const record = recordName(trustDomain, 'source', JSON.stringify([name, ...placeOf(spec)]));
      const recorded = recordedIn(records.get(record));
      const known = { record, ...(recorded === undefined ? {} : { recorded }) };
      if (bundleEndpoint !== undefined) {
        const reply = endpoints.read(bundleEndpoint, trustDomain, recorded && { held: asHeld(recorded) });
        return {
          endpoint: bundleEndpoint,
          askAgainAt: reply.askAgainAt,
          source: { ...known, ...endpointSource(bundleEndpoint, reply.answer), polled: false } satisfies SourceObservation,
        };
      }
      return { source: { ...known, ...(await objectSource({ configMapRef, secretRef }, context)), polled: true } };
    }),
  );
  const times = read.flatMap((each) => ('askAgainAt' in each && each.askAgainAt !== undefined ? [each.askAgainAt] : []));
  return {
    sources: read.map(({ source }) => source),
    endpoints: read.flatMap((each) => ('endpoint' in each ? [each.endpoint] : [])),
    ...(times.length === 0 ? {} : { lookAgainAt: Math.min(...times) }),
  };
}

function placeOf({ configMapRef, secretRef, bundleEndpoint }: AnchorSpec): readonly string[] {
  if (bundleEndpoint !== undefined) return ['bundleEndpoint', bundleEndpoint.url];
  if (configMapRef !== undefined) return ['configMapRef', configMapRef.namespace, configMapRef.name, configMapRef.key];
  return ['secretRef', secretRef?.name ?? '', secretRef?.key ?? ''];
}

/** What a record keeps of a source, for the partner of this name. `pem` is of certificates that are believed, and nothing else. */
export function recordOf(partner: string, { pem, sequence, since }: SourceContent, now: number): Data {
  const facts = { since: since ?? now, ...(sequence === undefined ? {} : { sequence }) };
  return { partner, 'ca.crt': pem, 'facts.json': JSON.stringify(facts) };
}

/** Whether a record is of a source of one of these partners. */
export function isSourceOf(partners: ReadonlySet<string>, { partner }: Data): boolean {
  return partner !== undefined && partners.has(partner);
}

const facts = z.object({ since: z.number(), sequence: z.number().optional() });

/** What a record keeps. */
export function recordedIn(data: Data | undefined): SourceContent | undefined {
  const pem = data?.['ca.crt'];
  if (pem === undefined) return undefined;
  try {
    const { since, sequence } = facts.parse(JSON.parse(data?.['facts.json'] ?? ''));
    return { pem, since, ...(sequence === undefined ? {} : { sequence }) };
  } catch {
    // Somebody edited it: without its facts, the certificates are what counts.
    return { pem };
  }
}

function asHeld({ pem, sequence, since = 0 }: SourceContent): HeldBundle {
  return { pem, since, refreshMs: 0, ...(sequence === undefined ? {} : { sequence }) };
}

function endpointSource(
  { url }: BundleEndpoint,
  answer: EndpointAnswer | undefined,
): Pick<SourceObservation, 'from' | 'current' | 'problem'> {
  const from = `the bundle endpoint ${url}`;
  if (answer === undefined) return { from, problem: `The bundle endpoint ${url} was not heard yet.` };
  const { held, failure } = answer;
  const taken = held === undefined ? {} : bounded(from, held);
  return { from, ...taken, ...(failure === undefined ? {} : { problem: failure }) };
}

function bounded<C extends SourceContent>(from: string, content: C): Pick<SourceObservation, 'current' | 'problem'> {
  const octets = Buffer.byteLength(content.pem);
  if (octets <= mostOctets) return { current: content };
  const problem = `${from} holds ${Math.ceil(octets / 1024)} KiB: more than ${mostOctets / 1024} KiB are no CA certificates of a partner.`;
  return { problem };
}

async function objectSource(
  { configMapRef, secretRef }: Pick<AnchorSpec, 'configMapRef' | 'secretRef'>,
  { client, namespace: own }: Context,
): Promise<Pick<SourceObservation, 'from' | 'current' | 'problem'>> {
  const { key, ...reference } = configMapRef ?? { namespace: own, name: '', key: '', ...secretRef };
  const from = `${configMapRef === undefined ? 'Secret' : 'ConfigMap'} ${reference.namespace}/${reference.name}`;
  let object: ConfigMap | Secret;
  try {
    object = await (configMapRef === undefined ? client.get(secrets, reference) : client.get(configMaps, reference));
  } catch (error) {
    if (isApiError(error, 'NotFound')) return { from, problem: `${from} does not exist.` };
    if (isApiError(error, 'Forbidden'))
      return { from, problem: `${from} may not be read: its namespace is not among those watched.` };
    if (!(error instanceof ApiError) || error.reason === 'Fenced') throw error;
    // Whatever it is, it is this partner's alone.
    return { from, problem: `${from} cannot be read now: ${error.message}` };
  }
  const value = object.data?.[key];
  if (value === undefined) return { from, problem: `${from} has no key ${key}.` };
  return { from, ...bounded(from, { pem: configMapRef === undefined ? Buffer.from(value, 'base64').toString() : value }) };
}
