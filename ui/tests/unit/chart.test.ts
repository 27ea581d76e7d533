import { expect, it } from 'vitest';
import { areaPath, everyNth, highest, linePath, lonely, tenfoldPlace, tenfoldTicks, ticks, timeMarks, timeTicks } from '../../src/lib/chart';

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

it('lengths of time are marked as people count them', () => {
  expect(timeTicks(80_000)).toEqual([0, 30_000, 60_000, 90_000]);
  expect(timeTicks(3 * 3_600_000)).toEqual([0, 1, 2, 3].map((h) => h * 3_600_000));
  expect(timeTicks(0)).toEqual([0, 1000]);
  expect(timeTicks(90 * 86_400_000).at(-1)).toBeGreaterThanOrEqual(90 * 86_400_000);
});

it('a tenfold scale holds every value, and stands evenly between two lines', () => {
  const lines = tenfoldTicks([28, 46, 1_850, 7_200_000]);
  expect(lines[0]).toBeLessThanOrEqual(28);
  expect(lines.at(-1)).toBeGreaterThanOrEqual(7_200_000);
  expect(tenfoldPlace(lines[0] ?? 0, lines)).toBe(0);
  expect(tenfoldPlace(lines.at(-1) ?? 0, lines)).toBe(1);
  expect(tenfoldPlace(Math.sqrt(1000), [10, 100, 1000])).toBeCloseTo(0.25);
  expect(tenfoldPlace(0, [1, 10])).toBe(0);
  expect(tenfoldTicks([]).length).toBeGreaterThan(1);
});

it('a value with gaps on both sides is drawn as a dot, and an area ends at a gap', () => {
  expect(lonely([1, null, 2, null, 3, 4])).toEqual([0, 2]);
  expect(areaPath([1, 2, null, 3], (i) => i, (v) => v).match(/M/g)).toHaveLength(2);
});

it('an axis of time names full hours, and the day where one begins', () => {
  // Ten to eleven at night, two hours on, in steps of five minutes.
  const minutes = Array.from({ length: 25 }, (_, i) => 1440 * 9 + 22 * 60 + 50 + i * 5);
  const marks = timeMarks(minutes, 3);
  expect(marks.map(({ i }) => (minutes[i] ?? 0) % 60)).toEqual(marks.map(() => 0));
  expect(marks).toContainEqual({ i: 14, day: true });
  expect(marks.filter((mark) => mark.day)).toHaveLength(1);
  expect(timeMarks([], 5)).toEqual([]);
});
