// What is rendered for OpenSIPS, which has not taken it here: its documentation is all that vouches for the form.
import { file, filesOf, mediation, partner, trunk, type Wish } from './rendered.ts';

const edge: Wish = { role: 'Edge', partners: [partner] };

/** Values of a parameter of tls_mgm by TLS domain. */
const parameter = (text: string, name: string) =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(`"${name}", "\\[([^\\]]+)\\]([^"]*)"`, 'g'))].map(([, domain, value]) => [domain, value]),
  );

/** The cases of each switch over this variable: value and what is set. */
const cases = (text: string, variable: string) => {
  const [, body = ''] = text.split(`switch (${variable}) {\n`);
  return Object.fromEntries(
    [...(body.split('\n  }')[0] ?? '').matchAll(/case "([^"]+)": (.*) break;/g)].map(([, value, action]) => [value, action]),
  );
};

it('believes of each partner its own anchors, and takes a client domain by name alone', () => {
  const text = file('OpenSIPS', 'opensips-outside.cfg', edge);
  expect(parameter(text, 'ca_list')).toEqual({
    trustmesh: '/etc/trustmesh/access-edge-external/ca.crt',
    'partner/fabrikam': '/etc/trustmesh/trust/partner-fabrikam.crt',
  });
  expect(parameter(text, 'match_sip_domain')).toEqual({ trustmesh: '*', 'partner/fabrikam': 'trustmesh.invalid' });
  expect(new Set(Object.values(parameter(text, 'require_cert')))).toEqual(new Set(['1']));
});

it('looks into no directory of CAs by itself', () => {
  const text = file('OpenSIPS', 'opensips-sip.cfg');
  expect(parameter(text, 'ca_dir')).toEqual({ trustmesh: '/etc/trustmesh/trust', peers: '/etc/trustmesh/trust' });
});

it('lets peers in by SPIFFE ID, and partners and gateways by name', () => {
  expect(cases(file('OpenSIPS', 'opensips-inside.cfg', edge), '$tls_peer_san_uri')).toEqual(
    Object.fromEntries(
      ['', '/medpool.contoso.com', '/med01.contoso.com'].map((member) => [
        `spiffe://contoso.com/mediation/medpool.contoso.com${member}`,
        '$var(trustmesh_peer) = "medpool.contoso.com";',
      ]),
    ),
  );
  const outside = file('OpenSIPS', 'opensips-outside.cfg', edge);
  expect(outside).not.toContain('$tls_peer_san_uri)');
  expect(Object.keys(cases(outside, '$tls_peer_san_hostname'))).toEqual(['sip.fabrikam.com', 'fabrikam.com']);
  const pool = file('OpenSIPS', 'opensips-sip.cfg', { role: 'Mediation', trunks: [trunk] });
  expect(cases(pool, '$tls_peer_san_hostname')).toEqual({ 'gw01.contoso.com': '$var(trustmesh_peer) = "trunk/gw01";' });
});

it('lets a partner send for its own domains alone', () => {
  const text = file('OpenSIPS', 'opensips-outside.cfg', edge);
  expect(cases(text, '$var(trustmesh_pair)')).toEqual({
    'sip.fabrikam.com/fabrikam.com': '$var(trustmesh_sender) = "partner/fabrikam";',
    'fabrikam.com/fabrikam.com': '$var(trustmesh_sender) = "partner/fabrikam";',
  });
});

it('lets in nobody and calls nobody where nobody is listed', () => {
  const text = file('OpenSIPS', 'opensips-sip.cfg', { peers: [] });
  expect(text).not.toContain('switch');
  expect(text).toContain('if ($var(trustmesh_peer) == "") {');
  expect(text).not.toContain('client_domain"');
});

it('leaves the outside of an Edge without partners without anchors', () => {
  expect(parameter(file('OpenSIPS', 'opensips-outside.cfg', { role: 'Edge' }), 'ca_list')).toEqual({});
});

it('compares no subject and by no pattern', () => {
  const code = file('OpenSIPS', 'opensips-outside.cfg', edge).replaceAll(/^#.*$/gm, '');
  expect(code).not.toMatch(/=~|subject|_cn\b/);
});

it('is not rendered without a listener for SIP', () => {
  expect(() => filesOf('OpenSIPS', { listeners: [] })).toThrow(/^OpenSIPS is rendered listener by listener/);
});

it('has media by the link with each gateway, each partner, and each peer that declares a level', () => {
  const levels = (name: string, wish: Wish) => {
    const text = file('OpenSIPS', name, wish);
    return cases(text.slice(text.indexOf('$var(trustmesh_media) = ')), '$var(trustmesh_peer)');
  };
  const lax = { ...trunk, srtp: 'NotSupported' } as const;
  const peers = [{ ...mediation, encryptionLevel: 'NotSupported' } as const];
  expect(levels('opensips-sip.cfg', { role: 'Mediation', trunks: [lax], peers, encryptionLevel: 'Supported' })).toEqual({
    'medpool.contoso.com': '$var(trustmesh_media) = "NotSupported";',
    'trunk/gw01': '$var(trustmesh_media) = "NotSupported";',
  });
  expect(levels('opensips-sip.cfg', { role: 'Mediation', trunks: [lax], peers })).toEqual({
    'medpool.contoso.com': '$var(trustmesh_media) = "NotSupported";',
    'trunk/gw01': '$var(trustmesh_media) = "NotSupported";',
  });
  // Those that contradict each other: SRTP or no call.
  expect(levels('opensips-sip.cfg', { role: 'Mediation', trunks: [lax], peers, encryptionLevel: 'Required' })).toEqual({
    'medpool.contoso.com': '$var(trustmesh_media) = "Required";',
    'trunk/gw01': '$var(trustmesh_media) = "Required";',
  });
  expect(levels('opensips-outside.cfg', { ...edge, encryptionLevel: 'Supported' })).toEqual({
    'partner/fabrikam': '$var(trustmesh_media) = "Supported";',
  });
});
