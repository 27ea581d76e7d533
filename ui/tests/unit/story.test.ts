import { expect, it } from 'vitest';
import { rowTrouble, story } from '../../src/message/story';
import { rowOf } from '../mock/data';

const now = new Date('2026-11-23T09:30:00Z');

it('"Sent" claims no more than that the relay took it', () => {
  const told = story(rowOf(5, 'sent', 10), now);
  expect(told).toMatch(/^Accepted by the relay on /);
  expect(told).toContain('cannot see whether it was read');
});

it('deferred mail says how often it was tried and when it is tried next', () => {
  const row = { ...rowOf(5, 'deferred', 10), attempts: 3, next_attempt_at: '2026-11-23T09:34:00Z' };
  expect(story(row, now)).toBe('Tried 3 of 10 times and not delivered yet. The next try is in 4 min.');
});

it('held mail gives the reason in the list', () => {
  expect(rowTrouble(rowOf(5, 'held', 10))).toMatch(/^Held until .*: the daily limit of its sender/);
});

it('an error that was overcome does not stay in the list', () => {
  expect(rowTrouble({ ...rowOf(5, 'sent', 10), error: '451 4.3.0 try again later' })).toBe('');
});
