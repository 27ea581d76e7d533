import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../src/lib/api/client';
import { localTime, momentOf, setTimeZone } from '../../src/lib/format';
import { allowance } from '../../src/compose/allowance';
import { blank, docOf, formatting, plainText, type DocNode } from '../../src/compose/body';
import { check, placeOf } from '../../src/compose/check';
import { faultOfTime, proposals } from '../../src/compose/later';
import { decodedBytes, draftOf, emptyLetter, encodedBytes, fromDraft, isEmpty, letterOf, markOf, messageOf } from '../../src/compose/letter';
import { linkFrom, safeLink } from '../../src/compose/links';

beforeAll(() => setTimeZone('Europe/Berlin'));
afterAll(() => setTimeZone(''));

const text = (words: string, ...marks: NonNullable<DocNode['marks']>): DocNode => ({ type: 'text', text: words, ...(marks.length > 0 && { marks }) });
const p = (...content: DocNode[]): DocNode => ({ type: 'paragraph', content });
const doc = (...content: DocNode[]): DocNode => ({ type: 'doc', content });
const item = (...content: DocNode[]): DocNode => ({ type: 'list_item', content });
const link = (href: string) => ({ type: 'link', attrs: { href } });

describe('the text alternative', () => {
  it('has lists with their signs, quotes, and where links lead', () => {
    const body = doc(
      { type: 'heading', attrs: { level: 1 }, content: [text('Offer')] },
      p(text('See '), text('our ', link('https://x.example/a')), text('terms', link('https://x.example/a'), { type: 'strong' }), text('.')),
      { type: 'bullet_list', content: [item(p(text('one'))), item(p(text('two')), { type: 'ordered_list', attrs: { order: 3 }, content: [item(p(text('inner')))] })] },
      { type: 'blockquote', content: [p(text('said')), p(text('again'))] },
    );
    expect(plainText(body)).toBe('Offer\n\nSee our terms <https://x.example/a>.\n\n- one\n- two\n  3. inner\n\n> said\n>\n> again');
  });
  it('does not say an address twice', () => {
    expect(plainText(doc(p(text('www.x.example', link('https://www.x.example/')))))).toBe('www.x.example');
    expect(plainText(doc(p(text('a@x.example', link('mailto:a@x.example')))))).toBe('a@x.example');
  });
  it('is what it was made of', () => {
    for (const words of ['one\ntwo\n\nthree', 'alone', 'a\n\nb\n\nc']) expect(plainText(docOf(words))).toBe(words);
  });
});

it('tells what formatting would be lost', () => {
  expect(formatting(docOf('plain\nwords'))).toEqual([]);
  expect(formatting(doc(p(text('b', { type: 'strong' })), { type: 'bullet_list', content: [item(p(text('x', link('https://x.example'))))] }))).toEqual(['bold', 'lists', 'links']);
});

it('knows an empty body', () => {
  expect(blank(null)).toBe(true);
  expect(blank(doc(p(), p(text('  '))))).toBe(true);
  expect(blank(doc({ type: 'horizontal_rule' }))).toBe(false);
});

describe('links', () => {
  it.each(['javascript:alert(1)', 'data:text/html,x', ' javascript:alert(1)', 'vbscript:x', 'file:///etc/passwd', 'https://x y'])('%s may not stand in a letter', (href) => {
    expect(safeLink(href)).toBe(false);
    expect(linkFrom(href)).toBeNull();
  });
  it('are what was meant', () => {
    expect(linkFrom('www.example.com/a?b=1')).toBe('https://www.example.com/a?b=1');
    expect(linkFrom('claims@example.com')).toBe('mailto:claims@example.com');
    expect(linkFrom('https://example.com')).toBe('https://example.com');
    expect(linkFrom('hello')).toBeNull();
  });
});

describe('a letter', () => {
  const client = { name: 'Claims', address: 'claims@x.example' };
  const own = { name: 'Case Clerk', address: 'case@x.example' };
  const letter = { ...emptyLetter(own.address), to: [client], subject: ' Hello ', doc: doc(p(text('Good day'))) };

  it('is sent with text and HTML, and only with what the form shows', () => {
    expect(messageOf(letter, own, '<p>Good day</p>', '2026-11-23T10:00:00Z')).toEqual({
      from: 'Case Clerk <case@x.example>', to: ['Claims <claims@x.example>'], cc: [], bcc: [], reply_to: [], subject: 'Hello', text: 'Good day', html: '<p>Good day</p>', attachments: [], send_at: '2026-11-23T10:00:00Z',
    });
    const plain = { ...letter, format: 'plain' as const, text: 'Good day', doc: null };
    expect(messageOf(plain, own, null, null)).not.toHaveProperty('html');
    expect(messageOf({ ...letter, doc: null }, own, '<p></p>', null)).not.toHaveProperty('html');
  });

  it('comes back from a draft as it was', () => {
    const whole = { ...letter, typed: { to: 'half', cc: '', bcc: '' }, send_at: '2026-11-24T07:00:00Z', files: [{ filename: 'a.txt', content_type: 'text/plain', content: 'aGVsbG8=', bytes: 5 }] };
    const { letter: back, leftOut } = fromDraft(JSON.parse(JSON.stringify(draftOf(whole))), 'other@x.example');
    expect(markOf(back)).toBe(markOf(whole));
    expect(leftOut).toEqual([]);
    expect(fromDraft(draftOf(whole, 'without_files'), own.address)).toMatchObject({ letter: { files: [] }, leftOut: ['a.txt'] });
  });

  it('copies a message without its hidden fields', () => {
    const copy = letterOf({ from: 'x@x.example', to: ['"Clerk, Claims" <claims@x.example>'], subject: 'S', html: '<p>x</p>', text: 'x', headers: { 'X-Case': '42' }, attachments: [], tags: ['t'], metadata: { a: 1 } as never, kind: 'form_letter' }, own.address);
    expect(copy).toMatchObject({ from: own.address, to: [{ name: 'Clerk, Claims', address: 'claims@x.example' }], format: 'rich', html: '<p>x</p>' });
    expect(Object.keys(messageOf(copy, own, null, null))).not.toContain('headers');
  });

  it('is empty until something would be missed', () => {
    expect(isEmpty(emptyLetter('a@x.example'))).toBe(true);
    expect(isEmpty({ ...emptyLetter('a@x.example'), typed: { to: 'an', cc: '', bcc: '' } })).toBe(false);
  });

  it('is checked before it is sent', () => {
    const now = new Date('2026-11-23T10:00:00Z');
    expect(check(letter, 1_000_000, now)).toEqual({});
    expect(check({ ...letter, to: [] }, 1_000_000, now)).toEqual({ to: 'Add at least one recipient.' });
    expect(check({ ...letter, cc: [{ name: '', address: 'clerk' }] }, 1_000_000, now).cc).toMatch(/^1 address cannot be sent to/);
    expect(check({ ...letter, files: [{ filename: 'a', content_type: 'a/b', content: '', bytes: 900_000 }] }, 1_000_000, now).files).toMatch('at most 1 MB');
    expect(check({ ...letter, send_at: '2026-11-23T09:00:00Z' }, 1_000_000, now).send_at).toMatch('has passed');
    expect(check({ ...letter, subject: '', doc: null }, 1_000_000, now).body).toMatch('nothing in it');
  });
});

