// Whether media is encrypted on a trunk: what the domain wants, and what the gateway can. Never less than both were told.
import type { RenderedTrunk, Rendering } from './rendering.ts';

/** `Required`: SRTP or no call. `Optional`: SRTP is offered and plain RTP taken. `NotSupported`: plain RTP, and shown as such. */
export type MediaEncryption = RenderedTrunk['srtp'];

/**
 * A gateway that cannot encrypt stays one that cannot: its link is found and shown as unencrypted, and calls that need
 * encryption end there. One that can, must, where the domain requires it.
 */
export function mediaOfTrunk(media: Rendering['media'], { srtp }: RenderedTrunk): MediaEncryption {
  return srtp === 'Optional' ? whereOptional[media] : srtp;
}

const whereOptional: Readonly<Record<Rendering['media'], MediaEncryption>> = {
  Required: 'Required',
  Supported: 'Optional',
  NotSupported: 'NotSupported',
};
