// What a partner must not get in with, though its own CA has signed it.
import { forge, generalName } from '../../support/peers/forged.ts';
import type { Issuing } from '../../support/peers/material.ts';
import type { Material } from '../../support/peers/peer.ts';
import { registrar } from './edge.ts';

const { dns, uri, mail, ip, directory, userPrincipal } = generalName;

/** `domain`: the partner's SIP domain, whose edge is `sip.<domain>`; another partner is northwind.com, and we are contoso.com. */
export function hostileFrom(authority: Issuing, domain: string): readonly (readonly [what: string, material: Material])[] {
  const [edge, other] = [dns(`sip.${domain}`), dns(`www.${domain}`)];
  const of = (...names: readonly Buffer[]) => forge(authority, { names });
  return [
    ['an unlisted name of its own', of(other)],
    ['a pattern over its edge', of(dns(`*.${domain}`))],
    ['one of our names as DNS name', of(dns('sip.contoso.com'))],
    ['one of our names beside its own', of(edge, dns('pool01.contoso.com'))],
    ['a SPIFFE ID of ours beside its own name', of(edge, uri(registrar.uri))],
    ['an IP address beside its own name', of(edge, ip(10, 0, 0, 1))],
    ['a mail address of ours beside its own name', of(edge, mail('ceo@contoso.com'))],
    ['our name as common name', forge(authority, { commonName: 'sip.contoso.com', names: [other] })],
    ['its edge as common name', forge(authority, { commonName: `sip.${domain}`, names: [other] })],
    ['our name as principal', of(userPrincipal('pool01@contoso.com'), other)],
    ['our name as directory name', of(directory('pool01.contoso.com'), other)],
    ['no names beside the subject', forge(authority, { commonName: `sip.${domain}` })],
    ['a NUL after its edge', of(dns(`sip.${domain}\0.${domain}`))],
    ['a NUL after one of our names', of(dns(`pool01.contoso.com\0.${domain}`))],
    ['our host as userinfo', of(other, uri(`spiffe://contoso.com:x@${domain}/front-end`))],
    ["the other partner's edge", of(dns('sip.northwind.com'))],
  ];
}
