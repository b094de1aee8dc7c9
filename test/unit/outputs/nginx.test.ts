// What is rendered for nginx; above all the njs that reads the names of a caller, run here as the JavaScript that it is.
import { X509Certificate } from 'node:crypto';
import { explicit, sequence, tlv } from '../../../operator/pki/der-writer.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { forge, generalName, subjectAltName } from '../../support/peers/forged.ts';
import { makeAuthority } from '../../support/peers/material.ts';
import { file, filesOf, partner } from './rendered.ts';

const { dns, uri, mail, ip, directory, userPrincipal } = generalName;

interface Caller {
  readonly variables: { readonly ssl_client_verify: string; readonly ssl_client_raw_cert: string };
  readonly warn: (text: string) => void;
}
type Verdict = (caller: Caller) => string;

async function verdictIn(script: string, name: string): Promise<Verdict> {
  const module = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
  return module.default[name];
}

let outside: Verdict;
let inside: Verdict;
beforeAll(async () => {
  const script = file('Nginx', 'nginx-names.js', { role: 'Edge', partners: [partner] });
  outside = await verdictIn(script, 'verdict_access_edge_external');
  inside = await verdictIn(script, 'verdict_internal');
});

const pemOf = (der: Uint8Array) => encodePem('CERTIFICATE', der);

const judge = (verdict: Verdict, pem: string, verify = 'SUCCESS') =>
  verdict({ variables: { ssl_client_verify: verify, ssl_client_raw_cert: pem }, warn: () => undefined });

const authority = makeAuthority('Fabrikam');
const certificate = (...names: readonly Buffer[]) =>
  forge(authority, { names })
    ['tls.crt'].toString()
    .split(/(?<=-----END CERTIFICATE-----\n)/)[0] ?? '';

const peer = 'spiffe://contoso.com/mediation/medpool.contoso.com';

describe('the names of a caller', () => {
  it.each<[what: string, verdict: string, names: readonly Buffer[]]>([
    ['the access edge', 'allowed', [dns('sip.fabrikam.com')]],
    ['a SIP domain', 'allowed', [dns('fabrikam.com')]],
    ['letters of either case', 'allowed', [dns('SIP.Fabrikam.COM')]],
    [
      'the last of many',
      'allowed',
      [dns('a.fabrikam.com'), ip(192, 0, 2, 1), mail('a@fabrikam.com'), uri('sip:fabrikam.com'), dns('sip.fabrikam.com')],
    ],
    [
      'names of every other kind beside it',
      'allowed',
      [directory('x'), userPrincipal('x@fabrikam.com'), dns('sip.fabrikam.com')],
    ],
    ['another', 'refused', [dns('www.fabrikam.com')]],
    [
      'one that ends alike',
      'refused',
      [dns('evil-sip.fabrikam.com'), dns('sip.fabrikam.com.evil.com'), dns('sip.fabrikam.com.')],
    ],
    ['a pattern', 'refused', [dns('*.fabrikam.com')]],
    ['what an object has by itself', 'refused', [dns('constructor'), dns('__proto__'), dns('toString')]],
    [
      'mail, URI, directory name and principal',
      'refused',
      [mail('sip.fabrikam.com'), uri('sip.fabrikam.com'), directory('sip.fabrikam.com'), userPrincipal('sip.fabrikam.com')],
    ],
    ['a NUL after it', 'not readable', [dns('sip.fabrikam.com\0.evil.com')]],
    ['a NUL in another', 'not readable', [dns('sip.fabrikam.com'), dns('evil.com\0.fabrikam.com')]],
    ['a line feed after it', 'not readable', [dns('sip.fabrikam.com\n')]],
    ['a letter beyond ASCII', 'not readable', [dns('sip.fabrikam.com'), dns('\xfcber.fabrikam.com')]],
    ['no letter at all', 'not readable', [dns('sip.fabrikam.com'), dns('')]],
    ['a constructed name', 'not readable', [tlv(0xa2, dns('sip.fabrikam.com'))]],
    ['a kind that nobody knows', 'not readable', [dns('sip.fabrikam.com'), tlv(0x89, Buffer.from('x'))]],
  ])('%s: %s', (_what, verdict, names) => expect(judge(outside, certificate(...names))).toBe(verdict));

  it.each<[what: string, verdict: string, names: readonly Buffer[]]>([
    ['a peer', 'allowed', [dns('anything.contoso.com'), uri(peer)]],
    ['a peer that is not listed', 'refused', [uri('spiffe://contoso.com/mediation/other.contoso.com')]],
    ['two URIs', 'refused', [uri(peer), uri('sip:contoso.com')]],
    ['letters of another case', 'refused', [uri(peer.toUpperCase())]],
    ['userinfo', 'refused', [uri(peer.replace('contoso.com/', 'contoso.com:x@fabrikam.com/'))]],
    ['a NUL after it', 'not readable', [uri(`${peer}\0`)]],
    ['its DNS name alone', 'refused', [dns('medpool.contoso.com')]],
    ['its URI as a DNS name', 'not readable', [dns(peer)]],
  ])('inside, %s: %s', (_what, verdict, names) => expect(judge(inside, certificate(...names))).toBe(verdict));

  it('no names at all', () => {
    const named = (forgery: object) =>
      forge(authority, forgery)
        ['tls.crt'].toString()
        .split(/(?<=-----END CERTIFICATE-----\n)/)[0] ?? '';
    expect(judge(outside, named({ commonName: 'sip.fabrikam.com' }))).toBe('refused');
    expect(judge(outside, certificate())).toBe('refused');
  });

  it('what was not verified, or is no certificate', () => {
    const good = certificate(dns('sip.fabrikam.com'));
    expect(judge(outside, good)).toBe('allowed');
    expect(judge(outside, good, 'NONE')).toBe('not verified');
    expect(judge(outside, good, 'FAILED:self signed certificate')).toBe('not verified');
    for (const other of ['', 'x', good.slice(30), good + good, pemOf(Buffer.alloc(0)), pemOf(Buffer.alloc(2000, 0x30))]) {
      expect(judge(outside, other)).toBe('not readable');
    }
  });

  it('two lists of names', () => {
    const list = (name: string) => subjectAltName(dns(name));
    const signed = (...extensions: readonly Buffer[]) => sequence(explicit(3, sequence(...extensions)));
    const whole = (...extensions: readonly Buffer[]) => pemOf(sequence(signed(...extensions)));
    expect(judge(outside, whole(list('sip.fabrikam.com')))).toBe('allowed');
    expect(judge(outside, whole(list('sip.fabrikam.com'), list('www.fabrikam.com')))).toBe('not readable');
  });
});

