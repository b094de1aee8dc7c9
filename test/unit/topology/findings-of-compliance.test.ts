// Who stands in the way of a domain that requires FIPS 140: servers, by the CA that they get certificates from.
import { inShort } from '../../../operator/topology/findings.ts';
import { findingsOfCompliance, serversOf } from '../../../operator/topology/findings-of-compliance.ts';
import { trustDomain, trustedServer } from './objects.ts';

describe('a server', () => {
  const need = (use: 'Default' | 'AccessEdgeExternal' | 'Internal', enterpriseCA: string, complianceProblem?: string) => ({
    need: { use, enterpriseCA },
    ...(complianceProblem === undefined ? {} : { complianceProblem }),
  });

  it('is outside FIPS by each CA once, however many uses come from it', () => {
    const needs = [
      need('Internal', 'contoso'),
      need('AccessEdgeExternal', 'public', 'It is weak.'),
      need('Default', 'public', 'It is weak.'),
    ];
    expect(findingsOfCompliance('voice/edge', needs)).toEqual([
      {
        reason: 'NotFIPSCompliant',
        message: 'It is weak. The certificates for AccessEdgeExternal, Default come from there.',
        concerns: [
          { kind: 'TrustedServer', namespace: 'voice', name: 'edge' },
          { kind: 'EnterpriseCA', name: 'public' },
        ],
      },
    ]);
  });

  it('is within where every CA of its own is', () => {
    expect(findingsOfCompliance('voice/edge', [need('Internal', 'contoso')])).toEqual([]);
  });
});

it('finds the servers of a domain that a CA is to issue for', () => {
  const other = { certificates: { uses: [{ use: 'Default', enterpriseCA: 'public' }] } };
  const servers = [trustedServer('b', 'Server', other), trustedServer('a', 'Server', other), trustedServer('c', 'Server')];
  const domain = trustDomain('contoso', { additionalEnterpriseCAs: ['public'] });
  expect(serversOf('public', domain, servers)).toEqual(['voice/a', 'voice/b']);
  expect(serversOf('contoso', domain, servers)).toEqual(['voice/c']);
  expect(serversOf('contoso', trustDomain('fabrikam'), servers)).toEqual([]);
});

it('names three, and counts the rest', () => {
  expect(inShort(['a', 'b', 'c'])).toBe('a, b, c');
  expect(inShort(['a', 'b', 'c', 'd'])).toBe('a, b, c and 1 more');
});
