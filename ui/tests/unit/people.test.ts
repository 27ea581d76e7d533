import { describe, expect, it } from 'vitest';
import { setTimeZone } from '../../src/lib/format';
import { indented, matching, officeOptions, treeOf, withBelow } from '../../src/people/tree';
import { expired, fits, keyEnd, lastDay, pathOf, proxySentence, proxyState, showsMore, viewWords } from '../../src/people/words';

const now = new Date('2026-11-23T09:30:00Z');
const front = { id: 1, name: 'Front Desk' };
const clerk = { id: 2, name: 'Case Clerk' };
const proxy = { id: 1, assistant: front, principal: clerk, level: 'view' as const, from: null, until: null, active: true, version: 1 };
const office = (id: number, name: string, parent: number | null) => ({ id, name, parent, security: 'on' as const, allowed_sender_domains: [], version: 1 });
const offices = [office(1, 'System Office', null), office(2, 'North', 1), office(3, 'Lakeside', 2), office(4, 'South', 1), office(5, 'Hillside', 2)];

describe('a proxy in a sentence', () => {
  it('names both people, what it allows and its last day', () => {
    setTimeZone('Europe/Berlin');
    expect(proxySentence({ ...proxy, until: '2026-12-31T23:00:00Z' }, 9, now)).toBe('Front Desk may see Case Clerk’s mail until 31 Dec');
    expect(proxySentence({ ...proxy, level: 'manage', from: '2027-01-04T23:00:00Z' }, 9, now)).toBe('Front Desk may see and act on Case Clerk’s mail, and send as Case Clerk, from 5 Jan 2027');
    expect(lastDay('2026-12-31T23:00:00Z')).toBe('2026-12-31');
  });
  it('says you and your', () => {
    expect(proxySentence(proxy, 1, now)).toBe('You may see Case Clerk’s mail');
    expect(proxySentence({ ...proxy, level: 'manage' }, 2, now)).toBe('Front Desk may see and act on your mail, and send as you');
  });
  it('leaves out a first day that is over', () => {
    expect(proxySentence({ ...proxy, from: '2026-01-01T00:00:00Z' }, 9, now)).toBe('Front Desk may see Case Clerk’s mail');
  });
});

it('a proxy is planned, in force, ended, or without effect', () => {
  expect(proxyState(proxy, now)).toBe('active');
  expect(proxyState({ ...proxy, from: '2027-01-01T00:00:00Z', active: false }, now)).toBe('planned');
  expect(proxyState({ ...proxy, until: '2026-01-01T00:00:00Z', active: false }, now)).toBe('ended');
  expect(proxyState({ ...proxy, active: false }, now)).toBe('off');
});

describe('the tree of offices', () => {
  it('stands in order of the names, each below its parent', () => {
    expect(indented(treeOf(offices)).map(({ office: one, depth }) => `${depth} ${one.name}`)).toEqual(['0 System Office', '1 North', '2 Hillside', '2 Lakeside', '1 South']);
  });
  it('puts an office whose parent is not known at the top', () => {
    expect(treeOf([office(3, 'Lakeside', 2)]).map((branch) => branch.office.name)).toEqual(['Lakeside']);
  });
  it('knows what lies below, and does not offer it as a parent', () => {
    expect([...withBelow(2, offices)].sort()).toEqual([2, 3, 5]);
    expect(officeOptions(offices, withBelow(2, offices)).map((one) => one.label.trim())).toEqual(['System Office', 'South']);
  });
  it('keeps what leads to a match', () => {
    expect(indented(matching(treeOf(offices), 'lake')).map(({ office: one }) => one.name)).toEqual(['System Office', 'North', 'Lakeside']);
  });
  it('tells where an office lies', () => {
    expect(pathOf(3, offices)).toBe('System Office › North › Lakeside');
  });
});

it('finds people by words of their name, address, sign-in name and office', () => {
  const user = { id: 1, name: 'Front Desk', email: 'front@example.com', login: 'front', office: { id: 3, name: 'Lakeside' } };
  expect(fits(user, 'desk lake')).toBe(true);
  expect(fits(user, 'desk south')).toBe(false);
  expect(fits(user, '')).toBe(true);
});

describe('the end of a key', () => {
  it('is never, in some days, or when the last day is over where the person is', () => {
    setTimeZone('Europe/Berlin');
    expect(keyEnd('open', '2026-12-31', now)).toBeNull();
    expect(keyEnd('30', '', now)).toBe('2026-12-23T09:30:00.000Z');
    expect(keyEnd('365', '', now)).toBe('2027-11-23T09:30:00.000Z');
    expect(keyEnd('day', '2026-12-31', now)).toBe('2026-12-31T23:00:00.000Z');
  });
  it('is over from its moment on', () => {
    expect(expired({}, now)).toBe(false);
    expect(expired({ ends_at: null }, now)).toBe(false);
    expect(expired({ ends_at: '2026-11-23T09:30:01Z' }, now)).toBe(false);
    expect(expired({ ends_at: '2026-11-23T09:30:00Z' }, now)).toBe(true);
  });
});

describe('rights that show more', () => {
  const lakeside = { rights: ['enterprise_view'], branches: [{ id: 3, name: 'Lakeside' }] };
  it('are three of the four', () => {
    for (const right of ['super_user', 'enterprise_view', 'administrator']) expect(showsMore({ rights: [] }, [right], null)).toBe(true);
    expect(showsMore({ rights: [] }, ['customize_list_layout'], null)).toBe(false);
    expect(showsMore({ rights: ['super_user', 'administrator'] }, ['administrator'], null)).toBe(false);
    expect(showsMore({}, ['administrator'], null)).toBe(true);
  });
  it('are more branches, not fewer', () => {
    expect(showsMore(lakeside, ['enterprise_view'], [3])).toBe(false);
    expect(showsMore(lakeside, ['enterprise_view'], [])).toBe(false);
    expect(showsMore(lakeside, ['enterprise_view'], [5])).toBe(true);
    expect(showsMore(lakeside, ['enterprise_view'], null)).toBe(true);
    expect(showsMore(lakeside, [], null)).toBe(false);
    expect(showsMore({ rights: ['enterprise_view'] }, ['enterprise_view'], [3])).toBe(false);
  });
});

it('says what an Enterprise View reaches', () => {
  expect(viewWords({})).toBe('All offices below');
  expect(viewWords({ branches: [{ id: 3, name: 'Lakeside' }] })).toBe('Lakeside');
  expect(viewWords({ branches: [{ id: 3, name: 'Lakeside' }, { id: 5, name: 'Hillside' }] })).toBe('2 branches');
});
