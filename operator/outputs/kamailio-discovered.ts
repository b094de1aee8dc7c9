// The script of a Kamailio for whoever is on no list (mode Discovered): a public CA vouches for everybody, so that a caller has to
// prove the domain that it sends for (RFC 5922), by a certificate for the domain or for the edge that DNS names, in the domain.
// Equality alone, as in kamailio-script.ts; what DNS says is compared, and never believed for a name outside the domain.
import { clearMediaScript } from './kamailio-media.ts';
import { type ScriptFiles, scriptSettings, sendingRoute, speaksApproved } from './kamailio-routes.ts';
import { partnerLabel } from './parties.ts';
import type { RenderedListener, Rendering } from './rendering.ts';

/** Requests within `rateWindow` seconds: what one address may send, and what may be sent for one domain. */
const mostRequests = { perAddress: 200, perDomain: 200 } as const;
const rateWindow = 10;
/** Seconds for which it is remembered whether DNS names an edge. */
const foundFor = 60;
/**
 * Called: longer than a transaction waits for its first reply, since nobody's is taken who was not called. Contacts: whoever calls
 * fills this memory, so that it is shorter than for partners, from the last request of a dialogue that tells of one.
 */
const remembered = { called: 40, contact: 3_600 };

export function discoveredScript(rendering: Rendering, { face }: RenderedListener, files: ScriptFiles): string {
  const { media } = face.partners[0] ?? rendering;
  // The fragment for rtpengine looks there, and goes by what the domain has where there is nothing.
  const levelOfNext = media === rendering.media ? '' : `  $sht(trustmesh=>media:$var(trustmesh_to)) = "${media}";\n`;
  return `${scriptSettings(rendering, files, remembered)}
# How many requests are taken within ${rateWindow} seconds. Define other figures before this file is included.
#!ifndef TRUSTMESH_PER_ADDRESS
#!define TRUSTMESH_PER_ADDRESS ${mostRequests.perAddress}
#!endif
#!ifndef TRUSTMESH_PER_DOMAIN
#!define TRUSTMESH_PER_DOMAIN ${mostRequests.perDomain}
#!endif
modparam("htable", "htable", "trustmesh_rate=>size=12;autoexpire=${rateWindow};updateexpire=0;initval=0;")
modparam("htable", "htable", "trustmesh_found=>size=12;autoexpire=${foundFor};")
# A process waits for the name server, and takes no answer for none.
dns_retr_time=2
dns_retr_no=2

# True where the other side has shown a certificate that is believed: $var(trustmesh_name) is its first DNS name.
route[TRUSTMESH_NAME] {
  $var(trustmesh_peer) = "";
  $var(trustmesh_name) = "";
  if ($proto != "tls" || $tls_peer_verified != 1) return -1;
${speaksApproved(rendering)}  if ($tls_peer_san_hostname == $null || $tls_peer_san_hostname == "") return -1;
  $var(trustmesh_name) = $(tls_peer_san_hostname{s.tolower});
  return 1;
}

# True where neither $var(trustmesh_domain) nor a domain that it lies in is ours, a partner's or blocked.
route[TRUSTMESH_OPEN] {
  if ($var(trustmesh_domain) == "") return -1;
  $var(trustmesh_rest) = $var(trustmesh_domain);
  while ($sht(trustmesh=>closed:$var(trustmesh_rest)) == $null) {
    $var(trustmesh_label) = $(var(trustmesh_rest){s.select,0,.});
    if ($var(trustmesh_label) == $var(trustmesh_rest)) return 1;
    $var(trustmesh_skip) = $(var(trustmesh_label){s.len}) + 1;
    if ($var(trustmesh_skip) >= $(var(trustmesh_rest){s.len})) return -1;
    $var(trustmesh_rest) = $(var(trustmesh_rest){s.substr,$var(trustmesh_skip),0});
  }
  return -1;
}

# True where $var(trustmesh_host) lies in $var(trustmesh_domain).
route[TRUSTMESH_WITHIN] {
  $var(trustmesh_suffix) = "." + $var(trustmesh_domain);
  $var(trustmesh_skip) = $(var(trustmesh_host){s.len}) - $(var(trustmesh_suffix){s.len});
  if ($var(trustmesh_skip) <= 0) return -1;
  if ($(var(trustmesh_host){s.substr,$var(trustmesh_skip),0}) == $var(trustmesh_suffix)) return 1;
  return -1;
}

# True where who shows $var(trustmesh_name) may send for $var(trustmesh_domain). DNS is asked for nobody who could not be meant.
route[TRUSTMESH_PROVEN] {
  if ($var(trustmesh_name) == $var(trustmesh_domain)) return 1;
  $var(trustmesh_host) = $var(trustmesh_name);
  if (!route(TRUSTMESH_WITHIN)) return -1;
  $var(trustmesh_pair) = $var(trustmesh_domain) + "/" + $var(trustmesh_name);
  if ($sht(trustmesh_found=>$var(trustmesh_pair)) == "yes") return 1;
  if ($sht(trustmesh_found=>$var(trustmesh_pair)) == "no") return -1;
  $var(trustmesh_isfound) = "no";
  if (srv_query("_sipfederationtls._tcp.$var(trustmesh_domain).", "trustmesh")) {
    $var(trustmesh_at) = 0;
    while ($var(trustmesh_at) < $srvquery(trustmesh=>count)) {
      $var(trustmesh_target) = $srvquery(trustmesh=>target[$var(trustmesh_at)]);
      if ($(var(trustmesh_target){s.tolower}) == $var(trustmesh_name)) $var(trustmesh_isfound) = "yes";
      $var(trustmesh_at) = $var(trustmesh_at) + 1;
    }
  }
  $sht(trustmesh_found=>$var(trustmesh_pair)) = $var(trustmesh_isfound);
  if ($var(trustmesh_isfound) == "yes") return 1;
  return -1;
}

# True where DNS names an edge of $var(trustmesh_domain) that lies in it: $var(trustmesh_host) and $var(trustmesh_port).
route[TRUSTMESH_EDGE] {
  if (!srv_query("_sipfederationtls._tcp.$var(trustmesh_domain).", "trustmesh")) return -1;
  $var(trustmesh_at) = 0;
  while ($var(trustmesh_at) < $srvquery(trustmesh=>count)) {
    $var(trustmesh_target) = $srvquery(trustmesh=>target[$var(trustmesh_at)]);
    $var(trustmesh_host) = $(var(trustmesh_target){s.tolower});
    $var(trustmesh_port) = $srvquery(trustmesh=>port[$var(trustmesh_at)]);
    if (route(TRUSTMESH_WITHIN)) return 1;
    $var(trustmesh_at) = $var(trustmesh_at) + 1;
  }
  return -1;
}

# First in request_route. Ends with 403 for whoever has not proven the domain that it sends for, or whose domain is on a list; with
# 503 beyond the rate, which is told once.
route[TRUSTMESH_ADMIT] {
  if (!route(TRUSTMESH_NAME)) {
    xlog("L_WARN", "trustmesh: refused $rm from $si:$sp, which shows no certificate with a DNS name\\n");
    if (!is_method("ACK")) sl_send_reply("403", "Not a Peer");
    exit;
  }
  $var(trustmesh_count) = $shtinc(trustmesh_rate=>address:$si);
  if ($var(trustmesh_count) > TRUSTMESH_PER_ADDRESS) {
    if ($var(trustmesh_count) == TRUSTMESH_PER_ADDRESS + 1) xlog("L_WARN", "trustmesh: too many requests from $si\\n");
    route(TRUSTMESH_LATER);
  }
  $var(trustmesh_domain) = "";
  if ($fd != $null) $var(trustmesh_domain) = $(fd{s.tolower});
  if (!route(TRUSTMESH_OPEN)) {
    xlog("L_WARN", "trustmesh: refused $rm of $var(trustmesh_name), which sends for the domain $fd: it is on a list\\n");
    if (!is_method("ACK")) sl_send_reply("403", "Not a Domain of This Listener");
    exit;
  }
  if (!route(TRUSTMESH_PROVEN)) {
    xlog("L_WARN", "trustmesh: refused $rm of $var(trustmesh_name), which sends for the domain $fd\\n");
    if (!is_method("ACK")) sl_send_reply("403", "Not a Domain of This Peer");
    exit;
  }
  $var(trustmesh_count) = $shtinc(trustmesh_rate=>domain:$var(trustmesh_domain));
  if ($var(trustmesh_count) > TRUSTMESH_PER_DOMAIN) {
    if ($var(trustmesh_count) == TRUSTMESH_PER_DOMAIN + 1) xlog("L_WARN", "trustmesh: too many requests for $var(trustmesh_domain)\\n");
    route(TRUSTMESH_LATER);
  }
  $var(trustmesh_peer) = "discovered/" + $var(trustmesh_domain);
  if (route(TRUSTMESH_CLEAR)) {
    xlog("L_WARN", "trustmesh: refused $rm of $var(trustmesh_peer): without SRTP\\n");
    if (!is_method("ACK")) sl_send_reply("488", "SRTP Required");
    exit;
  }
  route(TRUSTMESH_CONTACT);
}

route[TRUSTMESH_LATER] {
  if (!is_method("ACK")) {
    append_to_reply("Retry-After: ${rateWindow}\\r\\n");
    sl_send_reply("503", "Too Many Requests");
  }
  exit;
}

${clearMediaScript(media)}
# Within a dialogue its other side is called by its edge and by its contact, often an address: as whoever gave it first.
route[TRUSTMESH_CONTACT] {
  if (!is_method("INVITE|SUBSCRIBE|UPDATE|NOTIFY")) return;
  $var(trustmesh_contact) = $ci + " " + $var(trustmesh_name);
  route(TRUSTMESH_REMEMBER);
  if ($ct == $null) return;
  $var(trustmesh_contact) = $ci + " " + $(ct{nameaddr.uri}{uri.host}{s.tolower}) + ":" + $(ct{nameaddr.uri}{uri.port});
  route(TRUSTMESH_REMEMBER);
}

route[TRUSTMESH_REMEMBER] {
  if ($sht(trustmesh_contact=>$var(trustmesh_contact)) == $null || $sht(trustmesh_contact=>$var(trustmesh_contact)) == $var(trustmesh_peer)) {
    $sht(trustmesh_contact=>$var(trustmesh_contact)) = $var(trustmesh_peer);
  }
}

# Before t_relay, and in branch_route where a request forks: to the edge that DNS names for the domain, over TLS. Within a dialogue to
# the contact or the edge of its other side. Ends with 403 where there is none, for a domain that is on a list, and for what comes
# from outside: nobody relays by us.
route[TRUSTMESH_TO] {
  if ($proto == "tls") {
    xlog("L_WARN", "trustmesh: refused to relay $rm from $si:$sp to $nh(d)\\n");
    if (!is_method("ACK")) sl_send_reply("403", "Not a Relay");
    exit;
  }
  $var(trustmesh_next) = $(nh(d){s.tolower});
  $var(trustmesh_to) = "";
  if ($tt != $null) {
    $var(trustmesh_contact) = $ci + " " + $var(trustmesh_next) + ":" + $nh(p);
    $var(trustmesh_edge) = $ci + " " + $var(trustmesh_next);
    if ($sht(trustmesh_contact=>$var(trustmesh_contact)) != $null) {
      $var(trustmesh_to) = $sht(trustmesh_contact=>$var(trustmesh_contact));
      $var(trustmesh_next) = "";
    } else if ($sht(trustmesh_contact=>$var(trustmesh_edge)) != $null) {
      $var(trustmesh_to) = $sht(trustmesh_contact=>$var(trustmesh_edge));
    } else if ($td != $null && $(td{s.tolower}) != $var(trustmesh_next)) {
      $var(trustmesh_domain) = $(td{s.tolower});
      $var(trustmesh_name) = $var(trustmesh_next);
      if (route(TRUSTMESH_PROVEN)) $var(trustmesh_to) = "discovered/" + $var(trustmesh_domain);
    }
  }
  if ($var(trustmesh_to) != "") {
    $var(trustmesh_domain) = $(var(trustmesh_to){s.select,1,/});
    if (!route(TRUSTMESH_OPEN)) {
      xlog("L_WARN", "trustmesh: refused to call $var(trustmesh_domain), which is on a list\\n");
      if (!is_method("ACK")) sl_send_reply("403", "Next Hop Not Found");
      exit;
    }
    if ($(nh(P){s.tolower}) != "tls") {
      $var(trustmesh_port) = $nh(p);
      if ($var(trustmesh_port) == 5060 || $var(trustmesh_port) == 0) $var(trustmesh_port) = 5061;
      $du = "sip:" + $nh(d) + ":" + $var(trustmesh_port) + ";transport=tls";
    }
  } else {
    $var(trustmesh_domain) = $var(trustmesh_next);
    if (!route(TRUSTMESH_OPEN) || !route(TRUSTMESH_EDGE)) {
      xlog("L_WARN", "trustmesh: refused to call $var(trustmesh_domain): it is on a list, or DNS names no edge in it\\n");
      if (!is_method("ACK")) sl_send_reply("403", "Next Hop Not Found");
      exit;
    }
    $var(trustmesh_to) = "discovered/" + $var(trustmesh_domain);
    $var(trustmesh_next) = $var(trustmesh_host);
    $var(trustmesh_edge) = $ci + " " + $var(trustmesh_host);
    $sht(trustmesh_contact=>$var(trustmesh_edge)) = $var(trustmesh_to);
    $du = "sip:" + $var(trustmesh_host) + ":" + $var(trustmesh_port) + ";transport=tls";
  }
${levelOfNext}  $xavp(tls) = $null;
  $xavp(tls=>label) = $var(trustmesh_to);
  # An address is no server name (RFC 6066, 3).
  if ($var(trustmesh_next) != "") $xavp(tls[0]=>server_name) = $var(trustmesh_next);
  $xavp(tls[0]=>server_id) = "${partnerLabel({ name: 'discovered' })}";
}

${sendingRoute}
# Nobody answers for another, and nobody who was not called: who replies has to prove the domain as who calls.
reply_route {
  if ($proto == "tls") {
    $var(trustmesh_as) = $sht(trustmesh_answered=>$si:$sp);
    if ($sht(trustmesh_answered=>$si:$sp) == $null) $var(trustmesh_as) = $sht(trustmesh_called=>$si:$sp);
    if ($sht(trustmesh_answered=>$si:$sp) == $null && $sht(trustmesh_called=>$si:$sp) == $null) {
      xlog("L_WARN", "trustmesh: dropped $rs from $si:$sp, which was not called\\n");
      drop;
    }
    $var(trustmesh_domain) = $(var(trustmesh_as){s.select,1,/});
    if (!route(TRUSTMESH_NAME) || !route(TRUSTMESH_OPEN) || !route(TRUSTMESH_PROVEN)) {
      xlog("L_WARN", "trustmesh: dropped $rs from $si:$sp: called $var(trustmesh_as), answered by $tls_peer_san_hostname\\n");
      drop;
    }
    $sht(trustmesh_answered=>$si:$sp) = $var(trustmesh_as);
    $var(trustmesh_peer) = $var(trustmesh_as);
    if (route(TRUSTMESH_CLEAR)) {
      xlog("L_WARN", "trustmesh: dropped $rs of $var(trustmesh_peer): it answers without SRTP\\n");
      drop;
    }
    route(TRUSTMESH_CONTACT);
  }
}
`;
}
