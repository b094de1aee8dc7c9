// Whose a shared Secret is must be told from its name alone, whatever the name of the server.
import { sharedOwner, sharedSecretName } from '../../../operator/controllers/shared-secret.ts';
import { certificateNeeds } from '../../../operator/topology/names.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';

const domain = trustDomain('contoso');

function nameFor(server: ReturnType<typeof trustedServer>): string {
  const need = certificateNeeds(server, domain).find(({ shared }) => shared !== undefined);
  if (need === undefined) throw new Error(`${server.metadata.name} shares no certificate`);
  return sharedSecretName(need, server, domain);
}

it.each(['edge', 'edge.voice', 'edge.web.voice'])('is of the pool %s of namespace media', (name) => {
  const edge = { accessFQDN: 'access.contoso.com', audioVideoFQDN: 'av.contoso.com' };
  const server = trustedServer(name, 'Edge', { poolFQDN: 'edge.contoso.com', edge }, { namespace: 'media' });
  expect(sharedOwner(nameFor(server))).toEqual({ kind: 'Pool', namespace: 'media', server: name });
});

it('is of the domain', () => {
  expect(sharedOwner(nameFor(trustedServer('fe', 'FrontEnd')))).toEqual({ kind: 'Domain', name: 'contoso' });
});
