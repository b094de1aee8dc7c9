// Whether a gateway has a trunk: what must be so of it, of its name and of the server at the other end.
import { standingOf, trunksOf } from '../../../operator/topology/trunk-standing.ts';
import { admitting, mediaGateway, namespace, trustDomain, trustedServer } from './objects.ts';
import { recorder } from './recorder.ts';

const pool = trustedServer('med01', 'Mediation');

function world() {
  const { topology, set } = recorder({ inGrace: (object) => object.metadata.name === 'flapping' });
  for (const name of ['voice', 'other']) topology.setNamespace(name, namespace(name));
  topology.setDomain('contoso', trustDomain('contoso', admitting('voice')));
  set(pool, trustedServer('dir', 'Director'), trustedServer('branch', 'SurvivableBranch'));
  return topology;
}

/** The reason why it has none; undefined where it has one. */
function reason(
  spec: object,
  options: Parameters<typeof mediaGateway>[2] = {},
  name = 'gw01',
  topology = world(),
): string | undefined {
  const gateway = mediaGateway(name, spec, options);
  const key = `${gateway.metadata.namespace}/${name}`;
  topology.setGateway(key, gateway);
  const placement = topology.gateway(key);
  const standing = placement && standingOf(placement, topology);
  return standing?.stands === false ? standing.reason : undefined;
}

it.each<[string, object, Parameters<typeof mediaGateway>[2], string | undefined]>([
  ['to a mediation pool', {}, {}, undefined],
  ['to a branch appliance', { mediationServer: { name: 'branch' } }, {}, undefined],
  ['to a server of another role', { mediationServer: { name: 'dir' } }, {}, 'MediationServerUnsuitable'],
  ['to nobody', { mediationServer: { name: 'none' } }, {}, 'MediationServerNotFound'],
  ['of a domain that is not there', { trustDomain: 'nowhere' }, {}, 'TrustDomainNotFound'],
  ['in a namespace that is not admitted', {}, { namespace: 'other' }, 'NamespaceNotAdmitted'],
  ['in a namespace that nobody knows', {}, { namespace: 'unknown' }, 'NamespaceNotFound'],
  ['with a name that is not admitted', { fqdn: 'gw01.fabrikam.com' }, {}, 'NameNotAdmitted'],
  ['with the name of a server', { fqdn: 'dir-a.contoso.com' }, {}, 'NameConflict'],
])('a trunk %s', (_title, spec, options, expected) => {
  expect(reason(spec, options)).toBe(expected);
});

it('a trunk that lost its admission a short while ago stays', () => {
  expect(reason({}, { namespace: 'other' }, 'flapping')).toBe('MediationServerNotFound');
});

it('a trunk to a server of another domain is none', () => {
  const topology = world();
  const [entry] = admitting('voice').admission;
  topology.setDomain(
    'fabrikam',
    trustDomain('fabrikam', { sipDomains: ['fabrikam.com'], admission: [{ ...entry, names: ['*.fabrikam.com'] }] }),
  );
  expect(reason({ trustDomain: 'fabrikam', fqdn: 'gw01.fabrikam.com' }, {}, 'gw01', topology)).toBe('MediationServerUnsuitable');
});

it('a trunk to a server without a place in the topology is none', () => {
  const topology = world();
  topology.setServer('voice/stray', trustedServer('stray', 'Mediation', { poolFQDN: 'stray.fabrikam.com' }));
  expect(reason({ mediationServer: { name: 'stray' } }, {}, 'gw01', topology)).toBe('MediationServerUnsuitable');
});

it('the trunks of a server are those that stand, the oldest first', () => {
  const topology = world();
  const at = (creationTimestamp: string) => ({ creationTimestamp });
  topology.setGateway('voice/young', mediaGateway('young', {}, at('2026-03-01T00:00:00Z')));
  topology.setGateway('voice/old', mediaGateway('old', {}, at('2026-01-01T00:00:00Z')));
  topology.setGateway('voice/stray', mediaGateway('stray', { fqdn: 'stray.fabrikam.com' }));
  topology.setGateway('voice/elsewhere', mediaGateway('elsewhere', { mediationServer: { name: 'branch' } }));
  expect(trunksOf('voice/med01', topology).map(({ gateway }) => gateway.metadata.name)).toEqual(['old', 'young']);
});
