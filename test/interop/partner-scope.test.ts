// What a partner's CA can do at real software that holds its federation root and cross-certificate: everything for the
// partner's own names, whatever form its certificates have, and nothing for any other. What a program does not enforce stands
// here too: the allow-lists that are rendered for it must catch that. The partner's side is played by Go.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Certificate } from '../../operator/pki/certificate.ts';
import { crossCertify, type FederationTrust } from '../../operator/pki/cross-certificate.ts';
import { explicit, sequence, tlv, unsignedInteger } from '../../operator/pki/der-writer.ts';
import { authorityKeyIdentifier } from '../../operator/pki/extensions.ts';
import { trustStore } from '../../operator/pki/key-store.ts';
import { distinguishedName } from '../../operator/pki/name.ts';
import { extensionIds } from '../../operator/pki/object-identifiers.ts';
import { validatePath } from '../../operator/pki/path.ts';
import { type TrustBundle, trustBundle } from '../../operator/trust/bundle.ts';
import { holdingsOf } from '../../operator/trust/name-holders.ts';
import { type Partner, partnerScopes } from '../../operator/trust/partner-scope.ts';
import { needing } from '../support/needing.ts';
import { meet, type PeerName, type Peers, peerNames, type Reason, startPeers, type Trust } from '../support/peers/index.ts';
import { makeAuthority, makeMaterial } from '../support/peers/material.ts';
import { extension, type Forged, forge, generalName, schemes, type Wish } from '../unit/pki/forge.ts';

const { describe, it } = needing('openssl', 'go', 'java');

const now = Date.now();
const day = 24 * 3_600_000;
const lifetime = { notBefore: now - day, notAfter: now + 30 * day };
const { dns, uri, ip } = generalName;

const ca = (subject: string, wish: Wish = {}): Forged => forge({ ca: true, subject, ...lifetime, ...wish });
const rsaKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pssKeys = generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' });

const publicRoot = ca('Public Root');
const fabrikam = {
  root: ca('Fabrikam Root'),
  rsa: ca('Fabrikam RSA Root', { keys: rsaKeys, scheme: schemes.rsa }),
  signsPSS: ca('Fabrikam PSS Root', { keys: { ...rsaKeys }, scheme: schemes.pss }),
  onlyPSS: ca('Fabrikam PSS-only Root', { keys: pssKeys, scheme: schemes.pss }),
  /** As made by old tools: what lies below it names its key by another hash than ours. */
  bare: ca('Fabrikam Bare Root', {
    extensions: { [extensionIds.subjectKeyIdentifier]: null, [extensionIds.authorityKeyIdentifier]: null },
  }),
  intermediate: ca('Fabrikam at a public CA', { by: publicRoot }),
};
const litware = ca('Litware Root');
const branch = ca('Fabrikam Branch', { by: fabrikam.root });
/** One CA that two partners share. */
const shared = ca('Shared Root');

const partner = (
  name: string,
  sipDomains: readonly string[],
  anchors: readonly Forged[],
  changes: Partial<Partner> = {},
): Partner => ({
  name,
  sipDomains,
  permittedNames: [],
  permittedIPs: [],
  scope: 'NameConstrained',
  blocked: false,
  anyName: false,
  anchors: anchors.map(({ certificate }) => certificate),
  ...changes,
});

interface PartnerTrust {
  readonly bundle: TrustBundle;
  /** By fingerprint of the partner's CA certificate. */
  readonly federations: ReadonlyMap<string, FederationTrust>;
}

/** What an Edge of contoso.com holds for these partners; each time with new federation roots. */
function trustIn(partners: readonly Partner[]): PartnerTrust {
  const scopes = partnerScopes(partners, holdingsOf({ domains: ['contoso.com'], names: ['edge.fabrikam.com'] }, partners));
  const federations = new Map(
    scopes.map(({ certificate, permitted, excluded }) => {
      const federationKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const serials = { root: randomBytes(16) };
      return [
        certificate.fingerprint,
        crossCertify({ partnerCA: certificate, permitted, excluded, now, federationKeys, serials }),
      ];
    }),
  );
  const made = [...federations.values()];
  return {
    bundle: trustBundle(
      made.map(({ root }) => root),
      now,
      made.map(({ cross }) => cross),
    ),
    federations,
  };
}

