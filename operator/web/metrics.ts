// What Prometheus reads. Certificate expiry is told from the cache when asked, not kept as ten thousand gauges.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ownOpenSSL } from '../authorities/own-openssl.ts';
import type { RequestMeasure } from '../kube/client.ts';
import type { Reconciled } from '../kube/controller.ts';
import type { MetadataObject } from '../kube/resource.ts';
import { annotation, label } from '../outputs/labels.ts';

export interface Metrics {
  readonly onRequest: (request: RequestMeasure) => void;
  readonly onReconciled: (controller: string, reconciled: Reconciled) => void;
  readonly onDepth: (controller: string, depth: number) => void;
  readonly onWaited: (controller: string, seconds: number) => void;
  readonly onIssued: (enterpriseCA: string) => void;
  readonly onLeading: (leading: boolean) => void;
  /** The text exposition format. */
  readonly exposition: () => Promise<string>;
}

const buckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];

export function createMetrics(secrets: () => Iterable<MetadataObject>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'trustmesh_api_requests_total',
    help: 'Requests to the API server.',
    labelNames: ['verb', 'resource', 'code'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'trustmesh_api_request_seconds',
    help: 'Time until the API server has answered; watches are left out.',
    labelNames: ['verb'],
    buckets,
    registers,
  });
  const reconciles = new Counter({
    name: 'trustmesh_reconciles_total',
    help: 'Reconciles by outcome.',
    labelNames: ['controller', 'outcome'],
    registers,
  });
  const reconcileSeconds = new Histogram({
    name: 'trustmesh_reconcile_seconds',
    help: 'Time that one reconcile takes.',
    labelNames: ['controller'],
    buckets,
    registers,
  });
  const depth = new Gauge({ name: 'trustmesh_queue_depth', help: 'Keys that wait.', labelNames: ['controller'], registers });
  const waited = new Histogram({
    name: 'trustmesh_queue_seconds',
    help: 'How long a key waits until it is taken.',
    labelNames: ['controller'],
    buckets,
    registers,
  });
  const issued = new Counter({
    name: 'trustmesh_certificates_issued_total',
    help: 'Certificates issued.',
    labelNames: ['enterprise_ca'],
    registers,
  });
  const leader = new Gauge({ name: 'trustmesh_leader', help: '1 while this replica leads.', registers });
  leader.set(0);
  const provider = new Gauge({
    name: 'trustmesh_fips_provider',
    help: "1 where the operator's own OpenSSL runs the FIPS provider.",
    registers,
  });
  provider.set(ownOpenSSL().fipsProvider ? 1 : 0);
  return {
    onRequest: ({ verb, resource, code, seconds }) => {
      requests.inc({ verb, resource, code });
      if (verb !== 'watch') requestSeconds.observe({ verb }, seconds);
    },
    onReconciled: (controller, { outcome, seconds }) => {
      reconciles.inc({ controller, outcome });
      reconcileSeconds.observe({ controller }, seconds);
    },
    onDepth: (controller, keys) => depth.set({ controller }, keys),
    onWaited: (controller, seconds) => waited.observe({ controller }, seconds),
    onIssued: (enterpriseCA) => issued.inc({ enterprise_ca: enterpriseCA }),
    onLeading: (leading) => leader.set(leading ? 1 : 0),
    exposition: async () => `${await registry.metrics()}\n${expiry(secrets())}`,
  };
}

function expiry(secrets: Iterable<MetadataObject>): string {
  const name = 'trustmesh_certificate_expiry_timestamp_seconds';
  const lines = [`# HELP ${name} When the certificate in a Secret expires.`, `# TYPE ${name} gauge`];
  for (const { metadata } of secrets) {
    const at = Date.parse(metadata.annotations?.[annotation.notAfter] ?? '');
    if (Number.isNaN(at)) continue;
    const labels = {
      namespace: metadata.namespace,
      secret: metadata.name,
      server: metadata.labels?.[label.server],
      domain: metadata.labels?.[label.domain],
      use: metadata.labels?.[label.use],
      member: metadata.annotations?.[annotation.member],
    };
    const pairs = Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [`${key}="${escaped(value)}"`]));
    lines.push(`${name}{${pairs.join(',')}} ${at / 1000}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The text format knows three escapes and fails whole on any other: an annotation may hold whatever a tenant wrote. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
