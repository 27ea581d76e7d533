/** The arithmetic of charts: scales, round ticks, paths. Pure. */

/** `ground` fills what lies below the line, so that a line drawn over it does not hide it. */
export type Series = { name: string; values: (number | null)[]; ground?: boolean };

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

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Lengths of time that people count in, in milliseconds. */
const LENGTHS = [1000, 2000, 5000, 10_000, 15_000, 30_000, ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), ...[1, 2, 3, 6, 12].map((n) => n * HOUR), DAY, 2 * DAY, 7 * DAY];

/** Lengths of time from 0 to at least `max` milliseconds that people would write on a scale, about `wanted` of them. */
export function timeTicks(max: number, wanted = 4): number[] {
  const step = LENGTHS.find((one) => one >= max / wanted) ?? Math.ceil(max / wanted / (7 * DAY)) * 7 * DAY;
  return Array.from({ length: Math.max(1, Math.ceil(max / step)) + 1 }, (_, i) => i * step);
}

/** What a scale of times names that grows about tenfold with each line: from milliseconds to days, in milliseconds. */
const TENFOLD = [1, 10, 100, 1000, 10_000, MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, 4 * DAY, 40 * DAY];

/** The lines of a tenfold scale that holds these values, at least two. */
export function tenfoldTicks(values: number[]): number[] {
  const known = values.filter((value) => value > 0);
  const low = Math.max(0, TENFOLD.findLastIndex((one) => one <= Math.min(...known, 10)));
  const high = TENFOLD.findIndex((one) => one >= Math.max(...known, 100));
  return TENFOLD.slice(low, (high < 0 ? TENFOLD.length - 1 : high) + 1);
}

/** Where a value lies between the first and the last line of a tenfold scale, from 0 to 1: even between two lines. */
export function tenfoldPlace(value: number, lines: number[]): number {
  const above = lines.findIndex((line) => line >= value);
  if (above === 0) return 0;
  if (above < 0) return 1;
  const [from = 1, to = 10] = lines.slice(above - 1, above + 1);
  return (above - 1 + Math.log(value / from) / Math.log(to / from)) / (lines.length - 1);
}

/** Values without a neighbour on either side: a line does not show them. */
export function lonely(values: (number | null)[]): number[] {
  const gone = (i: number): boolean => (values[i] ?? null) === null;
  return values.flatMap((_, i) => (!gone(i) && gone(i - 1) && gone(i + 1) ? [i] : []));
}

/** The lines below which an area is filled: one closed path for each unbroken run. */
export function areaPath(values: (number | null)[], x: (i: number) => number, y: (value: number) => number): string {
  let path = '';
  for (let i = 0; i < values.length; i += 1) {
    if ((values[i] ?? null) === null) continue;
    let end = i;
    while ((values[end + 1] ?? null) !== null) end += 1;
    const run = values.slice(i, end + 1).map((value, n) => `L${x(i + n).toFixed(1)} ${y(value ?? 0).toFixed(1)}`);
    path += `M${x(i).toFixed(1)} ${y(0).toFixed(1)}${run.join('')}L${x(end).toFixed(1)} ${y(0).toFixed(1)}Z`;
    i = end;
  }
  return path;
}

/** Minutes between two marks of an axis of time. */
const MARKS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880];

export type Mark = { i: number; day: boolean };

/**
 * Which moments an axis names, at most `most`: full hours, quarters, days, as fits. `minutes` are the moments as minutes
 * of the person's own clock; a mark is a `day` where it begins one.
 */
export function timeMarks(minutes: number[], most: number): Mark[] {
  const [first = 0, last = 0] = [minutes[0], minutes.at(-1)];
  const step = MARKS.find((one) => (last - first) / one <= most) ?? 10_080;
  const marks: Mark[] = [];
  minutes.forEach((minute, i) => {
    const before = i === 0 ? minute - 1 : (minutes[i - 1] ?? minute);
    if (Math.floor(minute / step) === Math.floor(before / step)) return;
    marks.push({ i, day: Math.floor(minute / 1440) !== Math.floor(before / 1440) });
  });
  return marks;
}
