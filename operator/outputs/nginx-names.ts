// The njs that lets nginx hold callers to names: it reads all subject alternative names out of a certificate that nginx has
// verified. What it does not understand to the last octet, it does not let in. The same reader as that for HAProxy, in JavaScript.
import { callersOf } from './callers.ts';
import type { Face } from './rendering.ts';

/** Of the module: for `js_preread` in stream, which lets a caller on or ends its connection. */
export const gateOf = ({ name }: Face) => `gate_${name.replaceAll('-', '_')}`;
/** Of the module: for `js_set` in http; `allowed`, or something else. */
export const verdictOf = ({ name }: Face) => `verdict_${name.replaceAll('-', '_')}`;

/** A module for `js_import`. */
export function njsNames(faces: readonly Face[]): string {
  const lists = faces.map((face) => {
    const { dnsNames, uris } = callersOf(face);
    const list = `list_${face.name.replaceAll('-', '_')}`;
    return {
      declared: `const ${list} = {\n  dns: ${table(dnsNames)},\n  uri: ${table(uris)},\n};\n`,
      exported: `  ${gateOf(face)}: (session) => gate(session, ${list}),\n  ${verdictOf(face)}: (request) => verdict(request, ${list}),\n`,
    };
  });
  const part = (of: 'declared' | 'exported') => lists.map((list) => list[of]).join('');
  return `${reader}\n${part('declared')}\nexport default {\n${part('exported')}};\n`;
}

const table = (names: readonly string[]) => `{\n${names.map((name) => `    ${JSON.stringify(name)}: true,\n`).join('')}  }`;

// X.690 for the encoding, RFC 5280, 4.1 and 4.2.1.6 for what lies where. njs 0.7 has no for-of and no destructuring.
const reader = `// One element of DER, from octet \`at\` and not to \`stop\`: its tag, and where its value begins and ends.
function element(der, at, stop) {
  if (at + 2 > stop) throw new Error('cut short');
  const tag = der[at];
  let length = der[at + 1];
  let first = at + 2;
  if (length >= 0x80) {
    const octets = length - 0x80;
    if (octets < 1 || octets > 3 || first + octets > stop) throw new Error('odd length');
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + der[first + i];
    if (length < 0x80 || length < Math.pow(256, octets - 1)) throw new Error('odd length');
    first += octets;
  }
  if (first + length > stop) throw new Error('cut short');
  return { tag: tag, first: first, end: first + length };
}

// One element that has this tag and reaches to \`stop\`.
function whole(der, at, stop, expected) {
  const found = element(der, at, stop);
  if (found.tag !== expected || found.end !== stop) throw new Error('odd element');
  return found;
}

// Every element from \`at\` to \`stop\`, in order.
function elements(der, at, stop) {
  const found = [];
  while (at < stop) {
    const next = element(der, at, stop);
    found.push(next);
    at = next.end;
  }
  return found;
}

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const OCTETS = 0x04;
const OID = 0x06;
const EXTENSIONS = 0xa3;

function isSubjectAltName(der, oid) {
  return oid.end - oid.first === 3 && der[oid.first] === 0x55 && der[oid.first + 1] === 0x1d && der[oid.first + 2] === 0x11;
}

// The names, as elements; none where there are none.
function names(der) {
  const certificate = whole(der, 0, der.length, SEQUENCE);
  const signed = element(der, certificate.first, certificate.end);
  if (signed.tag !== SEQUENCE) throw new Error('odd certificate');
  let found;
  elements(der, signed.first, signed.end).forEach((part) => {
    if (part.tag !== EXTENSIONS) return;
    const list = whole(der, part.first, part.end, SEQUENCE);
    elements(der, list.first, list.end).forEach((extension) => {
      const oid = element(der, extension.first, extension.end);
      if (extension.tag !== SEQUENCE || oid.tag !== OID) throw new Error('odd extension');
      if (!isSubjectAltName(der, oid)) return;
      if (found !== undefined) throw new Error('two lists of names');
      const next = element(der, oid.end, extension.end);
      const value = whole(der, next.tag === BOOLEAN ? next.end : oid.end, extension.end, OCTETS);
      const sequence = whole(der, value.first, value.end, SEQUENCE);
      found = elements(der, sequence.first, sequence.end);
    });
  });
  return found === undefined ? [] : found;
}

function text(der, name) {
  let characters = '';
  for (let i = name.first; i < name.end; i++) characters += String.fromCharCode(der[i]);
  return characters;
}

const DNS = 0x82;
const URI = 0x86;
// Names of other kinds, which let nobody in: otherName, mail, X.400 address, directory name, EDI party, IP address, registered ID.
const OTHERS = [0xa0, 0x81, 0xa3, 0xa4, 0xa5, 0x87, 0x88];

function allows(der, allowed) {
  let known = false;
  let caller = false;
  let uris = 0;
  names(der).forEach((name) => {
    const value = text(der, name);
    if (name.tag === DNS) {
      if (!/^[A-Za-z0-9._*-]+$/.test(value)) throw new Error('odd DNS name');
      if (allowed.dns[value.toLowerCase()] === true) known = true;
    } else if (name.tag === URI) {
      if (!/^[!-~]+$/.test(value)) throw new Error('odd URI');
      uris++;
      if (allowed.uri[value] === true) caller = true;
    } else if (OTHERS.indexOf(name.tag) < 0) {
      throw new Error('odd name');
    }
  });
  return known || (caller && uris === 1);
}

function verdict(caller, allowed) {
  const variables = caller.variables;
  if (variables.ssl_client_verify !== 'SUCCESS') return 'not verified';
  try {
    const pem = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+\\/=\\s]+)-----END CERTIFICATE-----\\s*$/.exec(variables.ssl_client_raw_cert);
    if (pem === null) throw new Error('no certificate');
    return allows(Buffer.from(pem[1].replace(/\\s/g, ''), 'base64'), allowed) ? 'allowed' : 'refused';
  } catch (error) {
    caller.warn('refuses a certificate that cannot be read: ' + error.message);
    return 'not readable';
  }
}

function gate(session, allowed) {
  if (verdict(session, allowed) === 'allowed') session.allow();
  else session.deny();
}
`;
