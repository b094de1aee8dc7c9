import { kebabCase, roles, uses, usesByRole } from '../../../operator/api/v1alpha1/index.ts';
import { usesOf } from '../../../operator/topology/names.ts';

describe('roles and uses', () => {
  it('are written in Secret and ConfigMap names in kebab case', () => {
    expect(roles.map(kebabCase)).toEqual([
      'front-end',
      'standard-edition',
      'director',
      'mediation',
      'edge',
      'survivable-branch',
      'persistent-chat',
      'trusted-application',
      'server',
    ]);
    expect(uses.map(kebabCase)).toEqual([
      'default',
      'web-services-internal',
      'web-services-external',
      'oauth-token-issuer',
      'access-edge-external',
      'access-edge-outbound',
      'internal',
      'audio-video-authentication',
    ]);
  });

  it.each(roles)('%s is refused no use that the topology gives it, and given none that it refuses', (role) => {
    expect(usesByRole[role]).toEqual(usesOf(role));
  });
});
