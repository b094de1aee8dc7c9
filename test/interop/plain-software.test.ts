// OpenSSL, Node, Go and Java on the PEM files and key stores alone, with nothing rendered for them: what each holds peers to by
// itself, and what is left to the program around it. What they can be held to goes into the matrix.
import { parseCertificates } from '../../operator/pki/certificate.ts';
import { record } from '../support/matrix.ts';
import { needing } from '../support/needing.ts';
import { forge, generalName } from '../support/peers/forged.ts';
import { type Material, meet, type PeerName, type Peers, peerNames, startPeers } from '../support/peers/index.ts';
import { makeAuthority, makeMaterial, trustIn } from '../support/peers/material.ts';
import { runProgram } from '../support/process.ts';
import { constrained } from './support/edge.ts';

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
    const bundle = parseCertificates(fabrikam.trust);
    const [root, cross] = bundle.toSorted((one, other) => Number(isRoot(other)) - Number(isRoot(one)));
    const sends = (material: Material): Material =>
      name === 'java'
        ? { ...material, 'tls.crt': Buffer.concat([material['tls.crt'], Buffer.from(cross?.pem ?? '')]) }
        : material;
    const trusted = name === 'java' && root !== undefined ? [root] : bundle;
    await using listener = await peers[name].listen({
      material: { ...server, ...trustIn(trusted) },
      requireClientCertificate: true,
    });
    const verdictOn = async (commonName: string, ...others: readonly string[]) => {
      const material = sends(forge(fabrikam.authority, { commonName, names: [commonName, ...others].map(dns) }));
      return (await meet(listener, peers.node, { material, trust: server, serverName: 'pool01.contoso.com' })).verdict;
    };
    expect(await verdictOn('sip.fabrikam.com')).toBe('accepted');
    expect(await verdictOn('sip.fabrikam.com', 'pool01.contoso.com')).toMatchObject({ refusedBy: 'server' });
    await measured('Name constraints', name === 'java' ? 'yes, where the peer sends the cross-certificate' : 'yes');
  });
});

const isRoot = ({ subjectDer, issuerDer, subjectKeyId, authorityKeyId }: ReturnType<typeof parseCertificates>[number]) =>
  subjectDer.equals(issuerDer) && (authorityKeyId === undefined || authorityKeyId === subjectKeyId);
