/** What the server measured of itself, made into what the charts draw. Pure. */
import type { Series } from '../lib/chart';

export type Hours = 1 | 24 | 168;

export type HistoryPoint = {
  at: string;
  waiting: number;
  oldest_seconds: number | null;
  accepted: number;
  sent: number;
  failed: number;
  latency_p50_ms: number | null;
  latency_p95_ms: number | null;
};

export type LastHour = { since: string | null; accepted: number; sent: number; failed: number; latency_p50_ms: number | null; latency_p95_ms: number | null };
export type NodeStatus = { name: string; version: string; since: string; role: 'single' };

/** `GET /status/history`, as docs/api/status.md has it. */
export type StatusHistory = {
  step_seconds: number;
  measured_at: string | null;
  points: HistoryPoint[];
  last_hour: LastHour;
  nodes: NodeStatus[];
};

/** How finely mail is counted in the chart of each span: each bar long enough to hold more than noise. */
const BINS: Record<Hours, { seconds: number; words: string }> = {
  1: { seconds: 60, words: 'in each minute' },
  24: { seconds: 15 * 60, words: 'in each quarter of an hour' },
  168: { seconds: 2 * 3600, words: 'in every two hours' },
};

export type Plots = {
  /** The moments of the levels, and of the counts, in milliseconds. */
  times: number[];
  flowTimes: number[];
  flowWords: string;
  waiting: Series[];
  oldest: Series[];
  latency: Series[];
  flow: Series[];
};

/**
 * The series of a span that ends with the newest point. What was not measured is null, a gap: the axis is that of the
 * whole span, also of a server that has run for a minute.
 */
export function plots(history: StatusHistory, hours: Hours): Plots {
  const step = history.step_seconds * 1000;
  const last = Date.parse(history.points.at(-1)?.at ?? history.measured_at ?? new Date(0).toISOString());
  const n = Math.round((hours * 3_600_000) / step);
  const first = last - (n - 1) * step;
  const slots: (HistoryPoint | null)[] = Array.from({ length: n }, () => null);
  for (const point of history.points) {
    const i = Math.round((Date.parse(point.at) - first) / step);
    if (i >= 0 && i < n) slots[i] = point;
  }
  const times = slots.map((_, i) => first + i * step);
  const one = (name: string, of: (point: HistoryPoint) => number | null): Series => ({ name, values: slots.map((point) => (point ? of(point) : null)) });
  return {
    times,
    waiting: [one('Waiting', (point) => point.waiting)],
    // Nothing waited: the oldest of nothing is no time old, and the line stays whole.
    oldest: [one('Oldest', (point) => (point.oldest_seconds === null && point.waiting > 0 ? null : (point.oldest_seconds ?? 0) * 1000))],
    latency: [one('Half of them', (point) => point.latency_p50_ms), one('95 of 100', (point) => point.latency_p95_ms)],
    ...flow(history, hours, first),
  };
}

/** Counts in bins that begin at full minutes, quarters or hours; the one that is still under way is left out. */
function flow(history: StatusHistory, hours: Hours, first: number): Pick<Plots, 'flow' | 'flowTimes' | 'flowWords'> {
  const { seconds, words } = BINS[hours];
  const bin = seconds * 1000;
  const begin = Math.ceil(first / bin) * bin;
  const end = Math.floor(Date.parse(history.measured_at ?? history.points.at(-1)?.at ?? '') / bin) * bin;
  const n = Math.max(0, Math.min(Math.round((end - begin) / bin) || 0, Math.round((hours * 3_600_000) / bin)));
  const names = { accepted: 'Taken in', sent: 'Sent', failed: 'Not delivered' } as const;
  const sums: Series[] = Object.entries(names).map(([key, name]) => ({ name, ground: key === 'accepted', values: Array.from({ length: n }, (): number | null => null) }));
  for (const point of history.points) {
    const i = Math.floor((Date.parse(point.at) - begin) / bin);
    Object.keys(names).forEach((key, s) => {
      const values = sums[s]?.values;
      if (values && i >= 0 && i < n) values[i] = (values[i] ?? 0) + point[key as keyof typeof names];
    });
  }
  return { flow: sums, flowTimes: Array.from({ length: n }, (_, i) => begin + i * bin), flowWords: words };
}
