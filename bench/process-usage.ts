// What a process has used so far, as Linux accounts for it: proc_pid_stat(5), proc_pid_status(5).
import { readFile } from 'node:fs/promises';

export interface ProcessUsage {
  /** User and system time of all its threads, s. */
  readonly cpuSeconds: number;
  /** The most memory it had resident at any time, bytes. */
  readonly peakRSS: number;
  /** What it has resident now, bytes. */
  readonly currentRSS: number;
}

/** USER_HZ, which is 100 wherever Linux runs Node. */
const TICKS_PER_SECOND = 100;

export async function usageOf(pid: number): Promise<ProcessUsage> {
  const [stat, status] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/status`, 'utf8')]);
  // The name of the program comes second, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = Number.NaN, system = Number.NaN] = fields.slice(11, 13).map(Number);
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return {
    cpuSeconds: (user + system) / TICKS_PER_SECOND,
    peakRSS: kilobytes('VmHWM') * 1024,
    currentRSS: kilobytes('VmRSS') * 1024,
  };
}
