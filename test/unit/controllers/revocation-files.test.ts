// When the CRLs of partners lie in an Edge's own ConfigMap: with their anchors, and never in the place of an output.
import { type Content, contentWithin, revocationFiles } from '../../../operator/controllers/trusted-server/revocation-files.ts';
import { trustBundle } from '../../../operator/trust/bundle.ts';

const empty = trustBundle([], 0);
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
  /** What is refused with the lists, and what without them. */
  const contents =
    (withLists: readonly string[], without: readonly string[]) =>
    (given: object): Content => ({ data: { ...given, 'ca.crt': '' }, refused: 'crl.pem' in given ? withLists : without });

  it('are there where there is room', () => {
    expect(contentWithin(contents([], []), lists)).toEqual({ data: { ...lists, 'ca.crt': '' }, refused: [] });
  });

  it('stay where an output is refused for another reason', () => {
    const content = contentWithin(contents(['not for an Edge'], ['not for an Edge']), lists);
    expect(content).toEqual({ data: { ...lists, 'ca.crt': '' }, refused: ['not for an Edge'] });
  });

  it('go, and are told of, where an output would go on their account', () => {
    const { data, refused } = contentWithin(contents(['not for an Edge', 'no room'], ['not for an Edge']), lists);
    expect(data).toEqual({ 'ca.crt': '' });
    expect(refused).toEqual([
      'not for an Edge',
      expect.stringMatching(/^crl\.pem is left out, and no file names it: there is no room/),
    ]);
  });
});
