// PEM (RFC 7468), both ways: labelled blocks of base64. It reads what tools write in practice (text between blocks, CRLF)
// in time linear to its length, and repeats no content in its errors, since the content may be a key.

/** The text is not PEM. The message completes a sentence that begins with where the text came from. */
export class PemError extends Error {
  override readonly name = 'PemError';
}

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, ... */
  readonly label: string;
  readonly der: Buffer;
}

/** One block in lines of 64 characters, with a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  let pem = `-----BEGIN ${label}-----\n`;
  for (let start = 0; start < base64.length; start += 64) pem += `${base64.slice(start, start + 64)}\n`;
  return `${pem}-----END ${label}-----\n`;
}

const begin = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----$/;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Every block, in order. Throws PemError for a block that does not end or whose content is not base64. */
export function decodePem(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let content: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (label === undefined) {
      label = begin.exec(trimmed)?.[1];
      content = [];
    } else if (trimmed === `-----END ${label}-----`) {
      const encoded = content.join('');
      if (!base64.test(encoded) || encoded.length % 4 !== 0 || encoded === '') {
        throw new PemError(`has a ${label} block that is not base64`);
      }
      blocks.push({ label, der: Buffer.from(encoded, 'base64') });
      label = undefined;
    } else content.push(trimmed);
  }
  if (label !== undefined) throw new PemError(`has a ${label} block that does not end`);
  return blocks;
}
