// What the scripts of a Kamailio have in common, whomever its listener is for: their settings, and the route that sends to an
// address what is meant for the party that it was called as, and nothing else.
import type { Rendering } from './rendering.ts';

export interface ScriptFiles {
  /** Path of the profiles. */
  readonly profiles: string;
  /** The directory of the table, and its name there. */
  readonly directory: string;
  readonly table: string;
}

/** Seconds for which it is remembered. */
export interface Remembered {
  /** As whom an address is being called. */
  readonly called: number;
  /** Who gave which contact in which call. */
  readonly contact: number;
}

/** What every script of ours starts with. */
export function scriptSettings(
  { fips }: Pick<Rendering, 'fips'>,
  { profiles, directory, table }: ScriptFiles,
  { called, contact }: Remembered,
): string {
  return `${fips ? '#!defenv OPENSSL_CONF\n' : ''}# A caller does not say for which address its connection is good (RFC 5923).
tcp_accept_aliases=no

modparam("tls", "config", "${profiles}")
modparam("tls", "session_cache", 0)
modparam("tls", "xavp_cfg", "tls")
# Not cached, so that htable.reload reads the file as it is then.
modparam("db_text", "db_mode", 1)
modparam("htable", "db_url", "text://${directory}")
modparam("htable", "htable", "trustmesh=>size=14;dbtable=${table};")
# As which party each address has answered, as which it is being called, and who gave which contact in which call.
modparam("htable", "htable", "trustmesh_answered=>size=12;autoexpire=3600;")
modparam("htable", "htable", "trustmesh_called=>size=12;autoexpire=${called};")
modparam("htable", "htable", "trustmesh_contact=>size=12;autoexpire=${contact};")
`;
}

/** Within FIPS: returns from a route where the cipher suite of the other side is none of those that are approved. */
export const speaksApproved = ({ fips }: Pick<Rendering, 'fips'>) =>
  fips ? '  if ($sht(trustmesh=>cipher:$tls_cipher_info) == $null) return -1;\n' : '';

export const sendingRoute = `# Kamailio finds an open connection by address and port alone: an address that has answered as one party is not called as another.
# One that is being called is kept for moments only: who points his name at it must not keep others from it.
onsend_route {
  if ($xavp(tls[0]=>server_id) != $null) {
    if ($snd(sproto) != "tls") {
      xlog("L_WARN", "trustmesh: not sent to $snd(ip):$snd(port): not over TLS\\n");
      drop;
    }
    $var(trustmesh_as) = $sht(trustmesh_answered=>$snd(ip):$snd(port));
    if ($sht(trustmesh_answered=>$snd(ip):$snd(port)) == $null) {
      if ($sht(trustmesh_called=>$snd(ip):$snd(port)) == $null) {
        $sht(trustmesh_called=>$snd(ip):$snd(port)) = $xavp(tls[0]=>label);
      }
      $var(trustmesh_as) = $sht(trustmesh_called=>$snd(ip):$snd(port));
    }
    if ($var(trustmesh_as) != $xavp(tls[0]=>label)) {
      xlog("L_WARN", "trustmesh: not sent to $xavp(tls[0]=>label) at $snd(ip):$snd(port), which was called as $var(trustmesh_as)\\n");
      drop;
    }
  }
}
`;
