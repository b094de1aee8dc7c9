// The record of a roll as an annotation of its Secret: written in one request with the values that it speaks of.
import { z } from 'zod';
import type { CredentialRoll } from '../../trust/credential-roll.ts';

const id = z.string().regex(/^[0-9]{14}$/);
const time = z.int();

const recorded = z.object({
  active: z.object({ id, since: time, lifetime: time, holders: z.array(z.string()) }),
  next: z.object({ id, heldSince: time.optional() }).optional(),
  former: z.array(z.object({ id, lifetime: time, unpresentedSince: time.optional() })),
  generation: z.int(),
});

export function encodeRoll(roll: CredentialRoll): string {
  return JSON.stringify(roll);
}

/** Undefined where it cannot be read: then it is as if there were none. */
export function parseRoll(text: string | undefined): CredentialRoll | undefined {
  if (text === undefined) return undefined;
  try {
    return recorded.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
