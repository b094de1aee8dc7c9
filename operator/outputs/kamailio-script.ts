// The script of a Kamailio: who is let in, with which profile somebody is called, and whose replies are taken. Names lie in the
// table of kamailio-names.ts, so that this is of one size. Equality alone: `=~` matches past a NUL.
import { clearMediaScript } from './kamailio-media.ts';
import { type ScriptFiles, scriptSettings, sendingRoute, speaksApproved } from './kamailio-routes.ts';
import { peersProfile } from './kamailio-tls.ts';
import type { Rendering } from './rendering.ts';

/** Who points his name at an address must not keep others from it: one that is being called is kept for moments only. */
const remembered = { called: 10, contact: 86_400 };

export function trustScript(rendering: Rendering, files: ScriptFiles): string {
  return `${scriptSettings(rendering, files, remembered)}
# Sets $var(trustmesh_peer): the FQDN of a pool, trunk/<name>, partner/<name>, or "" for everybody else. Of partners behind one edge it is one.
route[TRUSTMESH_PEER] {
  $var(trustmesh_peer) = "";
  if ($proto != "tls" || $tls_peer_verified != 1) return;
${speaksApproved(rendering)}  if ($sht(trustmesh=>uri:$tls_peer_san_uri) != $null) {
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

${clearMediaScript(rendering.media)}
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

${sendingRoute}
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
