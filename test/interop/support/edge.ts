// An Edge with two partners, as files: what the operator renders for it, and the certificates and trust that go with them.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EncryptionLevel } from '../../../operator/api/v1alpha1/index.ts';
import { type Output, renderOutputs } from '../../../operator/outputs/formats.ts';
import { renderingOf } from '../../../operator/outputs/rendering.ts';
import { discoveredFile, partnerFile } from '../../../operator/outputs/trust-bundle.ts';
import type { Certificate } from '../../../operator/pki/certificate.ts';
import { crossCertify } from '../../../operator/pki/cross-certificate.ts';
import { encodePem } from '../../../operator/pki/pem.ts';
import { mount, relocated } from '../../support/mounted.ts';
import { type Issuing, makeAuthority, makeMaterial } from '../../support/peers/material.ts';
import type { Material } from '../../support/peers/peer.ts';
import { freePort } from '../../support/port.ts';
import { trustDomain, trustedServer } from '../../unit/topology/objects.ts';

export interface Partner {
  /** Its SIP domain is `<name>.com`, its edge `sip.<name>.com`. */
  readonly name: string;
  readonly authority: Issuing;
  /** PEM of what the Edge believes of it. */
  readonly trust: string;
  /** PEM, one each: the CRLs that come with that. */
  readonly revocationLists: readonly string[];
  /** Of its media. */
  readonly encryptionLevel?: EncryptionLevel;
}

/** Held to its own names by a federation root and a cross-certificate. */
export function constrained(name: string, authority: Issuing = makeAuthority(name)): Partner {
  const host = `${name}.com`;
  const kinds = ['dns', 'uri', 'mail'] as const;
  const subtrees = (of: string) => kinds.map((kind) => ({ kind, host: of }));
  const crossed = authority.anchors.map((partnerCA) =>
    crossCertify({
      partnerCA,
      permitted: [...subtrees(host), ...subtrees(`sip.${host}`)],
      excluded: subtrees('contoso.com'),
      now: Date.now(),
      federationKeys: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      serials: { root: randomBytes(16) },
    }),
  );
  return {
    name,
    authority,
    trust: crossed
      .flatMap(({ root, cross }) => [root, cross])
      .map(pem)
      .join(''),
    revocationLists: crossed.map(({ revocationList }) => encodePem('X509 CRL', revocationList)),
  };
}

/** Believed for any name. */
export function unconstrained(name: string, authority: Issuing = makeAuthority(name)): Partner {
  return { name, authority, trust: authority.anchors.map(pem).join(''), revocationLists: [] };
}

const pem = (certificate: Certificate) => certificate.pem;

/** Of a listener for whoever is on no list. */
export interface Anybody {
  /** PEM of what it believes. */
  readonly trust: string;
  /** Domains that are let in nowhere. */
  readonly blocked: readonly string[];
}

export interface EdgeOptions {
  readonly output: Output;
  readonly contoso: Issuing;
  readonly partners: readonly Partner[];
  readonly fips?: boolean;
  readonly anybody?: Anybody;
  /** Its SIP domain is `<name>.com`: contoso, where absent. */
  readonly name?: string;
  /** Who has issued what it shows outside. */
  readonly issuer?: Issuing;
  /** Of the Edge's media. */
  readonly encryptionLevel?: EncryptionLevel;
}

export interface Edge extends AsyncDisposable {
  readonly root: string;
  readonly inside: number;
  readonly outside: number;
  /** Of the listener for whoever is on no list, where there is one. */
  readonly anybody: number;
  /** What it shows on each side. */
  readonly certificates: Readonly<Record<'inside' | 'outside', Material>>;
  /** Writes what belongs to these partners in place of what is there. */
  configure(partners: readonly Partner[]): Promise<void>;
}

/** The pool that the Edge meets inside: its certificates have this SPIFFE ID. */
export const registrar = {
  peer: { pool: 'pool01.contoso.com', role: 'FrontEnd', names: ['pool01.contoso.com'] },
  uri: 'spiffe://contoso.com/front-end/pool01.contoso.com',
} as const;

export async function layOutEdge(options: EdgeOptions): Promise<Edge> {
  const { output, contoso, partners, fips = false, anybody, name: own = 'contoso', issuer = makeAuthority('Public') } = options;
  const { encryptionLevel } = options;
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-edge-'));
  const accessFQDN = `sip.${own}.com`;
  const [inside, outside, third] = [await freePort(), await freePort(), await freePort()];
  const server = trustedServer('edge', 'Edge', {
    ...(encryptionLevel === undefined ? {} : { media: { encryptionLevel } }),
    edge: { accessFQDN },
    certificates: { scope: 'Pool', uses: [{ use: 'Internal' }, { use: 'AccessEdgeExternal' }] },
    listeners: [
      { name: 'inside', port: inside, protocol: 'MTLS', face: 'Internal' },
      { name: 'outside', port: outside, protocol: 'MTLS', face: 'External' },
      ...(anybody ? [{ name: 'anybody', port: third, protocol: 'MTLS', face: 'External', partners: 'Discovered' }] : []),
    ],
  });
  const domain = trustDomain('contoso', {
    sipDomains: [`${own}.com`],
    security: { fips: fips ? 'Required' : 'Disabled' },
  });
  const certificates = {
    inside: makeMaterial(contoso, { dnsNames: ['edge.contoso.com'], uri: 'spiffe://contoso.com/edge/edge.contoso.com' }),
    outside: makeMaterial(issuer, { dnsNames: [accessFQDN] }),
  };

  const discoveryBeside = (believed: readonly Partner[]) => {
    if (anybody === undefined) return {};
    const closedDomains = [`${own}.com`, ...believed.map(({ name }) => `${name}.com`), ...anybody.blocked];
    return { discovery: { believed: anybody.trust !== '', closedDomains, media: [] } };
  };
  const forAnybody = anybody === undefined || anybody.trust === '' ? {} : { [discoveredFile]: anybody.trust };

  const configure: Edge['configure'] = async (believed) => {
    const met = believed.map(({ name, encryptionLevel: level }) => ({
      name,
      sipDomains: [`${name}.com`],
      accessEdge: { fqdn: `sip.${name}.com`, port: 5061 },
      names: [`sip.${name}.com`, `${name}.com`],
      ...(level === undefined ? {} : { encryptionLevel: level }),
    }));
    const { files, refused } = renderOutputs(
      [output],
      renderingOf(server, domain, { peers: [registrar.peer], partners: met, trunks: [], ...discoveryBeside(believed) }),
    );
    if (refused.length > 0) throw new Error(refused.join(' '));
    const anchors = believed.map(({ trust }) => trust).join('');
    const ofEach = Object.fromEntries(believed.map(({ name, trust }) => [partnerFile(name), trust]));
    await mount(join(root, 'internal'), { ...certificates.inside });
    await mount(join(root, 'access-edge-external'), { ...certificates.outside, 'ca.crt': anchors });
    await mount(join(root, 'trust'), { ...relocated(files, root), ...ofEach, ...forAnybody });
  };
  await configure(partners);
  return {
    root,
    inside,
    outside,
    anybody: third,
    certificates,
    configure,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
