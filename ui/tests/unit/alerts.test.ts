import { describe, expect, it } from 'vitest';
import { byDay, lookOf, wayOf, whenWords } from '../../src/alerts/words';
import { setTimeZone } from '../../src/lib/format';

setTimeZone('Europe/Berlin');
const now = new Date('2026-11-23T10:00:00Z');
const all = () => true;
const none = () => false;

describe('when an alert happened', () => {
  it('is one moment for what happened once', () => {
    expect(whenWords({ count: 1, first_at: '2026-11-23T09:56:00Z', last_at: '2026-11-23T09:56:00Z' }, now)).toBe('10:56, 4 min ago');
  });
  it('is a count with its first and last moment for what recurred', () => {
    expect(whenWords({ count: 14, first_at: '2026-11-23T05:40:00Z', last_at: '2026-11-23T09:12:00Z' }, now)).toBe('14 times since 06:40, last at 10:12, 48 min ago');
  });
  it('names the day on which it began where that is another', () => {
    expect(whenWords({ count: 2, first_at: '2026-11-22T22:30:00Z', last_at: '2026-11-23T09:12:00Z' }, now)).toBe('2 times since yesterday 23:30, last at 10:12, 48 min ago');
    expect(whenWords({ count: 2, first_at: '2026-11-22T12:30:00Z', last_at: '2026-11-23T09:12:00Z' }, now)).toBe('2 times since yesterday 13:30, last at 10:12, 48 min ago');
    expect(whenWords({ count: 2, first_at: '2026-11-20T12:30:00Z', last_at: '2026-11-23T09:12:00Z' }, now)).toBe('2 times since Friday 20 Nov 13:30, last at 10:12, 48 min ago');
  });
});

it('alerts stand under the days of the reader’s time zone', () => {
  const at = (last_at: string) => ({ last_at });
  const groups = byDay([at('2026-11-23T09:00:00Z'), at('2026-11-22T23:30:00Z'), at('2026-11-22T21:00:00Z'), at('2026-11-01T12:00:00Z'), at('2025-12-31T12:00:00Z')], now);
  expect(groups.map(({ day, alerts }) => [day, alerts.length])).toEqual([['Today', 2], ['Yesterday', 1], ['Sunday 1 Nov', 1], ['31 Dec 2025', 1]]);
});

describe('the way to what an alert is about', () => {
  it('is the list with its filters, and no more than those that the list has', () => {
    expect(wayOf({ to: 'queue', query: 'type=failed' }, all)).toEqual({ href: '/queue?type=failed', label: 'Show failed e-mail' });
    expect(wayOf({ to: 'queue', query: 'type=outbox&moon=full' }, all)).toEqual({ href: '/queue?type=outbox', label: 'Show the Outbox' });
  });
  it('names what the list shows, also where it shows held e-mail alone', () => {
    expect(wayOf({ to: 'queue', query: 'type=outbox&state=held' }, all)).toMatchObject({ label: 'Show held e-mail' });
  });
  it('is the very setting, for those who have the page', () => {
    expect(wayOf({ to: 'office_settings', office: 3 }, all)).toMatchObject({ href: '/office/settings/3#smtp' });
    expect(wayOf({ to: 'office_settings', office: 3 }, none)).toBeNull();
    expect(wayOf({ to: 'limits' }, all)).toMatchObject({ href: '/limits' });
    expect(wayOf({ to: 'limits' }, none)).toBeNull();
  });
  it('names the key of a setting that stands in the server’s file', () => {
    expect(wayOf({ to: 'server_configuration', key: 'relay' }, none)).toEqual({ key: 'relay' });
    expect(wayOf({ to: 'server_configuration', key: 'relay' }, all)).toMatchObject({ key: 'relay', href: '/server' });
  });
});

it('an alert of a kind that is not known looks like a warning', () => {
  expect(lookOf('moon' as never).icon).toBe('alert');
});
