// Where the figures come from, in a line: they mean little without it.
import { cpus, totalmem } from 'node:os';
import { version } from 'node:process';

export function machine(): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${first?.model.trim() ?? 'unknown'}), ${memory} GiB of memory, Node ${version}`;
}
