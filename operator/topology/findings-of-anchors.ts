// Anchors that will expire soon: of an EnterpriseCA, of a partner, of a gateway's own CA. What they vouch for fails with them.
import { type Concerned, type Finding, inWords } from './findings.ts';

export interface ExpiringAnchor {
  readonly subject: string;
  /** Epoch ms. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** How long before its end an anchor is warned of, ms: time to have another made and handed round. */
const longestWarning = 30 * 24 * 3_600_000;
/** Of its life, where that is short. */
const warningShare = 0.1;

/** Epoch ms from which an anchor is warned of. */
export function anchorWarningTime({ notBefore, notAfter }: ExpiringAnchor): number {
  return notAfter - Math.min(longestWarning, (notAfter - notBefore) * warningShare);
}

/** `holder` shows it; `source` has the anchors, and may be the same. */
export function anchorFindings(
  anchors: readonly ExpiringAnchor[],
  holder: Concerned,
  source: Concerned,
  now: number,
): readonly Finding[] {
  return anchors
    .filter((anchor) => anchorWarningTime(anchor) <= now)
    .map(({ subject, notAfter }): Finding => {
      const end = new Date(notAfter).toISOString().slice(0, 19);
      const message = `The anchor "${subject}" of ${inWords(source)} ${notAfter <= now ? 'expired' : 'expires'} at ${end}Z. Have its successor in place by then.`;
      return { reason: 'AnchorExpiring', message, concerns: holder === source ? [holder] : [holder, source] };
    });
}

/** Epoch ms at which time alone changes what is found; undefined where it does not. */
export function nextAnchorFinding(anchors: readonly ExpiringAnchor[], now: number): number | undefined {
  const ahead = anchors.flatMap((anchor) => [anchorWarningTime(anchor), anchor.notAfter]).filter((at) => at > now);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
