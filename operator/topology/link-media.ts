// What is said of media on the links of servers, gateways and partners: which end makes it what it is, and what to do.
import type { EncryptionLevel, FederatedPartner, MediaGateway, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import { inShort, inWords } from './findings.ts';
import { gatewayLevel, type LinkLevel, linkLevel } from './media-level.ts';

/** One end of a link. */
export interface End {
  readonly level: EncryptionLevel;
  /** Where it is said: a clause. */
  readonly because: string;
}

const said = (object: string, level: EncryptionLevel): End => ({
  level,
  because: `media.encryptionLevel of ${object} is ${level}`,
});

/** Of whoever declares none. */
function domainEnd({ metadata, spec }: TrustDomain): End {
  return said(`TrustDomain ${metadata.name}`, spec.media.encryptionLevel);
}

export function serverEnd({ metadata: { namespace = '', name }, spec: { media } }: TrustedServer, domain: TrustDomain): End {
  if (media === undefined) return domainEnd(domain);
  return said(inWords({ kind: 'TrustedServer', namespace, name }), media.encryptionLevel);
}

function partnerEnd({ metadata, spec: { media } }: FederatedPartner, domain: TrustDomain): End {
  return media === undefined ? domainEnd(domain) : said(`FederatedPartner ${metadata.name}`, media.encryptionLevel);
}

export function gatewayEnd({ metadata: { namespace = '', name }, spec }: MediaGateway, domain: TrustDomain): End {
  const level = gatewayLevel(spec, domain.spec.media.encryptionLevel);
  // It can do either, so that it is the domain that asks for it.
  if (spec.srtp === 'Optional' && level === 'Required') return domainEnd(domain);
  const object = inWords({ kind: 'MediaGateway', namespace, name });
  const because =
    spec.transport === 'TCP'
      ? `transport of ${object} is TCP, over which the keys of SRTP would travel in the clear`
      : `srtp of ${object} is ${spec.srtp}`;
  return { level, because };
}

export interface LinkMedia {
  readonly level: LinkLevel;
  /** What of its ends makes it so: a clause. */
  readonly because: string;
}

export function linkMedia(one: End, other: End): LinkMedia {
  const level = linkLevel(one.level, other.level);
  const decisive = level === 'None' ? ['Required', 'NotSupported'] : [level];
  const clauses = [one, other].filter((end) => decisive.includes(end.level)).map(({ because }) => because);
  return { level, because: [...new Set(clauses)].join(', and ') };
}

const worstFirst: readonly LinkLevel[] = ['None', 'NotSupported', 'Supported', 'Required'];

/** The worst of a partner's links with the Edges of the domain, as a sentence or two. Without an Edge, that with one like the domain. */
export function partnerMedia(
  partner: FederatedPartner,
  edges: readonly { readonly key: string; readonly media: End }[],
  domain: TrustDomain,
): { readonly level: LinkLevel; readonly message: string } {
  const { name } = partner.metadata;
  const own = partnerEnd(partner, domain);
  const links = edges.map(({ key, media }) => ({ key, ...linkMedia(media, own) }));
  const worst = worstFirst.find((each) => links.some(({ level }) => level === each));
  const theirs = links.filter(({ level }) => level === worst);
  const { level, because } = theirs[0] ?? linkMedia(domainEnd(domain), own);
  const where = theirs.length === links.length ? '' : ` at ${inShort(theirs.map(({ key }) => key))}`;
  switch (level) {
    case 'Required':
      return { level, message: `Media with ${name} is SRTP, or there is no call.` };
    case 'Supported':
      return {
        level,
        message: `Media with ${name} is SRTP where it is offered, and a call without it is set up too${where}: ${because}.`,
      };
    case 'NotSupported':
      return { level, message: `Media with ${name} is not encrypted${where}: ${because}.` };
    case 'None': {
      const remedy =
        own.level === 'NotSupported'
          ? 'If the partner cannot encrypt, and media in the clear is meant, set media.encryptionLevel of the Edge to Supported: partners that declare no level keep to that of the domain.'
          : 'Set media.encryptionLevel of the Edge to Supported or Required.';
      return { level, message: `No call with media is set up with ${name}${where}: ${because}. ${remedy}` };
    }
    default:
      return level satisfies never;
  }
}

/** Where a server's own level is below its domain's, and the two meet. */
export function belowDomain(
  { spec: { media } }: TrustedServer,
  { metadata, spec }: TrustDomain,
): { readonly level: LinkLevel; readonly message: string } | undefined {
  const own = media?.encryptionLevel;
  const asked = spec.media.encryptionLevel;
  const both = `media.encryptionLevel of TrustDomain ${metadata.name} is ${asked}, and that of this server ${own}:`;
  if (own === 'Supported' && asked === 'Required')
    return { level: own, message: `${both} it takes media in the clear from those whose own level allows that.` };
  if (own === 'NotSupported' && asked === 'Supported') return { level: own, message: `${both} its media is not encrypted.` };
  return undefined;
}
