/** The arithmetic of limits: days, what is left, forecasts in words. Pure. */
import type { Limits, LimitsForecast, Usage } from '../lib/api/types';
import { count, dayWords, nextDay, plural } from '../lib/format';

type Days = Usage['own'];

/** Every day from the first to today with what was used on it; days without any count 0. */
export function everyDay(days: Days, from: string, today: string): { day: string; used: number }[] {
  const used = new Map(days.map((one) => [one.day, one.used]));
  const all: { day: string; used: number }[] = [];
  for (let day = from; day <= today && all.length < 400; day = nextDay(day)) all.push({ day, used: used.get(day) ?? 0 });
  return all;
}

/** What was used on a day. */
export function usedOn(days: Days, day: string): number {
  return days.find((one) => one.day === day)?.used ?? 0;
}

/** How much of a limit is left; null where there is none. */
export function left(used: number, limit: number): number | null {
  return limit === 0 ? null : Math.max(0, limit - used);
}

/** Whether the configuration file sets a field. */
export function pinned(limits: Limits, field: string): boolean {
  return limits.set_in_configuration.includes(`limits.${field}`);
}

/** A limit in words. */
export function limitWords(limit: number): string {
  return limit === 0 ? 'no limit' : count(limit);
}

/** What would become of so many messages: "80 of 100 would go today. 20 on 24 Nov." */
export function forecastWords(forecast: LimitsForecast, now: Date): string {
  const { count: n, today, later, beyond } = forecast;
  if (today === n) return n === 1 ? 'It would go today.' : `All ${count(n)} would go today.`;
  const parts = [today === 0 ? (n === 1 ? 'It would not go today' : `None of the ${count(n)} would go today`) : `${count(today)} of ${count(n)} would go today`];
  const days = later.filter((one) => one.count > 0);
  const first = days.slice(0, 3).map((one) => `${count(one.count)} on ${dayWords(one.day, now)}`);
  if (first.length > 0) parts.push(first.join(', '));
  const rest = days.slice(3);
  const last = rest.at(-1);
  if (last) parts.push(`${count(rest.reduce((sum, one) => sum + one.count, 0))} on the days until ${dayWords(last.day, now)}`);
  if (beyond > 0) parts.push(`${plural(beyond, 'e-mail')} would still wait after a year`);
  return `${parts.join('; ')}.`;
}

/** Why mail is held, in a person's words. */
export function holdWords(reason: string | null | undefined): string {
  return (
    {
      system_limit: 'The server’s daily limit is reached',
      user_limit: 'The sender’s daily limit is reached',
      administrator: 'Held by somebody',
      paused: 'Sending is paused',
    }[reason ?? ''] ?? 'Held'
  );
}

/** Whether it is a limit that holds it. */
export function heldByLimit(reason: string | null | undefined): boolean {
  return reason === 'system_limit' || reason === 'user_limit';
}
