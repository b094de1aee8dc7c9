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
 * Nothing is published while an anchor is not known of a CA that is named, for a domain that no partner could meet, or for one
 * that is not valid.
 */
export async function publish(domain: TrustDomain, context: Context): Promise<Published> {
  const { client, stores, namespace, topology, now, log } = context;
  const { name: domainName, uid } = domain.metadata;
  if (topology.domainProblem(domainName) !== undefined) return { written: false };
  const { anchors, hasStrangers, until } = anchorsShown(domain, context);
  const unwritten = { written: false, ...(until === undefined ? {} : { lookAgainAt: until }) };
  if (anchors === undefined || anchors.length === 0) return unwritten;
  const known = trustBundle(anchors, now());
  const trustDomain = spiffeTrustDomain(domain);
  const name = publishedName(trustDomain);
  const existing = stores.configMaps.get({ namespace, name });
  const { annotations: held = {}, ownedDataKeys = [] } = existing?.metadata ?? {};
  const isOurs = held[annotation.owner] === uid && ['bundle.json', 'bundle.pem'].every((key) => ownedDataKeys.includes(key));
  const heldSince = decodePublishedSince(held[annotation.publishedSince]);
  const isRecorded = known.anchors.every(({ fingerprint }) => (heldSince.get(fingerprint) ?? Infinity) <= now());
  if (isOurs && isRecorded && (hasStrangers || held[annotation.trustHash] === known.hash)) return unwritten;
  const before = existing && readPublished((await client.get(configMaps, { namespace, name })).data);
  const kept = hasStrangers ? (before?.authorities ?? []).filter(({ fingerprint }) => heldSince.has(fingerprint)) : [];
  const { hash, anchors: authorities } = trustBundle([...anchors, ...kept], now());
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
  /** One may be shown whose CA nobody knows any more: it may lead to any that is published. */
  readonly hasStrangers: boolean;
  /** Epoch ms until which they are these, if nothing else changes. */
  readonly until: number | undefined;
}

/** Of the CAs that are named, of those whose certificates are in place, and of those whose certificates were until lately. */
function anchorsShown(domain: TrustDomain, { topology, authorities, trust, journal, now }: Context): Shown {
  const shown = new Set(trust.issuersInUse(domain.metadata.name, ['External']));
  const ends: number[] = [];
  let hasStrangers = false;
  for (const key of topology.serversOfRole(domain.metadata.name, 'Edge')) {
    const placement = topology.placement(key);
    if (placement?.listed !== true) continue;
    const { uid, namespace } = placement.server.metadata;
    const records = Map.groupBy(journal.recordsOf(uid), ({ secret }) => secret);
    for (const { audience, enterpriseCA, secretName } of certificateNeeds(placement.server, domain)) {
      if (audience !== 'edge-external') continue;
      shown.add(enterpriseCA);
      const issued = records.get(`${namespace}/${secretName}`) ?? [];
      for (const record of issued) {
        const end = shownUntil(record, issued, 'Secret');
        if (end <= now()) continue;
        ends.push(end);
        const issuer = authorities.known().find(({ keyIds }) => keyIds.includes(record.authority))?.enterpriseCA;
        if (issuer === undefined) hasStrangers = true;
        else shown.add(issuer);
      }
    }
  }
  const anchors = [...shown].map((enterpriseCA) => authorities.anchorsOf(enterpriseCA));
  return {
    anchors: anchors.some((each) => each === undefined) ? undefined : anchors.flatMap((each) => each ?? []),
    hasStrangers,
    until: earliest(ends),
  };
}