it('lets nobody in by an octet that was changed or cut off, unless OpenSSL reads the same name there', () => {
  const der = new X509Certificate(certificate(dns('sip.fabrikam.com'), ip(192, 0, 2, 1))).raw;
  for (let at = 0; at < der.length; at++) {
    expect(judge(outside, pemOf(der.subarray(0, at)))).toBe('not readable');
    for (const change of [0x01, 0x20, 0x80, 0xff]) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ change;
      // What OpenSSL cannot read does not get here: nginx has verified the certificate.
      if (judge(outside, pemOf(changed)) === 'allowed' && isReadable(changed)) {
        expect(new X509Certificate(changed).subjectAltName?.toLowerCase()).toContain('dns:sip.fabrikam.com');
      }
    }
  }
});

function isReadable(der: Buffer): boolean {
  try {
    return new X509Certificate(der).raw.length > 0;
  } catch {
    return false;
  }
}

describe('nginx', () => {
  it('lets nobody in where nobody is known', async () => {
    const nobody = await verdictIn(file('Nginx', 'nginx-names.js', { role: 'Edge', peers: [] }), 'verdict_access_edge_external');
    expect(judge(nobody, certificate(dns('sip.fabrikam.com'), uri(peer)))).toBe('refused');
  });

  it('asks for names where it asks for certificates: in stream before data flows, in http before anything is answered', () => {
    const files = filesOf('Nginx', { role: 'Edge', partners: [partner] });
    expect(files['nginx-outside.stream.conf']).toMatch(
      /ssl_verify_client on;[\s\S]*js_preread trustmesh\.gate_access_edge_external;/,
    );
    expect(files['nginx-outside.http.conf']).toMatch(
      /js_set (\$\S+) trustmesh\.verdict_access_edge_external;\nif \(\1 != allowed\) \{ return 444; \}/,
    );
  });

  it('has within FIPS what is approved', () => {
    const text = file('Nginx', 'nginx-sip.stream.conf', { domain: { security: { fips: 'Required' } } });
    expect(text).toContain('ssl_ecdh_curve P-256:P-384:P-521;');
    expect(text).toContain('ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;');
    expect(text).not.toMatch(/CHACHA20|X25519|ed25519/i);
    expect(file('Nginx', 'nginx-sip.stream.conf')).not.toMatch(/ssl_ciphers|ssl_ecdh_curve/);
  });
});
