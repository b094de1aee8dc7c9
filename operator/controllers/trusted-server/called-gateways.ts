// The gateways that a mediation server can call, and what it believes of each: apart from one another, since software that
// checks no names would take one for the other, or a gateway for a server of the domain.
import { kebabCase, type TrustDomain, type TrustedServer } from '../../api/v1alpha1/index.ts';
import { peersFile, trunkFile } from '../../outputs/trust-bundle.ts';
import type { Trunk } from '../../topology/trunk-standing.ts';
import { trunkCertificate, usesGatewayAuthority } from '../../topology/trunks.ts';
import { trustBundle } from '../../trust/bundle.ts';
import type { Context } from '../context.ts';

/** A gateway that can be called, and what is believed of it: nothing over TCP. */
export interface CalledGateway {
  readonly trunk: Trunk;
  readonly anchors?: string;
}

/** Whoever nothing is believed of is neither called nor let in. One that changes its CA is believed by either until it has. */
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
    const key = `${gateway.metadata.namespace}/${gateway.metadata.name}`;
    const shown = known?.shown.get(key);
    const scoped = known?.own.get(key)?.scoped ?? [];
    const isOwn = trunkCertificate(gateway.spec) === 'OwnAuthority';
    const byPool = usesGatewayAuthority(gateway.spec);
    const enterprise =
      shown?.enterprise === true || (!isOwn && !byPool) ? trust.of(metadata.name, kebabCase(trunk.pool.spec.role)) : undefined;
    const { pem } = trustBundle(
      [
        ...scoped.map(({ root }) => root),
        ...((byPool ? known?.roots : shown?.roots) ?? []),
        ...(enterprise?.bundle.anchors ?? []),
      ],
      now(),
      [...scoped.map(({ cross }) => cross), ...(enterprise?.bundle.crossCertificates ?? [])],
    );
    return pem === '' ? [] : [{ trunk, anchors: pem }];
  });
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
