// Publishes what partners must trust to believe our Edges: the anchors of the CAs whose certificates their external faces show.
import type { TrustDomain } from '../../api/v1alpha1/index.ts';
import { publishedData, publishedName, readPublished } from '../../federation/published-bundles.ts';
import { configMaps } from '../../kube/resource.ts';
import { annotation, managedBy } from '../../outputs/labels.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { certificateNeeds, spiffeTrustDomain } from '../../topology/names.ts';
import { trustBundle } from '../../trust/bundle.ts';
import { decodePublishedSince, encodePublishedSince, publishedWith } from '../../trust/published-since.ts';
import type { Context } from '../context.ts';

/**
 * Nothing is published while an anchor is not known, for a domain that no partner could meet, or for one whose names are
 * another’s: of two that have one trust domain, it is of the one that had it first. Returns whether it was written.
 */
export async function publish(domain: TrustDomain, context: Context): Promise<boolean> {
  const { client, stores, namespace, topology, now, log } = context;
  const { name: domainName, uid } = domain.metadata;
  if (topology.domainProblem(domainName) !== undefined) return false;
  const anchors = anchorsShown(domain, context);
  if (anchors === undefined || anchors.length === 0) return false;
  const { hash, anchors: authorities } = trustBundle(anchors, now());
  const trustDomain = spiffeTrustDomain(domain);
  const name = publishedName(trustDomain);
  const existing = stores.configMaps.get({ namespace, name });
  const publisher = existing?.metadata.annotations?.[annotation.owner];
  const isOurs = publisher === uid;
  const other = stores.trustDomains
    .list()
    .find((each) => each.metadata.uid === publisher && spiffeTrustDomain(each) === trustDomain);
  if (!isOurs && other !== undefined && topology.domainProblem(other.metadata.name) === undefined) {
    log.warn('bundle not published', { object: `TrustDomain ${domainName}`, trustDomain, publisher: other.metadata.name });
    return false;
  }
  const owned = isOurs && ['bundle.json', 'bundle.pem'].every((key) => existing?.metadata.ownedDataKeys?.includes(key) === true);
  const heldSince = decodePublishedSince(isOurs ? existing?.metadata.annotations?.[annotation.publishedSince] : undefined);
  const isRecorded = authorities.every(({ fingerprint }) => heldSince.has(fingerprint));
  if (owned && isRecorded && existing?.metadata.annotations?.[annotation.trustHash] === hash) return false;
  const before = existing && readPublished((await client.get(configMaps, { namespace, name })).data);
  // From the clock, so that it goes on growing where the ConfigMap was lost: partners take no sequence that goes back.
  const sequence = Math.max(Math.floor(now() / 1000), (before?.sequence ?? 0) + 1);
  const annotations = {
    [annotation.trustHash]: hash,
    [annotation.publishedBundle]: trustDomain,
    [annotation.publishedSince]: encodePublishedSince(publishedWith(heldSince, authorities, now())),
    [annotation.owner]: uid,
  };
  const data = publishedData({ authorities, sequence });
  stores.configMaps.apply(
    existing === undefined
      ? await client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace, labels: managedBy, annotations },
          data,
        })
      : await client.patch(
          configMaps,
          { namespace, name },
          { metadata: { resourceVersion: existing.metadata.resourceVersion, annotations }, data },
        ),
  );
  log.info('bundle published', {
    object: `TrustDomain ${domainName}`,
    trustDomain,
    anchors: authorities.length,
    sequence,
  });
  return true;
}

/** Of the CAs that are named, and of those whose certificates are still shown. */
function anchorsShown(domain: TrustDomain, { topology, authorities, trust }: Context): readonly Certificate[] | undefined {
  const named = [...topology.serversOfRole(domain.metadata.name, 'Edge')].flatMap((key) => {
    const placement = topology.placement(key);
    if (placement?.listed !== true) return [];
    return certificateNeeds(placement.server, domain)
      .filter(({ audience }) => audience === 'edge-external')
      .map(({ enterpriseCA }) => enterpriseCA);
  });
  const shown = new Set([...named, ...trust.issuersInUse(domain.metadata.name, ['External'])]);
  const anchors = [...shown].map((enterpriseCA) => authorities.anchorsOf(enterpriseCA));
  return anchors.some((each) => each === undefined) ? undefined : anchors.flatMap((each) => each ?? []);
}
