// Leaves beside leaves: our writer and @peculiar/x509 make the same certificate in one run, and a burst of ours shows what
// it does to the event loop, with and without a turn after each leaf. Run it with `node bench/leaf-comparison.ts`.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import * as x509 from '@peculiar/x509';
import { generateKeyPair, privateKeyPem, randomSerial } from '../operator/authorities/keys.ts';
import { createIssuing, createRoot } from '../operator/pki/authority.ts';
import { parseCertificate } from '../operator/pki/certificate.ts';
import { checkIssued } from '../operator/pki/check.ts';
import { issuerOf, type LeafRequest, signLeaf } from '../operator/pki/leaf.ts';
import { encodePem } from '../operator/pki/pem.ts';
import { validity } from '../operator/pki/validity.ts';
import { median } from './median.ts';

const day = 24 * 60 * 60 * 1000;
const key = { algorithm: 'ECDSA', size: 256 } as const;
const urls = {
  crl: 'http://pki.contoso.com/ca.crl',
  ocsp: 'http://pki.contoso.com/ocsp',
  caIssuers: 'http://pki.contoso.com/ca.cer',
};
const names = {
  commonName: 'pool01.contoso.com',
  dnsNames: ['pool01.contoso.com', 'fe01.contoso.com', 'sip.contoso.com'],
  uri: 'spiffe://contoso.com/front-end/pool01.contoso.com/fe01.contoso.com',
};

const now = Date.now();
const rootKeys = generateKeyPair({ algorithm: 'ECDSA', size: 384 });
const issuingKeys = generateKeyPair(key);
const root = createRoot({ commonName: 'Root', serial: randomSerial(), ...rootKeys, ...validity({ now, duration: 3650 * day }) });
const issuing = createIssuing(issuerOf(root, rootKeys.privateKey), {
  commonName: 'Issuing',
  serial: randomSerial(),
  publicKey: issuingKeys.publicKey,
  ...validity({ now, duration: 1095 * day }),
});
const issuer = issuerOf(issuing, issuingKeys.privateKey, urls);

function ours() {
  const { privateKey, publicKey } = generateKeyPair(key);
  const dates = validity({ now, duration: 90 * day, issuerNotAfter: issuing.notAfter });
  const request: LeafRequest = { ...names, ...dates, profile: 'Server', serial: randomSerial(), publicKey };
  const der = signLeaf(issuer, request);
  return { request, privateKey, der, certificatePem: encodePem('CERTIFICATE', der), keyPem: privateKeyPem(privateKey) };
}

function oursChecked() {
  const { request, privateKey, der } = ours();
  const problems = checkIssued({
    leaf: parseCertificate(der),
    key: privateKey,
    chain: [issuing],
    anchors: [root],
    expected: request,
    now,
  });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '));
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const signingKey = issuingKeys.privateKey.toCryptoKey(ecdsa, false, ['sign']);
const issuingByLibrary = new x509.X509Certificate(issuing.der);

async function byLibrary() {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const dates = validity({ now, duration: 90 * day });
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(randomSerial()).toString('hex'),
    subject: `CN=${names.commonName}`,
    issuer: issuingByLibrary.subject,
    notBefore: new Date(dates.notBefore),
    notAfter: new Date(dates.notAfter),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.AuthorityKeyIdentifierExtension(issuing.subjectKeyId),
      new x509.SubjectAlternativeNameExtension([
        ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        { type: 'url' as const, value: names.uri },
      ]),
      new x509.CRLDistributionPointsExtension([urls.crl]),
      new x509.AuthorityInfoAccessExtension({ ocsp: urls.ocsp, caIssuers: urls.caIssuers }),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return [certificate.toString('pem'), x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')];
}

/** Leaves a CPU second of this process: other work on the machine does not stretch it as it does the clock. */
async function rate(count: number, make: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    const made = make();
    if (made instanceof Promise) await made;
  }
  const { user, system } = process.cpuUsage(before);
  return count / ((user + system) / 1e6);
}

/** The event loop's delay, ms, while `count` leaves are made in one burst: 99th percentile, and longest. */
async function delay(count: number, yielding: boolean): Promise<string> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  await pause(20);
  for (let index = 0; index < count; index++) {
    oursChecked();
    if (yielding) await turn();
  }
  await pause(5);
  monitor.disable();
  return [monitor.percentile(99), monitor.max].map((nanoseconds) => `${(nanoseconds / 1e6).toFixed(1)} ms`).join(', at most ');
}

const subjects: readonly [string, number, () => unknown][] = [
  ['ours', 4000, ours],
  ['ours, parsed and checked', 2000, oursChecked],
  ['@peculiar/x509', 300, byLibrary],
];
const rates = new Map<string, number[]>();
for (let round = 0; round <= 5; round++) {
  for (const [name, count, make] of subjects) {
    const measured = await rate(count, make);
    // The first round warms up.
    if (round > 0) rates.set(name, [...(rates.get(name) ?? []), measured]);
  }
}
console.log('leaves a CPU second, with P-256 key and both PEMs, median of 5 rounds:');
for (const [name, measured] of rates) console.log(`  ${name.padEnd(28)}${Math.round(median(measured)).toLocaleString('en')}`);
console.log('event loop delay during a burst of 350 leaves, checked, 99th percentile:');
console.log(`  a turn after each leaf      ${await delay(350, true)}`);
console.log(`  no turn                     ${await delay(350, false)}`);
