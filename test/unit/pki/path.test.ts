// Path validation: which paths are good, and for each that is not the reason, and what a person reads.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { sequence } from '../../../operator/pki/der-writer.ts';
import { extensionIds as ids } from '../../../operator/pki/object-identifiers.ts';
import {
  type PathOptions,
  type PathRequest,
  type PathVerdict,
  validatePath,
  validatePresented,
} from '../../../operator/pki/path.ts';
import {
  day,
  extension,
  type Forged,
  forge,
  forgeDer,
  generalName,
  keysOf,
  nameConstraints,
  now,
  schemes,
  type Wish,
} from './forge.ts';

const { dns } = generalName;
const fe01 = 'fe01.contoso.com';
const root = forge({ subject: 'Root', ca: true });
const issuing = forge({ subject: 'Issuing', ca: true, by: root });
const leafBy = (by: Forged, wish: Wish = {}): Forged => forge({ subject: fe01, by, names: [dns(fe01)], ...wish });
const leaf = leafBy(issuing);

interface Case {
  readonly leaf?: Forged;
  readonly intermediates?: readonly Forged[];
  readonly anchors?: readonly Forged[];
  readonly purpose?: PathRequest['purpose'];
  readonly name?: PathRequest['name'];
  readonly options?: PathOptions;
}

function judge(question: Case = {}): PathVerdict {
  const { purpose = 'server', name = { dns: fe01 }, options = { profile: 'Enterprise' } } = question;
  return validatePath({
    leaf: (question.leaf ?? leaf).certificate,
    intermediates: (question.intermediates ?? [issuing]).map(({ certificate }) => certificate),
    anchors: (question.anchors ?? [root]).map(({ certificate }) => certificate),
    now,
    purpose,
    name,
    options,
  });
}

/** The subjects of the path, or why there is none. */
const told = (verdict: PathVerdict): string =>
  verdict.ok
    ? verdict.path.map(({ subject }) => subject.replace('CN=', '')).join(' < ')
    : `${verdict.reason}: ${verdict.message}`;

/** A root, an issuing CA and a leaf, each with changes. */
function chain(changes: {
  readonly root?: Wish;
  readonly issuing?: Wish;
  readonly leaf?: Wish;
}): Required<Pick<Case, 'leaf' | 'intermediates' | 'anchors'>> {
  const top = forge({ subject: 'Root', ca: true, ...changes.root });
  const middle = forge({ subject: 'Issuing', ca: true, by: top, ...changes.issuing });
  return { leaf: leafBy(middle, changes.leaf), intermediates: [middle], anchors: [top] };
}

/** A certificate that is its own issuer, as gateways make one. */
const ownIssuer = forge({ subject: fe01, names: [dns(fe01)] });
const pinned = { leaf: ownIssuer, anchors: [ownIssuer], intermediates: [] };

const permitting = (...names: readonly Buffer[]): Buffer => nameConstraints({ permitted: names });

const expired = ({ name, keys }: Forged): Forged => forge({ subject: name, keys, ca: true, notAfter: now - day });

/** A CA that gives itself a new key: its old one signs for the new, with a name that the root would not allow another. */
function selfIssued(): Case {
  const top = forge({ subject: 'Root', ca: true, constraints: { permitted: [dns('contoso.com')] } });
  const old = forge({ subject: 'Issuing', ca: true, by: top });
  const successor = forge({ subject: 'Issuing', ca: true, by: old, keys: keysOf('successor'), names: [dns('ca.fabrikam.com')] });
  return { leaf: leafBy(successor), intermediates: [old, successor], anchors: [top] };
}

/** As the issuing CA, with a serial number whose sign octet is left out. */
function negative(): Buffer {
  const { der } = forgeDer({ subject: 'Issuing', ca: true, by: root, keys: issuing.keys, serial: Buffer.of(0x12, 0x34, 0x56) });
  const serial = der.indexOf(Buffer.of(2, 3, 0x12, 0x34, 0x56));
  der[serial + 2] = 0x92;
  return der;
}

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const [rsa1024, rsa2048] = [rsa(1024), rsa(2048)];
const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
const unknown = { '1.3.6.1.4.1.55555.1': extension('1.3.6.1.4.1.55555.1', sequence(), true) };

