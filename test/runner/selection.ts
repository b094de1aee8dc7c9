// Which part of the tests a command line asks for.
import type { Suite } from '../support/toolchain.ts';

export const suites: readonly Suite[] = ['unit', 'conformance', 'cluster', 'interop'];

export interface Selection {
  readonly withChecks: boolean;
  readonly suites: readonly Suite[];
  /** What test file paths must match; empty for all. */
  readonly patterns: readonly string[];
}

/** Names of parts first, then patterns. No part is every part; patterns alone are looked for in every suite, without checks. */
export function parseSelection(args: readonly string[]): Selection {
  const isPart = (arg: string): boolean => arg === 'checks' || suites.some((suite) => suite === arg);
  const parts = args.slice(0, args.findIndex((arg) => !isPart(arg)) >>> 0);
  const patterns = args.slice(parts.length);
  if (parts.length === 0) return { withChecks: patterns.length === 0, suites, patterns };
  return { withChecks: parts.includes('checks'), suites: suites.filter((suite) => parts.includes(suite)), patterns };
}
