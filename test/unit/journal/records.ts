// Records as the tests of the journal need them: any that may occur, and plain ones to count.
import fc from 'fast-check';
import type { JournalRecord } from '../../../operator/journal/record.ts';

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((octets) => Buffer.from(octets).toString('hex'));
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
const fqdn = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));

export const anyRecord: fc.Arbitrary<JournalRecord> = fc
  .record(
    {
      serial: hex(16),
      fingerprint: hex(32),
      authority: hex(20),
      names: fc.uniqueArray(fqdn, { maxLength: 6 }),
      uid: fc.uuid(),
      secret: fc.tuple(label, label).map((parts) => parts.join('/')),
      use: fc.constantFrom('Default', 'AccessEdgeExternal', 'SomethingNewer'),
      member: label,
      notBefore: fc.integer({ min: 0, max: 4e12 }),
      notAfter: fc.integer({ min: 0, max: 4e12 }),
    },
    { requiredKeys: ['serial', 'fingerprint', 'authority', 'names', 'uid', 'secret', 'use', 'notBefore', 'notAfter'] },
  )
  .map((record) => record satisfies JournalRecord);

/** The `n`th of a family that differs in everything that tells certificates apart. */
export function record(n: number, changes: Partial<JournalRecord> = {}): JournalRecord {
  return {
    serial: n.toString(16).padStart(32, '0'),
    fingerprint: n.toString(16).padStart(64, '0'),
    authority: 'ca'.repeat(20),
    names: [`fe${n}.contoso.com`],
    uid: `uid-${n}`,
    secret: `voice/fe${n}-tls`,
    use: 'Default',
    member: `fe${n}`,
    notBefore: 0,
    notAfter: 1_000,
    ...changes,
  };
}
