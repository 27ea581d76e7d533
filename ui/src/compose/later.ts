/** Times to send later: proposals, and what is wrong with one that was typed. Pure; local times are `2026-11-24T08:00`. */
import { localTime, momentOf } from '../lib/format';

export type Proposal = { label: string; at: string };

const MORNING = '08:00';
const DAYS_MAX = 366;

/** An hour from now, this evening's end of work is past: tomorrow and Monday in the morning. */
export function proposals(now: Date): Proposal[] {
  const today = localTime(now.toISOString()).slice(0, 10);
  const inAnHour = new Date(Math.ceil((now.getTime() + 3_600_000) / 300_000) * 300_000).toISOString();
  const weekday = new Date(`${today}T12:00:00Z`).getUTCDay();
  const toMonday = (8 - weekday) % 7 || 7;
  return [
    { label: 'In an hour', at: inAnHour },
    { label: 'Tomorrow morning', at: momentOf(`${dayAfter(today, 1)}T${MORNING}`) },
    // On a Sunday tomorrow is Monday.
    ...(toMonday === 1 ? [] : [{ label: 'Monday morning', at: momentOf(`${dayAfter(today, toMonday)}T${MORNING}`) }]),
  ];
}

/** What is wrong with a local time; null where mail can be sent then. */
export function faultOfTime(local: string, now: Date): string | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(local)) return 'Choose a day and a time.';
  const moment = new Date(momentOf(local)).getTime();
  if (moment <= now.getTime()) return 'This time has passed. Choose a later one.';
  return moment > now.getTime() + DAYS_MAX * 86_400_000 ? 'At most a year ahead.' : null;
}

function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}
