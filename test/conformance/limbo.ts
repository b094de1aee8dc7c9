// Cases in the format of x509-limbo (https://x509-limbo.com), as questions to path validation.
import { z } from 'zod';
import { type Certificate, CertificateError, parseCertificates } from '../../operator/pki/certificate.ts';
import { type PathVerdict, type Profile, validatePresented } from '../../operator/pki/path.ts';
import { decodePem } from '../../operator/pki/pem.ts';
import { parseRevocationList } from '../../operator/pki/revocation-list.ts';
import type { ServiceName } from '../../operator/pki/service-identity.ts';

const peerName = z.object({ kind: z.enum(['DNS', 'IP', 'RFC822']), value: z.string() });

const testcase = z.object({
  id: z.string(),
  expected_result: z.enum(['SUCCESS', 'FAILURE']),
  validation_kind: z.enum(['SERVER', 'CLIENT']),
  trusted_certs: z.array(z.string()),
  untrusted_intermediates: z.array(z.string()),
  peer_certificate: z.string(),
  validation_time: z.iso.datetime({ offset: true }).nullish(),
  expected_peer_name: peerName.nullish(),
  expected_peer_names: z.array(peerName),
  max_chain_depth: z.int().nullish(),
  crls: z.array(z.string()).default([]),
});
export type LimboCase = z.infer<typeof testcase>;

export const limbo = z.object({ version: z.literal(1), testcases: z.array(testcase) });

/** For the cases without a time, which are for any: the same one every day. */
const anyTime = Date.UTC(2026, 0, 1);

const nameOf = ({ kind, value }: z.infer<typeof peerName>): ServiceName => {
  if (kind === 'IP') return { ip: value };
  return kind === 'DNS' ? { dns: value } : { mail: value };
};

const derOf = (pem: string): Buffer => decodePem(pem)[0]?.der ?? Buffer.alloc(0);

/** An anchor that cannot be read leads nobody anywhere. */
function anchorsIn(pem: string): readonly Certificate[] {
  try {
    return parseCertificates(pem);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

/** Cases named `webpki::` are about the rules of the Web; where the two contradict each other, RFC 5280 has a case of its own. */
const profileOf = ({ id }: LimboCase): Profile => (id.startsWith('webpki::') ? 'WebPKI' : 'RFC5280');

/** A client must have every name that is expected; each is asked for. */
export function judge(limboCase: LimboCase, profile: Profile = profileOf(limboCase)): PathVerdict {
  const { validation_time, validation_kind, expected_peer_name, expected_peer_names, max_chain_depth, crls } = limboCase;
  const peerNames = expected_peer_name ? [expected_peer_name] : expected_peer_names;
  const ask = (name?: ServiceName): PathVerdict =>
    validatePresented({
      presented: [limboCase.peer_certificate, ...limboCase.untrusted_intermediates].map(derOf),
      anchors: limboCase.trusted_certs.flatMap(anchorsIn),
      now: validation_time ? Date.parse(validation_time) : anyTime,
      purpose: validation_kind === 'SERVER' ? 'server' : 'client',
      ...(name && { name }),
      options: {
        profile,
        wildcards: true,
        ...(max_chain_depth == null ? {} : { maximumDepth: max_chain_depth }),
        ...(crls.length === 0 ? {} : { revocationLists: crls.map((crl) => parseRevocationList(derOf(crl))) }),
      },
    });
  const [first, ...others] = peerNames.map(nameOf);
  return others.map(ask).reduce((verdict, next) => (verdict.ok ? next : verdict), ask(first));
}
