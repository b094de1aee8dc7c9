// The gateways that a mediation server can call, and what it believes of each: apart from one another, since software that
// checks no names would take one for the other, or a gateway for a server of the domain.
import { kebabCase, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import { peersFile, trunkFile } from '../../outputs/trust-bundle.ts';
import type { FederationTrust } from '../../pki/cross-certificate.ts';
import type { Trunk } from '../../topology/trunk-standing.ts';
import { trunkCertificate, usesGatewayAuthority } from '../../topology/trunks.ts';
import { type TrustBundle, trustBundle } from '../../trust/bundle.ts';
import type { Context } from '../context.ts';

/** A gateway that can be called, and what is believed of it: nothing over TCP. */
export interface CalledGateway {
  readonly trunk: Trunk;
  readonly anchors?: string;
}

/** Whoever nothing is believed of is neither called nor let in. */
export function calledGateways(
  server: string,
  { metadata }: TrustDomain,
  trunks: readonly Trunk[],
  { trunks: state, trust, now }: Context,
): readonly CalledGateway[] {
  const known = state.of(server);
  return trunks.flatMap((trunk): CalledGateway[] => {
    const { gateway } = trunk;
    if (gateway.spec.transport === 'TCP') return [{ trunk }];
    const scoped = known?.own.get(`${gateway.metadata.namespace}/${gateway.metadata.name}`)?.scoped ?? [];
    const bundle =
      trunkCertificate(gateway.spec) === 'OwnAuthority'
        ? scopedBundle(scoped, now())
        : usesGatewayAuthority(gateway.spec)
          ? trustBundle(known?.roots ?? [], now())
          : trust.of(metadata.name, kebabCase(trunk.pool.spec.role))?.bundle;
    return bundle === undefined || bundle.pem === '' ? [] : [{ trunk, anchors: bundle.pem }];
  });
}

function scopedBundle(scoped: readonly FederationTrust[], now: number): TrustBundle {
  return trustBundle(
    scoped.map(({ root }) => root),
    now,
    scoped.map(({ cross }) => cross),
  );
}

/** What calling takes, apart for each whom it calls, where ca.crt holds all of them. */
export function anchorFiles(
  gateways: readonly CalledGateway[],
  { spec }: TrustedServer,
  { metadata }: TrustDomain,
  { trust }: Context,
): Readonly<Record<string, string>> {
  if (gateways.length === 0) return {};
  return {
    [peersFile]: trust.of(metadata.name, kebabCase(spec.role))?.bundle.pem ?? '',
    ...Object.fromEntries(
      gateways.flatMap(({ trunk, anchors }) =>
        anchors === undefined ? [] : [[trunkFile(trunk.gateway.metadata.name), anchors]],
      ),
    ),
  };
}
