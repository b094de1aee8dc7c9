// Revocation lists of ours: octet for octet what @peculiar/x509 makes of the same input, believed by OpenSSL and by ourselves;
// and the one that a federation root signs, which completes the chains of a partner.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { signRevocationList } from '../../../operator/pki/crl.ts';
import { crossCertify } from '../../../operator/pki/cross-certificate.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { doubtAbout, parseRevocationList } from '../../../operator/pki/revocation-list.ts';
import { signerOf } from '../../../operator/pki/signing.ts';
import { needing } from '../../support/needing.ts';
import { runProgram } from '../../support/process.ts';
import { day, hierarchy, keyKinds, keysFor, now } from './authorities.ts';
import { forge, keysOf } from './forge.ts';
import { listByLibrary, toBeSignedInList } from './library.ts';

const second = fc.integer({ min: 0, max: Date.UTC(2060, 0) / 1000 }).map((seconds) => seconds * 1000);
const serial = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .filter(([first = 0]) => first > 0)
  .map((octets) => Buffer.from(octets).toString('hex'));
const fields = fc.record({
  kind: fc.constantFrom(...keyKinds),
  number: fc.integer({ min: 0, max: 2 ** 31 }),
  thisUpdate: second,
  life: fc.integer({ min: 1, max: 10 * 365 * 86_400 }),
  revoked: fc.uniqueArray(fc.record({ serial, since: second }), { maxLength: 4, selector: (entry) => entry.serial }),
});

it('has the to-be-signed octets that @peculiar/x509 makes of the same number, dates and entries', async () => {
  await fc.assert(
    fc.asyncProperty(fields, async ({ kind, number, thisUpdate, life, revoked }) => {
      const { root, rootKeys } = hierarchy({ rootKey: kind });
      const wanted = { number, thisUpdate, nextUpdate: thisUpdate + life * 1000, revoked };
      const issuerKeyId = Buffer.from(root.subjectKeyId, 'hex');
      const ours = signRevocationList(signerOf(root.subjectDer, rootKeys.privateKey), { ...wanted, issuerKeyId });
      const theirs = await listByLibrary({ ...wanted, issuerName: root.subjectDer, signingKey: rootKeys.privateKey });
      expect(toBeSignedInList(ours).toString('hex')).toBe(theirs.toString('hex'));
      const read = parseRevocationList(ours);
      expect([...read.revoked]).toEqual(revoked.map((entry) => [entry.serial, entry.since]));
      expect(read).toMatchObject({ thisUpdate, nextUpdate: wanted.nextUpdate, authorityKeyId: root.subjectKeyId });
      expect(doubtAbout(read, root, thisUpdate)).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

it('never ends before it begins', () => {
  const signer = signerOf(hierarchy().root.subjectDer, keysFor({ algorithm: 'ECDSA', size: 384 }, 'root').privateKey);
  const list = { issuerKeyId: Buffer.alloc(20), number: 1, thisUpdate: now, nextUpdate: now, revoked: [] };
  expect(() => signRevocationList(signer, list)).toThrow('a revocation list cannot end before it begins');
});

needing('openssl').describe('where OpenSSL checks the lists of the whole chain', () => {
  const root = forge({ ca: true, subject: 'Fabrikam Root' });
  const issuing = forge({ ca: true, subject: 'Fabrikam Issuing', by: root });
  const leaves = { good: forge({ subject: 'good', by: issuing }), revoked: forge({ subject: 'revoked', by: issuing }) };
  const listOf = (by: typeof root, revoked: readonly (typeof root)[]) =>
    signRevocationList(signerOf(by.name, by.keys.privateKey), {
      issuerKeyId: Buffer.from(by.certificate.subjectKeyId, 'hex'),
      number: 7,
      thisUpdate: now - day,
      nextUpdate: now + day,
      revoked: revoked.map(({ certificate }) => ({ serial: certificate.serial, since: now - day })),
    });
  const scope = { permitted: [{ kind: 'dns', host: 'fabrikam.com' }] as const, excluded: [] };
  const federations = [root, issuing].map(({ certificate }, index) =>
    crossCertify({
      partnerCA: certificate,
      ...scope,
      now,
      federationKeys: keysOf(`federation ${index}`),
      serials: { root: Buffer.from('77'.repeat(16), 'hex') },
    }),
  );
  const [ofFederationRoot, ofSecondFederationRoot] = federations.map(({ revocationList }) => revocationList);
  const ofRoot = listOf(root, []);
  const ofIssuing = listOf(issuing, [leaves.revoked]);
  const lists = [ofFederationRoot, ofSecondFederationRoot, ofRoot, ofIssuing];

  async function verify(leaf: typeof root, given: readonly (Buffer | undefined)[]): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'trustmesh-crl-'));
    try {
      const files = {
        trusted: federations.flatMap((each) => [each.cross.pem, each.root.pem]).join(''),
        lists: given.map((list) => encodePem('X509 CRL', list ?? Buffer.alloc(0))).join(''),
        sent: issuing.certificate.pem,
        leaf: leaf.certificate.pem,
      };
      for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
      const options = '-crl_check_all -CAfile trusted -CRLfile lists -untrusted sent leaf';
      const command = `openssl verify -attime ${now / 1000} ${options} 2>&1 || true`;
      const { stdout } = await runProgram('sh', ['-c', command], { cwd: directory });
      return stdout;
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  it('who is on no list passes, with the list of the federation root', async () => {
    expect(await verify(leaves.good, lists)).toBe('leaf: OK\n');
  });

  it('who is on the list is refused', async () => {
    expect(await verify(leaves.revoked, lists)).toContain('error 23 at 0 depth lookup: certificate revoked');
  });

  it.each([
    ['of its issuer', ofIssuing],
    ['of the federation root above it', ofSecondFederationRoot],
  ])('everybody is refused without the list %s', async (_, list) => {
    const others = lists.filter((each) => each !== list);
    expect(await verify(leaves.good, others)).toContain('unable to get certificate CRL');
  });

  it('the shorter path, over the cross-certificate of the issuing CA, is the one that counts', async () => {
    expect(await verify(leaves.good, [ofSecondFederationRoot, ofIssuing])).toBe('leaf: OK\n');
  });
});