const fabrikamPartner = partner('fabrikam', ['fabrikam.com'], Object.values(fabrikam), { permittedIPs: ['192.0.2.0/24'] });
const present = trustIn([
  fabrikamPartner,
  partner('litware', ['litware.com'], [litware, ca('Litware at a public CA', { by: publicRoot })]),
  partner('adventure', ['adventure.com'], [publicRoot]),
  partner('voice', ['voice.fabrikam.com'], [shared]),
  partner('northwind', ['northwind.com'], [shared]),
]);
/** Before fabrikam lost fabrikam.net. */
const former = trustIn([partner('fabrikam', ['fabrikam.com', 'fabrikam.net'], Object.values(fabrikam))]);
const withoutFabrikam = trustIn([{ ...fabrikamPartner, blocked: true }, partner('litware', ['litware.com'], [litware])]);

/** Another partner names a CA that lies below fabrikam's. */
const beside = trustIn([fabrikamPartner, partner('tailspin', ['tailspin.com'], [branch])]);

/** What Java needs to be sent, since it finds nothing beside its anchors. */
const crossOf = ({ federations }: PartnerTrust, { certificate }: Forged): Certificate => {
  const federation = federations.get(certificate.fingerprint);
  if (federation === undefined) throw new Error(`no federation with ${certificate.subject}`);
  return federation.cross;
};

interface Case {
  /** The partner's CA that its certificate leads to. */
  readonly anchor: Forged;
  /** Absent: it has no alternative name. */
  readonly names?: readonly Buffer[];
  readonly wish?: Wish;
  /** The name that is called; by default sip.fabrikam.com. */
  readonly calls?: string;
  /** What the partner sends after its leaf. */
  readonly sends?: readonly Certificate[];
  /** By default `present`. */
  readonly trust?: PartnerTrust;
  /** After that, instead of the cross-certificate that Java is sent. */
  readonly sendsAlways?: readonly Certificate[];
}

function leafOf({ anchor, names, wish }: Case): Forged {
  return forge({
    subject: 'edge',
    by: anchor,
    ...(names && { names }),
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    ...lifetime,
    ...wish,
  });
}

const byIssuerAndSerial = (issuer: Forged): Wish => ({
  extensions: {
    [extensionIds.authorityKeyIdentifier]: extension(
      extensionIds.authorityKeyIdentifier,
      sequence(
        tlv(0xa1, explicit(4, issuer.name)),
        tlv(0x82, unsignedInteger(Buffer.from(issuer.certificate.serial, 'hex')).subarray(2)),
      ),
    ),
  },
});
const withoutIssuerKey: Wish = { extensions: { [extensionIds.authorityKeyIdentifier]: null } };
const own = [dns('sip.fabrikam.com')];

let peers: Peers;
beforeAll(async () => {
  peers = await startPeers();
});
afterAll(() => peers[Symbol.asyncDispose]());

const contoso = makeAuthority('Contoso');
const edge = makeMaterial(contoso, { dnsNames: ['sip.contoso.com'] });
const enterprise: Trust = { 'ca.crt': edge['ca.crt'] };

type Verdicts = Readonly<Record<string, 'accepted' | Reason>>;

