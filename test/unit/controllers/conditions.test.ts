// When a status counts as written already.
import { sameStatus } from '../../../operator/controllers/conditions.ts';

describe('a status says the same', () => {
  const status = {
    observedGeneration: 1,
    conditions: [{ type: 'Ready', status: 'True' }],
    certificates: [{ use: 'Default', serial: '0a' }],
  };

  it.each([
    ['in another order of keys', { certificates: status.certificates, conditions: status.conditions, observedGeneration: 1 }],
    ['with what is undefined left out', { ...status, renewAt: undefined }],
    ['as a copy', structuredClone(status)],
  ])('%s', (_, other) => {
    expect(sameStatus(status, other)).toBe(true);
    expect(sameStatus(other, status)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['another value deep within', { ...status, certificates: [{ use: 'Default', serial: '0b' }] }],
    ['one element more', { ...status, conditions: [...status.conditions, { type: 'Stalled', status: 'True' }] }],
    ['a field more', { ...status, renewAt: '2030-01-01T00:00:00Z' }],
    ['another field in place of one', { observedGeneration: 1, conditions: status.conditions, renewAt: undefined, notAfter: '' }],
    ['null where a field is absent', { ...status, renewAt: null }],
    ['an object for a list', { ...status, conditions: { 0: status.conditions[0], length: 1 } }],
    ['none at all', undefined],
  ])('but not with %s', (_, other) => {
    expect(sameStatus(status, other)).toBe(false);
    expect(sameStatus(other, status)).toBe(false);
  });
});
