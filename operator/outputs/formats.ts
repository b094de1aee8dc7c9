// The formats, one for each software, and the rendering of those that a server asks for into one ConfigMap.
import type { TrustedServer } from '../api/v1alpha1/index.ts';
import { asterisk } from './asterisk.ts';
import { envoy } from './envoy.ts';
import { freeSWITCH } from './freeswitch.ts';
import { haproxy } from './haproxy.ts';
import { kamailio } from './kamailio.ts';
import { nginx } from './nginx.ts';
import { openSIPS } from './opensips.ts';
import type { Files, Format, Rendering } from './rendering.ts';

export type Output = NonNullable<TrustedServer['spec']['outputs']>[number];

const formats: Readonly<Record<Output, Format>> = {
  Asterisk: asterisk,
  Envoy: envoy,
  FreeSWITCH: freeSWITCH,
  HAProxy: haproxy,
  Kamailio: kamailio,
  Nginx: nginx,
  OpenSIPS: openSIPS,
};

/** Bytes of all data of one ConfigMap. The API server takes 1 MiB, metadata included. */
export const dataLimit = 900 * 1024;

/** Whoever is on no list is held to the domain that the message names, by DNS: what other formats cannot say. */
const servesAnybody: readonly Output[] = ['Kamailio'];

/** What can be given CRLs in files that are mounted, and take up the next. */
export const checksRevocation: readonly Output[] = ['Envoy', 'HAProxy', 'Nginx'];

export interface RenderedOutputs {
  readonly files: Files;
  /** A sentence for each output that is not there, and why. */
  readonly refused: readonly string[];
}

/** Every output whole or not at all: one that does not fit into `room` (bytes) is refused, since half a list is a wrong one. */
export function renderOutputs(outputs: readonly Output[], rendering: Rendering, room = dataLimit): RenderedOutputs {
  const files: Record<string, string> = {};
  const refused: string[] = [];
  let left = room;
  for (const output of outputs) {
    refused.push(...withoutDiscovered(output, rendering));
    const rendered = formats[output](rendering);
    if ('refused' in rendered) {
      refused.push(rendered.refused);
      continue;
    }
    const bytes = sizeOf(rendered.files);
    if (bytes > left) {
      refused.push(
        `${output} is not rendered: it takes ${kibibytes(bytes)} KiB and the ConfigMap has room for ${kibibytes(Math.max(left, 0))}. ` +
          'Name fewer peers in spec.peers, or read the shards that peers.json lists.',
      );
      continue;
    }
    left -= bytes;
    Object.assign(files, rendered.files);
  }
  return { files, refused };
}

function withoutDiscovered(output: Output, { discovered }: Rendering): readonly string[] {
  if (servesAnybody.includes(output)) return [];
  return discovered.map(
    ({ name }) =>
      `${output} is not rendered for the listener ${name}, which is for Discovered partners: everybody has a certificate of a public CA, and ` +
      `${output} cannot hold it to the SIP domain of who sends. Use Kamailio for it.`,
  );
}

/** Bytes that these take as data of a ConfigMap. */
export function sizeOf(files: Files): number {
  return Object.entries(files).reduce((sum, [name, content]) => sum + name.length + Buffer.byteLength(content), 0);
}

const kibibytes = (bytes: number) => Math.ceil(bytes / 1024);
