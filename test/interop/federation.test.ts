// Federation on the wire, with Secrets and bundles as they stand in the API server: who gets in at the outside of an Edge and who is
// believed when it is called; and what a partner that is blocked, re-scoped or on a CRL has left. What each program makes of every form
// of certificate is in partner-scope.test.ts: here the point is what the operator hands out.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { federatedPartners } from '../../operator/kube/resource.ts';
import { type Certificate, parseCertificates } from '../../operator/pki/certificate.ts';
import { signRevocationList } from '../../operator/pki/crl.ts';
import { explicit, sequence, tlv, unsignedInteger } from '../../operator/pki/der-writer.ts';
import { trustStore } from '../../operator/pki/key-store.ts';
import { extensionIds } from '../../operator/pki/object-identifiers.ts';
import { decodePem, encodePem } from '../../operator/pki/pem.ts';
import { signerOf } from '../../operator/pki/signing.ts';
import { contoso, partnerManifest, serverManifest, startTrustmesh, type Trustmesh } from '../support/installation.ts';
import { needing } from '../support/needing.ts';
import { type Material, meet, type Peers, peerNames, startPeers, type Trust } from '../support/peers/index.ts';
import { materialOf } from '../support/peers/material.ts';
import { waitFor } from '../support/wait.ts';
import { extension, type Forged, forge, generalName, schemes, type Wish } from '../unit/pki/forge.ts';
import { call, isLetIn, listening } from './support/calling.ts';
import { startNodeEdge } from './support/node-edge.ts';

const { describe, it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'openssl', 'go', 'java');

const day = 24 * 3_600_000;
const lifetime = { notBefore: Date.now() - day, notAfter: Date.now() + 300 * day };
const { dns, uri, ip } = generalName;
const ca = (subject: string, wish: Wish = {}): Forged => forge({ ca: true, subject, ...lifetime, ...wish });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const root = ca('Fabrikam Root');
const rsaRoot = ca('Fabrikam RSA Root', { keys: rsa, scheme: schemes.rsa });
const pssRoot = ca('Fabrikam PSS Root', { keys: { ...rsa }, scheme: schemes.pss });
const branch = ca('Fabrikam Branch', { by: root });
const shared = ca('Shared Root');
const publishing = ca('Woodgrove Root');

const running = new AsyncDisposableStack();
let trustmesh: Trustmesh;
let peers: Peers;
afterAll(() => running.disposeAsync());

const partner = (name: string, authorities: readonly Forged[], spec: object = {}, trust: object = {}) =>
  partnerManifest(name, { trust: { anchors: authorities.map(({ certificate: { pem } }) => ({ pem })), ...trust }, ...spec });
const fabrikam = partner('fabrikam', [root, rsaRoot, pssRoot]);

