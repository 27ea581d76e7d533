import { describe, expect, it } from 'vitest';
import { CONTENT_MAX_PX, Scale } from '../../src/queue/scale';

const ROW = 36;
const VIEW = 700;

function scaleOf(total: number): Scale {
  const scale = new Scale();
  scale.resize(total, ROW, VIEW);
  return scale;
}

describe('a list that the browser can draw whole', () => {
  it('follows the scrollbar pixel for pixel', () => {
    const scale = scaleOf(1_000);
    expect(scale.contentHeight).toBe(36_000);
    scale.scrolled(20_000);
    expect([scale.top, scale.offset]).toEqual([20_000, 0]);
    expect(scale.range.first).toBe(555);
  });
});

describe('a million rows', () => {
  it('stay below the height that Chromium draws', () => {
    expect(scaleOf(1_000_000).contentHeight).toBe(CONTENT_MAX_PX);
  });

  it('end with the last row when the scrollbar is dragged to its end', () => {
    const scale = scaleOf(1_000_000);
    scale.scrolled(CONTENT_MAX_PX - VIEW);
    expect(scale.range.last).toBe(999_999);
  });

  it('reach the middle when the scrollbar is dragged to the middle', () => {
    const scale = scaleOf(1_000_000);
    scale.scrolled((CONTENT_MAX_PX - VIEW) / 2);
    expect(Math.abs(scale.range.first - 500_000)).toBeLessThan(20);
  });

  it('move one to one on the wheel', () => {
    const scale = scaleOf(1_000_000);
    scale.scrolled(8_000_000);
    const before = scale.top;
    scale.scrolled(8_000_120);
    expect(scale.top - before).toBeCloseTo(120, 6);
  });

  it('keep the rows where they are when the scrollbar is put right', () => {
    const scale = scaleOf(1_000_000);
    scale.scrolled(8_000_000);
    for (let at = 8_000_000; at < 8_005_000; at += 100) scale.scrolled(at);
    const top = scale.top;
    const bar = scale.settle();
    scale.scrolled(bar);
    expect(scale.top).toBe(top);
  });

  it('need no jump to come to the top by the wheel alone', () => {
    const scale = scaleOf(1_000_000);
    let bar = scale.moveTo(300 * ROW + 40_000);
    let last = scale.top;
    for (let i = 0; i < 1_000 && scale.top > 0; i += 1) {
      bar = Math.max(0, bar - 100);
      scale.scrolled(bar);
      expect(last - scale.top).toBeLessThanOrEqual(100.001);
      last = scale.top;
      if (scale.drifted) bar = scale.settle();
    }
    expect([bar, scale.top]).toEqual([0, 0]);
  });

  it('show a row that is asked for, wherever it is', () => {
    const scale = scaleOf(1_000_000);
    scale.reveal(777_777);
    expect(scale.range.first).toBeLessThanOrEqual(777_777);
    expect(scale.range.last).toBeGreaterThanOrEqual(777_777);
    expect(scale.reveal(777_777)).toBeNull();
  });

  it('keep the row at the top when rows become cards', () => {
    const scale = scaleOf(1_000_000);
    scale.reveal(500_000);
    const first = scale.range.first;
    scale.resize(1_000_000, 66, VIEW);
    expect(Math.abs(scale.range.first - first)).toBeLessThanOrEqual(1);
  });
});

it('an empty list has no rows in view', () => {
  const scale = scaleOf(0);
  expect(scale.range.last).toBeLessThan(scale.range.first);
});
