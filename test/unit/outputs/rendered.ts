// What a format makes of a server, as short as what a test says of it.
import type { EncryptionLevel, Role } from '../../../operator/api/v1alpha1/index.ts';
import { type Output, renderOutputs } from '../../../operator/outputs/formats.ts';
import { type Met, renderingOf } from '../../../operator/outputs/rendering.ts';
import type { PeerEntry } from '../../../operator/topology/peer-list.ts';
import { trustDomain, trustedServer } from '../topology/objects.ts';

export const mediation: PeerEntry = {
  pool: 'medpool.contoso.com',
  role: 'Mediation',
  names: ['medpool.contoso.com', 'med01.contoso.com'],
};

export const partner: Met['partners'][number] = {
  name: 'fabrikam',
  sipDomains: ['fabrikam.com'],
  accessEdge: { fqdn: 'sip.fabrikam.com', port: 5061 },
  names: ['sip.fabrikam.com', 'fabrikam.com'],
};

export const trunk: Met['trunks'][number] = {
  name: 'gw01',
  fqdn: 'gw01.contoso.com',
  port: 5067,
  transport: 'TLS',
  srtp: 'Required',
};

export interface Wish extends Partial<Met> {
  readonly role?: Role;
  readonly domain?: object;
  readonly listeners?: readonly object[];
  /** Of the server itself. */
  readonly encryptionLevel?: EncryptionLevel;
}

const listenersOf = (role: Role) =>
  role === 'Edge'
    ? [
        { name: 'inside', port: 5061, protocol: 'MTLS', face: 'Internal' },
        { name: 'outside', port: 5062, protocol: 'MTLS', face: 'External' },
      ]
    : [{ name: 'sip', port: 5061, protocol: 'MTLS' }];

/** By name. A FrontEnd that meets one mediation pool, with a listener for each face, unless said otherwise. */
export function filesOf(output: Output, wish: Wish = {}): Readonly<Record<string, string>> {
  const { role = 'FrontEnd', domain, listeners = listenersOf(role), ...met } = wish;
  const edge = role === 'Edge' ? { edge: { accessFQDN: 'sip.contoso.com' } } : {};
  const { encryptionLevel } = wish;
  const media = encryptionLevel === undefined ? {} : { media: { encryptionLevel } };
  const server = trustedServer('pool01', role, { listeners, ...edge, ...media });
  const { files, refused } = renderOutputs(
    [output],
    renderingOf(server, trustDomain('contoso', domain), { peers: [mediation], partners: [], trunks: [], ...met }),
  );
  if (refused.length > 0) throw new Error(refused.join(' '));
  return files;
}

export function file(output: Output, name: string, wish?: Wish): string {
  const files = filesOf(output, wish);
  const text = files[name];
  if (text === undefined) throw new Error(`there is no ${name}, only ${Object.keys(files).join(', ')}`);
  return text;
}
