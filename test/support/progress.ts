// What the test machinery says while it works: on standard error, so that it never mixes with a program's own output.

export type Say = (line: string) => void;

/** Bypasses jest's console, which holds lines back and adds a stack to each. */
export const say: Say = (line) => void process.stderr.write(`trustmesh: ${line}\n`);