it('counts base64 as it travels', () => {
  expect(decodedBytes('aGVsbG8=')).toBe(5);
  expect(encodedBytes(3_000)).toBe(4_106);
});

it('puts refusals where they belong', () => {
  const error = (code: string, field: string | null, detail: string) => new ApiError({ code, status: 422, title: 't', detail, field });
  expect(placeOf(error('bad_address', 'cc[1]', 'cc[1]: "clerk" has no @ sign'))).toEqual({ part: 'cc', text: '"clerk" has no @ sign.' });
  expect(placeOf(error('bad_value', 'attachments[0].filename', 'attachments[0].filename: has a control character'))).toEqual({ part: 'files', text: 'Attachment 1: Has a control character.' });
  expect(placeOf(error('too_large', null, 'it is too large'))).toEqual({ part: 'files', text: 'It is too large.' });
  expect(placeOf(error('from_not_permitted', null, 'you may not'))?.part).toBe('from');
  expect(placeOf(error('queue_disabled', null, 'off'))).toBeNull();
});

describe('what is left of the day', () => {
  const limits = { user_daily_limit: 2_000, system_daily_limit: 0, day: '2026-11-23', day_ends_at: '2026-11-23T23:00:00Z' };
  const forecast = { count: 1, today: 1, later: [], beyond: 0, waiting: 0 };
  it('is told quietly, and with weight when it is little', () => {
    expect(allowance(limits, 42, forecast)).toEqual({ tone: 'quiet', text: '1,958 of 2,000 e-mails left today', left: 1_958 });
    expect(allowance(limits, 1_950, forecast)?.tone).toBe('hold');
    expect(allowance({ ...limits, user_daily_limit: 0 }, 9, forecast)).toBeNull();
  });
  it('says when a letter would go that is over it', () => {
    const over = { ...forecast, today: 0, later: [{ day: '2026-11-24', count: 1 }] };
    expect(allowance(limits, 2_000, over)?.text).toBe('You have sent all 2,000 e-mails that you may send today. This one is kept and goes out by itself when the new day begins (Tue, 24 Nov 2026, 00:00 CET).');
    expect(allowance({ ...limits, system_daily_limit: 50 }, 3, { ...over, later: [{ day: '2026-11-26', count: 1 }] })?.text).toMatch('for the whole system has been reached. This one is kept and goes out by itself on Thursday 26 November.');
    expect(allowance(limits, 2_000, { ...forecast, today: 0, beyond: 1 })?.text).toMatch('more than a year');
  });
});

describe('sending later', () => {
  const now = new Date('2026-11-23T19:02:00Z');
  it('proposes times on the person’s own clock', () => {
    expect(proposals(now)).toEqual([
      { label: 'In an hour', at: '2026-11-23T20:05:00.000Z' },
      { label: 'Tomorrow morning', at: '2026-11-24T07:00:00.000Z' },
      { label: 'Monday morning', at: '2026-11-30T07:00:00.000Z' },
    ]);
    expect(proposals(new Date('2026-11-22T10:00:00Z'))).toHaveLength(2);
  });
  it('refuses what has passed or lies too far', () => {
    expect(faultOfTime('2026-11-23T20:02', now)).toMatch('has passed');
    expect(faultOfTime('2026-11-23T20:03', now)).toBeNull();
    expect(faultOfTime('2028-01-01T08:00', now)).toMatch('a year');
    expect(faultOfTime('', now)).toMatch('Choose');
  });
  it('knows when the clocks change', () => {
    expect(momentOf('2026-03-28T08:00')).toBe('2026-03-28T07:00:00.000Z');
    expect(momentOf('2026-03-29T08:00')).toBe('2026-03-29T06:00:00.000Z');
    expect(localTime('2026-10-25T07:00:00Z')).toBe('2026-10-25T08:00');
  });
});
