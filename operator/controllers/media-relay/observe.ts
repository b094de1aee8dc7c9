// Gathers everything that the plan for one relay needs, from caches alone, into one value.
import type { MediaRelay, TrustDomain } from '../../api/v1alpha1/index.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { label } from '../../outputs/labels.ts';
import type { NamespaceFacts } from '../../topology/admission.ts';
import type { Finding } from '../../topology/findings.ts';
import { findingsOfRelay } from '../../topology/findings-of-relay.ts';
import { type CertificateNeed, spiffeTrustDomain } from '../../topology/names.ts';
import { type Circumstances, circumstancesOf } from '../circumstances.ts';
import type { Context } from '../context.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { observeCertificate } from '../owned-certificate.ts';
import { type Credentials, observeCredentials } from './copies.ts';

export interface Observation extends Circumstances {
  readonly relay: MediaRelay;
  readonly namespace: NamespaceFacts | undefined;
  /** Absent, as the credentials, while there is no domain: what exists stays. */
  readonly certificate?: ObservedNeed;
  readonly credentials?: Credentials;
  /** Secrets with a certificate of this relay under a name that it had before. */
  readonly formerSecrets: readonly MetadataObject[];
  readonly findings: readonly Finding[];
}

export function observe(key: string, context: Context): Observation | undefined {
  const { topology, stores } = context;
  const placement = topology.relay(key);
  const relay = stores.mediaRelays.get(key);
  if (placement === undefined || relay === undefined) return undefined;
  const circumstances = circumstancesOf(relay, placement.admission, context);
  const { domain } = circumstances;
  const certificate = domain && observeRelayCertificate(relay, domain, context);
  const formerSecrets = stores.secrets
    .byIndex('owner', relay.metadata.uid)
    .filter(({ metadata }) => metadata.labels?.[label.use] !== undefined && metadata.name !== certificate?.need.secretName);
  return {
    relay,
    ...circumstances,
    namespace: topology.namespace(relay.metadata.namespace ?? ''),
    ...(certificate === undefined ? {} : { certificate }),
    ...(domain === undefined ? {} : { credentials: observeCredentials(relay, placement.listed, domain, context) }),
    formerSecrets,
    findings: findingsOfRelay(key, topology),
  };
}

function observeRelayCertificate(relay: MediaRelay, domain: TrustDomain, context: Context): ObservedNeed {
  const { authorities, trust } = context;
  const need = certificateNeed(relay, domain);
  return observeCertificate(
    relay,
    {
      need,
      state: authorities.get(need.enterpriseCA),
      trust: trust.of(domain.metadata.name, need.audience),
      trustPending: trust.pendingAnywhere(domain.metadata.name),
      declared: need.dnsNames,
      fips: domain.spec.security.fips === 'Required',
    },
    context,
  );
}

/** The one certificate of a relay: what clients that speak TLS to it see. */
export function certificateNeed({ metadata, spec }: MediaRelay, domain: TrustDomain): CertificateNeed {
  return {
    use: 'Default',
    secretName: spec.certificate.secretName ?? `${metadata.name}-tls`,
    enterpriseCA: domain.spec.enterpriseCA,
    profile: 'Server',
    dnsNames: [spec.fqdn],
    spiffeID: `spiffe://${spiffeTrustDomain(domain)}/media-relay/${spec.fqdn}`,
    formats: [],
    audience: 'edge',
  };
}
