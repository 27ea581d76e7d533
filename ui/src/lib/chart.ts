/** The arithmetic of charts: scales, round ticks, paths. Pure. */

export type Series = { name: string; values: (number | null)[] };

/** Round numbers from 0 to at least `max`, about `wanted` of them. */
export function ticks(max: number, wanted = 4): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const whole = Math.max(step, max < wanted ? Math.min(1, step) : step);
  return Array.from({ length: Math.ceil(max / whole) + 1 }, (_, i) => Number((i * whole).toPrecision(12)));
}

/** The largest value of all series, or of their sums where they are stacked. */
export function highest(series: Series[], stacked: boolean): number {
  const length = Math.max(0, ...series.map((one) => one.values.length));
  let high = 0;
  for (let i = 0; i < length; i += 1) {
    const values = series.map((one) => one.values[i] ?? 0);
    high = Math.max(high, stacked ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values));
  }
  return high;
}

/** An SVG path through the points; a gap where a value is missing. */
export function linePath(values: (number | null)[], x: (i: number) => number, y: (value: number) => number): string {
  let path = '';
  let pen = false;
  values.forEach((value, i) => {
    if (value === null) pen = false;
    else {
      path += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = true;
    }
  });
  return path;
}

/** Which of `n` labels to write so that at most `most` stand side by side. */
export function everyNth(n: number, most: number): number {
  return Math.max(1, Math.ceil(n / Math.max(1, most)));
}
