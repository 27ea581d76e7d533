import { describe, expect, it } from 'vitest';
import { dayOf, dayWords, duration, escapeHidden, nextDay, plural, relative, reply, shortDate, size, startOfDay } from '../../src/lib/format';

const now = new Date(2026, 10, 23, 12, 0, 0);
const at = (...parts: [number, number, number, number, number, number]): string => new Date(...parts).toISOString();

describe('a short date', () => {
  it('is the time for today', () => expect(shortDate(at(2026, 10, 23, 9, 5, 7), now)).toBe('09:05:07'));
  it('is day and time for this year', () => expect(shortDate(at(2026, 9, 2, 9, 5, 7), now)).toBe('2 Oct 09:05'));
  it('is the day for earlier years', () => expect(shortDate(at(2025, 9, 2, 9, 5, 7), now)).toBe('2 Oct 2025'));
  it('is nothing for no date', () => expect(shortDate(null, now)).toBe(''));
});

describe('a distance in time', () => {
  it('tells what is ahead', () => expect(relative(at(2026, 10, 23, 12, 4, 0), now)).toBe('in 4 min'));
  it('tells what is past', () => expect(relative(at(2026, 10, 23, 10, 0, 0), now)).toBe('2 h ago'));
  it('is now within ten seconds', () => expect(relative(at(2026, 10, 23, 12, 0, 4), now)).toBe('now'));
});

it('sizes are in the unit a person would say', () => {
  expect([size(1), size(999), size(4_096), size(999_499), size(1_800_000)]).toEqual(['1 byte', '999 bytes', '4.1 kB', '999 kB', '1.8 MB']);
});

it('durations are in the unit a person would say', () => {
  expect([duration(80), duration(3_140), duration(125_000)]).toEqual(['80 ms', '3.1 s', '2 min 5 s']);
});

it('hidden characters of a stored address are seen', () => {
  expect(['ca\u{200b}se@x.test', '\u{202e}x', 'käthe@x.test', 'שרה'].map(escapeHidden)).toEqual(['ca\\u{200b}se@x.test', '\\u{202e}x', 'käthe@x.test', 'שרה']);
});

it('a reply stands with the codes that it has', () => {
  expect([reply(550, '5.1.1', 'No such mailbox'), reply(null, null, 'connection refused')]).toEqual(['550 5.1.1 No such mailbox', 'connection refused']);
});

it('counts have their separators and their plural', () => {
  expect([plural(1, 'message'), plural(32_433, 'message')]).toEqual(['1 message', '32,433 messages']);
});

it('a day is one while its year is still being typed', () => {
  for (const day of ['0002-03-31', '0020-03-31', '0209-03-31', '2099-03-31']) {
    expect(dayOf(startOfDay(day))).toBe(day);
    expect(dayWords(nextDay(day), now)).toContain('1 Apr');
  }
});
