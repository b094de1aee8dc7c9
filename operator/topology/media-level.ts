// The encryption of media on a link, from what its two ends declare. The level of the domain is what holds where neither declares
// any; what one end declares beats it; and only two declarations can contradict each other:
//
//   one end \ other | Required | Supported    | NotSupported
//   Required        | Required | Required     | None
//   Supported       | Required | Supported    | NotSupported
//   NotSupported    | None     | NotSupported | NotSupported
//
// So a gateway or partner that cannot encrypt is called in the clear by being declared so, and nobody else is; what is less than the
// domain requires is said wherever it is so.
import type { EncryptionLevel, MediaGateway } from '../api/v1alpha1/index.ts';

/** `Required`: SRTP or no call. `Supported`: SRTP is offered and plain RTP taken. `NotSupported`: plain RTP. `None`: the ends contradict each other. */
export type LinkLevel = EncryptionLevel | 'None';

/** `domain`: the level there. An end that is undefined declares none. */
export function linkLevel(
  one: EncryptionLevel | undefined,
  other: EncryptionLevel | undefined,
  domain: EncryptionLevel,
): LinkLevel {
  if (one === undefined || other === undefined) return one ?? other ?? domain;
  const ends = [one, other];
  if (ends.includes('Required')) return ends.includes('NotSupported') ? 'None' : 'Required';
  return ends.includes('NotSupported') ? 'NotSupported' : 'Supported';
}

/** What holds where several levels meet in one party; undefined of none. */
export function strictest(levels: readonly EncryptionLevel[]): EncryptionLevel | undefined {
  return (['Required', 'Supported', 'NotSupported'] as const).find((level) => levels.includes(level));
}

/** What software is told of a link: where the ends contradict each other, SRTP or no call, which the other end does not take. */
export function heldTo(level: LinkLevel): EncryptionLevel {
  return level === 'None' ? 'Required' : level;
}

/** What a gateway declares. One that can do either does what the other end asks; over TCP everybody could read the keys of SRTP. */
export function gatewayLevel({ transport, srtp }: Pick<MediaGateway['spec'], 'transport' | 'srtp'>): EncryptionLevel | undefined {
  if (transport === 'TCP') return 'NotSupported';
  return srtp === 'Optional' ? undefined : srtp;
}

/** As a status has it. */
export const shownLevels = {
  Required: 'Encrypted',
  Supported: 'EncryptedWherePossible',
  NotSupported: 'Unencrypted',
  None: 'None',
} as const satisfies Readonly<Record<LinkLevel, string>>;

/** Its status and reason. */
export interface MediaCondition {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: 'Encrypted' | 'EncryptedWherePossible' | 'MediaUnencrypted' | 'SRTPNotPossible';
}

/** The condition `MediaEncrypted` of a link. What is less than the domain has is False. */
export function mediaCondition(level: LinkLevel, domain: EncryptionLevel): MediaCondition {
  const isRequired = domain === 'Required';
  switch (level) {
    case 'Required':
      return { status: 'True', reason: 'Encrypted' };
    case 'Supported':
      return { status: isRequired ? 'False' : 'Unknown', reason: 'EncryptedWherePossible' };
    case 'NotSupported':
      return { status: 'False', reason: isRequired ? 'SRTPNotPossible' : 'MediaUnencrypted' };
    case 'None':
      return { status: 'False', reason: 'SRTPNotPossible' };
    default:
      return level satisfies never;
  }
}
