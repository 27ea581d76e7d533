import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Row } from '../../src/lib/api/types';
import { Box } from '../mock/box';

const all = { type: 'all', source: 'all', q: '' } as const;
const asked: URLSearchParams[] = [];
let box: Box;
let failing = false;

/** Answers the two list requests from the mock's store. */
async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (failing) throw new TypeError('no route to the server');
  const get = (name: string, other: string): string => url.searchParams.get(name) ?? other;
  const query = { type: get('type', 'all'), source: get('source', 'all'), q: get('q', '') };
  if (url.pathname.endsWith('/counts')) return Response.json(box.counts(query));
  asked.push(url.searchParams);
  const cursor = url.searchParams.get('cursor');
  const limit = Number(get('limit', '50'));
  const page = cursor ? box.page(query, 0, Number(cursor.slice(2)), limit) : box.page(query, Number(get('at', '0')), Infinity, limit);
  return Response.json({ rows: page.rows, next: page.more ? `c_${page.last}` : null, prev: null, at: null, more: page.more ? 'yes' : 'no' });
}

async function opened() {
  const { Rows } = await import('../../src/queue/rows.svelte');
  const rows = new Rows();
  await rows.open(all);
  return rows;
}

beforeEach(() => {
  box = new Box(5_000);
  asked.length = 0;
  failing = false;
  vi.stubGlobal('location', { pathname: '/queue', search: '', origin: 'http://localhost' });
  vi.stubGlobal('Request', class extends Request {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(typeof input === 'string' ? new URL(input, 'http://localhost') : input, init);
    }
  });
  vi.stubGlobal('fetch', answer);
  vi.resetModules();
});
afterEach(() => vi.unstubAllGlobals());

describe('the rows of a list', () => {
  it('are fetched around the view and stand at their positions', async () => {
    const rows = await opened();
    expect(rows.total).toBe(5_000);
    rows.need(3_210, 3_230);
    await vi.waitFor(() => expect(rows.at(3_210)).toBeDefined());
    expect(rows.at(3_210)?.id).toBe(box.page(all, 3_210, Infinity, 1).rows[0]?.id);
    expect(rows.at(1_000)).toBeUndefined();
  });

  it('continue a loaded page by its cursor, so that newcomers shift nothing', async () => {
    const rows = await opened();
    const expected = box.page(all, 100, Infinity, 1).rows[0]?.id;
    box.arrive();
    rows.need(90, 120);
    await vi.waitFor(() => expect(rows.at(100)).toBeDefined());
    expect(rows.at(100)?.id).toBe(expected);
  });

  it('jump past as many newcomers as wait to be shown', async () => {
    const rows = await opened();
    const expected = box.page(all, 4_000, Infinity, 1).rows[0]?.id;
    for (let i = 0; i < 7; i += 1) box.arrive();
    rows.waiting = 7;
    rows.need(4_000, 4_010);
    await vi.waitFor(() => expect(rows.at(4_000)).toBeDefined());
    expect(rows.at(4_000)?.id).toBe(expected);
  });

  it('are patched where they stand', async () => {
    const rows = await opened();
    const row = rows.at(12) as Row;
    rows.patch([{ ...row, state: 'sending' }]);
    expect(rows.at(12)?.state).toBe('sending');
    rows.patch([{ id: row.id, deleted: true }]);
    expect(rows.gone.has(row.id)).toBe(true);
  });

  it('of a range are fetched where they are not loaded', async () => {
    const rows = await opened();
    const range = await rows.between(350, 95);
    expect(range.map((row) => row.id)).toEqual(box.page(all, 95, Infinity, 256).rows.map((row) => row.id));
  });

  it('are not asked for again while they are on their way', async () => {
    const rows = await opened();
    asked.length = 0;
    rows.need(2_010, 2_040);
    rows.need(2_011, 2_041);
    await vi.waitFor(() => expect(rows.at(2_010)).toBeDefined());
    expect(asked.filter((params) => params.get('at') === '2000')).toHaveLength(1);
  });

  it('report a server that is away, and come once it is back', async () => {
    const rows = await opened();
    failing = true;
    rows.need(3_000, 3_010);
    await vi.waitFor(() => expect(rows.error?.code).toBe('unreachable'));
    failing = false;
    rows.retry(3_000, 3_010);
    await vi.waitFor(() => expect(rows.at(3_000)).toBeDefined());
    expect(rows.error).toBeNull();
  });
});