describe('a path', () => {
  it.each<[string, Case, string]>([
    ['leads from the leaf over what is presented to an anchor', {}, `${fe01} < Issuing < Root`],
    ['needs no intermediate where an anchor issued the leaf', { anchors: [issuing], intermediates: [] }, `${fe01} < Issuing`],
    ['ends at the first anchor', { anchors: [root, issuing] }, `${fe01} < Issuing`],
    [
      'is found among what is presented in disorder, with the root',
      { intermediates: [root, forge({ ca: true }), issuing] },
      `${fe01} < Issuing < Root`,
    ],
    [
      'of RSA is as good',
      chain({ root: { keys: rsa2048, scheme: schemes.rsa }, issuing: { scheme: schemes.rsa } }),
      `${fe01} < Issuing < Root`,
    ],
    [
      'does without key identifiers',
      chain({
        issuing: { extensions: { [ids.subjectKeyIdentifier]: null, [ids.authorityKeyIdentifier]: null } },
        leaf: { extensions: { [ids.authorityKeyIdentifier]: null } },
      }),
      `${fe01} < Issuing < Root`,
    ],
    ['is one certificate, where the leaf is itself among the anchors', pinned, fe01],
  ])('%s', (_, question, path) => {
    expect(told(judge(question))).toBe(path);
  });
});

