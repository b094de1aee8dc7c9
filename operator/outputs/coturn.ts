// What coturn reads: its configuration, and the script that runs it. coturn reads `static-auth-secret` and the configuration
// once, when it starts; it looks into its user database at every new allocation. So the script puts the valid secrets there,
// while it runs, and tells coturn by SIGUSR2 of a new certificate: no allocation ends.
import type { SecretId } from '../trust/credential-roll.ts';
import { cipherSuites } from './tls-policy.ts';

export interface CoturnSettings {
  /** `namespace/name`, for the first line. */
  readonly relay: string;
  readonly fqdn: string;
  /** Of the credentials (RFC 8489, 9.2). */
  readonly realm: string;
  /** UDP and TCP port of TURN. */
  readonly turn: number;
  /** TCP port of TURN over TLS. */
  readonly turns: number;
  /** UDP ports that allocations get; coturn's own, 49152 to 65535, where absent. */
  readonly relayPorts?: { readonly from: number; readonly to: number } | undefined;
  readonly minVersion: '1.2' | '1.3';
  readonly fips: boolean;
}

/** Where the relay's two Secrets are mounted, and where coturn may write. */
const coturnPaths = {
  certificate: '/etc/trustmesh/default',
  credentials: '/etc/trustmesh/credentials',
  state: '/var/lib/coturn',
} as const;

const secretPrefix = 'secret-';

/** The data key of a secret in the relay's Secret. Each has one of its own, so that adding one leaves the others untouched. */
export function secretFile(id: SecretId): string {
  return `${secretPrefix}${id}`;
}

/** The secrets among the data keys of a Secret. */
export function secretsAmong(keys: readonly string[]): ReadonlySet<SecretId> {
  return new Set(keys.filter((key) => key.startsWith(secretPrefix)).map((key) => key.slice(secretPrefix.length)));
}

/** The files of a relay beside its secrets, by data key. */
export function coturnFiles(settings: CoturnSettings): Readonly<Record<string, string>> {
  return { 'turnserver.conf': configuration(settings), 'run.sh': script(settings) };
}

/** RFC 7065, in the order in which a client should try them. */
export function turnURIs({ fqdn, turn, turns }: Pick<CoturnSettings, 'fqdn' | 'turn' | 'turns'>): readonly string[] {
  return [`turn:${fqdn}:${turn}?transport=udp`, `turn:${fqdn}:${turn}?transport=tcp`, `turns:${fqdn}:${turns}?transport=tcp`];
}

function configuration(settings: CoturnSettings): string {
  const { realm, turn, turns, relayPorts, minVersion, fips } = settings;
  const { certificate, state } = coturnPaths;
  return `${heading(settings)}# For coturn 4.6: turnserver -c ${coturnPaths.credentials}/turnserver.conf, or run.sh beside it, which keeps the secrets
# current. Options that follow on the command line, such as --external-ip, are added to these.
# The secrets are not in here: coturn would read them once, and a roll would end every call.
${
  fips
    ? `# FIPS: coturn cannot be told its TLS 1.3 suites, nor which provider OpenSSL runs: see to both. The key of a long-term
# credential is an MD5 (RFC 8489, 9.2.2), which no list approves: media is protected by SRTP, not by it.
`
    : ''
}realm=${realm}
use-auth-secret
userdb=${state}/turndb
listening-port=${turn}
tls-listening-port=${turns}
cert=${certificate}/tls.crt
pkey=${certificate}/tls.key
no-tlsv1
no-tlsv1_1
${minVersion === '1.3' ? 'no-tlsv1_2\n' : ''}cipher-list="${cipherSuites(fips).tls12.join(':')}"
${fips ? 'ec-curve-name=prime256v1\n' : ''}no-dtls
no-multicast-peers
no-software-attribute
no-cli
fingerprint
${relayPorts === undefined ? '' : `min-port=${relayPorts.from}\nmax-port=${relayPorts.to}\n`}pidfile=${state}/turnserver.pid
log-file=stdout
simple-log
`;
}

/** POSIX sh, with nothing but what coturn's own image has. A secret goes in before one goes out, whatever the order of files. */
function script(settings: CoturnSettings): string {
  const { realm } = settings;
  const { certificate, credentials, state } = coturnPaths;
  return `#!/bin/sh
${heading(settings)}# Runs coturn with the secrets in ${credentials}, and follows them and the certificate while it runs.
# Arguments go to turnserver. Every allocation outlives a change of either.
set -eu
files=\${TRUSTMESH_CREDENTIALS:-${credentials}}
certificate=\${TRUSTMESH_CERTIFICATE:-${certificate}}
state=\${TRUSTMESH_STATE:-${state}}
every=\${TRUSTMESH_EVERY:-10}
database=$state/turndb
realm='${realm}'

applied=
export LC_ALL=C

administer() {
  turnadmin --realm="$realm" --userdb="$database" "$@"
}

stored() {
  administer --show-secret | sed -n "s/\\[$realm\\]$//p" | sort
}

# While files are being replaced some cannot be read: then nothing is changed until the next time. And nothing is asked while
# nothing changes, since turnadmin leaves a log behind each time.
synchronise() {
  wanted=$(cat "$files"/${secretPrefix}*) || return 0
  wanted=$(printf '%s\\n' "$wanted" | sort)
  [ "$wanted" != "$applied" ] || return 0
  known=$(stored)
  for secret in $wanted; do
    printf '%s\\n' "$known" | grep -qxF -e "$secret" || administer --set-secret="$secret" >/dev/null
  done
  for secret in $known; do
    printf '%s\\n' "$wanted" | grep -qxF -e "$secret" || administer --delete-secret="$secret" >/dev/null
  done
  [ "$(stored)" = "$wanted" ] && applied=$wanted
}

fingerprint() {
  cksum "$certificate/tls.crt" "$certificate/tls.key"
}

# As turnadmin makes it, the database answers nobody while it is written, and coturn takes that for a refusal. With a write-ahead
# log it answers; that is on where bytes 18 and 19 of the file are 2 (SQLite, Database File Format, 1.3).
stored >/dev/null
printf '\\002\\002' | dd of="$database" bs=1 seek=18 conv=notrunc 2>/dev/null

synchronise || echo 'the secrets are not in place yet' >&2
loaded=$(fingerprint)
turnserver -c "$files/turnserver.conf" --userdb="$database" --pidfile="$state/turnserver.pid" \\
  --cert="$certificate/tls.crt" --pkey="$certificate/tls.key" "$@" &
server=$!
ending=
trap 'ending=yes; kill -TERM "$server"' TERM INT
while [ -z "$ending" ] && kill -0 "$server" 2>/dev/null; do
  sleep "$every" &
  wait $! || continue
  synchronise || echo 'the secrets could not be brought up to date: trying again' >&2
  current=$(fingerprint) || continue
  [ "$current" = "$loaded" ] || { kill -USR2 "$server" && loaded=$current; }
done
wait "$server"
`;
}

function heading({ relay, fqdn }: CoturnSettings): string {
  return `# Rendered by Trustmesh for MediaRelay ${relay} (${fqdn}). Changes are overwritten.\n`;
}
