// Gateways, relays and partners for tests, as short as what they say: everything else has the schema's defaults.
import { parseObject } from '../../../operator/api/parse.ts';
import {
  type FederatedPartner,
  federatedPartner,
  type MediaGateway,
  type MediaRelay,
  mediaGateway,
  mediaRelay,
} from '../../../operator/api/v1alpha1/index.ts';
import { parsed } from './objects.ts';

const apiVersion = 'trustmesh.io/v1alpha1';

const about = (name: string, namespace?: string) => ({
  name,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-02-01T00:00:00Z',
  ...(namespace === undefined ? {} : { namespace }),
});

/** `<name>.contoso.com` in namespace voice, with its trunk to the server med01 there. */
export function gateway(name: string, spec: object = {}): MediaGateway {
  const whole = { trustDomain: 'contoso', fqdn: `${name}.contoso.com`, mediationServer: { name: 'med01' }, ...spec };
  return parsed(parseObject(mediaGateway, { apiVersion, kind: 'MediaGateway', metadata: about(name, 'voice'), spec: whole }));
}

/** `<name>.contoso.com` in namespace voice. */
export function relay(name: string, spec: object = {}): MediaRelay {
  const whole = { trustDomain: 'contoso', fqdn: `${name}.contoso.com`, ...spec };
  return parsed(parseObject(mediaRelay, { apiVersion, kind: 'MediaRelay', metadata: about(name, 'voice'), spec: whole }));
}

/** `<name>.com` with the edge `sip.<name>.com`. */
export function partner(name: string, spec: object = {}, status?: FederatedPartner['status']): FederatedPartner {
  const whole = {
    trustDomain: 'contoso',
    sipDomains: [`${name}.com`],
    mode: 'Direct',
    accessEdge: { fqdn: `sip.${name}.com` },
    trust: { anchors: [{ pem: 'as read by others' }] },
    ...spec,
  };
  const object = { apiVersion, kind: 'FederatedPartner', metadata: about(name), spec: whole };
  return { ...parsed(parseObject(federatedPartner, object)), ...(status === undefined ? {} : { status }) };
}
