// A bundle that holds partner trust: federation roots among its anchors, and what they have signed beside them.
import { crossCertify } from '../../../operator/pki/cross-certificate.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';
import { forge, keysOf, now } from '../pki/forge.ts';

const root = forge({ ca: true, subject: 'Contoso Root CA', notAfter: now + 365 * 24 * 3_600_000 }).certificate;

describe('a trust bundle', () => {
  it('has cross-certificates beside its anchors, first in its text, and drops both when they have expired', () => {
    const { certificate } = forge({ ca: true, subject: 'Partner CA' });
    const federationKeys = keysOf('federation');
    const serials = { root: Buffer.alloc(16, 7) };
    const { root: federation, cross } = crossCertify({
      partnerCA: certificate,
      permitted: [],
      excluded: [],
      now,
      federationKeys,
      serials,
    });
    const bundle = trustBundle([root, federation], now, [cross, cross]);
    expect(bundle.anchors.map(({ fingerprint }) => fingerprint)).toEqual(
      [root, federation].map(({ fingerprint }) => fingerprint).sort(),
    );
    expect(bundle.crossCertificates).toEqual([cross]);
    expect(bundle.pem).toBe([cross, ...bundle.anchors].map(({ pem }) => pem).join(''));
    expect(bundle.hash).not.toBe(trustBundle([root, federation], now).hash);
    const later = trustBundle([root, federation], cross.notAfter, [cross]);
    expect([later.anchors, later.crossCertificates, later.expired]).toEqual([[root], [], [federation, cross]]);
  });
});
