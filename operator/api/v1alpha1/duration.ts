// Durations as users write them, `2160h` or `1h30m`: the one spelling that the API server, CEL and this operator read alike.
import { z } from 'zod';
import { constrained, type Rule } from '../kind.ts';

const units = { h: 3_600_000, m: 60_000, s: 1000 } as const;

const syntax = /^([0-9]+(h|m|s))+$/;

// CEL counts nanoseconds in 64 bits. Sixteen characters of these never overflow, so no rule over them can fail to evaluate.
const withinRange = /^([0-9]{1,6}h|[0-9]{1,7}m|[0-9]{1,9}s)+$/;
const aboveZero = /[1-9]/;

/**
 * The milliseconds of a duration that the schema accepts.
 * @throws RangeError when `text` is not hours, minutes and seconds.
 */
export function parseDuration(text: string): number {
  if (!syntax.test(text))
    throw new RangeError(`'${text}' is not a duration: write hours, minutes and seconds, such as 2160h or 1h30m`);
  let milliseconds = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)([hms])/g))
    milliseconds += Number(count) * units[unit as keyof typeof units];
  return milliseconds;
}

const form = 'A duration is hours, minutes and seconds, such as 2160h or 1h30m, more than none and at most 999999h.';

/** A positive duration. Days are not a unit, since CEL and Go know none. */
export const duration = constrained(
  z
    .string()
    .max(16)
    .refine((text) => withinRange.test(text) && aboveZero.test(text), form),
  {
    rule: `self.matches('${withinRange.source}') && self.matches('${aboveZero.source}')`,
    message: form,
    messageExpression:
      `(!self.matches('${syntax.source}') ? "'%s' is not a duration: write hours, minutes and seconds, such as 2160h or 1h30m." : ` +
      `!self.matches('${aboveZero.source}') ? "'%s' is no time at all: write a positive duration, such as 2160h." : ` +
      `"'%s' is too long: write at most 999999h.").format([self])`,
  },
);

/** How one duration must compare to another: `['a', '<=', 'b']`, both as paths from the node that carries the rule. */
export type Comparison = readonly [shorter: string, relation: '<' | '<=', longer: string];

/** The rule of a comparison. It holds where `when` does not, and leaves a malformed duration to that field's own rule. */
export function durationsCompare([shorter, relation, longer]: Comparison, because: string, when?: string): Rule {
  const exempt = [when && `!(${when})`, ...[shorter, longer].map((path) => `!self.${path}.matches('${withinRange.source}')`)];
  const wanted = relation === '<' ? 'must be less than' : 'must not exceed';
  return {
    rule: [...exempt.filter(Boolean), `duration(self.${shorter}) ${relation} duration(self.${longer})`].join(' || '),
    message: `${shorter} ${wanted} ${longer}: ${because}.`,
    messageExpression: `"${shorter} (%s) ${wanted} ${longer} (%s): ${because}.".format([self.${shorter}, self.${longer}])`,
    fieldPath: `.${shorter}`,
  };
}
