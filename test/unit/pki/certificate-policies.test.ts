// Certificate policies along a path (RFC 5280, 6.1): what a path of these certificates satisfies.

import {
  anyPolicy,
  arePoliciesSatisfied,
  certificatePoliciesOf,
  type PolicyInput,
  type PolicyStep,
  policyConstraintsOf,
  policyMappingsOf,
} from '../../../operator/pki/certificate-policies.ts';
import { objectIdentifier, sequence, smallInteger, tlv } from '../../../operator/pki/der-writer.ts';

const [gold, silver, bronze] = ['1.3.6.1.4.1.55555.1', '1.3.6.1.4.1.55555.2', '1.3.6.1.4.1.55555.3'];
const step = (policies?: readonly string[], more: Partial<PolicyStep> = {}): PolicyStep => ({
  isSelfIssued: false,
  ...(policies && { policies }),
  ...more,
});
const map = (issuerPolicy: string, subjectPolicy: string) => ({ mappings: [{ issuerPolicy, subjectPolicy }] });
const required: PolicyInput = { requireExplicitPolicy: true };
const only = (...acceptable: readonly string[]): PolicyInput => ({ ...required, acceptable });

// From the certificate that the anchor issued down to the leaf.
it.each<[string, readonly PolicyStep[], PolicyInput, boolean]>([
  ['none is needed', [step(), step()], {}, true],
  ['one is needed and there is none', [step(), step()], required, false],
  ['one holds throughout', [step([gold]), step([gold])], required, true],
  ['one ends on the way', [step([gold]), step(), step([gold])], required, false],
  ['one is replaced on the way', [step([gold]), step([silver])], required, false],
  ['one that holds is not the one asked for', [step([gold]), step([gold])], only(silver), false],
  ['one of several that hold is asked for', [step([gold, silver]), step([silver])], only(silver), true],
  ['any stands for each', [step([anyPolicy]), step([gold])], only(gold), true],
  ['any in the leaf stands for what holds above', [step([gold]), step([anyPolicy])], only(gold), true],
  ['any throughout is what is asked for', [step([anyPolicy]), step([anyPolicy])], only(gold), true],
  ['any no longer counts', [step([gold], { inhibitAnyPolicy: 0 }), step([anyPolicy])], required, false],
  ['any counts once more', [step([gold], { inhibitAnyPolicy: 1 }), step([gold]), step([anyPolicy])], required, false],
  [
    'any counts in a CA that issued itself',
    [step([gold], { inhibitAnyPolicy: 0 }), step([anyPolicy], { isSelfIssued: true }), step([gold])],
    required,
    true,
  ],
  ['any does not count from the start', [step([anyPolicy]), step([gold])], { ...required, inhibitAnyPolicy: true }, false],
  ['one is mapped', [step([gold], map(gold, silver)), step([silver])], only(gold), true],
  ['one is mapped, and asked for by its new name', [step([gold], map(gold, silver)), step([silver])], only(silver), false],
  ['one is mapped, and goes by its old name', [step([gold], map(gold, silver)), step([gold])], required, false],
  ['one is mapped out of any', [step([anyPolicy], map(gold, silver)), step([silver])], only(gold), true],
  [
    'one is mapped twice',
    [step([gold], map(gold, silver)), step([silver], map(silver, bronze)), step([bronze])],
    only(gold),
    true,
  ],
  [
    'mapping is not allowed',
    [step([gold], map(gold, silver)), step([silver])],
    { ...required, inhibitPolicyMapping: true },
    false,
  ],
  [
    'mapping is not allowed any more',
    [step([gold], { inhibitPolicyMapping: 0 }), step([gold], map(gold, silver)), step([silver])],
    required,
    false,
  ],
  ['a CA asks for one below it', [step([gold], { requireExplicitPolicy: 0 }), step()], {}, false],
  [
    'a CA asks for one further below than there is anything',
    [step([gold], { requireExplicitPolicy: 3 }), step(), step()],
    {},
    true,
  ],
  ['a CA asks for one in the leaf', [step([gold], { requireExplicitPolicy: 2 }), step(), step()], {}, false],
  ['the leaf itself asks for one', [step(), step(undefined, { requireExplicitPolicy: 0 })], {}, false],
  ['the leaf asks for one below it, where nothing is', [step(), step(undefined, { requireExplicitPolicy: 1 })], {}, true],
  ['there is nothing but the leaf', [step([gold])], only(gold), true],
])('%s', (_, steps, input, satisfied) => {
  expect(arePoliciesSatisfied(steps, input)).toBe(satisfied);
});

it('many policies that are mapped to each other are judged at once', () => {
  const policies = Array.from({ length: 60 }, (_, index) => `1.3.6.1.4.1.55555.9.${index}`);
  const mappings = policies.flatMap((issuerPolicy) => policies.map((subjectPolicy) => ({ issuerPolicy, subjectPolicy })));
  const steps = Array.from({ length: 10 }, () => step(policies, { mappings }));
  const started = performance.now();
  expect(arePoliciesSatisfied([...steps, step(policies)], required)).toBe(true);
  expect(performance.now() - started).toBeLessThan(5_000);
});

const policy = (id: string) => sequence(objectIdentifier(id));

it.each<[string, () => unknown, string]>([
  ['no policy', () => certificatePoliciesOf(sequence()), 'it is empty'],
  ['a policy twice', () => certificatePoliciesOf(sequence(policy(gold), policy(gold))), 'it has a policy twice'],
  [
    'any policy mapped',
    () => policyMappingsOf(sequence(sequence(objectIdentifier(anyPolicy), objectIdentifier(gold)))),
    'it maps anyPolicy',
  ],
  ['constraints of nothing', () => policyConstraintsOf(sequence()), 'it is empty'],
  ['a negative number', () => policyConstraintsOf(sequence(tlv(0x80, Buffer.of(0xff)))), 'it has a number out of range'],
])('%s is malformed', (_, read, message) => {
  expect(read).toThrow(message);
});

it('constraints are read', () => {
  expect(policyConstraintsOf(sequence(tlv(0x80, Buffer.of(3)), tlv(0x81, smallInteger(0).subarray(2))))).toEqual({
    requireExplicitPolicy: 3,
    inhibitPolicyMapping: 0,
  });
});
