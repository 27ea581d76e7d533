import { describe, expect, it } from 'vitest';
import { everyDay, forecastWords, left, usedOn } from '../../src/limits/usage';

const now = new Date('2026-11-23T09:30:00Z');
const forecast = { count: 100, today: 100, later: [], beyond: 0, waiting: 0 };

describe('the days', () => {
  it('are all there, those without mail as 0, over the end of a month', () => {
    expect(everyDay([{ day: '2026-10-31', used: 7 }], '2026-10-30', '2026-11-01')).toEqual([
      { day: '2026-10-30', used: 0 },
      { day: '2026-10-31', used: 7 },
      { day: '2026-11-01', used: 0 },
    ]);
  });
  it('tell what was used today', () => {
    expect(usedOn([{ day: '2026-11-23', used: 7 }], '2026-11-23')).toBe(7);
    expect(usedOn([], '2026-11-23')).toBe(0);
  });
});

it('what is left is never below nothing, and without a limit there is no such figure', () => {
  expect(left(7, 10)).toBe(3);
  expect(left(12, 10)).toBe(0);
  expect(left(12, 0)).toBeNull();
});

describe('a forecast in words', () => {
  it('says that all would go', () => expect(forecastWords(forecast, now)).toBe('All 100 would go today.'));
  it('says when the rest would', () => {
    expect(forecastWords({ ...forecast, today: 80, later: [{ day: '2026-11-24', count: 20 }] }, now)).toBe('80 of 100 would go today; 20 on 24 Nov.');
  });
  it('sums up many days and what would still wait', () => {
    const later = ['24', '25', '26', '27', '28'].map((day) => ({ day: `2026-11-${day}`, count: 10 }));
    expect(forecastWords({ count: 60, today: 0, later, beyond: 10, waiting: 3 }, now)).toBe(
      'None of the 60 would go today; 10 on 24 Nov, 10 on 25 Nov, 10 on 26 Nov; 20 on the days until 28 Nov; 10 e-mails would still wait after a year.',
    );
  });
});
