// Which CAs are ours: of every EnterpriseCA and mediation pool, of all generations, and which a domain waits for.
import { Authorities } from '../../../operator/authorities/authority.ts';
import { FederationState } from '../../../operator/controllers/federation-state.ts';
import { ourAuthorities } from '../../../operator/controllers/our-authorities.ts';
import { TrunkState } from '../../../operator/controllers/trunk-state.ts';
import { TrustState } from '../../../operator/controllers/trust-state.ts';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import { Store } from '../../../operator/kube/store.ts';
import { hierarchy } from '../pki/authorities.ts';
import { trustDomain } from '../topology/objects.ts';
import { recorder } from '../topology/recorder.ts';
import { authority } from './observed.ts';

const former = hierarchy({ name: 'Former' }).issuing;
const gateway = hierarchy({ name: 'Gateway' }).root;

/** The CA contoso with a former generation, a pool with a gateway authority, and a domain. */
function ours(spec: object = {}) {
  const domain = trustDomain('contoso', { enterpriseCA: 'contoso', ...spec });
  const { topology } = recorder();
  topology.setDomain('contoso', domain);
  const [authorities, trunks] = [new Authorities(), new TrunkState()];
  authorities.setAvailable(authority, [authority.keyId, 'aa'], [former]);
  const unavailable = { available: false, reason: 'Creating', message: 'it is being made' } as const;
  trunks.set('voice/med01', { authority: unavailable, roots: [gateway], own: new Map(), shown: new Map() });
  const trust = new TrustState({
    topology,
    authorities,
    trunks,
    federation: new FederationState(),
    secrets: new Store<MetadataObject>(),
    configMaps: new Store<MetadataObject>({ indexes: { domain: () => [] } }),
    recorded: () => undefined,
    onChange: () => undefined,
    now: () => Date.UTC(2026, 5, 15),
  });
  return ourAuthorities(domain, { authorities, trunks, trust });
}

it('are the roots and issuing certificates of every generation, and gateway authorities', () => {
  const { certificates, keyIds, unknown } = ours();
  expect(certificates).toEqual([...authority.anchors, ...authority.chain, former, gateway]);
  expect(keyIds).toEqual([authority.keyId, 'aa']);
  expect(unknown).toEqual([]);
});

it('are waited for where the CA of the domain is one that nobody knows', () => {
  expect(ours({ enterpriseCA: 'lost' }).unknown).toEqual(['lost']);
});

it('are not waited for where the domain only names one that nothing in use is from', () => {
  expect(ours({ additionalEnterpriseCAs: ['lost'] }).unknown).toEqual([]);
});
