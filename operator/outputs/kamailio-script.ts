// The script of a Kamailio: who is let in, with which profile somebody is called, and whose replies are taken. Names lie in the
// table of kamailio-names.ts, so that this is of one size. Equality alone: `=~` matches past a NUL.
import { clearMediaScript } from './kamailio-media.ts';
import { peersProfile } from './kamailio-tls.ts';
import type { Rendering } from './rendering.ts';

export interface ScriptFiles {
  /** Path of the profiles. */
  readonly profiles: string;
  /** The directory of the table, and its name there. */
  readonly directory: string;
  readonly table: string;
}

export function trustScript({ fips, media }: Rendering, { profiles, directory, table }: ScriptFiles): string {
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
modparam("htable", "htable", "trustmesh_called=>size=12;autoexpire=10;")
modparam("htable", "htable", "trustmesh_contact=>size=12;autoexpire=86400;")

# Sets $var(trustmesh_peer): the FQDN of a pool, trunk/<name>, partner/<name>, or "" for everybody else. Of partners behind one edge it is one.
route[TRUSTMESH_PEER] {
  $var(trustmesh_peer) = "";
  if ($proto != "tls" || $tls_peer_verified != 1) return;
${fips ? '  if ($sht(trustmesh=>cipher:$tls_cipher_info) == $null) return;\n' : ''}  if ($sht(trustmesh=>uri:$tls_peer_san_uri) != $null) {
    $var(trustmesh_peer) = $sht(trustmesh=>uri:$tls_peer_san_uri);
    return;
  }
  $var(trustmesh_name) = $(tls_peer_san_hostname{s.tolower});
  if ($sht(trustmesh=>san:$var(trustmesh_name)) != $null) {
    $var(trustmesh_peer) = $sht(trustmesh=>san:$var(trustmesh_name));
  }
}

# First in request_route: ends with 403 for whoever is nobody of ours, and for a partner that sends for a domain of others (RFC 5922).
route[TRUSTMESH_ADMIT] {
  route(TRUSTMESH_PEER);
  if ($var(trustmesh_peer) == "") {
    xlog("L_WARN", "trustmesh: refused $rm from $si:$sp, not a peer: $tls_peer_san_uri $tls_peer_san_hostname\\n");
    if (!is_method("ACK")) sl_send_reply("403", "Not a Peer");
    exit;
  }
  $var(trustmesh_pair) = $var(trustmesh_name) + "/" + $(fd{s.tolower});
  if ($(var(trustmesh_peer){s.select,0,/}) == "partner" && $sht(trustmesh=>domain:$var(trustmesh_pair)) == $null) {
    xlog("L_WARN", "trustmesh: refused $rm of $var(trustmesh_peer), which sends for the domain $fd\\n");
    if (!is_method("ACK")) sl_send_reply("403", "Not a Domain of This Peer");
    exit;
  }
  if (route(TRUSTMESH_CLEAR)) {
    xlog("L_WARN", "trustmesh: refused $rm of $var(trustmesh_peer): without SRTP\\n");
    if (!is_method("ACK")) sl_send_reply("488", "SRTP Required");
    exit;
  }
  route(TRUSTMESH_CONTACT);
}

${clearMediaScript(media)}
# Within a dialogue a contact is called, often by address: as whoever gave it first, and with that one's anchors.
route[TRUSTMESH_CONTACT] {
  if ($ct == $null) return;
  $var(trustmesh_contact) = $ci + " " + $(ct{nameaddr.uri}{uri.host}{s.tolower}) + ":" + $(ct{nameaddr.uri}{uri.port});
  if ($sht(trustmesh_contact=>$var(trustmesh_contact)) == $null) {
    $sht(trustmesh_contact=>$var(trustmesh_contact)) = $var(trustmesh_peer);
  }
}

# Before t_relay, and in branch_route where a request forks: the next hop's profile, over TLS. Ends with 403 where there is none.
route[TRUSTMESH_TO] {
  $var(trustmesh_host) = $(nh(d){s.tolower});
  $var(trustmesh_to) = $sht(trustmesh=>host:$var(trustmesh_host));
  if ($sht(trustmesh=>host:$var(trustmesh_host)) == $null) {
    $var(trustmesh_contact) = $ci + " " + $var(trustmesh_host) + ":" + $nh(p);
    if ($tt == $null || $sht(trustmesh_contact=>$var(trustmesh_contact)) == $null) {
      xlog("L_WARN", "trustmesh: refused to call $var(trustmesh_host), which is nobody of ours\\n");
      if (!is_method("ACK")) sl_send_reply("403", "Next Hop Not in the Topology");
      exit;
    }
    $var(trustmesh_to) = $sht(trustmesh_contact=>$var(trustmesh_contact));
    $var(trustmesh_host) = "";
  }
  $xavp(tls) = $null;
  if ($du == $null && $(ru{uri.port}) == 0 && $sht(trustmesh=>next:$var(trustmesh_to)) != $null) {
    $du = $sht(trustmesh=>next:$var(trustmesh_to));
  }
  $xavp(tls=>label) = $var(trustmesh_to);
  if ($sht(trustmesh=>plain:$var(trustmesh_to)) != $null) return;
  if ($(nh(P){s.tolower}) != "tls") {
    $var(trustmesh_port) = $nh(p);
    if ($var(trustmesh_port) == 5060 || $var(trustmesh_port) == 0) $var(trustmesh_port) = 5061;
    $du = "sip:" + $nh(d) + ":" + $var(trustmesh_port) + ";transport=tls";
  }
  # An address is no server name (RFC 6066, 3).
  if ($var(trustmesh_host) != "") $xavp(tls[0]=>server_name) = $(nh(d){s.tolower});
  $var(trustmesh_kind) = $(var(trustmesh_to){s.select,0,/});
  if ($var(trustmesh_kind) == "partner" || $var(trustmesh_kind) == "trunk") {
    $xavp(tls[0]=>server_id) = $var(trustmesh_to);
  } else {
    $xavp(tls[0]=>server_id) = "${peersProfile}";
  }
}

# Kamailio finds an open connection by address and port alone: an address that has answered as one party is not called as another.
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

# Nobody answers for another: the one name check of outgoing connections that Kamailio can be made to do.
reply_route {
  if ($proto == "tls") {
    route(TRUSTMESH_PEER);
    if ($var(trustmesh_peer) == "") {
      xlog("L_WARN", "trustmesh: dropped $rs from $si:$sp, not a peer: $tls_peer_san_uri $tls_peer_san_hostname\\n");
      drop;
    }
    $var(trustmesh_as) = $sht(trustmesh_answered=>$si:$sp);
    if ($sht(trustmesh_answered=>$si:$sp) == $null) $var(trustmesh_as) = $sht(trustmesh_called=>$si:$sp);
    if ($sht(trustmesh_answered=>$si:$sp) != $null || $sht(trustmesh_called=>$si:$sp) != $null) {
      if ($var(trustmesh_as) != $var(trustmesh_peer)) {
        xlog("L_WARN", "trustmesh: dropped $rs from $si:$sp: called $var(trustmesh_as), answered by $var(trustmesh_peer)\\n");
        drop;
      }
      $sht(trustmesh_answered=>$si:$sp) = $var(trustmesh_peer);
    }
    if (route(TRUSTMESH_CLEAR)) {
      xlog("L_WARN", "trustmesh: dropped $rs of $var(trustmesh_peer): it answers without SRTP\\n");
      drop;
    }
    route(TRUSTMESH_CONTACT);
  }
}
`;
}
