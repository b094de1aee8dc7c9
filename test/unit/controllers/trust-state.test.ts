// Which CAs a domain trusts, whatever those who own a namespace write onto the Secrets that lie there.
import { Authorities, type Authority } from '../../../operator/authorities/authority.ts';
import { FederationState } from '../../../operator/controllers/federation-state.ts';
import { TrunkState } from '../../../operator/controllers/trunk-state.ts';
import { type Issued, TrustState } from '../../../operator/controllers/trust-state.ts';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import { Store } from '../../../operator/kube/store.ts';
import { annotation, label, managedBy } from '../../../operator/outputs/labels.ts';
import { hierarchy, now } from '../pki/authorities.ts';
import { admitting, namespace, trustDomain, trustedServer } from '../topology/objects.ts';
import { recorder } from '../topology/recorder.ts';

const contosoCA = hierarchy({ name: 'Contoso' });
const fabrikamCA = hierarchy({ name: 'Fabrikam' });

function authority(enterpriseCA: string, { root, issuing, issuer }: typeof contosoCA): Authority {
  return {
    enterpriseCA,
    generation: 1,
    keyId: issuing.subjectKeyId,
    certificate: issuing,
    chain: [issuing],
    intermediates: [issuing],
    anchors: [root],
    issuer,
    leaf: { duration: 3_600_000, renewAfterPercent: 66, privateKey: { algorithm: 'ECDSA' } },
  };
}

const server = trustedServer('app', 'Server', {}, { uid: 'uid-app' });
const foreigner = trustedServer(
  'guest',
  'Server',
  { trustDomain: 'fabrikam', poolFQDN: 'guest.fabrikam.com', members: [{ fqdn: 'guest1.fabrikam.com' }] },
  { uid: 'uid-guest' },
);

/** The domains contoso and fabrikam with a CA and a server each, both in namespace voice; and what the journal says. */
function world(records: Readonly<Record<string, Issued>> = {}, contoso: object = {}) {
  const { topology, set } = recorder();
  topology.setNamespace('voice', namespace('voice'));
  topology.setDomain('contoso', trustDomain('contoso', { ...admitting('voice'), ...contoso }));
  const [entry] = admitting('voice').admission;
  topology.setDomain(
    'fabrikam',
    trustDomain('fabrikam', {
      enterpriseCA: 'fabrikam',
      sipDomains: ['fabrikam.com'],
      admission: [{ ...entry, names: ['*.fabrikam.com'] }],
    }),
  );
  const authorities = new Authorities();
  for (const each of [authority('contoso', contosoCA), authority('fabrikam', fabrikamCA)])
    authorities.setAvailable(each, [each.keyId]);
  const secrets = new Store<MetadataObject>();
  const configMaps = new Store<MetadataObject>({ indexes: { domain: () => [] } });
  const changes: string[] = [];
  const trust = new TrustState({
    topology,
    authorities,
    trunks: new TrunkState(),
    federation: new FederationState(),
    secrets,
    configMaps,
    recorded: (secret) => records[secret],
    onChange: (domain) => changes.push(domain),
    now: () => now,
  });
  set(server, foreigner);
  const trusted = (audience: 'clients' | 'server' = 'server') =>
    trust
      .of('contoso', audience)
      ?.bundle.anchors.map(({ subject }) => subject)
      .sort();
  return { topology, authorities, secrets, configMaps, trust, trusted, set, changes };
}

/** The bundle of servers in namespace voice, with anchors of this hash. */
function bundle(hash: string): MetadataObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'trustmesh-contoso-server',
      namespace: 'voice',
      uid: 'uid-bundle',
      resourceVersion: hash === 'old' ? '1' : '2',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { ...managedBy, [label.domain]: 'contoso', [label.audience]: 'server' },
      annotations: { [annotation.trustHash]: hash },
    },
  };
}

function secret(name: string, labels: Readonly<Record<string, string>>, fingerprint = `fp-${name}`): MetadataObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: 'voice',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { ...managedBy, ...labels },
      // The server as whose it was made; in a namespace of one's own one may write what one likes.
      ownerReferences: ['uid-app', 'uid-guest'].map((uid) => ({
        apiVersion: 'trustmesh.io/v1alpha1',
        kind: 'TrustedServer',
        name: 'app',
        uid,
        controller: true,
      })),
      annotations: { [annotation.fingerprint]: fingerprint, [annotation.authority]: fabrikamCA.issuing.subjectKeyId },
    },
  };
}

const record = (name: string, uid: string, ca: typeof contosoCA, use: Issued['use'] = 'Default'): Record<string, Issued> => ({
  [`voice/${name}`]: { uid, use, fingerprint: `fp-${name}`, authority: ca.issuing.subjectKeyId },
});

const ofApp = { [label.domain]: 'contoso', [label.server]: 'app', [label.use]: 'default' };

