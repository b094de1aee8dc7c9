// The end of a log file, without reading the rest of it.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** At most `bytes` from the end; empty when there is no such file. */
export function tailOfFile(file: string, bytes: number): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    const length = Math.min(size, bytes);
    const buffer = Buffer.alloc(length);
    readSync(descriptor, buffer, 0, length, size - length);
    return buffer.toString();
  } finally {
    closeSync(descriptor);
  }
}
