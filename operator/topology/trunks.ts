// What a trunk between a mediation pool and a media gateway is: where it is reached, what its media is, and what is to be said
// of it. Defaults of ports: Microsoft, "Define a PSTN gateway in Topology Builder" (Skype for Business Server).
import type { MediaGateway, Role, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import { inWords } from './findings.ts';
import { gatewayEnd, inTheClear, type LinkMedia, linkMedia, serverEnd } from './link-media.ts';
import { gatewayLevel, type MediaCondition } from './media-level.ts';
import { spiffeTrustDomain } from './names.ts';

/** The roles whose servers have trunks. */
export const trunkRoles: readonly Role[] = ['Mediation', 'SurvivableBranch'];

type GatewaySpec = MediaGateway['spec'];

const defaultPorts = { TLS: 5067, TCP: 5066 } as const;
/** A branch appliance is gateway and pool in one, and has the pool's ports for the pool. */
const branchPorts = { TLS: 5082, TCP: 5081 } as const;

/** Where the gateway listens. `role` is that of the server at the other end. */
export function trunkPort({ port, transport }: GatewaySpec, role: Role): number {
  return port ?? (role === 'SurvivableBranch' ? branchPorts : defaultPorts)[transport];
}

/** Whether the domain lets it be reached as it is: over TLS always, and then mutual. */
export function allowsTransport({ spec: { traffic } }: TrustDomain, { transport }: Pick<GatewaySpec, 'transport'>): boolean {
  return transport === 'TLS' || traffic.mediationToGateway === 'TCP';
}

/** What media on the trunk is. `pool`: the server at the other end. */
export function trunkMedia(gateway: MediaGateway, pool: TrustedServer, domain: TrustDomain): LinkMedia {
  return linkMedia(serverEnd(pool), gatewayEnd(gateway), domain);
}

/** How a gateway comes to its certificate. */
export type TrunkCertificate = 'None' | 'Secret' | 'Request' | 'OwnAuthority';

export function trunkCertificate({ transport, certificate }: GatewaySpec): TrunkCertificate {
  if (transport === 'TCP') return 'None';
  if (certificate?.trustAnchors !== undefined) return 'OwnAuthority';
  return certificate?.csr === undefined ? 'Secret' : 'Request';
}

/** Whether its certificate comes from the gateway authority of its pool, which nobody but the pool trusts. */
export function usesGatewayAuthority(spec: GatewaySpec): boolean {
  const way = trunkCertificate(spec);
  return (way === 'Secret' || way === 'Request') && spec.certificate?.issuer !== 'EnterpriseCA';
}

/** `<gateway>-tls`, unless it is given. */
export function trunkSecretName({ metadata, spec }: MediaGateway): string {
  return spec.certificate?.secretName ?? `${metadata.name}-tls`;
}

/** `spiffe://<trust domain>/media-gateway/<fqdn>`. */
export function gatewaySpiffeID(domain: TrustDomain, { fqdn }: GatewaySpec): string {
  return `spiffe://${spiffeTrustDomain(domain)}/media-gateway/${fqdn}`;
}

/** Something about a trunk that somebody should know, though it works. */
export interface TrunkFinding {
  readonly condition: 'LinkEncrypted' | 'MediaEncrypted' | 'CertificateTrusted';
  readonly reason: 'PlainTCP' | 'PlainTCPNotAllowed' | MediaCondition['reason'] | 'IssuedByEnterpriseCA';
  /** What was seen, and what to do. */
  readonly message: string;
}

/** Everything that is to be said of a trunk, from what is declared alone. */
export function trunkFindings(gateway: MediaGateway, pool: TrustedServer, domain: TrustDomain): readonly TrunkFinding[] {
  const { spec } = gateway;
  return [linkFinding(spec, pool, domain), mediaFinding(gateway, pool, domain), issuerFinding(spec)].filter(
    (finding) => finding !== undefined,
  );
}

function linkFinding(
  spec: GatewaySpec,
  { spec: { poolFQDN, role } }: TrustedServer,
  domain: TrustDomain,
): TrunkFinding | undefined {
  if (spec.transport === 'TLS') return undefined;
  const link = `${poolFQDN} and ${spec.fqdn}:${trunkPort(spec, role)}`;
  const remedy = 'Set spec.transport to TLS if the gateway can do it, which then means mutual TLS.';
  return allowsTransport(domain, spec)
    ? {
        condition: 'LinkEncrypted',
        reason: 'PlainTCP',
        message: `Calls between ${link} are set up over TCP, in the clear, as TrustDomain ${domain.metadata.name} allows. ${remedy}`,
      }
    : {
        condition: 'LinkEncrypted',
        reason: 'PlainTCPNotAllowed',
        message:
          `Calls between ${link} are set up over TCP, in the clear, and TrustDomain ${domain.metadata.name} wants TLS there. ` +
          `${remedy} Else set traffic.mediationToGateway of the domain to TCP, to say that it is meant.`,
      };
}

function mediaFinding(gateway: MediaGateway, pool: TrustedServer, domain: TrustDomain): TrunkFinding | undefined {
  const { fqdn } = gateway.spec;
  const media = trunkMedia(gateway, pool, domain);
  const { level, condition, because } = media;
  const finding = (message: string): TrunkFinding => ({ condition: 'MediaEncrypted', reason: condition.reason, message });
  const server = inWords({ kind: 'TrustedServer', namespace: pool.metadata.namespace ?? '', name: pool.metadata.name });
  const hasNone = gatewayLevel(gateway.spec) === 'NotSupported';
  switch (level) {
    case 'Required':
      return undefined;
    case 'Supported':
      return finding(
        `Media with ${fqdn} is SRTP where it is offered, and a call without it is set up too: ${because}. Set srtp to Required, or media.encryptionLevel of ${server}.`,
      );
    case 'NotSupported': {
      const clear = inTheClear(fqdn, media, domain);
      if (condition.reason !== 'SRTPNotPossible') return finding(clear);
      const remedy = hasNone
        ? `Use transport TLS and srtp Required or Optional, if the gateway can. To have no such calls, set media.encryptionLevel of ${server} to Required.`
        : `Leave media.encryptionLevel of ${server} out, unless that is meant.`;
      return finding(`${clear} ${remedy}`);
    }
    case 'None': {
      const remedy = hasNone
        ? `Use transport TLS and srtp Required or Optional, if the gateway can. If it cannot, and media in the clear is meant, set media.encryptionLevel of ${server} to Supported, or leave it out.`
        : `Set media.encryptionLevel of ${server} to Supported or Required, or leave it out.`;
      return finding(`No call with media is set up with ${fqdn}: ${because}. ${remedy}`);
    }
    default:
      return level satisfies never;
  }
}

function issuerFinding(spec: GatewaySpec): TrunkFinding | undefined {
  const way = trunkCertificate(spec);
  if (spec.certificate?.issuer !== 'EnterpriseCA' || (way !== 'Secret' && way !== 'Request')) return undefined;
  return {
    condition: 'CertificateTrusted',
    reason: 'IssuedByEnterpriseCA',
    message:
      `The certificate of ${spec.fqdn} comes from the EnterpriseCA of the domain, which every server trusts, not its mediation pool alone. ` +
      'Leave certificate.issuer out for one from the gateway authority of the pool.',
  };
}
