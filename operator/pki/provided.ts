// Looks at a CA that somebody brings: its certificate with chain (tls.crt), its key (tls.key) and the roots it leads to
// (ca.crt). Whatever keeps it from issuing certificates that peers accept is named in a sentence that says what is right.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isWeakKey, keyAlgorithmOf, signatureAlgorithmOf } from './algorithm.ts';
import { type Certificate, CertificateError, parseCertificates } from './certificate.ts';
import { authorityProblems, chainProblems, isSelfSigned, nameOf } from './chain.ts';
import { extensionIds } from './object-identifiers.ts';
import { decodePem, encodePem, PemError } from './pem.ts';
import { type Problem, problem } from './problem.ts';
import { isKeyOf } from './signing.ts';

/** An issuing CA that can be used as it is. */
export interface ProvidedAuthority {
  /** The issuing CA first, then each one's issuer; no root, unless the issuing CA is one itself. */
  readonly chain: readonly Certificate[];
  /** The roots, without those that have expired. */
  readonly anchors: readonly Certificate[];
  readonly privateKey: KeyObject;
  /** What does not keep it from issuing, and should be known. */
  readonly notices: readonly Problem[];
}

export interface ProvidedSecret {
  /** PEM, each as its file holds it; absent where the Secret has no such file. */
  readonly chainPEM: string | undefined;
  readonly keyPEM: string | undefined;
  readonly anchorsPEM: string | undefined;
  /** Epoch ms. */
  readonly now: number;
}

const isProblem = <T>(value: T | Problem): value is Problem =>
  typeof value === 'object' && value !== null && 'reason' in value && 'message' in value;

function certificatesIn(file: string, pem: string | undefined): readonly Certificate[] | Problem {
  try {
    const certificates = parseCertificates(pem ?? '');
    return certificates.length > 0
      ? certificates
      : problem('NotPEM', `${file} holds no certificate: it must be PEM, with at least one CERTIFICATE block`);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return problem('NotPEM', `${file} ${error.message}: it must hold PEM certificates only`);
  }
}

const keyLabels = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];

function keyIn(pem: string | undefined): KeyObject | Problem {
  const wanted = 'it must hold one unencrypted PEM private key, best in PKCS#8 (PRIVATE KEY)';
  try {
    const blocks = decodePem(pem ?? '').filter(({ label }) => label !== 'EC PARAMETERS');
    const [block] = blocks;
    if (block === undefined || blocks.length > 1) {
      return problem('NotPEM', `tls.key holds ${blocks.length} PEM blocks: ${wanted}`);
    }
    if (block.label === 'ENCRYPTED PRIVATE KEY') return problem('EncryptedKey', `tls.key is encrypted: ${wanted}`);
    if (!keyLabels.includes(block.label)) return problem('NotPEM', `tls.key holds a ${block.label}: ${wanted}`);
    return createPrivateKey(encodePem(block.label, block.der));
  } catch (error) {
    const encrypted = error instanceof PemError && /Proc-Type:.*ENCRYPTED/.test(pem ?? '');
    if (encrypted) return problem('EncryptedKey', `tls.key is encrypted: ${wanted}`);
    const fault = error instanceof PemError ? error.message : 'holds a key that cannot be read';
    return problem('NotPEM', `tls.key ${fault}: ${wanted}`);
  }
}

function keyProblems(chain: readonly Certificate[], privateKey: KeyObject): readonly Problem[] {
  const [issuing] = chain;
  if (issuing === undefined) return [];
  const algorithm = keyAlgorithmOf(privateKey);
  if (!isKeyOf(privateKey, issuing.publicKey)) {
    const owner = chain.find((certificate) => isKeyOf(privateKey, certificate.publicKey));
    return owner === undefined
      ? [problem('KeyMismatch', `tls.key is not the key of ${nameOf(issuing)}, the first certificate in tls.crt`)]
      : [
          problem(
            'ChainOrder',
            `tls.key is the key of ${nameOf(owner)}, which must be the first certificate in tls.crt, before its issuers`,
          ),
        ];
  }
  if (signatureAlgorithmOf(algorithm) !== undefined) return [];
  const wanted = 'ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519';
  return [problem(isWeakKey(algorithm) ? 'WeakKey' : 'UnsupportedKey', `tls.key is ${algorithm}: it must be ${wanted}`)];
}

function anchorProblems(anchors: readonly Certificate[]): readonly Problem[] {
  return anchors.flatMap((anchor) => [
    ...authorityProblems(anchor, 0),
    ...(isSelfSigned(anchor)
      ? []
      : [
          problem(
            'NotARoot',
            `${nameOf(anchor)} in ca.crt is no root: it is issued by "${anchor.issuer}". Most peers trust roots only; put it in tls.crt`,
          ),
        ]),
  ]);
}

function notices(chain: readonly Certificate[]): readonly Problem[] {
  return chain
    .filter((certificate) => certificate.extensions.has(extensionIds.nameConstraints))
    .map((certificate) =>
      problem(
        'NamesConstrained',
        `${nameOf(certificate)} has name constraints: no certificate can be issued for names outside of them`,
      ),
    );
}

/** A CA that can be used, or everything that is wrong with it. */
export function checkProvided(secret: ProvidedSecret): ProvidedAuthority | { readonly problems: readonly Problem[] } {
  const presented = certificatesIn('tls.crt', secret.chainPEM);
  const privateKey = keyIn(secret.keyPEM);
  const roots = certificatesIn('ca.crt', secret.anchorsPEM);
  if (isProblem(presented) || isProblem(privateKey) || isProblem(roots)) {
    return { problems: [presented, privateKey, roots].filter(isProblem) };
  }
  const chain = presented.filter((certificate, index) => index === 0 || !isSelfSigned(certificate));
  const anchors = roots.filter(({ notAfter }) => notAfter >= secret.now);
  const problems = [
    ...keyProblems(chain, privateKey),
    ...chainProblems({ chain, anchors: roots, now: secret.now }),
    ...anchorProblems(anchors),
  ];
  const distinct = problems.filter(({ message }, index) => problems.findIndex((other) => other.message === message) === index);
  return distinct.length > 0 ? { problems: distinct } : { chain, anchors, privateKey, notices: notices(chain) };
}
