// Errors of the operating system by their code. Under jest they come from another realm, so that `instanceof Error` is false.

/** Whether it is the error that `code` (such as ENOENT) stands for. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
