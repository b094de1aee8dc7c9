// The operator as a process: how it starts, speaks, ends, and gives way to another. What it does meanwhile is the matter of
// the other cluster tests.
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { between, countWrites, whenQuiet, withoutHeartbeat } from '../../bench/write-counts.ts';
import { configMaps, leases, secrets } from '../../operator/kube/resource.ts';
import { contoso, leafOf, serverManifest, startTrustmesh, type Trustmesh, textOf } from '../support/installation.ts';
import { issuedFor } from '../support/journal.ts';
import type { OperatorProcess } from '../support/operator.ts';
import { ProgramFailed, runProgram } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const repository = join(import.meta.dirname, '../..');

let trustmesh: Trustmesh;
beforeAll(async () => {
  trustmesh = await startTrustmesh({ operator: false });
  await trustmesh.apply(contoso);
});
afterAll(() => trustmesh?.[Symbol.asyncDispose]());
afterEach(() => trustmesh.stopReplicas());

const mediation = (name: string, more: object = {}) =>
  serverManifest(name, { poolFQDN: `${name}.contoso.com`, members: [{ fqdn: `${name}-m.contoso.com` }], ...more });

const ask = async (operator: OperatorProcess, path: string) => {
  const response = await fetch(`${operator.url}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, text: await response.text() };
};

/** The value of a metric with these labels, or undefined while there is none. */
async function metric(operator: OperatorProcess, name: string, labels = ''): Promise<number | undefined> {
  const { text } = await ask(operator, '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${name}${labels === '' ? ' ' : `{${labels}`}`));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

const leads = async (operator: OperatorProcess) => (await metric(operator, 'trustmesh_leader')) === 1;

/** Everything that the operator wrote for servers, by name, with its version. */
async function written(): Promise<ReadonlyMap<string, string>> {
  const { items } = await trustmesh.admin.list(secrets, { namespace: 'media', metadataOnly: true });
  return new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}

describe('a configuration that cannot be used', () => {
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    try {
      await runProgram(process.execPath, [join(repository, 'operator/main.ts'), ...args], {
        env: { NODE_OPTIONS: undefined, ...env },
        limitMs: 20_000,
      });
    } catch (error) {
      if (error instanceof ProgramFailed) return { code: error.exit.code, stderr: error.stderr, stdout: error.stdout };
      throw error;
    }
    throw new Error('it ran');
  };

  it.each([
    ['a flag that there is none of', ['--leader'], {}, /Unknown option '--leader'.*Usage: trustmesh/s],
    ['a word that is no flag', ['start'], {}, /Unexpected argument 'start'/],
    ['a flag without its value', ['--namespace'], {}, /argument missing/],
    [
      'a level',
      ['--log-level', 'loud'],
      {},
      /^--log-level \(or TRUSTMESH_LOG_LEVEL\): "loud" is not one of error, warn, info, debug\.$/m,
    ],
    ['an address', ['--listen', '8080'], {}, /"8080" is not HOST:PORT or :PORT/],
    ['a port', ['--listen', ':80800'], {}, /has a port above 65535/],
    ['namespaces', ['--watch-namespaces', 'voice,,Media'], {}, /"voice,,Media" is not a list of namespaces separated by commas/],
    ['a duration', ['--membership-grace', '3 days'], {}, /"3 days" is not a duration such as 10m or 1h30m/],
    ['a variable', [], { TRUSTMESH_LOG_FORMAT: 'xml' }, /TRUSTMESH_LOG_FORMAT\): "xml" is not one of text, json/],
    ['a switch as variable', [], { TRUSTMESH_LEADER_ELECT: 'yes' }, /TRUSTMESH_LEADER_ELECT\): "yes" is neither true nor false/],
  ])('ends it at once with 2 and a sentence: %s', async (_what, args, env, sentence) => {
    const { code, stderr, stdout } = await run(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  it('names every fault at once', async () => {
    const { stderr } = await run(['--log-level', 'loud', '--log-format', 'xml']);
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });

  it.each([
    ['a kubeconfig that is not there', ['--kubeconfig', '/does/not/exist'], /^trustmesh: .*\/does\/not\/exist/],
    [
      'its own namespace that is not there',
      ['--namespace', 'nowhere', '--listen', '127.0.0.1:0'],
      /^trustmesh: .*namespaces "nowhere" not found/,
    ],
  ])('ends it with 1 and a sentence where only trying could tell: %s', async (_what, args, sentence) => {
    const { code, stderr } = await run(args, { KUBECONFIG: trustmesh.controlPlane.kubeconfig });
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
  });
});

describe('health and metrics', () => {
  it('are served on one port', async () => {
    const operator = await trustmesh.startReplica();
    await trustmesh.apply(mediation('seen'));
    await trustmesh.ready('media', 'seen');
    expect(await ask(operator, '/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await ask(operator, '/readyz')).toEqual({ status: 200, text: 'ok\n' });
    expect((await ask(operator, '/')).status).toBe(404);
    for (const controller of ['enterprise-ca', 'trust-domain', 'trust-bundle', 'trusted-server']) {
      const label = `controller="${controller}"`;
      expect(await metric(operator, 'trustmesh_reconciles_total', `${label},outcome="succeeded"`)).toBeGreaterThan(0);
      expect(await metric(operator, 'trustmesh_queue_depth', label)).toBe(0);
      expect(await metric(operator, 'trustmesh_queue_seconds_count', label)).toBeGreaterThan(0);
    }
    expect(
      await metric(operator, 'trustmesh_api_requests_total', 'verb="create",resource="secrets",code="201"'),
    ).toBeGreaterThanOrEqual(3);
    expect(await metric(operator, 'trustmesh_certificates_issued_total', 'enterprise_ca="contoso"')).toBe(1);
    expect(await metric(operator, 'trustmesh_leader')).toBe(1);
    const expiry = await metric(
      operator,
      'trustmesh_certificate_expiry_timestamp_seconds',
      'namespace="media",secret="seen-seen-m-tls",server="seen",domain="contoso",use="default",member="seen-m"',
    );
    const leaf = leafOf(await trustmesh.secret('media', 'seen-seen-m-tls'));
    expect(expiry).toBe(leaf.validToDate.getTime() / 1000);
  });
});

describe('logs', () => {
  const decision = z.looseObject({
    timestamp: z.iso.datetime(),
    level: z.string(),
    message: z.string(),
    object: z.string(),
    reason: z.string(),
  });

  it('are one line of JSON for each decision, with its object and reason', async () => {
    const operator = await trustmesh.startReplica(['--log-level', 'debug']);
    await trustmesh.apply(mediation('told'));
    await trustmesh.ready('media', 'told');
    const lines = operator
      .logs()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const issued = lines.find((line) => JSON.stringify(line).includes('told-told-m-tls'));
    expect(decision.parse(issued)).toMatchObject({
      level: 'info',
      message: 'certificate issued',
      object: 'TrustedServer media/told',
      reason: 'there was none',
    });
  });

  it('are one line of text each where that is wanted', async () => {
    const operator = await trustmesh.startReplica(['--log-format', 'text']);
    await trustmesh.apply(mediation('written'));
    await trustmesh.ready('media', 'written');
    const lines = operator.logs().trim().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) \S/);
    expect(lines.find((line) => line.includes('written-written-m-tls'))).toMatch(
      /info {2}certificate issued object="TrustedServer media\/written" secret=written-written-m-tls serial=[0-9a-f]{32} reason="there was none"$/,
    );
  });

  it('hold nothing of any Secret, even where everything is told', async () => {
    const operator = await trustmesh.startReplica(['--log-level', 'debug']);
    await trustmesh.apply(
      mediation('quiet', { certificates: { uses: [{ use: 'Default', formats: ['PKCS12', 'CombinedPEM'] }] } }) +
        serverManifest('registrar', { role: 'FrontEnd', poolFQDN: 'fe.contoso.com', members: [{ fqdn: 'fe1.contoso.com' }] }),
    );
    await trustmesh.ready('media', 'quiet');
    await trustmesh.ready('media', 'registrar');
    await trustmesh.admin.delete(secrets, { namespace: 'media', name: 'quiet-quiet-m-tls' });
    await trustmesh.secret('media', 'quiet-quiet-m-tls');
    const logs = operator.logs();
    expect(logs.length).toBeLessThan(250 * 1024);
    expect(logs).not.toContain('PRIVATE KEY');
    const { items } = await trustmesh.admin.list(secrets);
    let looked = 0;
    for (const secret of items) {
      for (const [key, value] of Object.entries(secret.data ?? {})) {
        if (key.endsWith('.crt') || value === '') continue;
        const text = Buffer.from(value, 'base64').toString('latin1');
        const forms = [value, ...text.split('\n').filter((line) => line.length >= 32)];
        for (const form of forms)
          expect([secret.metadata.name, key, logs.includes(form.slice(0, 48))]).toEqual([secret.metadata.name, key, false]);
        looked++;
      }
    }
    expect(looked).toBeGreaterThan(8);
  });
});

describe('the end', () => {
  it('on SIGTERM finishes what is in hand, starts nothing new, gives the Lease back and ends with 0 within seconds', async () => {
    const operator = await trustmesh.startReplica(['--leader-elect']);
    await waitFor('it leads', () => leads(operator));
    const names = Array.from({ length: 200 }, (_, index) => `crowd${index}`);
    const applied = trustmesh.apply(names.map((name) => mediation(name)).join(''));
    await waitFor(
      'some of them are issued',
      async () => [...(await written()).keys()].filter((name) => name.startsWith('crowd')).length >= 20,
      {
        everyMs: 5,
      },
    );
    const asked = performance.now();
    expect(await operator.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    await applied;
    const lease = await trustmesh.admin.get(leases, { namespace: 'trustmesh-system', name: 'trustmesh' });
    expect(lease.spec?.holderIdentity).toBe('');
    // Every certificate in the journal has its Secret, and every Secret the certificate of the journal.
    const issued = [...(await issuedFor(trustmesh.admin))].filter(([secret]) => secret.startsWith('media/crowd'));
    expect(issued.length).toBeGreaterThanOrEqual(20);
    expect(issued.length).toBeLessThan(200);
    for (const [secret, records] of issued) {
      const held = leafOf(await trustmesh.secret('media', secret.slice('media/'.length)));
      expect(records.map(({ serial }) => serial)).toEqual([held.serialNumber.toLowerCase()]);
    }

    await trustmesh.startReplica(['--leader-elect']);
    for (const name of names) await trustmesh.ready('media', name);
    const after = await issuedFor(trustmesh.admin);
    for (const name of names) expect(after.get(`media/${name}-${name}-m-tls`)).toHaveLength(1);
  });
});

describe('two replicas', () => {
  async function twoReplicas() {
    const both = [await trustmesh.startReplica(['--leader-elect']), await trustmesh.startReplica(['--leader-elect'])];
    await waitFor('one of them leads', async () => (await Promise.all(both.map(leads))).filter(Boolean).length === 1);
    const [first, second] = both;
    if (first === undefined || second === undefined) throw new Error('no replicas');
    return (await leads(first)) ? { leader: first, other: second } : { leader: second, other: first };
  }

  /** Ends the leader. How long it took until the other led, in ms: from the signal, and from the last renewal of the Lease, which holds `leaseMs`. */
  async function takeover(leader: OperatorProcess, other: OperatorProcess, signal: 'SIGKILL' | 'SIGTERM') {
    const before = await written();
    const began = Date.now();
    leader.kill(signal);
    const { spec } = await trustmesh.admin.get(leases, { namespace: 'trustmesh-system', name: 'trustmesh' });
    await waitFor('the other leads', () => leads(other), { limitMs: 25_000 });
    const led = Date.now();
    const leaseMs = (spec?.leaseDurationSeconds ?? 0) * 1000;
    const took = { sinceSignal: led - began, sinceRenewal: led - Date.parse(spec?.renewTime ?? ''), leaseMs };
    await leader.exited;
    const name = `after-${signal.toLowerCase()}`;
    await trustmesh.apply(mediation(name));
    await trustmesh.ready('media', name);
    const after = await written();
    for (const [secret, version] of before) expect([secret, after.get(secret)]).toEqual([secret, version]);
    return took;
  }

  it('take turns: the other waits, is ready, and leads within three seconds of an orderly end', async () => {
    const { leader, other } = await twoReplicas();
    expect((await ask(other, '/readyz')).status).toBe(200);
    await trustmesh.apply(mediation('led'));
    await trustmesh.ready('media', 'led');
    expect(await metric(leader, 'trustmesh_certificates_issued_total', 'enterprise_ca="contoso"')).toBe(1);
    expect(await metric(other, 'trustmesh_certificates_issued_total', 'enterprise_ca="contoso"')).toBeUndefined();
    expect((await takeover(leader, other, 'SIGTERM')).sinceSignal).toBeLessThan(4_000);
  });

  it('take turns: the other leads once the Lease of a leader that crashed has run out', async () => {
    const { leader, other } = await twoReplicas();
    const { sinceSignal, sinceRenewal, leaseMs } = await takeover(leader, other, 'SIGKILL');
    expect(sinceRenewal).toBeGreaterThan(leaseMs);
    // It is looked at every 2 s.
    expect(sinceSignal).toBeLessThan(leaseMs + 5_000);
    expect(leaseMs).toBeLessThanOrEqual(15_000);
  });
});

describe('the bundle that the image holds', () => {
  it('does the same as the source', async () => {
    await runProgram(process.execPath, ['build.ts'], { cwd: repository, env: { NODE_OPTIONS: undefined } });
    const operator = await trustmesh.startReplica(['--leader-elect'], { entry: 'bundle' });
    await trustmesh.apply(mediation('bundled', { certificates: { uses: [{ use: 'Default', formats: ['PKCS12'] }] } }));
    await trustmesh.ready('media', 'bundled');
    const secret = await trustmesh.secret('media', 'bundled-bundled-m-tls');
    expect(
      leafOf(secret).checkIssued(
        new X509Certificate(textOf(await trustmesh.secret('trustmesh-system', 'contoso-issuing-1'), 'tls.crt')),
      ),
    ).toBe(true);
    expect(await operator.stop()).toBe(0);
  });
});

describe('at rest', () => {
  it('nothing is written for half a minute, nor by a restart but the generation of the journal', async () => {
    await trustmesh.startReplica(['--leader-elect']);
    await trustmesh.apply(mediation('restful'));
    await trustmesh.ready('media', 'restful');
    const before = await whenQuiet(trustmesh.admin);
    // The time is what is tested here: renewals, probes, resyncs and counts would all fall into it.
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const after = await countWrites(trustmesh.admin);
    expect([...withoutHeartbeat(between(before, after).writes)]).toEqual([]);

    const generation = { namespace: 'trustmesh-system', name: 'trustmesh-journal.generation' };
    const { data } = await trustmesh.admin.get(configMaps, generation);
    await trustmesh.stopReplicas();
    await trustmesh.startReplica(['--leader-elect']);
    const later = await whenQuiet(trustmesh.admin);
    expect([...withoutHeartbeat(between(after, later).writes)]).toEqual([['PATCH configmaps', 1]]);
    const next = await trustmesh.admin.get(configMaps, generation);
    expect(Number(next.data?.['generation'])).toBe(Number(data?.['generation']) + 1);
  });
});
