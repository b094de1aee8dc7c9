// What the plumbing needs of a logger. The operator hands in winston, tests whatever suits them.

type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The sentence of anything thrown, for a log field or a condition. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
