/**
 * What the mock has measured of itself: an office's day, busy from eight to six, with the half hour this morning in which
 * its e-mail server was down and the hour last night in which the server did not run.
 */
import type { Call } from './subjects.ts';

/** How much there is to tell: of a server that runs for weeks, that has just started, whose mail has stopped. */
export type Measured = 'busy' | 'new' | 'stuck';

const STEPS: Record<number, number> = { 1: 10, 24: 300, 168: 1800 };
const HOUR = 3_600_000;

export function status({ mock, route, url, json, problem, login, rights, office }: Call): boolean {
  if (route !== 'GET /status/history') return false;
  if (!login || !rights.includes('administrator') || (office && office.id !== 1)) {
    problem(403, 'not_permitted', 'This is not permitted', 'Only administrators of the System Office may do this.', { rule: 'administer_system' });
    return true;
  }
  const hours = Number(url.searchParams.get('hours') ?? 1);
  const step = STEPS[hours];
  if (!step) problem(422, 'bad_parameter', 'A parameter cannot be used', `hours: is ${hours}, but has to be 1, 24 or 168 (a week)`, { field: 'hours' });
  else json(200, history(mock.measured, hours, step * 1000));
  return true;
}

function history(measured: Measured, hours: number, step: number): unknown {
  const now = Date.now();
  const measuredAt = Math.floor(now / 10_000) * 10_000;
  const first = Math.ceil((measuredAt - hours * HOUR) / step) * step;
  const points = [];
  for (let from = first; from < measuredAt; from += step) {
    const point = measured === 'new' && measuredAt - from > 240_000 + step ? null : pointAt(from, step, measuredAt, measured);
    if (point) points.push(point);
  }
  const started = measured === 'new' ? measuredAt - 240_000 : Date.parse(at(measuredAt - 9.4 * HOUR));
  const per = measured === 'new' ? 1 / 15 : 1;
  return {
    step_seconds: step / 1000,
    measured_at: at(measuredAt),
    points,
    last_hour: {
      since: at(measured === 'new' ? started : measuredAt - HOUR),
      accepted: Math.round(1_211 * per),
      sent: measured === 'stuck' ? 12 : Math.round(1_204 * per),
      failed: Math.round(3 * per),
      latency_p50_ms: 46,
      latency_p95_ms: 1_850,
    },
    nodes: [{ name: 'mail.office.example.com', version: '0.1.0', since: at(started), role: 'single' }],
  };
}

function pointAt(from: number, step: number, now: number, measured: Measured): unknown {
  const ago = (now - from) / HOUR;
  // Last night the server was updated.
  if (ago > 9.4 && ago < 10.4) return null;
  const hour = new Date(from).getUTCHours() + new Date(from).getUTCMinutes() / 60;
  const weekend = [0, 6].includes(new Date(from).getUTCDay()) && ago > 24;
  const office = Math.exp(-(((hour - 13) / 4) ** 2));
  const busy = (ago < 1.2 ? 0.9 : 0.06 + office) * (weekend ? 0.15 : 1);
  const noise = (salt: number): number => ((Math.sin(from / 7919 + salt * 13.7) * 43758.5453) % 1 + 1) % 1;
  const out = ago > 3 && ago < 3.5;
  const stuck = measured === 'stuck' && ago < 0.7;
  const rate = (step / 10_000) * busy * (2 + 2.6 * noise(1) + (noise(2) > 0.97 ? 14 : 0));
  const accepted = Math.round(rate);
  const backlog = out ? (3.5 - ago) * 2 * 640 : stuck ? (0.7 - ago) * 1_400 : ago > 2.9 && ago <= 3 ? 300 : 0;
  const sent = out || stuck ? 0 : Math.max(0, accepted - Math.round(noise(3) * 0.6)) + (ago > 2.9 && ago <= 3 ? 320 : 0);
  const age = out ? (3.5 - ago) * 3600 : stuck ? (0.7 - ago) * 3600 : noise(4) * 14 + (noise(5) > 0.93 ? 60 * noise(6) : 0);
  const half = sent > 0 ? Math.round(28 + 40 * noise(7) + (ago > 2.9 && ago <= 3 ? 840_000 : 0)) : null;
  return {
    at: at(from),
    waiting: Math.round(backlog + busy * (3 + 9 * noise(8))),
    oldest_seconds: Math.round(age),
    accepted,
    sent,
    failed: noise(9) > 0.96 ? 1 : 0,
    latency_p50_ms: half,
    latency_p95_ms: half === null ? null : Math.round(half * (6 + 30 * noise(10))),
  };
}

const at = (ms: number): string => new Date(ms).toISOString();
