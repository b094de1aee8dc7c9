// What is wrong with a certificate or a key, as a value.

/** Machine-readable: documented, and stable. */
export type ProblemReason =
  | 'ChainIncomplete'
  | 'ChainOrder'
  | 'EncryptedKey'
  | 'Expired'
  | 'IssuerMismatch'
  | 'KeyMismatch'
  | 'NameMismatch'
  | 'NameNotPermitted'
  | 'NamesConstrained'
  | 'NotACA'
  | 'NotARoot'
  | 'NotPEM'
  | 'NotYetValid'
  | 'PathTooLong'
  | 'ProfileMismatch'
  | 'SerialMismatch'
  | 'SignatureInvalid'
  | 'UnknownCriticalExtension'
  | 'UnsupportedKey'
  | 'Untrusted'
  | 'ValidityMismatch'
  | 'WeakKey'
  | 'WeakSignature'
  | 'WrongKeyUsage';

export interface Problem {
  readonly reason: ProblemReason;
  /** A sentence for a person: what was seen, what belongs there. It holds no key and no content of a Secret. */
  readonly message: string;
}

export const problem = (reason: ProblemReason, message: string): Problem => ({ reason, message });

/** Epoch ms as people read it. */
export const instant = (epochMs: number): string => new Date(epochMs).toISOString().replace('.000Z', 'Z');
