// IP addresses between text and octets: what certificates hold are octets.

function ipv4Octets(text: string): Buffer | undefined {
  const parts = text.split('.');
  const isPlain = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  return isPlain ? Buffer.from(parts.map(Number)) : undefined;
}

const hexGroups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));

function ipv6Octets(text: string): Buffer | undefined {
  // The last two groups may be written as an IPv4 address (RFC 4291, 2.2).
  const [, before = '', dotted = ''] = /^(.*:)([^:]*\..*)$/.exec(text) ?? [];
  const embedded = dotted === '' ? undefined : ipv4Octets(dotted);
  const plain = embedded === undefined ? text : `${before}${embedded.toString('hex', 0, 2)}:${embedded.toString('hex', 2)}`;
  const [left = '', right, ...more] = plain.split('::');
  const groups = [hexGroups(left), hexGroups(right ?? '')] as const;
  const missing = 8 - groups[0].length - groups[1].length;
  const isComplete = right === undefined ? missing === 0 : missing >= 1;
  if (!isComplete || more.length > 0 || !groups.flat().every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const all = [...groups[0], ...Array<string>(missing).fill('0'), ...groups[1]];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Four or sixteen octets; undefined for what is no address, or one with zone, port, prefix length or leading zeros. */
export function ipAddressOctets(text: string): Buffer | undefined {
  return text.includes(':') ? ipv6Octets(text) : ipv4Octets(text);
}

function longestRunOfZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > longest.length) longest = { start, length };
  }
  return longest;
}

/** Dotted decimal, or as RFC 5952 has it; `octets` are four or sixteen. */
export function ipAddressText(octets: Buffer): string {
  if (octets.length === 4) return [...octets].join('.');
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(2 * index));
  const text = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  const { start, length } = longestRunOfZeros(groups);
  return length < 2 ? text(0) : `${text(0, start)}::${text(start + length)}`;
}

/** Address and mask, four or sixteen octets each, of `192.0.2.0/24` or a single address; undefined for what is neither. */
export function ipBlock(text: string): { readonly address: Buffer; readonly mask: Buffer } | undefined {
  const [, host = '', prefix] = /^([^/]*)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const octets = ipAddressOctets(host);
  const length = prefix === undefined ? (octets?.length ?? 0) * 8 : Number(prefix);
  if (octets === undefined || length > octets.length * 8) return undefined;
  const mask = Buffer.from(octets.map((_, index) => 0xff00 >> Math.max(0, Math.min(8, length - 8 * index))));
  return { address: Buffer.from(octets.map((octet, index) => octet & (mask[index] ?? 0))), mask };
}
