// Gathers everything that the plan for one gateway needs, from caches alone, into one value.
import { kebabCase, type MediaGateway } from '../../api/v1alpha1/index.ts';
import type { AuthorityState } from '../../authorities/authority.ts';
import type { MetadataObject } from '../../kube/resource.ts';
import { label } from '../../outputs/labels.ts';
import type { CertificateNeed } from '../../topology/names.ts';
import { type Standing, standingOf, type Trunk } from '../../topology/trunk-standing.ts';
import {
  gatewaySpiffeID,
  type TrunkFinding,
  trunkCertificate,
  trunkFindings,
  trunkSecretName,
  usesGatewayAuthority,
} from '../../topology/trunks.ts';
import type { AudienceTrust } from '../../trust/anchors.ts';
import { type Circumstances, circumstancesOf } from '../circumstances.ts';
import type { Context } from '../context.ts';
import type { ObservedNeed } from '../observed-need.ts';
import { observeCertificate } from '../owned-certificate.ts';
import type { LostAuthority, OwnAuthority } from '../trunk-state.ts';
import { type ObservedRequest, observeRequest } from './request.ts';

/** How the gateway comes to its certificate, and what is there of it. */
export type Way =
  | { readonly kind: 'None' }
  | { readonly kind: 'Secret'; readonly need: ObservedNeed }
  /** `lost`: what it may still show is from these. */
  | ({ readonly kind: 'Request'; readonly lost: readonly LostAuthority[] } & ObservedRequest)
  /** `own` is absent while its pool was not looked at. */
  | { readonly kind: 'OwnAuthority'; readonly own?: OwnAuthority; readonly distributed: string | undefined };

export interface Observation extends Circumstances {
  readonly gateway: MediaGateway;
  readonly standing: Standing;
  /** Absent where it has no place in the topology: what was issued stays. */
  readonly way?: Way;
  /** Secrets of this gateway that it asks for no more. */
  readonly leftovers: readonly MetadataObject[];
  readonly findings: readonly TrunkFinding[];
}

export function observe(key: string, context: Context): Observation | undefined {
  const { topology, stores } = context;
  const placement = topology.gateway(key);
  const gateway = stores.mediaGateways.get(key);
  if (placement === undefined || gateway === undefined) return undefined;
  const standing = standingOf(placement, topology);
  const way = standing.stands ? observeWay({ ...standing, gateway }, context) : undefined;
  const wanted = way?.kind === 'Secret' ? way.need.need.secretName : undefined;
  return {
    gateway,
    standing,
    ...circumstancesOf(gateway, placement.admission, context),
    ...(way === undefined ? {} : { way }),
    leftovers: stores.secrets
      .byIndex('owner', gateway.metadata.uid)
      .filter(({ metadata }) => metadata.labels?.[label.use] !== undefined && metadata.name !== wanted),
    findings: standing.stands ? trunkFindings(gateway, standing.pool, standing.domain) : [],
  };
}

function observeWay(trunk: Trunk, context: Context): Way {
  const kind = trunkCertificate(trunk.gateway.spec);
  const { trunks } = context;
  const pool = `${trunk.pool.metadata.namespace}/${trunk.pool.metadata.name}`;
  switch (kind) {
    case 'None':
      return { kind };
    case 'OwnAuthority': {
      const own = trunks.of(pool)?.own.get(`${trunk.gateway.metadata.namespace}/${trunk.gateway.metadata.name}`);
      return { kind, ...(own === undefined ? {} : { own }), distributed: poolPending(trunk, context) };
    }
    case 'Secret':
    case 'Request': {
      const { gateway, domain } = trunk;
      const need = certificateNeed(trunk);
      const wanted = {
        need,
        state: authorityFor(trunk, pool, context),
        trust: trustOf(trunk, context),
        trustPending: usesGatewayAuthority(gateway.spec) ? poolPending(trunk, context) : enterprisePending(trunk, context),
        declared: need.dnsNames,
        fips: domain.spec.security.fips === 'Required',
      };
      if (kind === 'Secret') return { kind, need: observeCertificate(gateway, wanted, context) };
      const shown = trunks.of(pool)?.shown.get(`${gateway.metadata.namespace}/${gateway.metadata.name}`);
      return { kind, lost: shown?.lost ?? [], ...observeRequest(gateway, wanted, context) };
    }
  }
}

/** The one certificate of a gateway. */
function certificateNeed({ gateway, domain, pool }: Trunk): CertificateNeed {
  const { fqdn } = gateway.spec;
  return {
    use: 'Default',
    secretName: trunkSecretName(gateway),
    enterpriseCA: domain.spec.enterpriseCA,
    profile: 'Server',
    dnsNames: [fqdn],
    spiffeID: gatewaySpiffeID(domain, gateway.spec),
    formats: [],
    audience: kebabCase(pool.spec.role),
  };
}

function authorityFor({ gateway, domain }: Trunk, pool: string, { authorities, trunks }: Context): AuthorityState {
  if (!usesGatewayAuthority(gateway.spec)) return authorities.get(domain.spec.enterpriseCA);
  return (
    trunks.of(pool)?.authority ?? {
      available: false,
      reason: 'Creating',
      message: `The gateway authority of ${pool} was not looked at yet.`,
    }
  );
}

/** What the gateway must trust to believe its pool: the enterprise alone, and not the CA that its own certificate is from. */
function trustOf({ domain, pool }: Trunk, { trust }: Context): AudienceTrust | undefined {
  return trust.of(domain.metadata.name, kebabCase(pool.spec.role));
}

/** Nobody but the pool meets the certificate: it is the pool that must trust its CA before. */
function poolPending({ pool }: Trunk, { trust, trunks, stores, now }: Context): string | undefined {
  const wanted = trust.ofServer(pool);
  const key = `${pool.metadata.namespace}/${pool.metadata.name}`;
  if (wanted === undefined || wanted.unknown.length > 0) return `What TrustedServer ${key} trusts is not known yet.`;
  return trunks.pending(key, stores.secrets.byIndex('owner', pool.metadata.uid), wanted.bundle.hash, now());
}

function enterprisePending({ domain, pool }: Trunk, { trust }: Context): string | undefined {
  return trust.pending(domain.metadata.name, kebabCase(pool.spec.role), pool.metadata.namespace ?? '');
}
