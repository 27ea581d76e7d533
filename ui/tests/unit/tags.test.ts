import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Row } from '../../src/lib/api/types';
import { rowOf } from '../mock/data';

const list = Array.from({ length: 30 }, (_, i) => rowOf(i, i % 2 === 0 ? 'failed' : 'sent', 30));
const rows = { between: async (a: number, b: number): Promise<Row[]> => list.slice(Math.min(a, b), Math.max(a, b) + 1) };

beforeEach(() => vi.stubGlobal('location', { pathname: '/queue', search: '', origin: 'http://localhost' }));
afterEach(() => vi.unstubAllGlobals());

async function made() {
  const { Tags } = await import('../../src/queue/tags.svelte');
  return new Tags();
}
const row = (index: number): Row => list[index] as Row;

it('a second tag with Shift takes in everything between', async () => {
  const tags = await made();
  tags.toggle(row(3), 3);
  expect(await tags.extend(rows as never, 9)).toBeNull();
  expect(tags.size).toBe(7);
});

it('counts for each action what it is for', async () => {
  const tags = await made();
  tags.toggle(row(0), 0);
  await tags.extend(rows as never, 4);
  expect([tags.for('requeue').length, tags.for('resend').length, tags.for('delete').length]).toEqual([3, 2, 5]);
});

it('follows the state of what is tagged', async () => {
  const tags = await made();
  tags.toggle(row(0), 0);
  tags.follow([{ id: row(0).id, state: 'sent' }]);
  expect([tags.for('requeue').length, tags.for('resend').length]).toEqual([0, 1]);
  tags.follow([{ id: row(0).id, deleted: true }]);
  expect(tags.size).toBe(0);
});

it('refuses a range that is too long, in words', async () => {
  const tags = await made();
  tags.toggle(row(0), 0);
  expect(await tags.extend(rows as never, 900_000)).toMatch(/5,000/);
  expect(tags.size).toBe(1);
});

it('all that match are tagged but those left out and those that came in later', async () => {
  const tags = await made();
  tags.all({ total: 30, exact: true, upto: row(20).id });
  expect([tags.size, tags.has(row(3).id), tags.has(row(25).id)]).toEqual([30, true, false]);
  tags.toggle(row(3), 3);
  expect([tags.size, tags.has(row(3).id), tags.except]).toEqual([29, false, [row(3).id]]);
  tags.toggle(row(3), 3);
  expect(tags.size).toBe(30);
});
