// IP addresses between text and octets: what certificates hold are octets.

function ipv4Octets(text: string): Buffer | undefined {
  const parts = text.split('.');
  const isPlain = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  return isPlain ? Buffer.from(parts.map(Number)) : undefined;
}

/** Groups of 16 bits on one side of `::`, the last of which may be an IPv4 address; undefined where one is none. */
function groupsOf(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const embedded = index === parts.length - 1 ? ipv4Octets(part) : undefined;
    if (embedded !== undefined) groups.push(embedded.readUInt16BE(0), embedded.readUInt16BE(2));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function ipv6Octets(text: string): Buffer | undefined {
  const sides = text.split('::');
  const [left, right = []] = sides.map(groupsOf);
  if (left === undefined || right === undefined || sides.length > 2) return undefined;
  const missing = 8 - left.length - right.length;
  if (sides.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const octets = Buffer.alloc(16);
  [...left, ...Array<number>(missing).fill(0), ...right].forEach((group, index) => {
    octets.writeUInt16BE(group, 2 * index);
  });
  return octets;
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
