// Everything that the operator can issue, before the eyes of zlint, Go, OpenSSL and Node: no finding, no refusal.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCertificate } from '../../../operator/pki/certificate.ts';
import { checkIssued } from '../../../operator/pki/check.ts';
import { sequence } from '../../../operator/pki/der-writer.ts';
import { keyUsage } from '../../../operator/pki/extensions.ts';
import { publicKeyInfo, signCertificate } from '../../../operator/pki/signing.ts';
import { goTool } from '../../support/go.ts';
import { runProgram } from '../../support/process.ts';
import { frontEnd, hierarchy, now } from './authorities.ts';
import { everyAuthority, everyLeaf, type LeafSample, type Sample } from './everything.ts';

const minute = 60_000;

interface Answer {
  readonly passed: number;
  readonly findings: readonly { readonly lint: string; readonly level: string; readonly details: string }[];
  readonly refused: readonly string[];
}

/** Rules of the CA/Browser Forum and of root programmes for public CAs that do not hold for a private one, each with the reason. */
const excused: Readonly<Record<string, string>> = {
  e_ca_country_name_missing: 'public CAs name the audited legal entity behind them; ours are named by whoever declares them',
  e_ca_organization_name_missing: 'as e_ca_country_name_missing',
  e_sub_ca_certificate_policies_missing:
    'policies say how a public CA validated its subscriber; here the topology is the validation',
  e_invalid_ca_certificate_policies: 'as e_sub_ca_certificate_policies_missing',
  e_sub_cert_certificate_policies_missing: 'as e_sub_ca_certificate_policies_missing',
  e_sub_cert_cert_policy_empty: 'as e_sub_ca_certificate_policies_missing',
  e_mp_ecdsa_pub_key_encoding_correct: 'Mozilla takes P-256 and P-384 only; P-521 is there for those who ask for it',
  e_mp_ecdsa_signature_encoding_correct: 'as e_mp_ecdsa_pub_key_encoding_correct',
  e_algorithm_identifier_improper_encoding: 'public CAs use no Ed25519; it is there for those who ask for it',
  e_signature_algorithm_not_supported: 'as e_algorithm_identifier_improper_encoding',
  w_subject_common_name_included: 'peers of this field still read the common name, and it is always one of the DNS names',
  w_ext_subject_key_identifier_not_recommended_subscriber: 'RFC 5280 (4.2.1.2) recommends it',
  e_ext_san_uniform_resource_identifier_present: 'the URI is the SPIFFE ID',
};

/** Excused only where no base URL is set, so that there is nothing to point at. */
const excusedWithoutAddresses: Readonly<Record<string, string>> = {
  e_sub_ca_crl_distribution_points_missing: 'no CRL is served over HTTP',
  w_sub_ca_aia_missing: 'neither OCSP nor issuer certificates are served over HTTP',
  w_sub_ca_aia_does_not_contain_issuing_ca_url: 'as w_sub_ca_aia_missing',
  e_sub_cert_aia_missing: 'as w_sub_ca_aia_missing',
  w_sub_cert_aia_does_not_contain_issuing_ca_url: 'as w_sub_ca_aia_missing',
};

const isExcused = (lint: string, sample: Sample): boolean =>
  lint in excused || (!sample.hasAddresses && lint in excusedWithoutAddresses);

const authorities = everyAuthority();
const leaves = everyLeaf();

/** The extended key usages that Go must allow: all of a profile's, and none for TLS where it signs tokens. */
const usagesOf: Readonly<Record<LeafSample['request']['profile'], readonly string[]>> = {
  Server: ['serverAuth', 'clientAuth'],
  Client: ['clientAuth'],
  TokenSigning: ['any'],
};

/** Samples with what zlint and Go say of each. */
async function ask<T extends Sample>(
  samples: readonly T[],
  about: (sample: T) => { readonly usages: readonly string[]; readonly dnsName?: string },
): Promise<readonly (readonly [T, Answer])[]> {
  const program = await goTool('zlint-chains', join(import.meta.dirname, '../../support/zlint'), '.');
  const questions = samples.map((sample) => ({
    chain: [sample.certificate, ...sample.chain].map(({ der }) => der.toString('base64')),
    roots: [sample.root.der.toString('base64')],
    now,
    ...about(sample),
  }));
  const { stdout } = await runProgram(program, [], { input: questions.map((question) => JSON.stringify(question)).join('\n') });
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line): Answer => JSON.parse(line));
  expect(answers).toHaveLength(samples.length);
  return samples.flatMap((sample, index) => answers.slice(index, index + 1).map((answer) => [sample, answer] as const));
}

/** What was found and is not excused, and what was refused: each with how many samples have it and the first of them. */
function faultsIn(asked: readonly (readonly [Sample, Answer])[]): readonly string[] {
  const samples = new Map<string, Sample[]>();
  for (const [sample, { findings, refused }] of asked) {
    const found = findings.filter(({ lint }) => !isExcused(lint, sample)).map(({ lint, level }) => `${level} ${lint}`);
    for (const fault of [...found, ...refused]) samples.set(fault, [...(samples.get(fault) ?? []), sample]);
  }
  return [...samples].map(([fault, [first, ...more]]) => `${fault} in ${first?.name} and ${more.length} more`);
}

const built = 20 * minute;
const found = new Set<string>();

