// OpenSSL, Node, Go and Java on the PEM files and key stores alone, with nothing rendered for them: what each holds peers to by
// itself, and what is left to the program around it. What they can be held to goes into the matrix.
import { parseCertificates } from '../../operator/pki/certificate.ts';
import { encodePem } from '../../operator/pki/pem.ts';
import { record } from '../support/matrix.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName, makeRoot, revocationList } from '../support/peers/forged.ts';
import {
  type Material,
  meet,
  type PeerName,
  type Peers,
  peerNames,
  type Reason,
  startPeers,
  type Trust,
} from '../support/peers/index.ts';
import { makeAuthority, makeMaterial, trustIn } from '../support/peers/material.ts';
import { runProgram } from '../support/process.ts';
import { call, isLetIn } from './support/calling.ts';
import { constrained, type Partner } from './support/edge.ts';

const { describe, it } = needing('openssl', 'go', 'java');
const { dns } = generalName;

const versions: Readonly<Record<PeerName, { readonly software: string; readonly version: () => Promise<string> }>> = {
  openssl: { software: 'OpenSSL', version: async () => found((await runProgram('openssl', ['version'])).stdout, /(\d+\.\d+)\./) },
  node: { software: 'Node', version: async () => found(process.version, /v(\d+)\./) },
  go: { software: 'Go', version: async () => found((await runProgram('go', ['version'])).stdout, /go(\d+\.\d+)/) },
  java: { software: 'Java', version: async () => found((await runProgram('java', ['-version'])).stderr, /"(\d+)/) },
};

function found(text: string, pattern: RegExp): string {
  const [, version] = pattern.exec(text) ?? [];
  if (version === undefined) throw new Error(`no version in ${text}`);
  return version;
}

const contoso = makeAuthority('Contoso');
const server = makeMaterial(contoso, { dnsNames: ['pool01.contoso.com'] });
const caller = makeMaterial(contoso, { dnsNames: ['med01.contoso.com'] });
const unlisted = makeMaterial(contoso, { dnsNames: ['other.contoso.com'] });

let peers: Peers;
beforeAll(async () => {
  peers = await startPeers();
}, 5 * 60_000);
afterAll(() => peers?.[Symbol.asyncDispose]());

describe.each(peerNames)('%s', (name) => {
  const measured = async (capability: Parameters<typeof record>[0]['capability'], result: string) => {
    const { software, version } = versions[name];
    record({ software, version: await version(), capability, result });
  };

  it('refuses a server that has another name', async () => {
    await using listener = await peers.node.listen({ material: server, requireClientCertificate: true });
    const callTo = (serverName: string) =>
      peers[name].connect({ material: caller, trust: caller, port: listener.port, serverName, timeoutMs: 60_000 });
    expect(await callTo('pool01.contoso.com')).toMatchObject({ accepted: true });
    expect(await callTo('pool02.contoso.com')).toMatchObject({ refusedBy: 'self', reason: 'name-mismatch' });
    await measured('Name check', 'yes, where it is asked to');
  });

  it('knows no list: what holds callers to one is the program around it', async () => {
    const options = { material: server, requireClientCertificate: true };
    const calling = { material: unlisted, trust: unlisted, serverName: 'pool01.contoso.com' };
    await using open = await peers[name].listen(options);
    expect((await meet(open, peers.node, calling)).verdict).toBe('accepted');
    if (peers[name].checksNames) {
      await using listed = await peers[name].listen({ ...options, allowedNames: ['med01.contoso.com'] });
      expect((await meet(listed, peers.node, { ...calling, material: caller })).verdict).toBe('accepted');
      expect((await meet(listed, peers.node, calling)).verdict).toEqual({ refusedBy: 'server', reason: 'peer-not-in-topology' });
    }
    await measured('Allow-list', peers[name].checksNames ? 'by the program around it' : 'no');
  });

  it('enforces what a cross-certificate permits; Java has to be sent it', async () => {
    const fabrikam = constrained('fabrikam');
    const { sends, material: believing } = among(name, fabrikam);
    await using listener = await peers[name].listen({ material: believing, requireClientCertificate: true });
    const verdictOn = async (commonName: string, ...others: readonly string[]) => {
      const material = sends(forge(fabrikam.authority, { commonName, names: [commonName, ...others].map(dns) }));
      return (await meet(listener, peers.node, { material, trust: server, serverName: 'pool01.contoso.com' })).verdict;
    };
    expect(await verdictOn('sip.fabrikam.com')).toBe('accepted');
    expect(await verdictOn('sip.fabrikam.com', 'pool01.contoso.com')).toMatchObject({ refusedBy: 'server' });
    await measured('Name constraints', name === 'java' ? 'yes, where the peer sends the cross-certificate' : 'yes');
  });

  it('refuses by CRLs of the whole chain that it is given; Go is given none, and Java takes one CA’s for another’s of its name', async () => {
    const tailspin = constrained('tailspin', makeRoot('Tailspin Root CA'));
    const { sends, material: believing } = among(name, tailspin);
    const leaf = () => sends(forge(tailspin.authority, { commonName: 'sip.tailspin.com', names: [dns('sip.tailspin.com')] }));
    const [good, revoked] = [leaf(), leaf()];
    const verdictOn = async (material: Material, revocationLists: readonly string[] = [], trust: Trust = believing) => {
      const options = { material: { ...server, ...trust }, requireClientCertificate: true, revocationLists };
      await using listener = await peers[name].listen(options);
      return (await meet(listener, peers.node, { material, trust: server, serverName: 'pool01.contoso.com' })).verdict;
    };
    const byServer = (reason: Reason) => ({ refusedBy: 'server', reason });
    expect(await verdictOn(revoked)).toBe('accepted');
    if (!peers[name].checksRevocation) return measured('CRL', 'no');
    const ofTailspin = encodePem('X509 CRL', revocationList(tailspin.authority, [revoked]));
    const plain = trustIn(tailspin.authority.anchors);
    expect(await verdictOn(good, [ofTailspin], plain)).toBe('accepted');
    expect(await verdictOn(revoked, [ofTailspin], plain)).toEqual(byServer('revoked'));
    // The federation root, whose list names nobody, is called as the partner's own.
    if (name === 'java') {
      expect(await verdictOn(revoked, tailspin.revocationLists)).toBe('accepted');
      return measured('CRL', 'no: it takes the list of one CA for that of another of its name');
    }
    const lists = [ofTailspin, ...tailspin.revocationLists];
    expect(await verdictOn(good, lists)).toBe('accepted');
    expect(await verdictOn(revoked, lists)).toEqual(byServer('revoked'));
    expect(await verdictOn(good, [ofTailspin])).toEqual(byServer('revocation-unknown'));
    await measured('CRL', 'yes, where it is given those of the whole chain');
  });

  it('believes others after its anchors have changed, as the program around it takes them up; OpenSSL reads them when it starts', async () => {
    const [leaving, staying] = [makeAuthority('Leaving'), makeAuthority('Staying')];
    const [blocked, other] = [leaving, staying].map((authority) => makeMaterial(authority, { dnsNames: ['sip.fabrikam.com'] }));
    const material = { ...server, ...trustIn([...leaving.anchors, ...staying.anchors]) };
    await using listener = await peers[name].listen({ material, requireClientCertificate: true });
    // It serves one connection after the other.
    const standing = name === 'openssl' ? undefined : await call(listener.port, blocked);
    const session = standing?.session();
    expect(await isLetIn(listener.port, blocked)).toBe(true);
    await listener.takeUp(trustIn(staying.anchors));
    expect(await isLetIn(listener.port, other)).toBe(true);
    expect(await isLetIn(listener.port, blocked)).toBe(name === 'openssl');
    if (standing === undefined) return measured('Reload', 'no: it reads files when it starts');
    expect(await isLetIn(listener.port, blocked, session)).toBe(false);
    expect(await standing.ask()).toBe(true);
    standing.socket?.destroy();
    await measured('Reload', 'by the program around it');
  });
});

/** A server that believes a partner’s names, and what the partner has to send: Java finds nothing beside its anchors. */
function among(name: PeerName, { trust }: Partner) {
  const bundle = parseCertificates(trust);
  const [root, cross] = bundle.toSorted((one, other) => Number(isRoot(other)) - Number(isRoot(one)));
  const sends = (material: Material): Material =>
    name === 'java' ? { ...material, 'tls.crt': Buffer.concat([material['tls.crt'], Buffer.from(cross?.pem ?? '')]) } : material;
  const trusted = name === 'java' && root !== undefined ? [root] : bundle;
  return { sends, material: { ...server, ...trustIn(trusted) } };
}

const isRoot = ({ subjectDer, issuerDer, subjectKeyId, authorityKeyId }: ReturnType<typeof parseCertificates>[number]) =>
  subjectDer.equals(issuerDer) && (authorityKeyId === undefined || authorityKeyId === subjectKeyId);
