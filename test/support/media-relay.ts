// A media relay in namespace perimeter and its registrars in namespace media, and what tests look at: whose copies hold which
// secrets.
import { createHmac } from 'node:crypto';
import { type MediaRelay, roles } from '../../operator/api/v1alpha1/index.ts';
import { mediaRelays, type Secret, secrets } from '../../operator/kube/resource.ts';
import { domainManifest, enterpriseCAManifest, mediaNamespace, type Trustmesh, textOf } from './installation.ts';
import type { TurnCredential } from './turn-client.ts';
import { waitFor } from './wait.ts';

const named = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });

/** Two namespaces and a TrustDomain `contoso`: servers of every role in media, Edges and relays in perimeter. */
export const contosoWithPerimeter =
  mediaNamespace +
  `${JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'perimeter' } })}\n---\n` +
  enterpriseCAManifest('contoso', { managed: {} }) +
  domainManifest('contoso', {
    admission: [
      { namespaceSelector: named('media'), roles, names: ['*.contoso.com'] },
      { namespaceSelector: named('perimeter'), roles: ['Edge'], names: ['*.contoso.com'] },
    ],
  });

/** A MediaRelay in namespace perimeter. */
export function relayManifest(name: string, spec: Readonly<Record<string, unknown>> = {}): string {
  const whole = { trustDomain: 'contoso', fqdn: `${name}.contoso.com`, ...spec };
  const metadata = { name, namespace: 'perimeter' };
  return `${JSON.stringify({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'MediaRelay', metadata, spec: whole })}\n---\n`;
}

/** Waits until a relay's status, as it is now, is as wanted; by default until it is Ready. */
export async function relayWhen(
  trustmesh: Trustmesh,
  name: string,
  what = 'Ready',
  holds: (relay: MediaRelay) => boolean = isReady,
  limitMs = 30_000,
): Promise<MediaRelay> {
  let seen: MediaRelay | undefined;
  return await waitFor(
    `MediaRelay perimeter/${name} to be ${what}`,
    async () => {
      seen = await trustmesh.find(mediaRelays, { namespace: 'perimeter', name });
      const current = seen?.status?.observedGeneration === seen?.metadata.generation;
      return seen !== undefined && current && holds(seen) ? seen : undefined;
    },
    { limitMs, seen: () => seen?.status ?? 'no such relay' },
  );
}

export function isReady({ status }: MediaRelay): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}

/** Whatever is written to its status meanwhile. */
export async function patchRelay(trustmesh: Trustmesh, name: string, spec: object): Promise<void> {
  const path = `/apis/trustmesh.io/v1alpha1/namespaces/perimeter/mediarelays/${name}`;
  await trustmesh.admin.request('PATCH', path, { spec }, { contentType: 'application/merge-patch+json' });
}

/** The secrets that a relay's Secret accepts, oldest first. */
function acceptedIn(secret: Secret): readonly string[] {
  return Object.keys(secret.data ?? {})
    .filter((key) => key.startsWith('secret-'))
    .sort()
    .map((key) => textOf(secret, key).trimEnd());
}

export async function accepted(trustmesh: Trustmesh, relay: string): Promise<readonly string[]> {
  return acceptedIn(await trustmesh.secret('perimeter', `${relay}-credentials`));
}

/** The secret that a registrar in namespace media presents; undefined while it has none. */
export async function presented(trustmesh: Trustmesh, registrar: string, relay: string): Promise<string | undefined> {
  const copy = await trustmesh.find(secrets, { namespace: 'media', name: `${registrar}-relay-${relay}.perimeter` });
  return copy === undefined ? undefined : textOf(copy, 'secret');
}

/** What a registrar makes for a user (draft-uberti-behave-turn-rest-00). */
export function credential(secret: string, { user = 'alice', seconds = 600 } = {}): TurnCredential {
  const username = `${Math.floor(Date.now() / 1000) + seconds}:${user}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}
