// A note is cut to what the API server takes, and stays readable.
import { cutToBytes } from '../../../operator/kube/events.ts';

describe('a note', () => {
  it.each([
    ['short', 'short', 5],
    ['abcdef', 'ab…', 5],
    ['äöü', 'äöü', 6],
    ['äöüä', 'ä…', 6],
    ['a😀😀', 'a😀…', 8],
    ['😀😀', '…', 5],
  ])('%s becomes %s within %d bytes', (text, expected, limit) => {
    const cut = cutToBytes(text, limit);
    expect(cut).toBe(expected);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
  });
});
