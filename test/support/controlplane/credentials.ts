// What a control plane of our own needs to be talked to: its CA and serving certificate, service-account keys, tokens.
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

export interface Credentials {
  readonly directory: string;
  readonly caFile: string;
  readonly servingCertificateFile: string;
  readonly servingKeyFile: string;
  readonly serviceAccountKeyFile: string;
  readonly serviceAccountPublicKeyFile: string;
  /** CSV of kube-apiserver's --token-auth-file. */
  readonly tokenFile: string;
  readonly adminToken: string;
  readonly controllerManagerToken: string;
}

/** Makes everything anew below `directory`; nothing of it outlives the control plane. */
export async function makeCredentials(directory: string): Promise<Credentials> {
  const file = (name: string, content: string): Promise<string> => {
    const path = join(directory, name);
    return writeFile(path, content, { mode: 0o600 }).then(() => path);
  };
  const { ca, certificate, key } = await servingCertificate();
  const serviceAccounts = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const adminToken = randomBytes(24).toString('base64url');
  const controllerManagerToken = randomBytes(24).toString('base64url');
  return {
    directory,
    caFile: await file('ca.crt', ca),
    servingCertificateFile: await file('apiserver.crt', certificate),
    servingKeyFile: await file('apiserver.key', key),
    serviceAccountKeyFile: await file(
      'service-accounts.key',
      serviceAccounts.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ),
    serviceAccountPublicKeyFile: await file(
      'service-accounts.pub',
      serviceAccounts.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ),
    tokenFile: await file(
      'tokens.csv',
      `${adminToken},admin,admin,system:masters\n${controllerManagerToken},system:kube-controller-manager,system:kube-controller-manager,system:masters\n`,
    ),
    adminToken,
    controllerManagerToken,
  };
}

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3600 * 1000;

async function servingCertificate(): Promise<{ readonly ca: string; readonly certificate: string; readonly key: string }> {
  x509.cryptoProvider.set(webcrypto);
  const notBefore = new Date(Date.now() - 3600 * 1000);
  const notAfter = new Date(Date.now() + 30 * DAY_MS);
  const caKeys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=control plane',
    notBefore,
    notAfter,
    keys: caKeys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const keys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=kube-apiserver',
    issuer: ca.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
        { type: 'dns', value: 'kubernetes.default.svc' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    ca: ca.toString('pem'),
    certificate: certificate.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  };
}
