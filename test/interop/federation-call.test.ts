// Two complete control planes with two operators and two enterprise CAs, which federate by bundle endpoint; a Kamailio at each
// edge on what was rendered for it. A call crosses; then one side blocks the other, and it does so no longer.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { federatedPartners } from '../../operator/kube/resource.ts';
import { textOf } from '../support/installation.ts';
import { type Kamailio, startKamailio } from '../support/kamailio.ts';
import { mount, relocated } from '../support/mounted.ts';
import { needing } from '../support/needing.ts';
import { federate, type Organisation, startOrganisation } from '../support/organisation.ts';
import { freePort } from '../support/port.ts';
import { askByUDP } from '../support/sip.ts';
import { call, startCallee } from '../support/sipp.ts';
import { waitFor } from '../support/wait.ts';

const { describe } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'kamailio', 'sipp');

const running = new AsyncDisposableStack();

interface Edge {
  readonly organisation: Organisation;
  /** Where its Secrets and ConfigMaps are mounted. */
  readonly root: string;
  readonly kamailio: Kamailio;
}

/** Everything as it stands in the API server, where the documentation says that it is mounted. */
async function mountEdge({ trustmesh }: Organisation, root: string): Promise<void> {
  const secret = await trustmesh.secret('media', 'edge-access-edge-external-tls');
  const outbound = await trustmesh.secret('media', 'edge-access-edge-outbound-tls');
  const contentOf = (from: typeof secret) =>
    Object.fromEntries(['tls.crt', 'tls.key', 'ca.crt'].map((key) => [key, textOf(from, key)]));
  await mount(join(root, 'access-edge-external'), contentOf(secret));
  await mount(join(root, 'access-edge-outbound'), contentOf(outbound));
  await mount(join(root, 'trust'), relocated(await trustmesh.configMap('media', 'edge-trust'), root));
}

async function startEdge(organisation: Organisation, partner: string, port: number): Promise<Edge> {
  const { name, trustmesh } = organisation;
  await trustmesh.partner(partner, 'Trusted');
  await waitFor(
    `${partner} in what the Edge of ${name} reads`,
    async () => {
      const files = await trustmesh.configMap('media', 'edge-trust');
      return files['kamailio-access-edge-external-names']?.includes(`sip.${partner}.com`);
    },
    { limitMs: 30_000 },
  );
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-mounted-'));
  running.defer(() => rm(root, { recursive: true, force: true }));
  await mountEdge(organisation, root);
  const callee = running.use(await startCallee('RTP/SAVP'));
  const route = `if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    if (is_method("INVITE") && !has_totag()) {
      record_route_advertised_address("sip.${name}.com:${port}");
      $du = "sip:127.0.0.1:${callee.port}";
      t_relay();
      exit;
    }`;
  const kamailio = running.use(
    await startKamailio({ trust: join(root, 'trust'), listener: 'outside', port, name: `sip.${name}.com`, route }),
  );
  for (const each of [name, partner]) await kamailio.resolve(`sip.${each}.com`);
  return { organisation, root, kamailio };
}

describe('two organisations with a Kamailio at each edge', () => {
  let contoso: Edge;
  let fabrikam: Edge;
  beforeAll(async () => {
    const ports = { contoso: await freePort(), fabrikam: await freePort() };
    const organisation = async (name: keyof typeof ports) =>
      running.use(
        await startOrganisation(name, {
          listeners: [{ name: 'outside', port: ports[name], protocol: 'MTLS', face: 'External' }],
          outputs: ['Kamailio'],
        }),
      );
    const [own, other] = await Promise.all([organisation('contoso'), organisation('fabrikam')]);
    await Promise.all([federate(own, other, ports.fabrikam), federate(other, own, ports.contoso)]);
    contoso = await startEdge(own, 'fabrikam', ports.contoso);
    fabrikam = await startEdge(other, 'contoso', ports.fabrikam);
  }, 10 * 60_000);
  afterAll(() => running.disposeAsync());

  const options = async (from: Edge, to: string) => {
    const answer = await askByUDP(from.kamailio.inside, {
      to: `sip:bob@sip.${to}.com`,
      from: `sip:anna@${from.organisation.name}.com`,
    });
    return 'status' in answer ? answer.status : answer.refused;
  };
  const invite = (from: Edge, to: string) =>
    call({
      by: from.kamailio.inside,
      to: `sip:bob@sip.${to}.com`,
      from: `${from.organisation.name}.com`,
      media: 'RTP/SAVP',
    });

  it('answer each other', async () => {
    expect(await options(contoso, 'fabrikam')).toBe(200);
    expect(await options(fabrikam, 'contoso')).toBe(200);
  });

  it('call each other, across both edges', async () => {
    expect(await invite(contoso, 'fabrikam')).toEqual({ answered: true });
    expect(await invite(fabrikam, 'contoso')).toEqual({ answered: true });
  });

  it('do so no longer once one has blocked the other, without a restart and on connections that stand', async () => {
    const { trustmesh } = contoso.organisation;
    const { resourceVersion } = (await trustmesh.admin.get(federatedPartners, { name: 'fabrikam' })).metadata;
    await trustmesh.admin.patch(
      federatedPartners,
      { name: 'fabrikam' },
      { metadata: { resourceVersion }, spec: { mode: 'Blocked' } },
    );
    await trustmesh.partner('fabrikam', 'Blocked');
    await waitFor('the Edge to be told', async () => {
      const files = await trustmesh.configMap('media', 'edge-trust');
      const outside = await trustmesh.secret('media', 'edge-access-edge-external-tls');
      const isTold = !files['kamailio-access-edge-external-names']?.includes('fabrikam') && textOf(outside, 'ca.crt') === '';
      return isTold ? true : undefined;
    });
    await mountEdge(contoso.organisation, contoso.root);
    await contoso.kamailio.command('tls.reload');
    await contoso.kamailio.command('htable.reload', 'trustmesh');
    expect(await options(fabrikam, 'contoso')).not.toBe(200);
    expect(await invite(fabrikam, 'contoso')).toEqual({ failed: expect.any(String) });
    expect(await options(contoso, 'fabrikam')).toBe(403);
  });
});
