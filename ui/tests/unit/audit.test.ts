import { describe, expect, it } from 'vitest';
import { factsOf } from '../../src/audit/facts';
import { judge, narrows, readNarrowing, toAddress, WIDE } from '../../src/audit/filters';
import { actorOf, areaOf, deedOf, type Names } from '../../src/audit/words';
import { setTimeZone } from '../../src/lib/format';

setTimeZone('Europe/Berlin');
const names: Names = {
  user: (id) => ({ 3: 'Front Desk', 8: 'Night Desk' })[id] ?? null,
  office: (id) => ({ 2: 'Lakeside' })[id] ?? null,
  key: () => null,
  may: () => true,
};
const blind: Names = { user: () => null, office: () => null, key: () => null, may: () => false };
const entry = (given: object) => ({ seq: 7, at: '2026-11-23T09:00:00Z', actor: 'user:1', actor_name: 'Case Clerk', action: 'setup', subject: '', office: 1, count: 1, ids_digest: null, detail: null, hash: '', ...given }) as never;
const told = (given: object, known = names): string => deedOf(entry(given), known).map((part) => part.text).join('');

describe('what was done', () => {
  it('reads as a sentence', () => {
    expect(told({ action: 'messages.requeue', subject: 'messages', count: 12 })).toBe('put 12 messages back in the Outbox');
    expect(told({ action: 'messages.delete', subject: 'message 01k2', count: 1 })).toBe('deleted one message');
    expect(told({ action: 'messages.requeue', subject: 'job 4', count: 32_417 })).toBe('put 32,417 messages back in the Outbox');
    expect(told({ action: 'job.start', subject: 'job 4', count: 9, detail: { action: 'delete' } })).toBe('began deleting 9 messages');
    expect(told({ action: 'smtp.change', subject: 'office 2 smtp' })).toBe('changed the SMTP settings of Lakeside');
    expect(told({ action: 'proxy.grant', subject: 'proxy 1', detail: { assistant: 3, principal: 8, level: 'view' } })).toBe('let Front Desk see the e-mail of Night Desk');
    expect(told({ action: 'user.password', subject: 'user 1' })).toBe('chose a new password');
    expect(told({ action: 'user.password', subject: 'user 3' })).toBe('set the password of Front Desk');
  });
  it('is told by ids where names are not known, and by the log’s own words where the deed is not', () => {
    expect(told({ action: 'user.rights', subject: 'user 3' }, blind)).toBe('changed the rights of person 3');
    expect(told({ action: 'moon.land', subject: 'moon 1' })).toBe('moon.land: moon 1');
  });
  it('leads to what still is, for those who have its page', () => {
    expect(deedOf(entry({ action: 'messages.hold', subject: 'message 01k2' }), names)[1]).toEqual({ text: 'one message', href: '/queue/01k2' });
    expect(deedOf(entry({ action: 'messages.delete', subject: 'message 01k2' }), names)[1]).toEqual({ text: 'one message' });
    expect(deedOf(entry({ action: 'limits.change', subject: 'limits' }), blind)[1]).toEqual({ text: 'the daily limits' });
  });
});

it('who did it says by which way', () => {
  expect(actorOf(entry({}), blind, 'Postroom')).toEqual({ name: 'Case Clerk', way: null });
  expect(actorOf(entry({ actor: 'key:7', actor_name: null }), blind, 'Postroom')).toEqual({ name: 'API key 7', way: 'through the API' });
  expect(actorOf(entry({ actor: 'operator', actor_name: null }), blind, 'Postroom').way).toBe('on the server itself');
});

describe('what an entry says besides', () => {
  it('is what a limit was and is, where it changed', () => {
    const detail = { system_daily_limit: 0, system_daily_limit_before: 0, user_daily_limit: 2500, user_daily_limit_before: 2000, time_zone: 'Europe/Berlin', time_zone_before: 'Europe/Berlin' };
    expect(factsOf(entry({ action: 'limits.change', detail }), names)).toEqual([{ label: 'Each user, a day', value: '2,000 → 2,500' }]);
  });
  it('is rights by their names, and none where there are none', () => {
    const detail = { before: { super_user: false }, rights: { super_user: true, administrator: true }, branches: null };
    expect(factsOf(entry({ detail }), names)).toEqual([{ label: 'Rights before', value: 'none' }, { label: 'Rights', value: 'Super User, Administrator' }]);
  });
  it('is how many keys a change revoked, and when a key expires', () => {
    expect(factsOf(entry({ action: 'user.rights', detail: { keys_ended: 2 } }), names)).toEqual([{ label: 'API keys revoked', value: '2' }]);
    expect(factsOf(entry({ action: 'key.create', detail: { ends_at: '2026-12-31T23:00:00Z' } }), names).map((fact) => fact.label)).toEqual(['Expires']);
  });
  it('shows words that nobody has foreseen as they are', () => {
    expect(factsOf(entry({ detail: { new_thing: { a: 1 } } }), names)).toEqual([{ label: 'New thing', value: '{"a":1}' }]);
  });
});

describe('narrowing', () => {
  it('stands in the address and comes back from it', () => {
    const address = '/audit?about=people&who=user%3A3&from=2026-11-01&to=2026-11-23';
    const narrowing = readNarrowing(address.slice(6));
    expect(narrowing).toEqual({ area: 'people', actor: 'user:3', from: '2026-11-01', to: '2026-11-23' });
    expect(toAddress(narrowing)).toBe(address);
    expect(narrows(readNarrowing('?about=moon&who=me&from=x'))).toBe(false);
  });
  it('ends with the first entry before its first day', () => {
    const day = { ...WIDE, from: '2026-11-23', to: '2026-11-23' };
    expect(judge(entry({ at: '2026-11-22T23:30:00Z' }), day)).toBe('in');
    expect(judge(entry({ at: '2026-11-22T22:30:00Z' }), day)).toBe('past');
    expect(judge(entry({ at: '2026-11-23T23:30:00Z' }), day)).toBe('out');
  });
  it('knows what an action is about', () => {
    expect([areaOf('messages.delete'), areaOf('key.create'), areaOf('smtp.test'), areaOf('moon.land')]).toEqual(['mail', 'people', 'settings', null]);
  });
});
