// Leaves a second on one core, with key pair and both PEMs: made alone, and as issued, which is made, parsed and checked
// before anybody relies on it.
import type { Authority } from '../operator/authorities/authority.ts';
import { issueCertificate } from '../operator/authorities/issue.ts';
import { generateKeyPair, privateKeyPem, randomSerial } from '../operator/authorities/keys.ts';
import { createIssuing, createRoot } from '../operator/pki/authority.ts';
import { issuerOf, signLeaf } from '../operator/pki/leaf.ts';
import { encodePem } from '../operator/pki/pem.ts';
import { validity } from '../operator/pki/validity.ts';
import { median } from './median.ts';

export interface LeafFigures {
  /** Key pair, certificate and PEM of both, per CPU second. */
  readonly made: number;
  /** The same, with the leaf parsed and checked against its request and chain, per CPU second. */
  readonly issued: number;
}

const DAY = 86_400_000;
const WARM_UP = 2_000;
const LEAVES = 5_000;
const ROUNDS = 5;
const key = { algorithm: 'ECDSA', size: 256 } as const;

export async function measureLeaves(): Promise<LeafFigures> {
  const now = Date.now();
  const authority = makeAuthority(now);
  const names = (index: number) => {
    const pool = `server-${index}.bench.example`;
    return { dnsNames: [pool, `node.${pool}`], uri: `spiffe://bench.example/server/${pool}/node.${pool}` };
  };
  const make = async (index: number) => {
    const { privateKey, publicKey } = generateKeyPair(key);
    const { dnsNames, uri } = names(index);
    const request = {
      commonName: dnsNames[0] ?? '',
      dnsNames,
      uri,
      profile: 'Server',
      serial: randomSerial(),
      publicKey,
    } as const;
    const leaf = signLeaf(authority.issuer, { ...request, ...validity({ now, duration: authority.leaf.duration }) });
    return encodePem('CERTIFICATE', leaf).length + privateKeyPem(privateKey).length;
  };
  const issue = (index: number) => issueCertificate(authority, { ...names(index), profile: 'Server', keyStore: false }, now);
  return { made: await rateOf(make), issued: await rateOf(issue) };
}

/** By CPU time of this process, which other work on the machine does not stretch as it does the clock. */
async function rateOf(work: (index: number) => Promise<unknown>): Promise<number> {
  for (let index = 0; index < WARM_UP; index++) await work(index);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let index = 0; index < LEAVES; index++) await work(index);
    const { user, system } = process.cpuUsage(before);
    rates.push(LEAVES / ((user + system) / 1e6));
  }
  return median(rates);
}

/** A CA in memory, with P-256 leaves. */
export function makeAuthority(now: number): Authority {
  const root = generateKeyPair({ algorithm: 'ECDSA', size: 384 });
  const rootCertificate = createRoot({
    commonName: 'Bench Root CA',
    serial: randomSerial(),
    ...root,
    ...validity({ now, duration: 3650 * DAY }),
  });
  const issuing = generateKeyPair(key);
  const certificate = createIssuing(issuerOf(rootCertificate, root.privateKey), {
    commonName: 'Bench Issuing CA',
    serial: randomSerial(),
    publicKey: issuing.publicKey,
    ...validity({ now, duration: 1095 * DAY }),
  });
  return {
    enterpriseCA: 'bench',
    generation: 1,
    keyId: certificate.subjectKeyId,
    certificate,
    chain: [certificate],
    intermediates: [certificate],
    anchors: [rootCertificate],
    issuer: issuerOf(certificate, issuing.privateKey),
    leaf: { duration: 90 * DAY, renewAfterPercent: 66, privateKey: key },
  };
}