/** What each program says to the partner's certificate, as a server that is called and as a client that calls. */
async function verdicts(spec: Case): Promise<{ readonly server: Verdicts; readonly client: Verdicts }> {
  const { trust = present, sends = [], sendsAlways, calls = 'sip.fabrikam.com' } = spec;
  const leaf = leafOf(spec);
  const trusted: Required<Trust> = {
    'ca.crt': Buffer.from(trust.bundle.pem),
    'truststore.p12': trustStore({ anchors: trust.bundle.anchors }),
  };
  const materialFor = (name: PeerName) => {
    const cross = name === 'java' && sendsAlways === undefined ? [crossOf(trust, spec.anchor)] : (sendsAlways ?? []);
    return {
      ...edge,
      'tls.crt': Buffer.from([leaf.certificate, ...sends, ...cross].map(({ pem }) => pem).join('')),
      'tls.key': Buffer.from(leaf.keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    };
  };
  const server: Record<string, 'accepted' | Reason> = {};
  const client: Record<string, 'accepted' | Reason> = {};
  for (const name of peerNames) {
    await using called = await peers[name].listen({ material: { ...edge, ...trusted }, requireClientCertificate: true });
    const inbound = await meet(called, peers.go, {
      material: materialFor(name),
      trust: enterprise,
      serverName: 'sip.contoso.com',
    });
    server[name] = inbound.verdict === 'accepted' ? 'accepted' : inbound.verdict.reason;
    await using partnerEdge = await peers.go.listen({
      material: { ...materialFor(name), 'ca.crt': edge['ca.crt'] },
      requireClientCertificate: true,
    });
    const outbound = await meet(partnerEdge, peers[name], { material: edge, trust: trusted, serverName: calls });
    client[name] = outbound.verdict === 'accepted' ? 'accepted' : outbound.verdict.reason;
  }
  return { server, client };
}

const ourVerdict = (spec: Case) =>
  validatePath({
    leaf: leafOf(spec).certificate,
    intermediates: [...(spec.trust ?? present).bundle.crossCertificates, ...(spec.sends ?? []), ...(spec.sendsAlways ?? [])],
    anchors: (spec.trust ?? present).bundle.anchors,
    now,
    purpose: 'client',
    options: { profile: 'Enterprise' },
  });

/** The same verdict of all but some, in both directions. */
function expected(verdict: 'accepted' | Reason, but: Partial<Record<PeerName, 'accepted' | Reason>> = {}) {
  const each = { ...Object.fromEntries(peerNames.map((name) => [name, verdict])), ...but };
  return { server: each, client: each };
}

describe("the partner's own names are believed", () => {
  it.each<[string, Case]>([
    ['directly below its root', { anchor: fabrikam.root, names: own }],
    ['with its SPIFFE ID', { anchor: fabrikam.root, names: [...own, uri('spiffe://fabrikam.com/edge/a')] }],
    ['with an address that it is permitted', { anchor: fabrikam.root, names: [...own, ip('c0000207')] }],
    ['below a sub-CA', { anchor: fabrikam.root, names: own, wish: { by: branch }, sends: [branch.certificate] }],
    [
      'below a sub-CA that another partner names',
      { anchor: fabrikam.root, names: own, wish: { by: branch }, sends: [branch.certificate], trust: beside },
    ],
    ['when it sends its root too', { anchor: fabrikam.root, names: own, sends: [fabrikam.root.certificate] }],
    [
      'when it names its issuer by issuer and serial',
      { anchor: fabrikam.root, names: own, wish: byIssuerAndSerial(fabrikam.root) },
    ],
    ['when it does not name its issuer', { anchor: fabrikam.root, names: own, wish: withoutIssuerKey }],
    [
      'below a root without key identifier',
      {
        anchor: fabrikam.bare,
        names: own,
        wish: { extensions: { [extensionIds.authorityKeyIdentifier]: authorityKeyIdentifier(Buffer.alloc(20, 5)) } },
      },
    ],
    ['below an RSA root', { anchor: fabrikam.rsa, names: own, wish: { scheme: schemes.rsa } }],
    ['below a root that signs with RSA-PSS', { anchor: fabrikam.signsPSS, names: own, wish: { scheme: schemes.pss } }],
    [
      'below a CA that is no root, beside another of its issuer and the issuer itself',
      { anchor: fabrikam.intermediate, names: own },
    ],
    [
      'below a CA that is no root, and that it sends',
      { anchor: fabrikam.intermediate, names: own, sends: [fabrikam.intermediate.certificate] },
    ],
    [
      'below a public root, that does not name its issuer, though other federation roots bear its name',
      { anchor: publicRoot, names: [dns('sip.adventure.com')], wish: withoutIssuerKey, calls: 'sip.adventure.com' },
    ],
    [
      'below a CA that it shares',
      {
        anchor: shared,
        names: [dns('sip.voice.fabrikam.com'), dns('sip.fabrikam.com.northwind.com')],
        calls: 'sip.voice.fabrikam.com',
      },
    ],
  ])('%s', async (_, spec) => {
    expect(await verdicts(spec)).toEqual(expected('accepted'));
    expect(ourVerdict(spec)).toMatchObject({ ok: true });
  });

  it('below a root with a key for RSA-PSS alone, but by Go, which does not know such keys', async () => {
    const spec = { anchor: fabrikam.onlyPSS, names: own, wish: { scheme: schemes.pss } };
    expect(await verdicts(spec)).toEqual(expected('accepted', { go: 'untrusted-issuer' }));
    expect(ourVerdict(spec)).toMatchObject({ ok: true });
  });

  it('only by who finds the cross-certificate: Java must be sent it', async () => {
    const spec = { anchor: fabrikam.root, names: own, sendsAlways: [fabrikam.root.certificate] };
    expect(await verdicts(spec)).toEqual(expected('accepted', { java: 'untrusted-issuer' }));
  });
});

const formerly = dns('sip.fabrikam.net');
const formerCross = crossOf(former, fabrikam.root);
const formerRoot = former.bundle.anchors.find(({ subjectKeyId }) => subjectKeyId === formerCross.authorityKeyId);
const unknown = { java: 'untrusted-issuer' } as const;

describe('no other name is believed', () => {
  it.each<[string, Case, ReturnType<typeof expected>?]>([
    ['our DNS name', { anchor: fabrikam.root, names: [...own, dns('sip.contoso.com')] }],
    ['our name inside of its domain', { anchor: fabrikam.root, names: [...own, dns('edge.fabrikam.com')] }],
    ['our SPIFFE ID', { anchor: fabrikam.root, names: [...own, uri('spiffe://contoso.com/edge/a')] }],
    ['our name as mail address', { anchor: fabrikam.root, names: [...own, generalName.mail('jo@contoso.com')] }],
    ['a SIP URI of ours', { anchor: fabrikam.root, names: [...own, uri('sip:contoso.com')] }],
    ['an address', { anchor: fabrikam.root, names: [...own, ip('0a000001')] }],
    ['an IPv6 address', { anchor: fabrikam.root, names: [...own, ip(`20010db8${'00'.repeat(12)}`)] }],
    [
      'an address of a partner that is permitted none',
      { anchor: litware, names: [dns('sip.litware.com'), ip('c0000207')], calls: 'sip.litware.com' },
    ],
    [
      'our DNS name below its sub-CA',
      { anchor: fabrikam.root, names: [...own, dns('sip.contoso.com')], wish: { by: branch }, sends: [branch.certificate] },
    ],
    ["another partner's name", { anchor: litware, names: own }],
    [
      'the name of another partner inside of its domain',
      { anchor: fabrikam.root, names: [dns('sip.voice.fabrikam.com')], calls: 'sip.voice.fabrikam.com' },
    ],
    ['a name around its domain', { anchor: shared, names: own }],
    [
      'a name that it lost, with its former cross-certificate',
      { anchor: fabrikam.root, names: [...own, formerly], sendsAlways: [formerCross] },
      expected('name-not-permitted', unknown),
    ],
    [
      'a name that it lost, with its former cross-certificate and federation root',
      { anchor: fabrikam.root, names: [...own, formerly], sendsAlways: [formerCross, ...(formerRoot ? [formerRoot] : [])] },
      expected('name-not-permitted', unknown),
    ],
    [
      'its own name after it was blocked, with its former cross-certificate',
      { anchor: fabrikam.root, names: own, trust: withoutFabrikam, sendsAlways: [formerCross] },
      expected('untrusted-issuer'),
    ],
    [
      'its own name after it was blocked, with its root',
      { anchor: fabrikam.root, names: own, trust: withoutFabrikam, sendsAlways: [fabrikam.root.certificate] },
      expected('untrusted-issuer'),
    ],
  ])('%s', async (_, spec, verdict = expected('name-not-permitted')) => {
    expect(await verdicts(spec)).toEqual(verdict);
    expect(ourVerdict(spec)).toMatchObject({ ok: false });
  });

  it('our name as common name of a certificate without alternative names: Go takes it as a caller, and for no name', async () => {
    const spec = { anchor: fabrikam.root, wish: { subject: 'sip.contoso.com' }, calls: 'sip.contoso.com' };
    expect(await verdicts(spec)).toEqual({
      server: expected('name-not-permitted', { go: 'accepted' }).server,
      client: expected('name-not-permitted', { go: 'name-mismatch' }).client,
    });
  });
});

/** Which is why nothing of ours may match on these, and allow-lists compare whole names. */
describe('what name constraints do not reach', () => {
  const refused = 'name-not-permitted';
  it.each<[string, Case, ReturnType<typeof expected>, boolean]>([
    [
      'userinfo in a URI: not enforced by Node, Go and Java',
      { anchor: fabrikam.root, names: [...own, uri('spiffe://contoso.com:x@fabrikam.com')] },
      expected('accepted', { openssl: refused }),
      false,
    ],
    [
      'a NUL in a DNS name: not enforced by OpenSSL, Node and Java',
      { anchor: fabrikam.root, names: [...own, dns('sip.contoso.com\0.fabrikam.com')] },
      expected('accepted', { go: refused }),
      false,
    ],
    [
      'our name as common name: not enforced by anybody',
      { anchor: fabrikam.root, names: own, wish: { subject: 'sip.contoso.com' } },
      expected('accepted'),
      true,
    ],
    [
      'our name as user principal name: not enforced by anybody',
      { anchor: fabrikam.root, names: [...own, generalName.principal('jo@contoso.com')] },
      expected('accepted'),
      true,
    ],
    [
      'our name as directory name: not enforced by anybody',
      { anchor: fabrikam.root, names: [...own, generalName.directory(distinguishedName('sip.contoso.com'))] },
      expected('accepted'),
      true,
    ],
  ])('%s', async (_, spec, verdict, byOurOwn) => {
    expect(await verdicts(spec)).toEqual(verdict);
    expect(ourVerdict(spec).ok).toBe(byOurOwn);
  });
});
