// What the system says of a connection that does not come about, in words.
import { messageOf } from '../kube/log.ts';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection is broken off',
  EPIPE: 'the connection is broken off',
  ETIMEDOUT: 'the connection times out',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ENOTFOUND: 'DNS knows no such name',
  EAI_AGAIN: 'DNS cannot tell its address now',
};

/** The code of a system error, such as `ECONNREFUSED`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function inWords(error: unknown): string {
  return words[codeOf(error) ?? ''] ?? messageOf(error);
}
