// Media of a Kamailio: which sessions are refused because they are not encrypted, and, with rtpengine, how each link's are
// made. Nothing falls back: where rtpengine does not answer, the call ends.
import type { Rendering } from './rendering.ts';

/** For the script: a route that is true where a session description from $var(trustmesh_peer) is to be refused. */
export function clearMediaScript(media: Rendering['media']): string {
  return `# True where the message describes a session without SRTP (audio, video, fax) on a link that requires it.
route[TRUSTMESH_CLEAR] {
  $var(trustmesh_media) = "${media}";
  if ($sht(trustmesh=>media:$var(trustmesh_peer)) != $null) $var(trustmesh_media) = $sht(trustmesh=>media:$var(trustmesh_peer));
  if ($var(trustmesh_media) != "Required") return -1;
  if (!sdp_content()) return -1;
  if (sdp_with_transport_like("RTP/AVP") || sdp_with_transport_like("udptl")) return 1;
  if (sdp_with_transport_like("RTP/SAVP")) return -1;
  return 1;
}
`;
}

/** The fragment for rtpengine, by the link to the next hop. */
export function mediaScript(media: Rendering['media']): string {
  return `route[TRUSTMESH_OFFER] {
  if (!sdp_content()) return;
  $var(trustmesh_media) = "${media}";
  if ($sht(trustmesh=>media:$xavp(tls[0]=>label)) != $null) $var(trustmesh_media) = $sht(trustmesh=>media:$xavp(tls[0]=>label));
  # Supported: as it was offered.
  $var(trustmesh_transport) = "";
  if ($var(trustmesh_media) == "Required") $var(trustmesh_transport) = "RTP/SAVP ";
  if ($var(trustmesh_media) == "NotSupported") $var(trustmesh_transport) = "RTP/AVP ";
  if (!rtpengine_offer("$var(trustmesh_transport)replace-origin")) {
    send_reply("503", "No Media Proxy");
    exit;
  }
}

route[TRUSTMESH_ANSWER] {
  if (!sdp_content()) return;
  if (!rtpengine_answer("replace-origin")) {
    xlog("L_WARN", "trustmesh: dropped $rs from $si:$sp: no media proxy\\n");
    drop;
  }
}
`;
}