describe('a path is refused where', () => {
  const other = forge({ subject: 'Root', ca: true, keys: keysOf('another root') });
  const wanted = 'it must be ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519';
  const at = (offset: number) => new Date(now + offset).toISOString().replace('.000Z', 'Z');

  it.each<[string, Case, string]>([
    // What is known of it
    [
      'no issuer is at hand',
      { intermediates: [] },
      `UntrustedIssuer: "CN=${fe01}" was issued by "CN=Issuing", which is neither among the anchors nor among the certificates at hand: its certificate is missing, or it is not trusted`,
    ],
    [
      'it ends at a root that is no anchor',
      { intermediates: [issuing, root], anchors: [] },
      'UntrustedIssuer: "CN=Root" is issued by itself and is not among the anchors',
    ],
    [
      'the leaf is self-signed',
      { leaf: pinned.leaf },
      `UntrustedIssuer: "CN=${fe01}" is issued by itself and is not among the anchors`,
    ],
    [
      'the anchor has the name but not the key',
      { anchors: [other] },
      'SignatureInvalid: "CN=Issuing" is not signed by "CN=Root", though that is the name of its issuer: the key is another one',
    ],
    [
      'an authority key identifier names another certificate',
      chain({
        leaf: {
          extensions: { [ids.authorityKeyIdentifier]: extension(ids.authorityKeyIdentifier, sequence(Buffer.of(0x82, 1, 5))) },
        },
      }),
      `IssuerMismatch: "CN=${fe01}" names another certificate than "CN=Issuing" as its issuer's: the key identifier, or issuer and serial, in its authority key identifier must be those of its issuer`,
    ],
    [
      'it is longer than asked for',
      { options: { maximumDepth: 0 } },
      'ChainTooDeep: "CN=Issuing" is the CA of rank 1 above the leaf: at most 0 may lie between leaf and anchor',
    ],
    // When
    [
      'the leaf has expired',
      chain({ leaf: { notAfter: now - 1000 } }),
      `Expired: "CN=${fe01}" expired at ${at(-1000)}, and it is ${at(0)}`,
    ],
    [
      'the issuing CA has expired',
      chain({ issuing: { notAfter: now - 1000 } }),
      `Expired: "CN=Issuing" expired at ${at(-1000)}, and it is ${at(0)}`,
    ],
    [
      'the anchor has expired',
      chain({ root: { notAfter: now - 1000 } }),
      `Expired: "CN=Root" expired at ${at(-1000)}, and it is ${at(0)}`,
    ],
    [
      'it begins later',
      chain({ issuing: { notBefore: now + 1000 } }),
      `NotYetValid: "CN=Issuing" is not valid before ${at(1000)}, and it is ${at(0)}`,
    ],
    // What a CA may
    [
      'the issuer is no CA',
      chain({ issuing: { ca: false, extendedKeyUsage: ['serverAuth'] } }),
      'NotACA: "CN=Issuing" is not a CA: its basic constraints do not say cA=TRUE',
    ],
    [
      'the anchor is no CA',
      chain({ root: { ca: false } }),
      'NotACA: "CN=Root" is not a CA: its basic constraints do not say cA=TRUE',
    ],
    [
      'a CA may not sign certificates',
      chain({ issuing: { keyUsage: ['cRLSign'] } }),
      'WrongKeyUsage: "CN=Issuing" may not sign certificates: its key usage is cRLSign, without keyCertSign',
    ],
    [
      'a CA allows none below it',
      chain({ root: { pathLength: 0 } }),
      'PathTooLong: "CN=Root" allows 0 CAs below it (path length), and there are 1',
    ],
    // What for
    [
      'the leaf is for something else',
      { purpose: 'client' },
      `WrongExtendedKeyUsage: "CN=${fe01}" is for serverAuth: a client needs clientAuth`,
    ],
    [
      'a CA is for something else',
      chain({ issuing: { extendedKeyUsage: ['clientAuth', 'codeSigning'] } }),
      'WrongExtendedKeyUsage: "CN=Issuing" limits what is below it to clientAuth, codeSigning: a server needs serverAuth',
    ],
    [
      'an extended key usage is empty',
      chain({ leaf: { extendedKeyUsage: [] } }),
      `InvalidExtendedKeyUsage: "CN=${fe01}" has an extended key usage that names none: it must name one, or be absent`,
    ],
    [
      'the key is for signing tokens only',
      chain({ leaf: { keyUsage: ['nonRepudiation'] } }),
      `WrongKeyUsage: "CN=${fe01}" may not be used in a handshake: its key usage is nonRepudiation, without digitalSignature`,
    ],
    [
      'a critical extension is not known',
      chain({ issuing: { extensions: unknown } }),
      'UnknownCriticalExtension: "CN=Issuing" has the critical extension 1.3.6.1.4.1.55555.1, which is not known here and may limit what the certificate is good for',
    ],
    [
      'a name lies outside of what a CA above is for',
      chain({ root: { constraints: { permitted: [dns('fabrikam.com')] } } }),
      `NameNotPermitted: "CN=Root" does not allow the DNS name "${fe01}" of "CN=${fe01}": its name constraints permit only "fabrikam.com"`,
    ],
    [
      'a CA asks for policies, and there is none',
      chain({
        issuing: {
          extensions: { [ids.policyConstraints]: extension(ids.policyConstraints, sequence(Buffer.of(0x80, 1, 0)), true) },
        },
      }),
      `PolicyNotSatisfied: "CN=${fe01}" was issued under no certificate policy that holds all the way from "CN=Root", and one is required`,
    ],
    // What is weak
    [
      'a key is short',
      chain({ root: { keys: rsa1024, scheme: schemes.rsa }, issuing: { scheme: schemes.rsa } }),
      `WeakKey: "CN=Root" has a key of RSA 1024: ${wanted}`,
    ],
    [
      'a key is on another curve',
      chain({ leaf: { keys: koblitz } }),
      `UnsupportedKey: "CN=${fe01}" has a key of ECDSA secp256k1: ${wanted}`,
    ],
    [
      'a signature is over SHA-1',
      chain({ issuing: { scheme: schemes.ecdsaWithSHA1 } }),
      'WeakSignature: "CN=Issuing" is signed with ecdsa-with-SHA1: it must be signed with RSA, RSA-PSS or ECDSA over SHA-256 or better, or with Ed25519',
    ],
    [
      'a signature is of another kind',
      chain({ issuing: { scheme: schemes.ecdsaWithSHA224 } }),
      'UnsupportedSignature: "CN=Issuing" is signed with 1.2.840.10045.4.3.1: it must be signed with RSA, RSA-PSS or ECDSA over SHA-256 or better, or with Ed25519',
    ],
    // How it is made
    [
      'a certificate says two signature algorithms',
      chain({ issuing: { saysScheme: schemes.rsa } }),
      'InvalidSignatureAlgorithm: "CN=Issuing" names one signature algorithm inside and another outside: both must be the same',
    ],
    [
      'a certificate is of version 1',
      chain({ leaf: { version: 0 } }),
      `InvalidVersion: "CN=${fe01}" is of version 1: certificates must be of version 3`,
    ],
    [
      'a CA has no name',
      chain({ root: { subject: sequence() } }),
      'InvalidIssuer: "CN=Issuing" does not say who issued it: its issuer is empty',
    ],
    [
      'a key identifier is critical',
      chain({
        issuing: { extensions: { [ids.subjectKeyIdentifier]: extension(ids.subjectKeyIdentifier, Buffer.of(4, 1, 1), true) } },
      }),
      'InvalidKeyIdentifier: "CN=Issuing" has a critical subject key identifier: it must not be critical',
    ],
    [
      'a name holds a NUL',
      chain({ leaf: { names: [dns(`${fe01}\0.fabrikam.com`)] } }),
      `InvalidSubjectAltName: "CN=${fe01}" has the DNS name "${fe01}\\u0000.fabrikam.com", which is no host name`,
    ],
    [
      'a name is beyond ASCII',
      chain({ leaf: { names: [dns('f\xe9.contoso.com')] } }),
      `InvalidSubjectAltName: "CN=${fe01}" has the extension subjectAltName, which cannot be read: it has a dns name that is not ASCII`,
    ],
    [
      'there are names of no kind',
      chain({ leaf: { names: [] } }),
      `InvalidSubjectAltName: "CN=${fe01}" has the extension subjectAltName, which cannot be read: it has no name`,
    ],
    [
      'constraints constrain nothing',
      chain({ issuing: { constraints: {} } }),
      'InvalidNameConstraints: "CN=Issuing" has the extension nameConstraints, which cannot be read: it has neither permitted nor excluded subtrees',
    ],
    // Whose it is
    [
      "the leaf is another's",
      { name: { dns: 'fe02.contoso.com' } },
      `NameMismatch: "CN=${fe01}" is not for "fe02.contoso.com": it is for the DNS name "${fe01}"`,
    ],
  ])('%s', (_, question, reason) => {
    expect(told(judge(question))).toBe(reason);
  });
});

