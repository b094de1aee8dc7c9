// What a trunk between a mediation pool and a media gateway is: where it is reached, what its media is, and what is to be said
// of it. Defaults of ports: Microsoft, "Define a PSTN gateway in Topology Builder" (Skype for Business Server).
import type { MediaGateway, Role, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
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

/** `Required`: SRTP or no call. `Optional`: SRTP is offered and plain RTP taken. `NotSupported`: plain RTP. */
export type MediaEncryption = GatewaySpec['srtp'];

type Level = TrustDomain['spec']['media']['encryptionLevel'];

const whereOptional: Readonly<Record<Level, MediaEncryption>> = {
  Required: 'Required',
  Supported: 'Optional',
  NotSupported: 'NotSupported',
};

/**
 * Whether media on the trunk is encrypted: never less than either side was told, and never said to be more than it is. Over
 * TCP the keys of SRTP would travel in the clear, and a gateway that cannot encrypt stays one that cannot.
 */
export function mediaEncryption(level: Level, { transport, srtp }: Pick<GatewaySpec, 'transport' | 'srtp'>): MediaEncryption {
  if (transport === 'TCP') return 'NotSupported';
  return srtp === 'Optional' ? whereOptional[level] : srtp;
}

export type MediaLevel = 'Encrypted' | 'EncryptedWherePossible' | 'Unencrypted';

const levels: Readonly<Record<MediaEncryption, MediaLevel>> = {
  Required: 'Encrypted',
  Optional: 'EncryptedWherePossible',
  NotSupported: 'Unencrypted',
};

/** As the status of the gateway has it. */
export function mediaLevel(level: Level, gateway: Pick<GatewaySpec, 'transport' | 'srtp'>): MediaLevel {
  return levels[mediaEncryption(level, gateway)];
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
  readonly reason:
    | 'PlainTCP'
    | 'PlainTCPNotAllowed'
    | 'SRTPNotPossible'
    | 'MediaUnencrypted'
    | 'EncryptedWherePossible'
    | 'IssuedByEnterpriseCA';
  /** What was seen, and what to do. */
  readonly message: string;
}

/** Everything that is to be said of a trunk, from what is declared alone. */
export function trunkFindings({ spec }: MediaGateway, pool: TrustedServer, domain: TrustDomain): readonly TrunkFinding[] {
  return [linkFinding(spec, pool, domain), mediaFinding(spec, domain), issuerFinding(spec)].filter(
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
  return domain.spec.traffic.mediationToGateway === 'TCP'
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

function mediaFinding(spec: GatewaySpec, domain: TrustDomain): TrunkFinding | undefined {
  const { encryptionLevel } = domain.spec.media;
  const level = mediaLevel(encryptionLevel, spec);
  if (level === 'Encrypted') return undefined;
  const condition = 'MediaEncrypted';
  if (level === 'EncryptedWherePossible') {
    const message = `TrustDomain ${domain.metadata.name} supports SRTP and ${spec.fqdn} takes it where it is offered: a call without it is set up too. Set srtp to Required, or media.encryptionLevel of the domain.`;
    return { condition, reason: 'EncryptedWherePossible', message };
  }
  const cause =
    spec.transport === 'TCP'
      ? 'its transport is TCP, over which the keys of SRTP would travel in the clear'
      : spec.srtp === 'NotSupported'
        ? 'its srtp is NotSupported'
        : `TrustDomain ${domain.metadata.name} has media.encryptionLevel NotSupported`;
  return encryptionLevel === 'Required'
    ? {
        condition,
        reason: 'SRTPNotPossible',
        message:
          `TrustDomain ${domain.metadata.name} requires encrypted media, and that with ${spec.fqdn} is not: ${cause}. ` +
          'Calls that need encryption end there. Use transport TLS and srtp Required or Optional, if the gateway can.',
      }
    : { condition, reason: 'MediaUnencrypted', message: `Media with ${spec.fqdn} is not encrypted: ${cause}.` };
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
