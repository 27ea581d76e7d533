/** Dates, sizes and counts as people read them. Pure: "now" comes in. */

/** Characters that nobody sees, or that change how what is around them is shown. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A stored login or address in which hidden characters are seen: as `\u{200b}`. */
export function escapeHidden(text: string): string {
  return text.replaceAll(HIDDEN, (c) => `\\u{${c.codePointAt(0)?.toString(16) ?? ''}}`);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Formats = Record<'clock' | 'minutes' | 'dayClock' | 'dayYear' | 'full' | 'day' | 'weekday' | 'shortDay', Intl.DateTimeFormat>;

function formatsIn(timeZone: string | undefined): Formats {
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => new Intl.DateTimeFormat('en-GB', { timeZone, ...options });
  const time = { hour: '2-digit', minute: '2-digit' } as const;
  const day = { day: 'numeric', month: 'short' } as const;
  return {
    clock: format({ ...time, second: '2-digit' }),
    minutes: format(time),
    weekday: format({ weekday: 'long', ...day }),
    dayClock: format({ ...day, ...time }),
    dayYear: format({ ...day, year: 'numeric' }),
    full: format({ weekday: 'short', ...day, year: 'numeric', ...time, second: '2-digit', timeZoneName: 'short' }),
    day: format({ year: 'numeric', month: '2-digit', day: '2-digit' }),
    shortDay: format({ weekday: 'short', day: 'numeric' }),
  };
}

let formats = formatsIn(undefined);
let zone: string | undefined;

/** The zone that all dates are told in from now on; an empty or unknown name stands for the browser's. */
export function setTimeZone(name: string): void {
  try {
    formats = formatsIn(name || undefined);
    zone = name || undefined;
  } catch {
    formats = formatsIn(undefined);
    zone = undefined;
  }
}

/** Days without a time are the same everywhere. */
const days = {
  short: new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' }),
  long: new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' }),
};
const counts = new Intl.NumberFormat('en-US');

/** A date in as few words as are clear: the time today, day and time this year, the day before that. */
export function shortDate(iso: string | null, now: Date): string {
  if (!iso) return '';
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  const [then, today] = [formats.day.format(date), formats.day.format(now)];
  if (then === today) return formats.clock.format(date);
  // The day is written day/month/year.
  if (then.slice(-4) === today.slice(-4)) return formats.dayClock.format(date).replace(',', '');
  return formats.dayYear.format(date);
}

/** A date with everything: weekday, day, time to the second and zone. */
export function fullDate(iso: string | null): string {
  if (!iso) return '';
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? '' : formats.full.format(date);
}

/** The time of day alone: "10:42". */
export function clockTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? '' : formats.minutes.format(date);
}

/** The day of a moment as people say it: "Today", "Yesterday", "Sunday 22 Nov", with the year where it is another. */
export function dayName(iso: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  // The day is written day/month/year.
  const day = formats.day.format(date);
  if (day === formats.day.format(now)) return 'Today';
  if (day === formats.day.format(new Date(now.getTime() - DAY))) return 'Yesterday';
  return day.slice(-4) === formats.day.format(now).slice(-4) ? formats.weekday.format(date).replace(',', '') : formats.dayYear.format(date);
}

/** How far away a moment is: "in 4 min", "2 h ago", "now". */
export function relative(iso: string, now: Date): string {
  const distance = new Date(iso).getTime() - now.getTime();
  const size = Math.abs(distance);
  if (Number.isNaN(size)) return '';
  if (size < 10_000) return 'now';
  const [amount, unit] =
    size < MINUTE
      ? [Math.round(size / 1000), 's']
      : size < HOUR
        ? [Math.round(size / MINUTE), 'min']
        : size < 2 * DAY
          ? [Math.round(size / HOUR), 'h']
          : [Math.round(size / DAY), 'days'];
  return distance > 0 ? `in ${amount} ${unit}` : `${amount} ${unit} ago`;
}

/** 1234567 as "1,234,567". */
export function count(n: number): string {
  return counts.format(n);
}

/** "1 message", "1,234 messages". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** What a relay said, with its codes: "550 5.1.1 No such mailbox". */
export function reply(...parts: (string | number | null | undefined)[]): string {
  return parts.filter((part) => part !== null && part !== undefined && part !== '').join(' ');
}