describe('what is asked of the form', () => {
  const keyless = chain({ leaf: { extensions: { [ids.authorityKeyIdentifier]: null } } });
  const numberedZero = chain({ leaf: { serial: Buffer.of(0) } });
  const looselyConstrained = chain({
    issuing: { extensions: { [ids.nameConstraints]: extension(ids.nameConstraints, permitting(dns('contoso.com'))) } },
  });
  const dotted = chain({ issuing: { constraints: { permitted: [dns('.contoso.com')] } } });
  const underscored = chain({ leaf: { names: [dns('fe_01.contoso.com'), dns(fe01)] } });
  const address = chain({ leaf: { names: [dns('192.0.2.1'), dns(fe01)] } });
  const forAnything = chain({ leaf: { extendedKeyUsage: ['anyExtendedKeyUsage'] } });
  const renamed = chain({ leaf: { subject: 'Front End' } });

  it.each<[string, Case, [enterprise: string, rfc5280: string, web: string]]>([
    ['a common chain', {}, ['good', 'good', 'good']],
    ['no authority key identifier', keyless, ['good', 'InvalidKeyIdentifier', 'InvalidKeyIdentifier']],
    ['serial number zero', numberedZero, ['good', 'InvalidSerial', 'InvalidSerial']],
    ['constraints that are not critical', looselyConstrained, ['good', 'InvalidNameConstraints', 'good']],
    ['a DNS constraint with a leading dot', dotted, ['good', 'InvalidNameConstraints', 'InvalidNameConstraints']],
    ['an underscore', underscored, ['good', 'InvalidSubjectAltName', 'InvalidSubjectAltName']],
    ['an address as DNS name', address, ['good', 'InvalidSubjectAltName', 'InvalidSubjectAltName']],
    ['any extended key usage', forAnything, ['good', 'good', 'InvalidExtendedKeyUsage']],
    ['a common name that is no alternative name', renamed, ['good', 'good', 'InvalidCommonName']],
  ])('%s', (_, question, decisions) => {
    const decided = (['Enterprise', 'RFC5280', 'WebPKI'] as const).map((profile) => {
      const verdict = judge({ ...question, options: { profile } });
      return verdict.ok ? 'good' : verdict.reason;
    });
    expect(decided).toEqual(decisions);
  });

  it('is that of RFC 5280 where nothing else is asked for', () => {
    expect(told(judge({ ...keyless, options: {} }))).toMatch(/^InvalidKeyIdentifier/);
  });
});

