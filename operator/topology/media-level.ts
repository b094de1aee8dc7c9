// The encryption of media on a link, from the levels of its two ends. Never less than either end asks for: where one requires
// SRTP and the other has none there is no media, and nothing falls back to the clear by itself.
//
//   one end \ other | Required | Supported    | NotSupported
//   Required        | Required | Required     | None
//   Supported       | Required | Supported    | NotSupported
//   NotSupported    | None     | NotSupported | NotSupported
//
// A server or partner that declares no level has its domain's. A gateway has its `srtp`: Optional is Supported, and what the domain
// requires; over TCP it has none. So in a domain that requires encryption media goes in the clear only where both ends are declared
// so: the partner or gateway that cannot encrypt, and the server that meets it.
import type { EncryptionLevel, MediaGateway } from '../api/v1alpha1/index.ts';

/** `Required`: SRTP or no call. `Supported`: SRTP is offered and plain RTP taken. `NotSupported`: plain RTP. `None`: the ends do not meet. */
export type LinkLevel = EncryptionLevel | 'None';

export function linkLevel(one: EncryptionLevel, other: EncryptionLevel): LinkLevel {
  const ends = [one, other];
  if (ends.includes('Required')) return ends.includes('NotSupported') ? 'None' : 'Required';
  return ends.includes('NotSupported') ? 'NotSupported' : 'Supported';
}

/** What software is told of a link: where the ends do not meet, SRTP or no call, which the other end does not take. */
export function heldTo(level: LinkLevel): EncryptionLevel {
  return level === 'None' ? 'Required' : level;
}

/** Over TCP everybody could read the keys of SRTP. `domain`: the level there. */
export function gatewayLevel(
  { transport, srtp }: Pick<MediaGateway['spec'], 'transport' | 'srtp'>,
  domain: EncryptionLevel,
): EncryptionLevel {
  if (transport === 'TCP') return 'NotSupported';
  if (srtp !== 'Optional') return srtp;
  return domain === 'Required' ? 'Required' : 'Supported';
}

/** As a status has it. */
export const shownLevels = {
  Required: 'Encrypted',
  Supported: 'EncryptedWherePossible',
  NotSupported: 'Unencrypted',
  None: 'None',
} as const satisfies Readonly<Record<LinkLevel, string>>;

/** The condition `MediaEncrypted` of a link. */
export const mediaConditions = {
  Required: { status: 'True', reason: 'Encrypted' },
  Supported: { status: 'Unknown', reason: 'EncryptedWherePossible' },
  NotSupported: { status: 'False', reason: 'MediaUnencrypted' },
  None: { status: 'False', reason: 'SRTPNotPossible' },
} as const satisfies Readonly<Record<LinkLevel, object>>;
