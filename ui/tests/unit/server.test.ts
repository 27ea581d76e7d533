import { describe, expect, it } from 'vitest';
import { plots, type HistoryPoint, type StatusHistory } from '../../src/server/history';
import { headline, limitsOf, meaningOf, type Relay } from '../../src/server/words';

const START = Date.parse('2026-11-23T09:00:00Z');
const iso = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

function point(seconds: number, more: Partial<HistoryPoint> = {}): HistoryPoint {
  return { at: iso(seconds), waiting: 0, oldest_seconds: null, accepted: 1, sent: 1, failed: 0, latency_p50_ms: 10, latency_p95_ms: 20, ...more };
}

function history(points: HistoryPoint[], more: Partial<StatusHistory> = {}): StatusHistory {
  const last = points.at(-1);
  return {
    step_seconds: 10,
    measured_at: last ? new Date(Date.parse(last.at) + 10_000).toISOString() : null,
    points,
    last_hour: { since: iso(-3600), accepted: 1_300, sent: 1_204, failed: 0, latency_p50_ms: 10, latency_p95_ms: 20 },
    nodes: [],
    ...more,
  };
}

const NO_LIMITS: NonNullable<Relay['limits']> = { connections: null, recipients: null, messages: null, per_minute: null, paused_until: null };
const relay = (more: Partial<Relay> = {}): Relay => ({ office: null, second: false, name: 'office', host: 'smtp.example.com:25', state: 'up', since: null, last_error: null, limits: NO_LIMITS, ...more });
const status = (relays: Relay[], queue_enabled = true) => ({ brand: 'Postroom', queue_enabled, relays, banners: [], queue: { ready: 0, waiting: 0, held: 0, leased: 0, oldest: null } });
const officeOf = (one: Relay): string => (one.office === null ? 'the server' : 'North Office');
const say = (relays: Relay[], told: StatusHistory | null = history([point(0)])) => headline(status(relays), told, officeOf);

describe('the headline', () => {
  it('says that everything flows, how much, and how old the oldest is', () => {
    const told = history([point(0, { waiting: 7, oldest_seconds: 12 })]);
    expect(say([relay()], told)).toMatchObject({ tone: 'good', text: 'Everything flows: 1,204 sent in the last hour, the oldest of 7 waiting messages is 12 seconds old.' });
    expect(say([relay()])).toMatchObject({ tone: 'good', text: 'Everything flows: 1,204 sent in the last hour, nothing waits.' });
  });
  it('speaks of no hour that the server has not seen', () => {
    const told = history([point(230)], { last_hour: { since: iso(0), accepted: 3, sent: 2, failed: 1, latency_p50_ms: 1, latency_p95_ms: 1 } });
    expect(say([relay()], told).text).toContain('2 sent and 1 not delivered in the last 4 minutes');
    expect(say([relay()], history([])).text).toContain('the first figures come within ten seconds');
  });
  it('names the office whose mail waits for a relay that is down', () => {
    const told = history([point(0, { waiting: 40, oldest_seconds: 1_500 })]);
    const down = say([relay(), relay({ office: 3, state: 'down' })], told);
    expect(down).toMatchObject({ tone: 'bad', text: 'An e-mail server is down: mail of North Office waits.' });
    expect(down.more).toMatch(/^The oldest of 40 waiting messages is 25 minutes old\. It is tried again by itself/);
  });
  it('stays calm where the second relay has taken over', () => {
    expect(say([relay({ state: 'down' }), relay({ second: true })])).toMatchObject({ tone: 'wait', text: 'Mail flows, but 1 e-mail server is down.' });
  });
  it('says more than "flows" where something has waited long', () => {
    expect(say([relay()], history([point(0, { waiting: 1, oldest_seconds: 7_200 })]))).toMatchObject({ tone: 'wait', text: 'Mail flows, but one message waits, for 2 hours.' });
  });
  it('knows a server that sends nothing at all', () => {
    expect(headline(status([relay()], false), null, officeOf).tone).toBe('bad');
    expect(say([]).text).toContain('No e-mail server is set up');
  });
  it('has words for those who see no figures', () => {
    expect(say([relay()], null).text).toBe('Mail flows: every e-mail server takes it.');
  });
});

describe('the charts', () => {
  it('leave a gap where the server did not run', () => {
    const told = plots(history([point(0, { waiting: 4 }), point(10, { waiting: 5 }), point(40, { waiting: 6 })]), 1);
    expect(told.times).toHaveLength(360);
    expect(told.times.at(-1)).toBe(START + 40_000);
    expect(told.waiting[0]?.values.slice(-5)).toEqual([4, 5, null, null, 6]);
    expect(told.waiting[0]?.values.slice(0, 355).every((value) => value === null)).toBe(true);
  });
  it('count whole minutes and leave out the one that is under way', () => {
    const points = Array.from({ length: 15 }, (_, i) => point(i * 10, { sent: 2 }));
    const told = plots(history(points), 1);
    expect(told.flowTimes.at(-1)).toBe(START + 60_000);
    expect(told.flow.find((one) => one.name === 'Sent')?.values.slice(-3)).toEqual([null, 12, 12]);
  });
  it('count a week in pieces of two hours', () => {
    const points = Array.from({ length: 8 }, (_, i) => point(i * 1800, { accepted: 3 }));
    const told = plots(history(points, { step_seconds: 1800, measured_at: iso(8 * 1800) }), 168);
    expect(told.times).toHaveLength(336);
    // Ten and twelve o'clock begin pieces; that of eight began before.
    expect(told.flow[0]?.values.filter((value) => value !== null)).toEqual([6, 12]);
  });
  it('draw nothing of a server that has measured nothing', () => {
    expect(plots(history([]), 24).flow[0]?.values).toEqual([]);
  });
  it('know an unknown age from none', () => {
    const told = plots(history([point(0), point(10, { waiting: 3 }), point(20, { waiting: 3, oldest_seconds: 2 })]), 1);
    expect(told.oldest[0]?.values.slice(-3)).toEqual([0, null, 2000]);
  });
});

it('what a relay last said is told in plain words', () => {
  for (const [error, words] of [
    ['connect: the connection failed (Connection refused (os error 111))', 'Nothing takes mail'],
    ['greeting: the relay did not answer within 300 s', 'does not answer in time'],
    ['connect: the name "smtp.exmaple.com" has no address (no record)', 'name is not known'],
    ['AUTH: the relay said: 535 5.7.8 Authentication failed', 'refuses the sign-in'],
    ['421 4.3.2 Too busy', 'too busy'],
    ['TLS handshake: the certificate has expired', 'safe connection'],
    ['550 5.7.1 Go away', 'refuses what it is given'],
    ['something new', 'does not take mail'],
  ] as const) {
    expect(meaningOf(error), error).toContain(words);
  }
});

it('learnt limits of an e-mail server are told, and none are not', () => {
  expect(limitsOf(relay())).toBeNull();
  expect(limitsOf(relay({ host: null, limits: null }))).toBeNull();
  const limits = { ...NO_LIMITS, connections: 3, recipients: 1 };
  expect(limitsOf(relay({ limits }))).toBe('Accepts at most 3 connections, 1 recipient per message');
});
