// Metrics and health as Prometheus and the kubelet read them: over real sockets.

import { getFips } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { MetadataObject } from '../../../operator/kube/resource.ts';
import { createMetrics } from '../../../operator/web/metrics.ts';
import { serveWeb, type WebOptions } from '../../../operator/web/server.ts';

const serve = (options: Partial<WebOptions> = {}) =>
  serveWeb({ host: '127.0.0.1', port: 0, metrics: async () => 'a_metric 1\n', notReady: () => undefined, ...options });

async function answerOf(address: string, path: string): Promise<readonly [number, string]> {
  const response = await fetch(`http://${address}${path}`);
  return [response.status, await response.text()];
}

describe('the port', () => {
  it('says that the process lives', async () => {
    await using web = await serve({ notReady: () => 'still reading secrets' });
    expect(await answerOf(web.address, '/healthz')).toEqual([200, 'ok\n']);
  });

  it('says what is still waited for, and when it is not', async () => {
    let waiting: string | undefined = 'still reading secrets';
    await using web = await serve({ notReady: () => waiting });
    expect(await answerOf(web.address, '/readyz')).toEqual([503, 'still reading secrets\n']);
    waiting = undefined;
    expect(await answerOf(web.address, '/readyz?verbose')).toEqual([200, 'ok\n']);
  });

  it('gives the metrics in the text format', async () => {
    await using web = await serve();
    const response = await fetch(`http://${web.address}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('a_metric 1\n');
  });

  it('says what failed, and goes on', async () => {
    await using web = await serve({ metrics: () => Promise.reject(new Error('the registry is broken')) });
    expect(await answerOf(web.address, '/metrics')).toEqual([500, 'the registry is broken\n']);
    expect(await answerOf(web.address, '/healthz')).toEqual([200, 'ok\n']);
  });

  it.each(['/', '//', '/metrics/', '/%'])('has nothing else: %s', async (path) => {
    await using web = await serve();
    expect(await answerOf(web.address, path)).toEqual([404, 'There are /metrics, /healthz and /readyz here.\n']);
  });

  it('says where it listens, for IPv6 as a URL wants it', async () => {
    await using web = await serve({ host: '::1' });
    expect(web.address).toMatch(/^\[::1\]:\d+$/);
    expect(await answerOf(web.address, '/healthz')).toEqual([200, 'ok\n']);
  });

  it('is not shared: another process has it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(serve({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    other.close();
    await once(other, 'close');
  });

  it('closes, whoever is connected', async () => {
    const web = await serve();
    const [host = '', port = ''] = web.address.split(':');
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await web[Symbol.asyncDispose]();
    await closed;
    await expect(fetch(`http://${web.address}/healthz`)).rejects.toThrow();
  });
});

const secret = (changes: {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}) =>
  ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'pool01-fe01-tls',
      namespace: 'voice',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...changes,
    },
  }) satisfies MetadataObject;

describe('metrics', () => {
  const lineOf = (text: string, name: string) => text.split('\n').filter((line) => line.startsWith(name));

  it('count what happens', async () => {
    const metrics = createMetrics(() => []);
    metrics.onRequest({ verb: 'create', resource: 'secrets', code: 201, seconds: 0.004 });
    metrics.onRequest({ verb: 'watch', resource: 'secrets', code: 200, seconds: 300 });
    metrics.onReconciled('trusted-server', { key: 'voice/pool01', outcome: 'succeeded', seconds: 0.01 });
    metrics.onDepth('trusted-server', 7);
    metrics.onWaited('trusted-server', 0.2);
    metrics.onIssued('contoso');
    metrics.onIssued('contoso');
    metrics.onLeading(true);
    const text = await metrics.exposition();
    expect(lineOf(text, 'trustmesh_api_requests_total')).toEqual([
      'trustmesh_api_requests_total{verb="create",resource="secrets",code="201"} 1',
      'trustmesh_api_requests_total{verb="watch",resource="secrets",code="200"} 1',
    ]);
    expect(lineOf(text, 'trustmesh_api_request_seconds_count')).toEqual(['trustmesh_api_request_seconds_count{verb="create"} 1']);
    expect(lineOf(text, 'trustmesh_reconciles_total')).toEqual([
      'trustmesh_reconciles_total{controller="trusted-server",outcome="succeeded"} 1',
    ]);
    expect(lineOf(text, 'trustmesh_queue_depth')).toEqual(['trustmesh_queue_depth{controller="trusted-server"} 7']);
    expect(lineOf(text, 'trustmesh_queue_seconds_sum')).toEqual(['trustmesh_queue_seconds_sum{controller="trusted-server"} 0.2']);
    expect(lineOf(text, 'trustmesh_certificates_issued_total')).toEqual([
      'trustmesh_certificates_issued_total{enterprise_ca="contoso"} 2',
    ]);
    expect(lineOf(text, 'trustmesh_leader')).toEqual(['trustmesh_leader 1']);
    expect(lineOf(text, 'trustmesh_fips_provider')).toEqual([`trustmesh_fips_provider ${getFips()}`]);
    metrics.onLeading(false);
    expect(lineOf(await metrics.exposition(), 'trustmesh_leader')).toEqual(['trustmesh_leader 0']);
  });

  it('are of one process each: two do not share a registry', async () => {
    const [one, other] = [createMetrics(() => []), createMetrics(() => [])];
    one.onIssued('contoso');
    expect(lineOf(await other.exposition(), 'trustmesh_certificates_issued_total')).toEqual([]);
  });

  const expiry = 'trustmesh_certificate_expiry_timestamp_seconds';

  it('say when each certificate expires, by object', async () => {
    const metrics = createMetrics(() => [
      secret({
        annotations: { 'trustmesh.io/not-after': '2026-04-01T00:00:00Z', 'trustmesh.io/member': 'fe01' },
        labels: { 'trustmesh.io/server': 'pool01', 'trustmesh.io/domain': 'contoso', 'trustmesh.io/use': 'default' },
      }),
      secret({ annotations: { 'trustmesh.io/not-after': 'never' } }),
      secret({}),
    ]);
    expect(lineOf(await metrics.exposition(), expiry)).toEqual([
      `${expiry}{namespace="voice",secret="pool01-fe01-tls",server="pool01",domain="contoso",use="default",member="fe01"} 1775001600`,
    ]);
  });

  it('stay readable whatever a tenant writes into an annotation', async () => {
    const member = 'tab\t back\\slash "quote" é\nline';
    const metrics = createMetrics(() => [
      secret({ annotations: { 'trustmesh.io/not-after': '2026-04-01T00:00:00Z', 'trustmesh.io/member': member } }),
    ]);
    expect(lineOf(await metrics.exposition(), expiry)).toEqual([
      `${expiry}{namespace="voice",secret="pool01-fe01-tls",member="tab\t back\\\\slash \\"quote\\" é\\nline"} 1775001600`,
    ]);
  });

  it('are told by a real port', async () => {
    await using web = await serve({ metrics: createMetrics(() => []).exposition });
    const [status, text] = await answerOf(web.address, '/metrics');
    expect(status).toBe(200);
    expect(text).toContain('# TYPE trustmesh_leader gauge');
    expect(text).toContain('process_cpu_seconds_total');
  });
});
