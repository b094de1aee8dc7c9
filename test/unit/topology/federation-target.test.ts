// Where the SRV records of a domain may lead.
import { targetRefusal } from '../../../operator/topology/federation-target.ts';

it.each([
  ['fabrikam.com', 'sip.fabrikam.com'],
  ['fabrikam.com', 'edge.emea.fabrikam.com'],
  ['fabrikam.com', 'SIP.Fabrikam.COM.'],
  ['Fabrikam.com.', 'sip.fabrikam.com'],
])('of %s it may be %s', (domain, target) => {
  expect(targetRefusal(domain, target)).toBeUndefined();
});

it.each([
  ['fabrikam.com', 'sip.forger.example', 'another domain'],
  ['fabrikam.com', 'sip.notfabrikam.com', 'a domain that ends alike'],
  ['fabrikam.com', 'sip.fabrikam.com.forger.example', 'a domain that begins alike'],
  ['emea.fabrikam.com', 'sip.fabrikam.com', 'the domain above'],
  ['fabrikam.com', 'fabrikam.com', 'the domain itself'],
  ['fabrikam.com', '192.0.2.1', 'an address'],
  ['fabrikam.com', '.', 'none'],
])('of %s it may not be %s: %s', (domain, target) => {
  expect(targetRefusal(domain, target)).toEqual({
    reason: 'TargetOutsideDomain',
    message:
      `The SRV record of ${domain} leads to ${target}, which is neither sip.${domain} nor lies in ${domain}. ` +
      'If that edge is indeed the partner’s, name it with mode Direct or HostingProvider.',
  });
});
