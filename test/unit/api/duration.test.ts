import fc from 'fast-check';
import { duration, parseDuration } from '../../../operator/api/v1alpha1/duration.ts';

describe('a duration', () => {
  it.each([
    ['2160h', 7_776_000_000],
    ['1h30m', 5_400_000],
    ['90s', 90_000],
    ['1h1h', 7_200_000],
    ['1s1h', 3_601_000],
    ['0h1s', 1000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(duration.safeParse(text).success).toBe(true);
  });

  it('is the sum of its parts', () => {
    fc.assert(
      fc.property(fc.nat(9999), fc.nat(9999), fc.nat(9999), (h, m, s) => {
        expect(parseDuration(`${h}h${m}m${s}s`)).toBe(((h * 60 + m) * 60 + s) * 1000);
      }),
    );
  });

  it.each(['', '5', 'h', '3d', '3 days', '-5h', '1.5h', '1h ', ' 1h', '1H', '1h30'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(
      new RangeError(`'${text}' is not a duration: write hours, minutes and seconds, such as 2160h or 1h30m`),
    );
    expect(duration.safeParse(text).success).toBe(false);
  });

  it.each(['0h', '0h0m0s', '9999999h', '99999999999s'])('%s is out of range', (text) => {
    expect(duration.safeParse(text).success).toBe(false);
  });
});
