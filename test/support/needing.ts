// Tests that need a program which is not everybody's: where it cannot be had they are not run, and the runner says so.
import { MISSING_TOOLS } from './toolchain.ts';

/**
 * `describe` and `it` for tests that need these tools of the inventory (toolchain.ts). Without the runner every tool counts
 * as there, and its absence shows as the failure that it is.
 */
export function needing(...names: readonly string[]): { readonly describe: jest.Describe; readonly it: jest.It } {
  const missing = (process.env[MISSING_TOOLS] ?? '').split(',');
  return names.some((name) => missing.includes(name)) ? { describe: describe.skip, it: it.skip } : { describe, it };
}
