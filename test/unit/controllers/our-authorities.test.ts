// Which CAs are ours: of every EnterpriseCA and mediation pool, of all generations, and which a domain waits for.
import { Authorities } from '../../../operator/authorities/authority.ts';
import type { Context } from '../../../operator/controllers/context.ts';
import { ourAuthorities } from '../../../operator/controllers/our-authorities.ts';
import { TrunkState } from '../../../operator/controllers/trunk-state.ts';
import { hierarchy } from '../pki/authorities.ts';
import { trustDomain } from '../topology/objects.ts';
import { authority } from './observed.ts';

const former = hierarchy({ name: 'Former' }).issuing;
const gateway = hierarchy({ name: 'Gateway' }).root;

/** An EnterpriseCA with a former generation, and a pool with a gateway authority. */
function known(): Pick<Context, 'authorities' | 'trunks'> {
  const [authorities, trunks] = [new Authorities(), new TrunkState()];
  authorities.setAvailable(authority, [authority.keyId, 'aa'], [former]);
  const unavailable = { available: false, reason: 'Creating', message: 'it is being made' } as const;
  trunks.set('voice/med01', { authority: unavailable, roots: [gateway], own: new Map(), shown: new Map() });
  return { authorities, trunks };
}

it('are the roots and issuing certificates of every generation, and gateway authorities', () => {
  const { certificates, keyIds, unknown } = ourAuthorities(trustDomain('contoso', { enterpriseCA: 'contoso' }), known());
  expect(certificates).toEqual([...authority.anchors, ...authority.chain, former, gateway]);
  expect(keyIds).toEqual([authority.keyId, 'aa']);
  expect(unknown).toEqual([]);
});

it('are waited for where the domain names one that nobody knows', () => {
  const domain = trustDomain('contoso', { enterpriseCA: 'contoso', additionalEnterpriseCAs: ['lost'] });
  expect(ourAuthorities(domain, known()).unknown).toEqual(['lost']);
});
