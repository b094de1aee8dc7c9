// What a stranger's server answers with, in bounded size.
import type { IncomingMessage } from 'node:http';
import { EndpointFailure } from './endpoint-connection.ts';

/** The body, of `most` octets at most. @throws EndpointFailure */
export async function bodyOf(response: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of response) {
    octets += chunk.length;
    if (octets > most) throw new EndpointFailure('EndpointRefuses', `sends more than ${most / 1024} KiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
