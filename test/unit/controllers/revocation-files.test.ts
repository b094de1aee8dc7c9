// When the CRLs of partners lie in an Edge's own ConfigMap: with their anchors, and never in the place of an output.
import { type Content, contentWithin, revocationFiles } from '../../../operator/controllers/trusted-server/revocation-files.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';

const empty = trustBundle([], 0);

type Output = 'a' | 'b';
const outputs: readonly Output[] = ['a', 'b'];
const federation = {
  bundle: { ...empty, pem: 'anchors' },
  partners: [],
  discovered: empty,
  discoveredMedia: [],
  closedDomains: [],
};

it('are named with the anchors whose CRLs they are, or neither is there', () => {
  expect(revocationFiles({ ...federation, revocationLists: 'lists' })).toEqual({ 'partners.crt': 'anchors', 'crl.pem': 'lists' });
  expect(revocationFiles(federation)).toEqual({});
  expect(revocationFiles(undefined)).toEqual({});
});

describe('beside the outputs', () => {
  const lists = { 'crl.pem': 'lists' };
  /** The outputs that have no room with the lists, and without them, of two; and why others are refused. */
  const contents =
    (withLists: readonly Output[], without: readonly Output[], others: readonly string[] = []) =>
    (given: object): Content => {
      const refused = 'crl.pem' in given ? withLists : without;
      const rendered = outputs.filter((output) => !refused.includes(output));
      return {
        data: { ...given, ...Object.fromEntries(rendered.map((output) => [`${output}.cfg`, ''])) },
        refused: [...others, ...refused.map((output) => `no room for ${output}`)],
      };
    };
  const both = { 'a.cfg': '', 'b.cfg': '' };

  it('are there where there is room', () => {
    expect(contentWithin(contents([], []), lists)).toEqual({ data: { ...lists, ...both }, refused: [] });
  });

  it('stay where an output is refused for another reason', () => {
    const content = contentWithin(contents([], [], ['not for an Edge']), lists);
    expect(content).toEqual({ data: { ...lists, ...both }, refused: ['not for an Edge'] });
    expect(contentWithin(contents(['a'], ['a']), lists).data).toEqual({ ...lists, 'b.cfg': '' });
  });

  it('go, and are told of, where an output would go on their account', () => {
    const { data, refused } = contentWithin(contents(['a'], [], ['not for an Edge']), lists);
    expect(data).toEqual(both);
    expect(refused).toEqual([
      'not for an Edge',
      expect.stringMatching(/^crl\.pem is left out, and no file names it: there is no room/),
    ]);
  });

  it('go where one output would go on their account, though another finds room in its place', () => {
    const { data, refused } = contentWithin(contents(['a'], ['b']), lists);
    expect(data).toEqual({ 'a.cfg': '' });
    expect(refused).toEqual(['no room for b', expect.stringContaining('crl.pem is left out')]);
  });
});
