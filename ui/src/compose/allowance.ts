/** What is left of the day's limits, in a sentence. Pure. */
import type { components } from '../lib/api/schema';
import { count, fullDate } from '../lib/format';

type Schemas = components['schemas'];
export type Limits = Pick<Schemas['LimitsAnswer'], 'user_daily_limit' | 'system_daily_limit' | 'day' | 'day_ends_at'>;
export type Forecast = Schemas['ForecastAnswer'];

export type Allowance = { tone: 'quiet' | 'hold'; text: string; left: number | null };

/** Below this share of the limit, what is left is told with more weight. */
const FEW = 0.05;

/** `used` is what this person was charged today. */
export function allowance(limits: Limits, used: number, forecast: Forecast): Allowance | null {
  const limit = limits.user_daily_limit;
  const left = limit > 0 ? Math.max(0, limit - used) : null;
  if (forecast.today === 0) return { tone: 'hold', text: heldText(limits, used, forecast), left };
  if (left === null) return null;
  return { tone: left <= limit * FEW ? 'hold' : 'quiet', text: `${count(left)} of ${count(limit)} e-mails left today`, left };
}

function heldText(limits: Limits, used: number, forecast: Forecast): string {
  const own = limits.user_daily_limit > 0 && used >= limits.user_daily_limit;
  const whose = own
    ? `You have sent all ${count(limits.user_daily_limit)} e-mails that you may send today.`
    : limits.system_daily_limit > 0 && forecast.waiting === 0
      ? `Today’s limit of ${count(limits.system_daily_limit)} e-mails for the whole system has been reached.`
      : 'Today’s limit has been reached.';
  const day = forecast.later[0]?.day;
  const waits = forecast.waiting > 0 ? `, after ${count(forecast.waiting)} of yours that wait already` : '';
  if (!day) return `${whose} This one would wait for more than a year: ask an administrator to raise the limit.`;
  return `${whose} This one is kept and goes out by itself ${whenOf(limits, day)}${waits}.`;
}

function whenOf(limits: Limits, day: string): string {
  const next = new Date(`${limits.day}T12:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  if (next.toISOString().slice(0, 10) !== day) return `on ${dayWords(day)}`;
  // To the minute: the seconds of a day's end are always 00.
  return `when the new day begins (${fullDate(limits.day_ends_at).replace(/:00(?= |$)/, '')})`;
}

function dayWords(day: string): string {
  return new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' }).format(new Date(`${day}T12:00:00Z`));
}
