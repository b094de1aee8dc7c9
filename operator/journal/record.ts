// One line of the journal: that a certificate was issued, for whom, and where it went. Never a key.
//
// A line is JSON, so that `kubectl get configmap -o yaml` and jq read the journal as it is; `kind` leaves room for other facts.
// A line that cannot be read is named and left where it is: it never costs another line.
import { z } from 'zod';

const hex = z.string().regex(/^([0-9a-f]{2})+$/, 'expected lower-case hex');

const line = z.object({
  kind: z.literal('issued'),
  /** As in the certificate, lower-case hex. Unique for one authority. */
  serial: hex,
  /** SHA-256 of the certificate's DER, lower-case hex. */
  fingerprint: hex.length(64),
  /** Subject key identifier of the CA that signed, lower-case hex. */
  authority: hex,
  /** The DNS SANs. */
  names: z.array(z.string().min(1)).readonly(),
  /** UID of the object that the certificate is for. */
  uid: z.string().min(1),
  /** `namespace/name` of the Secret that holds it. */
  secret: z.string().regex(/^[^/]+\/[^/]+$/, 'expected namespace/name'),
  use: z.string().min(1),
  /** Absent for a certificate that all members share. */
  member: z.string().min(1).optional(),
  /** Epoch ms. */
  notBefore: z.int(),
  /** Epoch ms. */
  notAfter: z.int(),
});

export type JournalRecord = Readonly<Omit<z.infer<typeof line>, 'kind'>>;

/** A line that is not a record: where it is, counted from 1, and what is wrong with it. */
export interface LineProblem {
  readonly segment: string;
  readonly line: number;
  readonly message: string;
}

/** The line for `record`, without its line feed: the fields above and nothing else that the object may carry. */
export function encodeRecord(record: JournalRecord): string {
  return JSON.stringify({
    kind: 'issued',
    serial: record.serial,
    fingerprint: record.fingerprint,
    authority: record.authority,
    names: record.names,
    uid: record.uid,
    secret: record.secret,
    use: record.use,
    member: record.member,
    notBefore: record.notBefore,
    notAfter: record.notAfter,
  } satisfies z.input<typeof line>);
}

/** @throws Error that says what is wrong with the line */
export function parseRecord(text: string): JournalRecord {
  const { kind: _, ...record } = parseLine(text);
  return record;
}

/**
 * Everything that a segment's text says.
 * @param segment its name, for the problems
 * @param text lines that each end in a line feed
 */
export function parseRecords(
  segment: string,
  text: string,
): { readonly records: readonly JournalRecord[]; readonly problems: readonly LineProblem[] } {
  const records: JournalRecord[] = [];
  const problems: LineProblem[] = [];
  for (const [index, each] of linesOf(text).entries()) {
    try {
      records.push(parseRecord(each));
    } catch (error) {
      problems.push({ segment, line: index + 1, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { records, problems };
}

/** The inverse of `linesOf`. */
export function textOf(lines: readonly string[]): string {
  return lines.map((each) => `${each}\n`).join('');
}

export function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function parseLine(text: string): z.infer<typeof line> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('not JSON');
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) throw new Error(sentenceOf(parsed.error));
  return parsed.data;
}

function sentenceOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ');
}