beforeAll(async () => {
  [trustmesh, peers] = await Promise.all([startTrustmesh(), startPeers()]);
  running.use(trustmesh);
  running.use(peers);
  const pool = (name: string, spec: object) =>
    serverManifest(name, { poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}-0.contoso.com` }], ...spec });
  const formats = ['PKCS12'];
  await trustmesh.apply(
    contoso +
      pool('edge', {
        role: 'Edge',
        edge: { accessFQDN: 'access.contoso.com' },
        certificates: {
          scope: 'Pool',
          uses: [
            { use: 'AccessEdgeExternal', formats },
            { use: 'Internal', formats },
          ],
        },
      }) +
      pool('front', { role: 'FrontEnd', certificates: { scope: 'Pool', uses: [{ use: 'Default', formats }] } }) +
      fabrikam +
      partner('northwind', [shared]) +
      partner('litware', [shared]),
  );
  await Promise.all([
    ...['edge', 'front'].map((name) => trustmesh.ready('media', name)),
    ...['fabrikam', 'northwind', 'litware'].map((name) => trustmesh.partner(name, 'Trusted')),
  ]);
}, 10 * 60_000);

const secret = async (name: string): Promise<Material> => materialOf(await trustmesh.secret('media', name));
const outside = () => secret('edge-access-edge-external-tls');
const bundle = () => trustmesh.configMap('media', 'trustmesh-contoso-edge-external');

/** Java finds nothing beside its anchors: it gets federation roots alone, and is sent the cross-certificate. */
function trustOf(pem: string): Required<Trust> {
  const anchors = parseCertificates(pem).filter(({ subjectKeyId, authorityKeyId }) => subjectKeyId === authorityKeyId);
  return { 'ca.crt': Buffer.from(pem), 'truststore.p12': trustStore({ anchors }) };
}

/** The cross-certificate that stands for a partner's CA now. */
async function crossOf({ certificate }: Forged): Promise<Certificate> {
  const certificates = parseCertificates((await bundle())['ca.crt'] ?? '');
  const cross = certificates.find(
    ({ subjectKeyId, serial }) => subjectKeyId === certificate.subjectKeyId && serial === certificate.serial,
  );
  if (cross === undefined) throw new Error(`nothing stands for ${certificate.subject}`);
  return cross;
}

/** A certificate of a partner, with what it sends after it. */
function leafOf(by: Forged, names: readonly Buffer[], sends: readonly Certificate[] = [], wish: Wish = {}): Material {
  const leaf = forge({ subject: 'edge', by, names, extendedKeyUsage: ['serverAuth', 'clientAuth'], ...lifetime, ...wish });
  return {
    'tls.crt': Buffer.from([leaf.certificate, ...sends].map(({ pem }) => pem).join('')),
    'tls.key': Buffer.from(leaf.keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'ca.crt': Buffer.from(by.certificate.pem),
  };
}

const sending = (material: Material, ...more: readonly Certificate[]): Material => ({
  ...material,
  'tls.crt': Buffer.concat([material['tls.crt'], ...more.map(({ pem }) => Buffer.from(pem))]),
});

/** What each program says that listens with the Secret, to this caller. */
async function answers(listener: Material, caller: Material, cross?: Certificate) {
  const said: Record<string, unknown> = {};
  for (const name of peerNames) {
    await using edge = await peers[name].listen({ material: listener, requireClientCertificate: true });
    const material = name === 'java' && cross !== undefined ? sending(caller, cross) : caller;
    // What the caller thinks of the listener is not asked here.
    const trust = { 'ca.crt': Buffer.from(enterprise) };
    const { verdict } = await meet(edge, peers.go, { material, trust, serverName: nameOf(listener) });
    said[name] = verdict === 'accepted' ? 'accepted' : verdict.reason;
  }
  return said;
}
const all = (verdict: string, but: object = {}) => ({ ...Object.fromEntries(peerNames.map((name) => [name, verdict])), ...but });

let enterprise = '';
beforeAll(async () => {
  enterprise = (await trustmesh.configMap('media', 'trustmesh-contoso'))['ca.crt'] ?? '';
});
const nameOf = (material: Material): string => parseCertificates(material['tls.crt'].toString())[0]?.dnsNames[0] ?? '';

const own = [dns('sip.fabrikam.com')];
const byIssuerAndSerial: Wish = {
  extensions: {
    [extensionIds.authorityKeyIdentifier]: extension(
      extensionIds.authorityKeyIdentifier,
      sequence(
        tlv(0xa1, explicit(4, root.name)),
        tlv(0x82, unsignedInteger(Buffer.from(root.certificate.serial, 'hex')).subarray(2)),
      ),
    ),
  },
};

describe('at the external face', () => {
  it.each<[string, Forged, Material]>([
    ['of its root', root, leafOf(root, own)],
    ['that names its issuer by issuer and serial', root, leafOf(root, own, [], byIssuerAndSerial)],
    ['of an RSA root', rsaRoot, leafOf(rsaRoot, own, [], { scheme: schemes.rsa })],
    ['of a root that signs with RSA-PSS', pssRoot, leafOf(pssRoot, own, [], { scheme: schemes.pss })],
    ['of a sub-CA', root, leafOf(branch, own, [branch.certificate])],
    ['that comes with its self-signed root', root, leafOf(root, own, [root.certificate])],
    ['of a CA that is shared, as one of its partners', shared, leafOf(shared, [dns('sip.northwind.com')])],
    ['of a CA that is shared, as the other', shared, leafOf(shared, [dns('sip.litware.com')])],
  ])('a partner gets in with a certificate %s', async (_, anchor, caller) => {
    expect(await answers(await outside(), caller, await crossOf(anchor))).toEqual(all('accepted'));
  });

  it.each<[string, Forged, Material]>([
    ['our DNS name', root, leafOf(root, [...own, dns('access.contoso.com')])],
    ['our SPIFFE ID', root, leafOf(root, [...own, uri('spiffe://contoso.com/edge/edge.contoso.com')])],
    ['an IP address', root, leafOf(root, [...own, ip('0a000001')])],
    ["another partner's name", shared, leafOf(shared, own)],
    ["another partner's name, below its sub-CA", root, leafOf(branch, [dns('sip.northwind.com')], [branch.certificate])],
  ])('nobody gets in with %s', async (_, anchor, caller) => {
    expect(await answers(await outside(), caller, await crossOf(anchor))).toEqual(all('name-not-permitted'));
  });

  it('nobody of ours gets in', async () => {
    expect(await answers(await outside(), await secret('front-tls'))).toEqual(all('untrusted-issuer'));
    expect(await answers(await outside(), await outside())).toEqual(all('untrusted-issuer'));
  });
});

it.each(['front-tls', 'edge-internal-tls'])('a partner does not get in inside: %s', async (name) => {
  const cross = await crossOf(root);
  expect(await answers(await secret(name), sending(leafOf(root, own), cross), cross)).toEqual(all('untrusted-issuer'));
});

it('a partner is believed when it is called with its own file, and with no other partner’s', async () => {
  const data = await bundle();
  const caller = await outside();
  const called: Material = { ...leafOf(root, own, [await crossOf(root)]), 'ca.crt': Buffer.from(enterprise) };
  for (const [file, verdict] of [
    ['partner-fabrikam.crt', 'accepted'],
    ['partner-northwind.crt', { refusedBy: 'client', reason: 'untrusted-issuer' }],
  ] as const) {
    for (const name of peerNames) {
      await using edge = await peers.go.listen({ material: called, requireClientCertificate: true });
      const trust = trustOf(data[file] ?? '');
      const meeting = await meet(edge, peers[name], { material: caller, trust, serverName: 'sip.fabrikam.com' });
      expect([file, name, meeting.verdict]).toEqual([file, name, verdict]);
    }
  }
});

describe('a partner that changes', () => {
  afterEach(async () => {
    await trustmesh.apply(fabrikam);
    await trustmesh.partner('fabrikam', 'Trusted');
  });

  /** The Secret, once its anchors are others than these. */
  const changed = (before: Material) =>
    waitFor('the Secret of the Edge to have other anchors', async () => {
      const now = await outside();
      return now['ca.crt'].equals(before['ca.crt']) ? undefined : now;
    });

  it('and is blocked does not get in again: not anew, not with the cross-certificate that it had, not by its session', async () => {
    const before = await outside();
    const cross = await crossOf(root);
    const caller = leafOf(root, own);
    await using edge = await startNodeEdge(before);
    const first = await call(edge.port, caller);
    const again = await call(edge.port, caller, first.session());
    expect([first, again].map(({ socket }) => socket?.isSessionReused())).toEqual([false, true]);

    await trustmesh.apply(partnerManifest('unwanted', { mode: 'Blocked', sipDomains: ['fabrikam.com'] }));
    await trustmesh.partner('fabrikam', 'Blocked');
    const after = await changed(before);
    edge.takeUp(after);
    expect(await isLetIn(edge.port, caller)).toBe(false);
    expect(await isLetIn(edge.port, caller, first.session())).toBe(false);
    for (const { socket } of [first, again]) socket?.destroy();
    expect(await answers(after, caller)).toEqual(all('untrusted-issuer'));
    expect(await answers(after, sending(caller, cross), cross)).toEqual(all('untrusted-issuer'));
    expect(await answers(after, leafOf(shared, [dns('sip.northwind.com')]), await crossOf(shared))).toEqual(all('accepted'));
    await trustmesh.admin.delete(federatedPartners, { name: 'unwanted' });
  });

  it('and loses a name does not get in with that, though it sends the cross-certificate that had it', async () => {
    await trustmesh.apply(partner('fabrikam', [root, rsaRoot, pssRoot], {}, { permittedNames: ['av.fabrikam.net'] }));
    const names = [...own, dns('av.fabrikam.net')];
    const caller = leafOf(root, names);
    await waitFor('the name to be believed', async () => {
      const now = (await answers(await outside(), caller, await crossOf(root)))['openssl'];
      return now === 'accepted' ? true : undefined;
    });
    const [before, former] = [await outside(), await crossOf(root)];
    await trustmesh.apply(fabrikam);
    const after = await changed(before);
    const refused = all('name-not-permitted', { java: 'untrusted-issuer' });
    expect(await answers(after, sending(caller, former), former)).toEqual(refused);
    expect(await answers(after, leafOf(root, own), await crossOf(root))).toEqual(all('accepted'));
  });
});

it('who is on the CRL of a partner does not get in where CRLs are checked, and every other of it does', async () => {
  const good = leafOf(publishing, [dns('sip.woodgrove.com')]);
  const revoked = leafOf(publishing, [dns('sip.woodgrove.com')]);
  const { serial = '' } = parseCertificates(revoked['tls.crt'].toString())[0] ?? {};
  const now = Math.floor(Date.now() / 1000) * 1000;
  const list = signRevocationList(signerOf(publishing.name, publishing.keys.privateKey), {
    issuerKeyId: Buffer.from(publishing.certificate.subjectKeyId, 'hex'),
    number: 1,
    thisUpdate: now - day,
    nextUpdate: now + day,
    revoked: [{ serial, since: now - 60_000 }],
  });
  await using publisher = await listening(createServer((_, response) => response.end(list)));
  const crlURLs = [`http://127.0.0.1:${publisher.port}/woodgrove.crl`];
  for (const name of ['fabrikam', 'northwind', 'litware']) await trustmesh.admin.delete(federatedPartners, { name });
  await trustmesh.apply(partner('woodgrove', [publishing], {}, { revocation: 'Published', crlURLs }));
  await trustmesh.partner('woodgrove', 'Trusted');
  const crl = await waitFor('the lists to be delivered', async () => (await bundle())['crl.pem']);
  // Node takes one list from each.
  const lists = decodePem(crl).map(({ label, der }) => encodePem(label, der));
  const material = await waitFor('the Secret to hold woodgrove alone', async () => {
    const held = await outside();
    return parseCertificates(held['ca.crt'].toString()).every(({ subject }) => subject === 'CN=Woodgrove Root')
      ? held
      : undefined;
  });
  await using checking = await startNodeEdge(material, lists);
  expect([await isLetIn(checking.port, good), await isLetIn(checking.port, revoked)]).toEqual([true, false]);
  await using trusting = await startNodeEdge(material);
  expect(await isLetIn(trusting.port, revoked)).toBe(true);
});
