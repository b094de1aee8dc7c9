// What is rendered for Envoy: whom it lets in, whom it calls, and what it speaks within FIPS.
import { parse } from 'yaml';
import { file, filesOf, partner, trunk, type Wish } from './rendered.ts';

const matchersIn = (text: string): readonly unknown[] =>
  parse(text).resources[0].validation_context.match_typed_subject_alt_names;
const peersOf = (face: string, wish?: Wish) => matchersIn(file('Envoy', `envoy-${face}-peers.yaml`, wish));

const uri = (exact: string) => ({ san_type: 'URI', matcher: { exact } });
const dns = (regex: string) => ({ san_type: 'DNS', matcher: { safe_regex: { regex } } });
const nobody = [uri('trustmesh:nobody')];

const edge: Wish = { role: 'Edge', partners: [partner] };

describe('whom a listener lets in', () => {
  it('peers, by every SPIFFE ID of each, by equality', () => {
    expect(peersOf('default')).toEqual([
      uri('spiffe://contoso.com/mediation/medpool.contoso.com'),
      uri('spiffe://contoso.com/mediation/medpool.contoso.com/med01.contoso.com'),
      uri('spiffe://contoso.com/mediation/medpool.contoso.com/medpool.contoso.com'),
    ]);
  });

  it('nobody where there are no peers: an empty list would let in everybody', () => {
    expect(peersOf('default', { peers: [] })).toEqual(nobody);
    expect(peersOf('access-edge-external', { role: 'Edge' })).toEqual(nobody);
    expect(file('Envoy', 'envoy-access-edge-external-peers.yaml', { role: 'Edge' })).toContain(
      'trusted_ca: {filename: /etc/trustmesh/access-edge-external/tls.crt}',
    );
    expect(file('Envoy', 'envoy-access-edge-external-peers.yaml', edge)).toContain(
      'trusted_ca: {filename: /etc/trustmesh/access-edge-external/ca.crt}',
    );
  });

  it("on an Edge's outside partners alone, by whole DNS names; on its inside none of them", () => {
    expect(peersOf('access-edge-external', edge)).toEqual([dns('(?i)fabrikam\\.com'), dns('(?i)sip\\.fabrikam\\.com')]);
    expect(JSON.stringify(peersOf('internal', edge))).not.toContain('fabrikam');
  });

  it('gateways whose trunk has TLS', () => {
    const trunks = [
      trunk,
      { ...trunk, name: 'gw02', fqdn: 'gw-02.contoso.com' },
      { ...trunk, name: 'tcp', transport: 'TCP' as const },
    ];
    expect(peersOf('default', { role: 'Mediation', peers: [], trunks })).toEqual([
      dns('(?i)gw\\-02\\.contoso\\.com'),
      dns('(?i)gw01\\.contoso\\.com'),
    ]);
  });
});

describe('whom a cluster calls', () => {
  it('a partner: by its own anchors, under its own names, with the certificate for calling', () => {
    const { resources } = parse(file('Envoy', 'envoy-partner-fabrikam.yaml', edge));
    expect(resources[0]).toMatchObject({
      name: 'partner-fabrikam',
      validation_context: { trusted_ca: { filename: '/etc/trustmesh/trust/partner-fabrikam.crt' } },
    });
    expect(matchersIn(file('Envoy', 'envoy-partner-fabrikam.yaml', edge))).toEqual([
      dns('(?i)sip\\.fabrikam\\.com'),
      dns('(?i)fabrikam\\.com'),
    ]);
    const { typed_config } = parse(file('Envoy', 'envoy-cluster-partner-fabrikam.yaml', edge)).transport_socket;
    expect(typed_config).toMatchObject({
      sni: 'sip.fabrikam.com',
      common_tls_context: {
        tls_certificate_sds_secret_configs: [{ name: 'access-edge-outbound-certificate' }],
        validation_context_sds_secret_config: { name: 'partner-fabrikam' },
      },
    });
  });

  it('no partner of which nobody knows where it is', () => {
    const { accessEdge: _, ...unknown } = partner;
    const files = Object.keys(filesOf('Envoy', { role: 'Edge', partners: [unknown] }));
    expect(files.filter((name) => name.includes('partner'))).toEqual([]);
  });

  it('a gateway with TLS, and none with TCP', () => {
    const wish: Wish = { role: 'Mediation', trunks: [trunk, { ...trunk, name: 'tcp', transport: 'TCP' }] };
    const files = Object.keys(filesOf('Envoy', wish)).filter((name) => name.includes('trunk'));
    expect(files).toEqual(['envoy-trunk-gw01.yaml', 'envoy-cluster-trunk-gw01.yaml']);
    expect(matchersIn(file('Envoy', 'envoy-trunk-gw01.yaml', wish))).toEqual([dns('(?i)gw01\\.contoso\\.com')]);
  });
});

it('speaks within FIPS what is approved, on both sides', () => {
  const required: Wish = { ...edge, domain: { security: { fips: 'Required' } } };
  for (const name of ['envoy-listener-outside.yaml', 'envoy-cluster-partner-fabrikam.yaml']) {
    const { tls_params } = parse(file('Envoy', name, required)).transport_socket.typed_config.common_tls_context;
    expect(tls_params.compliance_policies).toEqual(['FIPS_202205']);
    expect(JSON.stringify(tls_params)).not.toMatch(/CHACHA20|ed25519/);
    expect(file('Envoy', name, edge)).not.toContain('compliance_policies');
  }
});