describe('a CA that a domain does not name', () => {
  it('is trusted for as long as a certificate of one of its servers is from it', () => {
    const { secrets, trusted } = world(record('app-tls', 'uid-app', fabrikamCA));
    expect(trusted()).toEqual(['CN=Contoso Root CA']);
    secrets.apply(secret('app-tls', ofApp));
    expect(trusted()).toEqual(['CN=Contoso Root CA', 'CN=Fabrikam Root CA']);
    secrets.remove('voice/app-tls');
    expect(trusted()).toEqual(['CN=Contoso Root CA']);
  });

  it('is not trusted for what a Secret says of itself, where the journal knows of no such certificate', () => {
    const { secrets, trusted } = world();
    secrets.apply(secret('app-tls', ofApp));
    expect(trusted()).toEqual(['CN=Contoso Root CA']);
  });

  it.each([
    ['that says to be of this domain', { [label.domain]: 'contoso', [label.server]: 'guest', [label.use]: 'default' }],
    ["that says to be of this domain's server", ofApp],
    ['that says to be of no server', { [label.domain]: 'contoso', [label.use]: 'default' }],
  ])('is not trusted for the certificate of another domain, in a Secret %s', (_case, labels) => {
    const { secrets, trusted } = world(record('guest-tls', 'uid-guest', fabrikamCA));
    secrets.apply(secret('guest-tls', labels));
    expect(trusted()).toEqual(['CN=Contoso Root CA']);
  });

  it('is trusted inside only for what it issued for inside, whatever use a Secret names', () => {
    const edge = trustedServer('app', 'Edge', { edge: { accessFQDN: 'access.contoso.com' } }, { uid: 'uid-app' });
    const { secrets, trusted, set } = world(record('app-tls', 'uid-app', fabrikamCA, 'AccessEdgeExternal'));
    set(edge);
    secrets.apply(secret('app-tls', ofApp));
    expect(trusted('clients')).toEqual(['CN=Contoso Root CA', 'CN=Fabrikam Root CA']);
    expect(trusted('server')).toEqual(['CN=Contoso Root CA']);
  });
});

describe('a further CA whose anchors nobody knows', () => {
  const absent = { additionalEnterpriseCAs: ['absent'] };
  const asking = trustedServer(
    'asking',
    'Server',
    { certificates: { uses: [{ use: 'Default', enterpriseCA: 'absent' }] } },
    { uid: 'uid-asking' },
  );

  it('keeps nobody waiting while nothing can be from it', () => {
    const { trust, set, secrets } = world(record('app-tls', 'uid-app', contosoCA), absent);
    set(asking);
    secrets.apply(secret('app-tls', ofApp));
    expect(trust.of('contoso', 'server')?.unknown).toEqual([]);
  });

  it('is waited for where a certificate in use may be from it', () => {
    const stranger = hierarchy({ name: 'Stranger' });
    const { trust, set, secrets } = world(record('app-tls', 'uid-app', stranger), absent);
    set(asking);
    secrets.apply(secret('app-tls', ofApp));
    expect(trust.of('contoso', 'server')?.unknown).toEqual(['absent']);
  });
});

it('waits for the anchors of the CA that the domain itself names', () => {
  const { trust } = world({}, { enterpriseCA: 'absent' });
  expect(trust.of('contoso', 'server')?.unknown).toEqual(['absent']);
});

it('keeps nothing waiting for what an Edge believes outside: that is partners, after a start not known yet', () => {
  const { trust, configMaps, secrets, set } = world();
  set(trustedServer('app', 'Edge', { edge: { accessFQDN: 'access.contoso.com' } }, { uid: 'uid-app' }));
  const outside = { ...ofApp, [label.use]: 'access-edge-external' };
  const made = secret('app-tls', outside);
  const annotations = { ...made.metadata.annotations, [annotation.trustHash]: 'partners' };
  secrets.apply({ ...made, metadata: { ...made.metadata, annotations } });
  const { metadata, ...configMap } = bundle('partners');
  const labels = { ...metadata.labels, [label.audience]: 'edge-external' };
  configMaps.apply({ ...configMap, metadata: { ...metadata, name: 'trustmesh-contoso-edge-external', labels } });
  expect(trust.pendingAnywhere('contoso')).toBeUndefined();
});

it('tells when everybody in a domain holds the anchors: who waited for that looks again', () => {
  const { trust, configMaps, secrets, changes } = world();
  const hash = trust.of('contoso', 'server')?.bundle.hash ?? '';
  const holding = (held: string, resourceVersion: string): MetadataObject => {
    const made = secret('app-tls', ofApp);
    return {
      ...made,
      metadata: {
        ...made.metadata,
        resourceVersion,
        annotations: { ...made.metadata.annotations, [annotation.trustHash]: held },
      },
    };
  };
  secrets.apply(holding('old', '1'));
  configMaps.apply(bundle(hash));
  expect(trust.pending('contoso', 'server', 'voice')).toContain('Secret voice/app-tls');
  expect(changes).toEqual([]);
  secrets.apply(holding(hash, '2'));
  expect(trust.pending('contoso', 'server', 'voice')).toBeUndefined();
  expect(changes).toEqual(['contoso']);
});
