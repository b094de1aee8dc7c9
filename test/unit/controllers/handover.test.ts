// Until when a certificate may be shown that has a successor, or none.
import { handover, shownUntil } from '../../../operator/controllers/handover.ts';
import { backdating } from '../../../operator/pki/validity.ts';
import { day, now } from '../pki/authorities.ts';

const issuedAt = (at: number, life = 90 * day) => ({ notBefore: at - backdating, notAfter: at + life });

const one = issuedAt(now);
const later = [issuedAt(now + 20 * day), issuedAt(now + 10 * day)];

it.each<[string, typeof one, readonly (typeof one)[], number]>([
  ['to its end, where it is the last', one, [issuedAt(now - day)], now + 90 * day],
  ['for a day after the next was issued into its Secret', one, later, now + 10 * day + handover.Secret],
  ['no longer than it is valid', issuedAt(now, day), later, now + day],
])('a certificate is shown %s', (_title, shown, others, until) => {
  expect(shownUntil(shown, [shown, ...others], 'Secret')).toBe(until);
});

it('one that somebody has to carry over is shown for a week more', () => {
  expect(shownUntil(one, [one, issuedAt(now + day)], 'Request')).toBe(now + 8 * day);
});
