// The second look at what was issued: each thing that can differ from what was asked for is found, and said.
import { type Certificate, parseCertificate } from '../../../operator/pki/certificate.ts';
import { checkIssued, type IssuedLeaf, type ProblemReason } from '../../../operator/pki/check.ts';
import { booleanTrue, objectIdentifier, octetString, sequence, unsignedInteger } from '../../../operator/pki/der-writer.ts';
import {
  authorityConstraints,
  authorityKeyIdentifier,
  endEntityConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../../operator/pki/extensions.ts';
import { distinguishedName } from '../../../operator/pki/name.ts';
import { publicKeyInfo, signCertificate } from '../../../operator/pki/signing.ts';
import { day, frontEnd, hierarchy, hour, issue, keysFor, now, tokenSigner, withoutCommonName } from './authorities.ts';

const { root, issuing, issuer } = hierarchy();
const { privateKey, publicKey } = keysFor({ algorithm: 'ECDSA' });
const expected = frontEnd();

const issued = (changes: Partial<IssuedLeaf> = {}): IssuedLeaf => ({
  leaf: issue(issuer, expected),
  key: privateKey,
  chain: [issuing],
  anchors: [root],
  expected,
  now,
  ...changes,
});

/** A leaf as a writer with a fault would make it: sound extensions, one of them exchanged. */
const sound = {
  constraints: endEntityConstraints,
  usage: keyUsage(['digitalSignature']),
  extendedUsage: extendedKeyUsage(['serverAuth', 'clientAuth']),
  subjectKey: subjectKeyIdentifier(Buffer.alloc(20, 1)),
  authorityKey: authorityKeyIdentifier(Buffer.from(issuing.subjectKeyId, 'hex')),
  names: subjectAltName(expected.dnsNames, expected.uri, false),
};

function written(
  changes: Partial<Record<keyof typeof sound, Buffer>> & { readonly more?: Buffer; readonly subject?: Buffer },
): Certificate {
  const { more, subject = distinguishedName(expected.commonName), ...exchanged } = changes;
  const extensions = [...Object.values({ ...sound, ...exchanged }), ...(more === undefined ? [] : [more])].filter(
    ({ length }) => length > 0,
  );
  return parseCertificate(signCertificate(issuer, { ...expected, subject, publicKey: publicKeyInfo(publicKey), extensions }));
}

const none = Buffer.alloc(0);
const uncritical = (id: string, value: Buffer) => sequence(objectIdentifier(id), octetString(value));

describe('what was issued as asked', () => {
  it('has no problem, with a name and without, whether the chain stops before the root or ends in it', () => {
    expect(checkIssued(issued())).toEqual([]);
    expect(checkIssued(issued({ chain: [issuing, root] }))).toEqual([]);
    for (const request of [
      withoutCommonName(),
      tokenSigner(),
      frontEnd({ profile: 'Client' }),
      frontEnd({ serial: Buffer.alloc(16, 0xff) }),
    ]) {
      expect(checkIssued(issued({ leaf: issue(issuer, request), expected: request }))).toEqual([]);
    }
    expect(checkIssued(issued({ leaf: written({}) }))).toEqual([]);
  });

  it('is compared in whole seconds', () => {
    const request = frontEnd({ notBefore: now - hour + 123, notAfter: now + hour + 456 });
    expect(checkIssued(issued({ leaf: issue(issuer, request), expected: request }))).toEqual([]);
  });
});

describe('what was issued otherwise', () => {
  const stranger = hierarchy({ name: 'Fabrikam' });
  const twin = hierarchy({ name: 'Contoso', rootKey: { algorithm: 'ECDSA', size: 521 } });
  const expiring = hierarchy({ issuingNotAfter: now + hour });

  it.each<[string, Partial<IssuedLeaf>, ProblemReason, string]>([
    [
      'a key of somebody else',
      { key: keysFor({ algorithm: 'ECDSA' }, 'else').privateKey },
      'KeyMismatch',
      'does not belong to the private key',
    ],
    [
      'another serial',
      { expected: { ...expected, serial: Buffer.alloc(16, 7) } },
      'SerialMismatch',
      'where 07070707070707070707070707070707 was asked for',
    ],
    [
      'another end',
      { expected: { ...expected, notAfter: expected.notAfter + 1000 } },
      'ValidityMismatch',
      '2026-09-13T12:00:01Z was asked for',
    ],
    [
      'another beginning',
      { expected: { ...expected, notBefore: expected.notBefore - 1000 } },
      'ValidityMismatch',
      '2026-06-15T11:54:59Z to',
    ],
    [
      'a name less',
      { expected: { ...expected, dnsNames: [...expected.dnsNames, 'x.contoso.com'] } },
      'NameMismatch',
      'DNS:x.contoso.com',
    ],
    [
      'a name more',
      { expected: { ...expected, dnsNames: expected.dnsNames.slice(1) } },
      'NameMismatch',
      'the names are DNS:pool01.contoso.com, DNS:fe01',
    ],
    [
      'names in another order',
      { expected: { ...expected, dnsNames: expected.dnsNames.toReversed() } },
      'NameMismatch',
      'were asked for',
    ],
    [
      'another SPIFFE ID',
      { expected: { ...expected, uri: 'spiffe://contoso.com/edge/x' } },
      'NameMismatch',
      'URI:spiffe://contoso.com/edge/x were asked for',
    ],
    [
      'another common name',
      { expected: { ...expected, commonName: 'fe01.contoso.com' } },
      'NameMismatch',
      'the subject is "CN=pool01.contoso.com" where "CN=fe01.contoso.com"',
    ],
    [
      'a subject where none was asked for',
      { expected: withoutCommonName({ serial: expected.serial }) },
      'NameMismatch',
      'where "" was asked for',
    ],
    [
      'a subject that cannot be read',
      { leaf: written({ subject: distinguishedName('pool01.contoso.com\nO=Fabrikam') }) },
      'NameMismatch',
      'where "CN=pool01.contoso.com" was asked for',
    ],
    [
      'names that only look right',
      {
        leaf: written({
          names: subjectAltName(['pool01.contoso.com, DNS:fe01.contoso.com', 'sip.contoso.com'], expected.uri, false),
        }),
      },
      'NameMismatch',
      'the names are',
    ],
    [
      'a NUL in a name',
      { leaf: written({ names: subjectAltName(['pool01.contoso.com\0x', ...expected.dnsNames.slice(1)], expected.uri, false) }) },
      'NameMismatch',
      'the names are',
    ],
    ['no names at all', { leaf: written({ names: none }) }, 'NameMismatch', 'the names are none'],
    [
      'another profile',
      { expected: { ...expected, profile: 'Client' } },
      'ProfileMismatch',
      'the extended key usage is serverAuth, clientAuth where the profile has clientAuth',
    ],
    ['every usage', { leaf: written({ extendedUsage: none }) }, 'ProfileMismatch', 'the extended key usage is none'],
    [
      'a usage more',
      { leaf: written({ usage: keyUsage(['digitalSignature', 'cRLSign']) }) },
      'ProfileMismatch',
      'the key usage is digitalSignature, cRLSign where',
    ],
    ['no key usage', { leaf: written({ usage: none }) }, 'ProfileMismatch', 'the extension 2.5.29.15 is missing or not critical'],
    [
      'a CA',
      { leaf: written({ constraints: authorityConstraints(0) }) },
      'ProfileMismatch',
      'it is a CA where a leaf was asked for',
    ],
    [
      'no basic constraints',
      { leaf: written({ constraints: none }) },
      'ProfileMismatch',
      'the extension 2.5.29.19 is missing or not critical',
    ],
    [
      'basic constraints that may be overlooked',
      { leaf: written({ constraints: uncritical('2.5.29.19', sequence()) }) },
      'ProfileMismatch',
      '2.5.29.19 is missing or not critical',
    ],
    [
      'critical names beside a subject',
      { leaf: written({ names: subjectAltName(expected.dnsNames, expected.uri, true) }) },
      'ProfileMismatch',
      'the extension 2.5.29.17 is critical',
    ],
    [
      'no subject key identifier',
      { leaf: written({ subjectKey: none }) },
      'ProfileMismatch',
      'the extension 2.5.29.14 is missing',
    ],
    [
      'an extension that nobody asked for',
      { leaf: written({ more: sequence(objectIdentifier('1.2.3.4'), booleanTrue, octetString(unsignedInteger(Buffer.of(1)))) }) },
      'ProfileMismatch',
      'it has the extension 1.2.3.4',
    ],
    [
      'another issuer',
      { chain: [stranger.issuing], anchors: [stranger.root] },
      'IssuerMismatch',
      'it names "CN=Contoso Issuing CA"',
    ],
    [
      'another key identifier of its issuer',
      { leaf: written({ authorityKey: authorityKeyIdentifier(Buffer.alloc(20, 2)) }) },
      'IssuerMismatch',
      '0202020202',
    ],
    ['no chain', { chain: [] }, 'ChainIncomplete', 'there is no CA in the chain'],
    [
      'another root',
      { anchors: [stranger.root] },
      'Untrusted',
      '"CN=Contoso Issuing CA" does not lead to an anchor: its issuer is "CN=Contoso Root CA", the anchors are "CN=Fabrikam Root CA"',
    ],
    [
      'another root of the same name',
      { anchors: [twin.root] },
      'Untrusted',
      'an anchor has its issuer\'s name "CN=Contoso Root CA", but with another key',
    ],
    ['no root', { anchors: [] }, 'Untrusted', 'the anchors are none'],
    [
      'an end after that of its CA',
      { chain: [expiring.issuing], anchors: [expiring.root] },
      'ValidityMismatch',
      'after its issuer, which ends at 2026-06-15T13:00:00Z',
    ],
    [
      'an end in the past',
      { now: expected.notAfter + 1000 },
      'Expired',
      '"CN=pool01.contoso.com" expired at 2026-09-13T12:00:00Z',
    ],
    [
      'too early',
      { now: expected.notBefore - 1000 },
      'NotYetValid',
      '"CN=pool01.contoso.com" is not valid before 2026-06-15T11:55:00Z',
    ],
    ['a CA that has expired', { now: issuing.notAfter + 1000 }, 'Expired', '"CN=Contoso Issuing CA" expired'],
    [
      'a CA that is not valid yet',
      { now: issuing.notBefore - 1000 },
      'NotYetValid',
      '"CN=Contoso Issuing CA" is not valid before',
    ],
    [
      'below a CA that has no room for it',
      { chain: [issuing, issuing] },
      'PathTooLong',
      'allows 0 CAs below it (path length), and there are 1',
    ],
  ])('with %s', (_, changes, reason, sentence) => {
    const problems = checkIssued(issued(changes));
    expect(problems.map((problem) => problem.reason)).toContain(reason);
    expect(problems.map((problem) => problem.message).join('\n')).toContain(sentence);
  });

  it('with a signature that was changed', () => {
    const { der } = issue(issuer, expected);
    const forged = Buffer.from(der);
    const last = forged.length - 1;
    forged[last] = (forged[last] ?? 0) ^ 1;
    expect(checkIssued(issued({ leaf: parseCertificate(forged) })).map(({ reason }) => reason)).toEqual(['SignatureInvalid']);
  });

  it('with any octet that was changed: it is no certificate, or not what was asked for', () => {
    const { der } = issue(issuer, expected);
    for (let position = 0; position < der.length; position++) {
      const changed = Buffer.from(der);
      changed[position] = (changed[position] ?? 0) ^ 0x01;
      const verdict = () => checkIssued(issued({ leaf: parseCertificate(changed) }));
      let problems: readonly unknown[];
      try {
        problems = verdict();
      } catch (error) {
        problems = [error];
      }
      expect(problems.length).toBeGreaterThan(0);
    }
  });

  it('says all that is wrong, not the first only', () => {
    const problems = checkIssued(
      issued({ leaf: issue(stranger.issuer, frontEnd({ dnsNames: ['pool01.contoso.com'], notAfter: now + day })), anchors: [] }),
    );
    expect(new Set(problems.map(({ reason }) => reason))).toEqual(
      new Set(['SerialMismatch', 'ValidityMismatch', 'NameMismatch', 'IssuerMismatch', 'Untrusted']),
    );
  });
});
