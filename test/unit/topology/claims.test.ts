// Who holds a name, case by case.
import { type Claim, type Holder, holderOf, type IssuedName } from '../../../operator/topology/claims.ts';

const claim = (uid: string, second: number, namespace = 'voice'): Claim => ({
  kind: 'TrustedServer',
  uid,
  namespace,
  name: `of-${uid}`,
  creationTimestamp: `2026-01-01T00:00:0${second}Z`,
});
const issued = (uid: string, namespace = 'voice', notAfter = 1000): IssuedName => ({ uid, namespace, notAfter });
const held = (by: Claim): Holder => ({ kind: 'Claim', claim: by });

const old = claim('z', 0);
const young = claim('a', 1);
const twin = claim('b', 0);
const elsewhere = claim('0', 0, 'web');

it.each<readonly [string, readonly Claim[], readonly IssuedName[], Holder | undefined]>([
  ['nobody, where nobody claims it', [], [], undefined],
  ['the only claim', [young], [], held(young)],
  ['the oldest claim, whatever its UID', [young, old], [], held(old)],
  ['of one second, the lower UID', [old, twin], [], held(twin)],
  ['whoever it was issued to, however young', [old, young], [issued('a')], held(young)],
  ['of two that it was issued to, the older', [young, old], [issued('a'), issued('z')], held(old)],
  [
    'nobody, reserved for the namespace it was issued in',
    [],
    [issued('gone')],
    { kind: 'Reserved', namespace: 'voice', until: 1000 },
  ],
  [
    'nobody from another namespace while it is reserved, until the last certificate ends',
    [elsewhere],
    [issued('gone', 'voice', 500), issued('gone', 'voice', 2000)],
    { kind: 'Reserved', namespace: 'voice', until: 2000 },
  ],
  [
    'a claim of the namespace that it is reserved for, though another is older',
    [elsewhere, young],
    [issued('gone')],
    held(young),
  ],
  ['the oldest of those', [elsewhere, young, old], [issued('gone')], held(old)],
  [
    'an object made again under the same name, in its namespace',
    [claim('again', 5)],
    [issued('before')],
    held(claim('again', 5)),
  ],
])('%s', (_who, claims, records, expected) => {
  expect(holderOf(claims, records)).toEqual(expected);
  expect(holderOf([...claims].reverse(), records)).toEqual(expected);
});
