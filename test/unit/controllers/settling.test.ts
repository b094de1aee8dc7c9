// For how long an object has waited for what comes by itself.
import { Settling } from '../../../operator/controllers/settling.ts';

it('counts from the first look at which an object waited', () => {
  const settling = new Settling();
  expect([settling.follow('voice/a', true, 1000), settling.follow('voice/a', true, 4000)]).toEqual([0, 3000]);
  expect([settling.has('voice/a'), settling.has('voice/b'), settling.keys()]).toEqual([true, false, ['voice/a']]);
});

it('begins anew for one that had what it waited for, or was gone', () => {
  const settling = new Settling();
  settling.follow('voice/a', true, 1000);
  expect(settling.follow('voice/a', false, 2000)).toBeUndefined();
  expect(settling.follow('voice/a', true, 3000)).toBe(0);
  settling.forget('voice/a');
  expect(settling.keys()).toEqual([]);
});
