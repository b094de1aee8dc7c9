// The Lua that lets HAProxy hold callers to names: it reads all subject alternative names out of the DER of a certificate that
// HAProxy has verified. What it does not understand to the last octet, it does not let in.
import { type Callers, callersOf } from './callers.ts';
import type { Face } from './rendering.ts';

/** `lua.<this>` is `allowed` for whom the face lets in, and an error or another word for everybody else. */
export const verdictOf = ({ name }: Face) => `trustmesh_${name.replaceAll('-', '_')}`;

/** A file for `lua-load-per-thread`. */
export function luaNames(faces: readonly Face[]): string {
  return `${reader}${faces.map((face) => `\n${verdict(verdictOf(face), callersOf(face))}`).join('')}`;
}

const table = (names: readonly string[]) => `{\n${names.map((name) => `    [${JSON.stringify(name)}] = true,\n`).join('')}  }`;

const verdict = (name: string, { dnsNames, uris }: Callers) => `verdict('${name}', {
  dns = ${table(dnsNames)},
  uri = ${table(uris)},
})
`;

// X.690 for the encoding, RFC 5280, 4.1 and 4.2.1.6 for what lies where.
const reader = `-- One element of DER, from octet \`at\` and not beyond \`stop\`: its tag, and the first and the last octet of its value.
local function element(der, at, stop)
  if at + 1 > stop then error('cut short') end
  local tag, length = der:byte(at, at + 1)
  local first = at + 2
  if length >= 0x80 then
    local octets = length & 0x7f
    if octets < 1 or octets > 3 or first + octets - 1 > stop then error('odd length') end
    length = 0
    for i = first, first + octets - 1 do length = length << 8 | der:byte(i) end
    if length < 0x80 or length >> 8 * (octets - 1) == 0 then error('odd length') end
    first = first + octets
  end
  local last = first + length - 1
  if last > stop then error('cut short') end
  return tag, first, last
end

-- One element that has this tag and reaches to \`stop\`.
local function whole(der, at, stop, expected)
  local tag, first, last = element(der, at, stop)
  if tag ~= expected or last ~= stop then error('odd element') end
  return first, last
end

-- Every element from \`at\` to \`stop\`, in order.
local function elements(der, at, stop)
  return function()
    if at > stop then return nil end
    local tag, first, last = element(der, at, stop)
    at = last + 1
    return tag, first, last
  end
end

local SEQUENCE, BOOLEAN, OCTETS, OID, EXTENSIONS = 0x30, 0x01, 0x04, 0x06, 0xa3
local SUBJECT_ALT_NAME = '\\x55\\x1d\\x11'

-- Where the names lie; nil where there are none.
local function names(der)
  local first, last = whole(der, 1, #der, SEQUENCE)
  local tag, found, stop
  tag, first, last = element(der, first, last)
  if tag ~= SEQUENCE then error('odd certificate') end
  for part, from, to in elements(der, first, last) do
    if part == EXTENSIONS then
      from, to = whole(der, from, to, SEQUENCE)
      for kind, head, tail in elements(der, from, to) do
        local id, oid, ends = element(der, head, tail)
        if kind ~= SEQUENCE or id ~= OID then error('odd extension') end
        if der:sub(oid, ends) == SUBJECT_ALT_NAME then
          if found then error('two lists of names') end
          local critical, _, after = element(der, ends + 1, tail)
          if critical == BOOLEAN then ends = after end
          found, stop = whole(der, ends + 1, tail, OCTETS)
          found, stop = whole(der, found, stop, SEQUENCE)
        end
      end
    end
  end
  return found, stop
end

local DNS, URI = 0x82, 0x86
-- Names of other kinds, which let nobody in: otherName, mail, X.400 address, directory name, EDI party, IP address, registered ID.
local OTHERS = { [0xa0] = true, [0x81] = true, [0xa3] = true, [0xa4] = true, [0xa5] = true, [0x87] = true, [0x88] = true }

local function allows(der, allowed)
  local at, stop = names(der)
  if not at then return false end
  local known, uris, caller = false, 0, false
  for kind, first, last in elements(der, at, stop) do
    local name = der:sub(first, last)
    if kind == DNS then
      if not name:find('^[A-Za-z0-9._*%-]+$') then error('odd DNS name') end
      if allowed.dns[name:lower()] then known = true end
    elseif kind == URI then
      if not name:find('^[\\x21-\\x7e]+$') then error('odd URI') end
      uris = uris + 1
      if allowed.uri[name] then caller = true end
    elseif not OTHERS[kind] then
      error('odd name')
    end
  end
  return known or caller and uris == 1
end

local function verdict(name, allowed)
  core.register_fetches(name, function(txn)
    local der = txn.f:ssl_c_der()
    local understood, answer = pcall(allows, der, allowed)
    if understood then return answer and 'allowed' or 'refused' end
    core.Warning(name .. ' refuses a certificate that it cannot read: ' .. tostring(answer))
    return 'refused'
  end)
end
`;
