// When certificates begin and end.
import { validity } from '../../../operator/pki/validity.ts';

const now = Date.UTC(2026, 5, 15, 12, 0, 0, 789);
const day = 24 * 60 * 60 * 1000;

describe('validity', () => {
  it('begins five minutes ago, for peers whose clock is behind, and ends after the duration, in whole seconds', () => {
    expect(validity({ now, duration: 90 * day })).toEqual({
      notBefore: Date.UTC(2026, 5, 15, 11, 55),
      notAfter: Date.UTC(2026, 8, 13, 12),
    });
  });

  it('never ends after the issuer', () => {
    const issuerNotAfter = Date.UTC(2026, 6, 1);
    expect(validity({ now, duration: 90 * day, issuerNotAfter }).notAfter).toBe(issuerNotAfter);
    expect(validity({ now, duration: day, issuerNotAfter }).notAfter).toBe(Date.UTC(2026, 5, 16, 12));
  });

  it('is refused of an issuer that has expired', () => {
    expect(() => validity({ now, duration: day, issuerNotAfter: now - 789 })).toThrow(
      'it would expire at 2026-06-15T12:00:00.000Z',
    );
  });
});
