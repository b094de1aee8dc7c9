import { parse as parseYAML } from 'yaml';
import { parseObject } from '../../../operator/api/parse.ts';
import { kinds, trustedServer } from '../../../operator/api/v1alpha1/index.ts';

const metadata = {
  name: 'pool01',
  namespace: 'voice',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const server = (spec: unknown) => ({ apiVersion: 'trustmesh.io/v1alpha1', kind: 'TrustedServer', metadata, spec });
const minimal = {
  trustDomain: 'contoso',
  role: 'FrontEnd',
  poolFQDN: 'pool01.contoso.com',
  members: [{ fqdn: 'fe01.contoso.com' }],
};

describe('an object from the API server', () => {
  it('has every default in place, whichever version of the CRD stored it', () => {
    expect(parseObject(trustedServer, server(minimal))).toEqual({
      object: server({ ...minimal, certificates: { scope: 'PerMember' } }),
    });
  });

  it('keeps its status as the operator wrote it', () => {
    const status = { observedGeneration: 3 };
    expect(parseObject(trustedServer, { ...server(minimal), status })).toMatchObject({ object: { status } });
  });

  it('loses what this version does not know, as the API server drops it', () => {
    const parsed = parseObject(trustedServer, server({ ...minimal, fromTheFuture: true }));
    expect(parsed).toMatchObject({ object: { spec: expect.not.objectContaining({ fromTheFuture: true }) } });
  });

  it('that an older CRD let in is a problem with a sentence, not a failure', () => {
    const parsed = parseObject(
      trustedServer,
      server({ ...minimal, poolFQDN: '*.contoso.com', members: [{ fqdn: 'FE01.contoso.com' }] }),
    );
    const dnsName = 'A DNS name is lower case, has at least two labels of at most 63 characters, and no wildcard.';
    expect(parsed).toEqual({
      problem: {
        reason: 'Invalid',
        message: `The TrustedServer does not say what this version can read. spec.poolFQDN: ${dnsName}; spec.members[0].fqdn: ${dnsName}`,
      },
    });
  });

  it('without a spec is one too', () => {
    expect(parseObject(trustedServer, { apiVersion: 'trustmesh.io/v1alpha1', kind: 'TrustedServer', metadata })).toMatchObject({
      problem: { reason: 'Invalid' },
    });
  });

  it.each(kinds.map((kind) => [kind.kind, kind] as const))('parses where it is the example of %s', (_name, kind) => {
    expect(parseObject(kind, parseYAML(kind.example))).toMatchObject({ object: { kind: kind.kind } });
  });
});
