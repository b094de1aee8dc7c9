// Publishes what partners must trust to believe our Edges: the anchors of the CAs whose certificates their external faces show, or
// may still show.
import type { TrustDomain } from '../../api/v1alpha1/index.ts';
import { publishedData, publishedName, readPublished } from '../../federation/published-bundles.ts';
import { configMaps } from '../../kube/resource.ts';
import { annotation, managedBy } from '../../outputs/labels.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { certificateNeeds, spiffeTrustDomain } from '../../topology/names.ts';
import { trustBundle } from '../../trust/bundle.ts';
import { decodePublishedSince, encodePublishedSince, publishedWith } from '../../trust/published-since.ts';
import type { Context } from '../context.ts';
import { shownUntil } from '../handover.ts';
import { earliest } from '../requeue.ts';

export interface Published {
  readonly written: boolean;
  /** Epoch ms at which time alone makes it another. */
  readonly lookAgainAt?: number;
}

/**
 * Nothing is published while an anchor is not known, for a domain that no partner could meet, or for one whose names are
 * another’s: of two that have one trust domain, it is of the one that had it first.
 */
export async function publish(domain: TrustDomain, context: Context): Promise<Published> {
  const { client, stores, namespace, topology, now, log } = context;
  const { name: domainName, uid } = domain.metadata;
  if (topology.domainProblem(domainName) !== undefined) return { written: false };
  const { anchors, until } = anchorsShown(domain, context);
  const unwritten = { written: false, ...(until === undefined ? {} : { lookAgainAt: until }) };
  if (anchors === undefined || anchors.length === 0) return unwritten;
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
    return unwritten;
  }
  const owned = isOurs && ['bundle.json', 'bundle.pem'].every((key) => existing?.metadata.ownedDataKeys?.includes(key) === true);
  const heldSince = decodePublishedSince(isOurs ? existing?.metadata.annotations?.[annotation.publishedSince] : undefined);
  const isRecorded = authorities.every(({ fingerprint }) => heldSince.has(fingerprint));
  if (owned && isRecorded && existing?.metadata.annotations?.[annotation.trustHash] === hash) return unwritten;
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
  return { ...unwritten, written: true };
}

interface Shown {
  /** Undefined while those of one CA are not known. */
  readonly anchors: readonly Certificate[] | undefined;
  /** Epoch ms until which they are these, if nothing else changes. */
  readonly until: number | undefined;
}

/** Of the CAs that are named, of those whose certificates are in place, and of those whose certificates were until lately. */
function anchorsShown(domain: TrustDomain, { topology, authorities, trust, journal, now }: Context): Shown {
  const shown = new Set(trust.issuersInUse(domain.metadata.name, ['External']));
  const ends: number[] = [];
  for (const key of topology.serversOfRole(domain.metadata.name, 'Edge')) {
    const placement = topology.placement(key);
    if (placement?.listed !== true) continue;
    const { uid, namespace } = placement.server.metadata;
    for (const { audience, enterpriseCA, secretName } of certificateNeeds(placement.server, domain)) {
      if (audience !== 'edge-external') continue;
      shown.add(enterpriseCA);
      const issued = journal.recordsOf(uid).filter(({ secret }) => secret === `${namespace}/${secretName}`);
      for (const record of issued.slice(0, -1)) {
        const end = shownUntil(record, issued, 'Secret');
        const issuer = authorities.known().find(({ keyIds }) => keyIds.includes(record.authority))?.enterpriseCA;
        if (end <= now() || issuer === undefined) continue;
        shown.add(issuer);
        ends.push(end);
      }
    }
  }
  const anchors = [...shown].map((enterpriseCA) => authorities.anchorsOf(enterpriseCA));
  return {
    anchors: anchors.some((each) => each === undefined) ? undefined : anchors.flatMap((each) => each ?? []),
    until: earliest(ends),
  };
}