/** Bytes in the unit a person would say. */
export function size(bytes: number): string {
  if (bytes < 1000) return plural(bytes, 'byte');
  if (bytes < 999_500) return `${round(bytes / 1000)} kB`;
  return `${round(bytes / 1_000_000)} MB`;
}

/** Milliseconds in the unit a person would say. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${round(ms / 1000)} s`;
  return `${Math.floor(ms / MINUTE)} min ${Math.round((ms % MINUTE) / 1000)} s`;
}

/** A length of time in one unit, for scales and tiles: "250 ms", "12 s", "4 min", "2 h", "3 days". */
export function briefly(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${round(ms / 1000)} s`;
  if (ms < HOUR) return `${round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${round(ms / HOUR)} h`;
  return `${round(ms / DAY)} days`;
}

/** The same in words that a sentence takes: "12 seconds", "4 minutes", "2 hours", "3 days". */
export function inWords(seconds: number): string {
  if (seconds < 100) return plural(Math.round(seconds), 'second');
  if (seconds < 100 * 60) return plural(Math.round(seconds / 60), 'minute');
  if (seconds < 48 * 3600) return plural(Math.round(seconds / 3600), 'hour');
  return plural(Math.round(seconds / 86_400), 'day');
}

/** A moment as minutes of the person's own clock, counted from 1970 on: for axes that name full hours and days. */
export function localMinutes(moment: number): number {
  const offset = zone ? offsetAt(moment, zone) : -new Date(moment).getTimezoneOffset() * MINUTE;
  return (moment + offset) / MINUTE;
}

/** What an axis of time writes: the time, or the day where one begins. */
export function axisLabel(moment: number, day: boolean): string {
  return (day ? formats.shortDay : formats.minutes).format(new Date(moment));
}

function round(n: number): string {
  return n < 10 ? (Math.round(n * 10) / 10).toString() : Math.round(n).toString();
}

/** The moment at which a day (`2026-11-23`) begins where the person is. */
export function startOfDay(day: string): string {
  return momentOf(`${day}T00:00`);
}

/** The moment of a time on the person's own clock (`2026-11-24T08:00`), as a date field gives it. */
export function momentOf(local: string): string {
  const [year = 1970, month = 1, date = 1, hour = 0, minute = 0] = local.split(/[-T:]/).map(Number);
  // By its parts: while somebody types a year it has one digit, which the constructor takes for one of 19xx.
  const clock = new Date(0);
  if (!zone) {
    clock.setFullYear(year, month - 1, date);
    clock.setHours(hour, minute, 0, 0);
    return clock.toISOString();
  }
  clock.setUTCFullYear(year, month - 1, date);
  const wall = clock.setUTCHours(hour, minute, 0, 0);
  // Twice, for the days on which the clocks change.
  let moment = wall - offsetAt(wall, zone);
  moment = wall - offsetAt(moment, zone);
  return new Date(moment).toISOString();
}

/** A moment on the person's own clock, as a date field takes it: `2026-11-24T08:00`. */
export function localTime(iso: string): string {
  const moment = Date.parse(iso);
  const ahead = offsetAt(moment, zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  return new Date(moment + ahead).toISOString().slice(0, 16);
}

/** The name of the zone that times are told in: `Europe/Berlin`. */
export function zoneName(): string {
  return zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The day (`2026-11-23`) on which a moment lies where the person is. */
export function dayOf(iso: string): string {
  const [day, month, year] = formats.day.format(new Date(iso)).split('/');
  return `${(year ?? '').padStart(4, '0')}-${month}-${day}`;
}

/** The last day that a date field takes: without it, a fifth digit of a year could be typed. */
export const LAST_DAY = '9999-12-31';

/** A day (`2026-12-31`) as people write it: "31 Dec", with the year where it is not this one. */
export function dayWords(day: string, now: Date): string {
  const date = new Date(`${day}T12:00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  return (day.slice(0, 4) === dayOf(now.toISOString()).slice(0, 4) ? days.short : days.long).format(date);
}

/** The day after. */
export function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) + DAY).toISOString().slice(0, 10);
}

/** How far a zone is ahead of UTC at a moment, in milliseconds. */
function offsetAt(moment: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }).formatToParts(moment);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - Math.floor(moment / 1000) * 1000;
}