describe('zlint and Go', () => {
  it(
    `find nothing in ${authorities.length} authorities`,
    async () => {
      const asked = await ask(authorities, () => ({ usages: ['any'] }));
      for (const [, { findings }] of asked) for (const { lint } of findings) found.add(lint);
      expect(faultsIn(asked)).toEqual([]);
      expect(Math.min(...asked.map(([, { passed }]) => passed))).toBeGreaterThan(50);
    },
    built,
  );

  it(
    `find nothing in ${leaves.length} leaves`,
    async () => {
      const asked = await ask(leaves, ({ request: { profile, dnsNames } }) => ({
        usages: usagesOf[profile],
        dnsName: dnsNames[0] ?? '',
      }));
      for (const [, { findings }] of asked) for (const { lint } of findings) found.add(lint);
      expect(faultsIn(asked)).toEqual([]);
      expect(Math.min(...asked.map(([, { passed }]) => passed))).toBeGreaterThan(50);
    },
    built,
  );

  it('need every excuse', () => {
    expect([...Object.keys(excused), ...Object.keys(excusedWithoutAddresses)].filter((lint) => !found.has(lint))).toEqual([]);
  });

  it(
    'would find faults where there are some',
    async () => {
      const { issuer, issuingKeys, issuing } = hierarchy();
      const publicKey = publicKeyInfo(issuingKeys.publicKey);
      const fields = {
        ...frontEnd(),
        subject: sequence(),
        publicKey,
        extensions: [keyUsage(['keyCertSign', 'keyEncipherment'])],
      };
      const certificate = parseCertificate(signCertificate(issuer, fields));
      const faulty = { name: 'faulty', certificate, chain: [], root: issuing, hasAddresses: false };
      const [asked] = await ask([faulty], () => ({ usages: ['serverAuth'], dnsName: 'pool01.contoso.com' }));
      const lints = asked?.[1].findings.map(({ lint }) => lint);
      expect(lints).toEqual(
        expect.arrayContaining(['e_ext_key_usage_cert_sign_without_ca', 'e_subject_empty_without_san', 'e_ecdsa_allowed_ku']),
      );
      expect(asked?.[1].refused).toHaveLength(1);
    },
    built,
  );

  it(
    'refuse a token signer for TLS',
    async () => {
      const signers = leaves.filter(({ request }) => request.profile === 'TokenSigning');
      const asked = await ask(signers, () => ({ usages: ['serverAuth', 'clientAuth'] }));
      expect(asked.filter(([, { refused }]) => refused.length !== 2)).toEqual([]);
    },
    built,
  );
});

describe('OpenSSL', () => {
  /** One run for all leaves below one CA: each line of its answer speaks of one. */
  async function verify(samples: readonly LeafSample[], purpose: string): Promise<readonly string[]> {
    const directory = await mkdtemp(join(tmpdir(), 'trustmesh-openssl-'));
    try {
      const [first] = samples;
      await writeFile(join(directory, 'root.pem'), first?.root.pem ?? '');
      await writeFile(join(directory, 'issuing.pem'), first?.chain.map(({ pem }) => pem).join('') ?? '');
      await Promise.all(samples.map(({ certificate }, index) => writeFile(join(directory, `${index}.pem`), certificate.pem)));
      const trust = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem', '-attime', String(now / 1000)];
      const files = samples.map((_, index) => `${index}.pem`);
      const command = `openssl verify -x509_strict -purpose ${purpose} ${[...trust, ...files].join(' ')} 2>&1 || true`;
      const { stdout } = await runProgram('sh', ['-c', command], { cwd: directory });
      return stdout
        .trim()
        .split('\n')
        .filter((line) => / OK$|: verification failed$/.test(line));
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  const families = [...Map.groupBy(leaves, ({ chain: [issuing] }) => issuing?.fingerprint).values()];
  const purposes = { Server: ['sslserver', 'sslclient'], Client: ['sslclient'], TokenSigning: ['any'] } as const;

  it(
    'verifies every leaf strictly, for what its profile says',
    async () => {
      for (const family of families) {
        for (const [profile, wanted] of Object.entries(purposes)) {
          const samples = family.filter(({ request }) => request.profile === profile);
          for (const purpose of wanted) {
            expect(await verify(samples, purpose)).toEqual(samples.map((_, index) => `${index}.pem: OK`));
          }
        }
      }
    },
    2 * minute,
  );

  it(
    'refuses a client as a server, and a token signer as either',
    async () => {
      const [family = []] = families;
      const refused = async (profile: string, purpose: string) => {
        const samples = family.filter(({ request }) => request.profile === profile);
        return (await verify(samples, purpose)).filter((line) => line.endsWith('OK'));
      };
      expect(await refused('Client', 'sslserver')).toEqual([]);
      expect(await refused('TokenSigning', 'sslserver')).toEqual([]);
      expect(await refused('TokenSigning', 'sslclient')).toEqual([]);
    },
    minute,
  );
});

describe('our own check', () => {
  it(
    'finds every leaf to be what was asked for, and no other',
    () => {
      for (const { certificate: leaf, privateKey, chain, root, request: expected } of leaves) {
        expect(checkIssued({ leaf, key: privateKey, chain, anchors: [root], expected, now })).toEqual([]);
      }
    },
    minute,
  );
});
