import { expect, it } from 'vitest';
import { everyNth, highest, linePath, ticks } from '../../src/lib/chart';

it('ticks are round and reach the highest value', () => {
  expect(ticks(2000)).toEqual([0, 500, 1000, 1500, 2000]);
  expect(ticks(2001).at(-1)).toBeGreaterThanOrEqual(2001);
  expect(ticks(0)).toEqual([0, 1]);
});

it('few things are counted in whole numbers', () => {
  expect(ticks(3)).toEqual([0, 1, 2, 3]);
});

it('stacked series reach as high as their sum', () => {
  const series = [{ name: 'a', values: [1, 4] }, { name: 'b', values: [2, null] }];
  expect(highest(series, true)).toBe(4);
  expect(highest(series, false)).toBe(4);
  expect(highest([series[0]!, { name: 'c', values: [9, 9] }], true)).toBe(13);
});

it('a missing value leaves a gap in the line', () => {
  expect(linePath([1, null, 2, 3], (i) => i, (v) => v)).toBe('M0.0 1.0M2.0 2.0L3.0 3.0');
});

it('labels are thinned out where they would touch', () => {
  expect([everyNth(30, 10), everyNth(5, 10), everyNth(5, 0)]).toEqual([3, 1, 5]);
});
