// What the trunks of a mediation pool need kept, in the operator's namespace: the generations of its gateway authority, their
// roots apart from their keys, which may be lost, and the cross-certificates that hold its gateways' own CAs to their names.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Certificate, parseCertificates } from '../pki/certificate.ts';
import type { FederationTrust } from '../pki/cross-certificate.ts';

/** `<server>.<namespace>.gateways-<generation>`. Dots keep the parts apart: only the first may hold dots of its own. */
export function gatewayAuthoritySecret(server: string, namespace: string, generation: number): string {
  return `${server}.${namespace}.gateways-${generation}`;
}

/** `<server>.<namespace>.trunks`. */
export function trunksConfigMap(server: string, namespace: string): string {
  return `${server}.${namespace}.trunks`;
}

/** Whose an object with such a name is, and for an authority which generation; undefined for other names. */
export function trunkRecordOf(name: string): { readonly server: string; readonly generation?: number } | undefined {
  const [, server, namespace, what = '', generation] = /^(.+)\.([^.]+)\.(trunks|gateways-([1-9][0-9]{0,5}))$/.exec(name) ?? [];
  if (server === undefined || namespace === undefined) return undefined;
  return { server: `${namespace}/${server}`, ...(what === 'trunks' ? {} : { generation: Number(generation) }) };
}

/** Where anchors came from: what a gateway names no more is trusted no more. */
export interface AnchorOrigin {
  /** Of the gateway. */
  readonly uid: string;
  /** Epoch ms at which it first brought a CA. */
  readonly since: number;
  /** By source that may be out of reach: fingerprints of what was accepted from it. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
  /** Epoch ms at which the gateway was issued a certificate in place of one from its CA. */
  readonly succeededAt?: number | undefined;
}

const origin = z.object({
  uid: z.string(),
  since: z.int(),
  sources: z.record(z.string(), z.array(z.string())),
  succeededAt: z.int().optional(),
});

/** What is kept of one gateway's own CA. */
export interface ScopedRecord {
  /** As they were accepted. */
  readonly anchors: readonly Certificate[];
  /** For each a federation root and its cross-certificate. */
  readonly scoped: readonly FederationTrust[];
  /** What `scoped` follows from: while that is the same, so are these. */
  readonly inputs: string;
  /** Absent where it cannot be read: then it is nobody's. */
  readonly origin?: AnchorOrigin;
}

/** A root of the gateway authority of a pool: what it signed is believed though its key be lost. */
export interface RecordedAuthority {
  readonly generation: number;
  readonly certificate: Certificate;
}

/** What is kept in the ConfigMap of a pool. */
export interface TrunkRecords {
  /** By gateway. */
  readonly scoped: ReadonlyMap<string, ScopedRecord>;
  readonly authorities: readonly RecordedAuthority[];
}

/** What the scope of a gateway's CA follows from. */
export function scopeInputs(fqdn: string, anchors: readonly Certificate[]): string {
  return createHash('sha256')
    .update(JSON.stringify([fqdn, ...anchors.map(({ fingerprint }) => fingerprint)]))
    .digest('hex');
}

const pemOf = (certificates: readonly Certificate[]): string => certificates.map(({ pem }) => pem).join('');

/** The data of the ConfigMap: `gateways-<generation>.crt`, and four keys a gateway. */
export function encodeTrunks({ scoped: records, authorities }: TrunkRecords): Readonly<Record<string, string>> {
  const roots = Map.groupBy(authorities, ({ generation }) => generation);
  return Object.fromEntries([
    ...[...roots].map(([generation, held]) => [`gateways-${generation}.crt`, pemOf(held.map(({ certificate }) => certificate))]),
    ...[...records].flatMap(([gateway, { anchors, scoped, inputs, origin: from }]) => [
      [`${gateway}.anchors.crt`, pemOf(anchors)],
      [`${gateway}.scoped.crt`, pemOf(scoped.flatMap(({ root, cross }) => [root, cross]))],
      [`${gateway}.inputs`, inputs],
      ...(from === undefined ? [] : [[`${gateway}.origin`, JSON.stringify(from)]]),
    ]),
  ]);
}

/** What somebody damaged is not there: it is made again. */
export function decodeTrunks(data: Readonly<Record<string, string>>): TrunkRecords {
  const authorities = Object.entries(data).flatMap(([key, pem]) => {
    const [, generation] = /^gateways-([1-9][0-9]{0,5})\.crt$/.exec(key) ?? [];
    if (generation === undefined) return [];
    return (read(pem) ?? []).map((certificate) => ({ generation: Number(generation), certificate }));
  });
  return { scoped: decodeScoped(data), authorities };
}

function decodeScoped(data: Readonly<Record<string, string>>): ReadonlyMap<string, ScopedRecord> {
  const records = new Map<string, ScopedRecord>();
  for (const [key, inputs] of Object.entries(data)) {
    if (!key.endsWith('.inputs')) continue;
    const gateway = key.slice(0, -'.inputs'.length);
    const [anchors = [], pairs = []] = ['anchors', 'scoped'].map((what) => read(data[`${gateway}.${what}.crt`]));
    const scoped = anchors.flatMap((_, index) => {
      const [root, cross] = pairs.slice(2 * index);
      return root === undefined || cross === undefined ? [] : [{ root, cross }];
    });
    if (anchors.length === 0 || scoped.length !== anchors.length) continue;
    const from = readOrigin(data[`${gateway}.origin`]);
    records.set(gateway, { anchors, scoped, inputs, ...(from === undefined ? {} : { origin: from }) });
  }
  return records;
}

function read(pem: string | undefined): readonly Certificate[] | undefined {
  try {
    return pem === undefined ? undefined : parseCertificates(pem);
  } catch {
    return undefined;
  }
}

function readOrigin(text: string | undefined): AnchorOrigin | undefined {
  try {
    return text === undefined ? undefined : origin.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