describe('of several paths', () => {
  const bridge = forge({ subject: 'Bridge', ca: true });
  const crossed = forge({ subject: 'Root', ca: true, keys: root.keys, by: bridge });
  const outdated = forge({ subject: 'Root', ca: true, keys: root.keys, by: bridge, notAfter: now - day });

  it.each<[string, Case, string]>([
    ['one good one is enough', { intermediates: [outdated, issuing], anchors: [bridge, root] }, `${fe01} < Issuing < Root`],
    [
      'a cross-certificate leads to the anchor of another',
      { intermediates: [issuing, crossed], anchors: [bridge] },
      `${fe01} < Issuing < Root < Bridge`,
    ],
    [
      'the one that is valid now is taken',
      { intermediates: [issuing, outdated, crossed], anchors: [bridge] },
      `${fe01} < Issuing < Root < Bridge`,
    ],
    [
      'the reason is that of the one that reaches an anchor',
      { intermediates: [issuing, forge({ subject: 'Issuing', ca: true, keys: issuing.keys })], anchors: [expired(root)] },
      `Expired: "CN=Root" expired at ${new Date(now - day).toISOString().replace('.000Z', 'Z')}, and it is ${new Date(now).toISOString().replace('.000Z', 'Z')}`,
    ],
  ])('%s', (_, question, path) => {
    expect(told(judge(question))).toBe(path);
  });

  it('loops are left: CAs that certify each other lead nowhere', () => {
    const [a, b] = [keysOf('a'), keysOf('b')];
    const rootA = forge({ subject: 'A', ca: true, keys: a });
    const rootB = forge({ subject: 'B', ca: true, keys: b });
    const loop = [forge({ subject: 'A', ca: true, keys: a, by: rootB }), forge({ subject: 'B', ca: true, keys: b, by: rootA })];
    const below = leafBy(rootA);
    expect(told(judge({ leaf: below, intermediates: loop }))).toMatch(/^UntrustedIssuer: "CN=B"/);
    expect(told(judge({ leaf: below, intermediates: loop, anchors: [rootB] }))).toBe(`${fe01} < A < B`);
  });

  it('no more are tried than an honest peer has', () => {
    const cas = Array.from({ length: 14 }, (_, index) => forge({ subject: `CA ${index}`, ca: true }));
    const everyByEvery = cas.flatMap((by) => cas.map(({ keys, name }) => forge({ subject: name, keys, ca: true, by })));
    const [first = root] = cas;
    const started = performance.now();
    const verdict = judge({ leaf: leafBy(first), intermediates: everyByEvery });
    expect(told(verdict)).toBe(
      `TooMuchWork: "CN=${fe01}" came with CAs that can be chained in more ways than are tried: it must come with its own issuers only`,
    );
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('name constraints along a path', () => {
  const constrained = (constraints: Wish['constraints'] & object) => chain({ issuing: { constraints } });
  const both = (root: Wish['constraints'] & object, issuing: Wish['constraints'] & object) =>
    chain({ root: { constraints: root }, issuing: { constraints: issuing } });
  const contoso = { permitted: [dns('contoso.com')] };

  it.each<[string, Case, string]>([
    ['permit', constrained(contoso), 'good'],
    ['narrow', both(contoso, { permitted: [dns('fe02.contoso.com')] }), 'NameNotPermitted'],
    ['do not widen', both({ permitted: [dns('fe02.contoso.com')] }, contoso), 'NameNotPermitted'],
    ['exclude what another permits', both(contoso, { excluded: [dns(fe01)] }), 'NameExcluded'],
    ['exclude what they permit', constrained({ ...contoso, excluded: [dns(fe01)] }), 'NameExcluded'],
    [
      'are about CAs too',
      chain({ root: { constraints: contoso }, issuing: { names: [dns('ca.fabrikam.com')] } }),
      'NameNotPermitted',
    ],
    ['are not about CAs that are self-issued', selfIssued(), 'good'],
  ])('%s', (_, question, decision) => {
    const verdict = judge(question);
    expect(verdict.ok ? 'good' : verdict.reason).toBe(decision);
  });

  it('are not compared without end', () => {
    const many = Array.from({ length: 600 }, (_, index) => dns(`fe${index}.contoso.com`));
    const question = chain({
      issuing: { constraints: { excluded: many.map((name) => name) } },
      leaf: { names: [dns(fe01), ...many] },
    });
    expect(told(judge(question))).toMatch(
      /^TooMuchWork: "CN=Issuing" has name constraints that take more than 250000 comparisons/,
    );
  });
});

describe('what a peer presents', () => {
  const der = ({ certificate }: Forged): Buffer => certificate.der;
  const ask = (presented: readonly Uint8Array[]) =>
    validatePresented({ presented, anchors: [root.certificate], now, purpose: 'server', name: { dns: fe01 } });

  it.each<[string, readonly Uint8Array[], string]>([
    ['is the leaf, then its issuers', [leaf, issuing].map(der), `${fe01} < Issuing < Root`],
    ['may hold what cannot be read', [der(leaf), Buffer.from('junk'), der(issuing)], `${fe01} < Issuing < Root`],
    ['is nothing', [], 'Malformed: no certificate was presented'],
    [
      'is junk',
      [Buffer.from('junk'), der(issuing)],
      'Malformed: the leaf is not a usable X.509 certificate: it is shorter than it says',
    ],
    [
      'is an issuer with a negative serial number, without which there is no path',
      [der(leaf), negative()],
      `UntrustedIssuer: "CN=${fe01}" was issued by "CN=Issuing", which is neither among the anchors nor among the certificates at hand: its certificate is missing, or it is not trusted; certificate 2 of those presented is not a usable X.509 certificate: its serial number is negative`,
    ],
  ])('%s', (_, presented, answer) => {
    expect(told(ask(presented))).toBe(answer);
  });

  it('is refused, and never fails, with any octet of the leaf changed', () => {
    const original = der(leaf);
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const changed = Buffer.from(original);
        changed[position] = (changed[position] ?? 0) ^ change;
        expect(ask([changed, der(issuing)]).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('never fails with any octet of a CA changed', () => {
    const constrained = forge({ subject: 'Issuing', ca: true, by: root, constraints: { permitted: [dns('contoso.com')] } });
    fc.assert(
      fc.property(fc.nat(der(constrained).length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const changed = Buffer.from(der(constrained));
        changed[position] = (changed[position] ?? 0) ^ change;
        expect(ask([der(leafBy(constrained)), changed]).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
