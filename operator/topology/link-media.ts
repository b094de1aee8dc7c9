// What is said of media on the links of servers, gateways and partners: which end makes it what it is, and what to do.
import type { EncryptionLevel, FederatedPartner, MediaGateway, TrustDomain, TrustedServer } from '../api/v1alpha1/index.ts';
import { inShort, inWords } from './findings.ts';
import { gatewayLevel, type LinkLevel, linkLevel, type MediaCondition, mediaCondition } from './media-level.ts';

/** What one end of a link declares; undefined where that is nothing. */
export type End = Declaration | undefined;

interface Declaration {
  readonly level: EncryptionLevel;
  /** Where it is said: a clause. */
  readonly because: string;
}

const said = (object: string, level: EncryptionLevel): Declaration => ({
  level,
  because: `media.encryptionLevel of ${object} is ${level}`,
});

export function serverEnd({ metadata: { namespace = '', name }, spec: { media } }: TrustedServer): End {
  return media && said(inWords({ kind: 'TrustedServer', namespace, name }), media.encryptionLevel);
}

function partnerEnd({ metadata, spec: { media } }: FederatedPartner): End {
  return media && said(`FederatedPartner ${metadata.name}`, media.encryptionLevel);
}

export function gatewayEnd({ metadata: { namespace = '', name }, spec }: MediaGateway): End {
  const level = gatewayLevel(spec);
  if (level === undefined) return undefined;
  const object = inWords({ kind: 'MediaGateway', namespace, name });
  const because =
    spec.transport === 'TCP'
      ? `transport of ${object} is TCP, over which the keys of SRTP would travel in the clear`
      : `srtp of ${object} is ${level}`;
  return { level, because };
}

export interface LinkMedia {
  readonly level: LinkLevel;
  readonly condition: MediaCondition;
  /** What of its ends, or else of the domain, makes it so: a clause. */
  readonly because: string;
}

export function linkMedia(one: End, other: End, { metadata, spec }: TrustDomain): LinkMedia {
  const domain = spec.media.encryptionLevel;
  const level = linkLevel(one?.level, other?.level, domain);
  const declared = [one, other].filter((end) => end !== undefined);
  const decisive = level === 'None' ? declared : declared.filter((end) => end.level === level);
  const { because } = said(`TrustDomain ${metadata.name}`, domain);
  return {
    level,
    condition: mediaCondition(level, domain),
    because: decisive.map((end) => end.because).join(', and ') || because,
  };
}

/** A sentence. `other`: whom it is with. */
export function inTheClear(other: string, { condition, because }: LinkMedia, { metadata }: TrustDomain): string {
  const although = condition.reason === 'SRTPNotPossible' ? `, though TrustDomain ${metadata.name} requires that` : '';
  return `Media with ${other} is not encrypted${although}: ${because}.`;
}

const worstFirst: readonly LinkLevel[] = ['None', 'NotSupported', 'Supported', 'Required'];

/** The worst of a partner's links with the Edges of the domain, in sentences. Without an Edge, that with one that declares nothing. */
export function partnerMedia(
  partner: FederatedPartner,
  edges: readonly { readonly key: string; readonly media: End }[],
  domain: TrustDomain,
): { readonly level: LinkLevel; readonly condition: MediaCondition; readonly message: string } {
  const { name } = partner.metadata;
  const own = partnerEnd(partner);
  const links = edges.map(({ key, media }) => ({ key, media: linkMedia(media, own, domain) }));
  const worst = worstFirst.find((each) => links.some(({ media }) => media.level === each));
  const theirs = links.filter(({ media }) => media.level === worst);
  const media = theirs[0]?.media ?? linkMedia(undefined, own, domain);
  const { level, condition, because } = media;
  const where = theirs.length === links.length ? '' : ` at ${inShort(theirs.map(({ key }) => key))}`;
  const say = (message: string) => ({ level, condition, message });
  switch (level) {
    case 'Required':
      return say(`Media with ${name} is SRTP, or there is no call.`);
    case 'Supported':
      return say(`Media with ${name} is SRTP where it is offered, and a call without it is set up too${where}: ${because}.`);
    case 'NotSupported': {
      const clear = inTheClear(`${name}${where}`, media, domain);
      if (condition.reason !== 'SRTPNotPossible') return say(clear);
      const remedy =
        own?.level === 'NotSupported'
          ? 'Leave it out once the partner can encrypt. To have no such calls until then, set media.encryptionLevel of the Edge to Required.'
          : 'Leave it out there, unless that is meant.';
      return say(`${clear} ${remedy}`);
    }
    case 'None': {
      const remedy =
        own?.level === 'NotSupported'
          ? 'If the partner cannot encrypt, and media in the clear is meant, set media.encryptionLevel of the Edge to Supported, or leave it out there.'
          : 'Set media.encryptionLevel of the Edge to Supported or Required, or leave it out there.';
      return say(`No call with media is set up with ${name}${where}: ${because}. ${remedy}`);
    }
    default:
      return level satisfies never;
  }
}

/** Where a server declares less than its domain has. That it has none where the domain requires it is a finding, and not said here. */
export function belowDomain(
  { spec: { media } }: TrustedServer,
  { metadata, spec }: TrustDomain,
): { readonly level: LinkLevel; readonly condition: MediaCondition; readonly message: string } | undefined {
  const level = media?.encryptionLevel;
  const asked = spec.media.encryptionLevel;
  const both = `media.encryptionLevel of TrustDomain ${metadata.name} is ${asked}, and that of this server ${level}:`;
  if (level === 'Supported' && asked === 'Required') {
    const message = `${both} it takes media in the clear from whoever does not declare Required.`;
    return { level, condition: mediaCondition(level, asked), message };
  }
  if (level === 'NotSupported' && asked === 'Supported') {
    const message = `${both} its media is not encrypted, and no call with media is set up with whoever declares Required.`;
    return { level, condition: mediaCondition(level, asked), message };
  }
  return undefined;
}
