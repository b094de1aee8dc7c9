// Which edges of a SIP domain stay known, and in which order they are called, whatever a name server answers from one time to
// the next.
import { edgeData, edgesIn, type KnownEdge, knownEdges } from '../../../operator/controllers/federated-partner/edge-lookup.ts';
import type { SRVLookup } from '../../../operator/federation/resolver.ts';
import { now } from './federation.ts';

const minute = 60_000;
const hour = 60 * minute;
const found = (...names: readonly string[]): SRVLookup => ({
  outcome: 'Found',
  targets: names.map((name) => ({ fqdn: `${name}.fabrikam.com`, port: 5061, priority: 0, weight: 0 })),
  expiresAt: now,
});
const silence: SRVLookup = { outcome: 'Failed', reason: 'DNSTimeout', message: 'No server answers.', expiresAt: now };

/** What is known after answers that come this far apart, ms. */
function after(apart: number, ...answers: readonly SRVLookup[]): readonly string[] {
  const last = answers.reduce<readonly KnownEdge[]>(
    (known, answer, index) => knownEdges('fabrikam.com', known, answer, now + index * apart),
    [],
  );
  return last.map(({ fqdn }) => fqdn.replace('.fabrikam.com', ''));
}

it.each<readonly [string, readonly string[], number, readonly SRVLookup[]]>([
  ['takes them in the order of the answer', ['a', 'b'], minute, [found('a', 'b')]],
  ['follows an edge that moves', ['b', 'a'], minute, [found('a'), found('b')]],
  ['calls one that is added where the answer has it', ['a', 'b'], minute, [found('a'), found('a', 'b')]],
  [
    'stays with its order where answers come and go',
    ['b', 'a'],
    minute,
    [found('a'), found('b'), found('a'), found('b'), found('a')],
  ],
  ['calls what is named before what is not any more', ['a', 'b'], hour, [found('a', 'b'), found('b'), found('a')]],
  ['keeps what is not named any more for a day', ['b', 'a'], 20 * hour, [found('a'), found('b')]],
  ['and then no longer', ['b'], 25 * hour, [found('a'), found('b')]],
  ['keeps everything while nobody answers', ['a', 'b'], hour, [found('a', 'b'), silence, silence]],
  [
    'takes no more than eight',
    ['h', 'a', 'b', 'c', 'd', 'e', 'f', 'g'],
    1,
    [...'abcdefg']
      .map((name) => found(name))
      .toReversed()
      .concat(found('h'), found('i')),
  ],
])('%s', (_, known, apart, answers) => {
  expect([...after(apart, ...answers)]).toEqual(known);
});

it('takes none outside its domain', () => {
  const elsewhere = { fqdn: 'sip.example.net', port: 5061, priority: 0, weight: 0 };
  expect(knownEdges('fabrikam.com', [], { outcome: 'Found', targets: [elsewhere], expiresAt: now }, now)).toEqual([]);
});

it('is written down where it changes, and not each time that it is seen', () => {
  const first = knownEdges('fabrikam.com', [], found('a'), now);
  const data = edgeData(undefined, first);
  expect(edgesIn(data)).toEqual(first);
  const again = (later: number, ...names: readonly string[]) =>
    edgeData(data, knownEdges('fabrikam.com', first, found(...names), now + later));
  expect(again(minute, 'a')).toBeUndefined();
  expect(edgesIn(again(minute, 'b'))).toHaveLength(2);
  expect(edgesIn(again(7 * hour, 'a'))).toMatchObject([{ seenAt: now + 7 * hour }]);
  expect(edgesIn({ 'edges.json': 'nonsense' })).toEqual([]);
});
