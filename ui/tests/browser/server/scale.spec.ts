/**
 * What must hold at any size, against the real server: a jump of the scrollbar draws its rows at once, and live updates
 * leave nothing behind in the page's memory. `SCALE_ROWS=1000000` fills that many messages instead of what a few
 * seconds give.
 */
import type { CDPSession, Page } from '@playwright/test';
import { expect, test } from '../page';
import { Postroom } from './postroom';

const ROWS = Number(process.env['SCALE_ROWS'] ?? 60_000);
const JUMPS = 40;
/** What is to hold at a million rows, alone on the machine; beside other tests and without optimisation it may take longer. */
const JUMP_MS_MAX = process.env['SCALE_ROWS'] ? 100 : 250;
const UPDATES = 1_000;
const GROWTH_BYTES_MAX = 5_000_000;

const grid = (page: Page) => page.getByRole('grid');
const quantile = (values: number[], share: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

/** Pulls the scrollbar to a place and waits for the picture in which every row in view has come. */
function jump(page: Page, share: number): Promise<{ ms: number; askedMs: number; rows: { index: number; id: string }[] }> {
  return grid(page).evaluate(async (one, to) => {
    const drawn = (): { index: number; id: string; box: DOMRect }[] =>
      [...one.querySelectorAll<HTMLElement>('[role=row][id^=row-]')].map((row) => ({ index: Number(row.getAttribute('aria-rowindex')) - 2, id: row.dataset['id'] ?? '', box: row.getBoundingClientRect() }));
    const frame = (): Promise<number> => new Promise((done) => requestAnimationFrame(done));
    // The page rests, as it does when somebody reaches for the scrollbar: what the place before asked for has come.
    await new Promise((done) => requestIdleCallback(done));
    const before = drawn()[0]?.index ?? 0;
    const view = one.getBoundingClientRect();
    const began = performance.now();
    one.scrollTop = to * (one.scrollHeight - one.clientHeight);
    while (performance.now() - began < 10_000) {
      await frame();
      const rows = drawn().filter(({ box }) => box.bottom > view.top && box.top < view.bottom);
      if (rows.length < 10 || Math.abs((rows[0]?.index ?? before) - before) < 100 || rows.some((row) => row.id === '')) continue;
      // What was found is painted by the next frame.
      await frame();
      const asked = performance.getEntriesByType('resource').filter((entry) => entry.startTime >= began && entry.name.includes('/messages?'));
      performance.clearResourceTimings();
      return { ms: performance.now() - began, askedMs: Math.max(0, ...asked.map((entry) => entry.duration)), rows: rows.map(({ index, id }) => ({ index, id })) };
    }
    throw new Error(`the rows at ${to} did not come within ten seconds, but these: ${JSON.stringify(drawn().map(({ index, id }) => [index, id]))}`);
  }, share);
}

test('a random jump of the scrollbar draws the rows that the server has there, in a short median', async ({ page }) => {
  test.setTimeout(120_000 + ROWS * 2);
  const filling = performance.now();
  const server = await Postroom.start({ rows: ROWS });
  console.log(`scale: ${ROWS.toLocaleString('en')} messages filled in ${((performance.now() - filling) / 1000).toFixed(1)} s`);
  try {
    await server.signIn(page);
    await expect(grid(page)).toHaveAttribute('aria-rowcount', String(ROWS + 1));
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
    const took: number[] = [];
    const asked: number[] = [];
    let place = 0.37;
    for (let n = 0; n < JUMPS; n += 1) {
      // Steps of the golden ratio: all over the list, far from the place before, the same in each run.
      place = (place + 0.618_034) % 1;
      const { ms, askedMs, rows } = await jump(page, place);
      took.push(ms);
      asked.push(askedMs);
      const there = await server.page(`at=${rows[0]?.index}&limit=${rows.length}`);
      expect(rows.map((row) => row.id), `at ${rows[0]?.index}`).toEqual(there.rows.map((row) => row.id));
      expect(rows.map((row) => row.index)).toEqual(rows.map((_, i) => (rows[0]?.index ?? 0) + i));
    }
    const [median, p95] = [quantile(took, 0.5), quantile(took, 0.95)];
    console.log(`scale: a jump in ${ROWS.toLocaleString('en')} rows: median ${median.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, most ${Math.max(...took).toFixed(0)} ms of ${JUMPS}; of which the longest request: median ${quantile(asked, 0.5).toFixed(0)} ms`);
    expect(median).toBeLessThan(JUMP_MS_MAX);
  } finally {
    await server.stop();
  }
});

/** Counts the rows that live updates bring, and the newcomers they tell of; in the browser's memory, not the page's. */
class Updates {
  rows = 0;
  newcomers = 0;
  frames = 0;
  #told = 0;
  #streams = new Set<string>();

  constructor(cdp: CDPSession) {
    cdp.on('Network.eventSourceMessageReceived', ({ requestId, eventName, data }) => {
      this.frames += 1;
      if (eventName === 'rows') {
        // A stream begins with every row in view, changed or not: that is no update.
        if (this.#streams.has(requestId)) this.rows += (JSON.parse(data) as { rows: unknown[] }).rows.length;
        this.#streams.add(requestId);
      }
      if (eventName === 'new') {
        const { n } = JSON.parse(data) as { n: number };
        // A stream that takes the place of another counts from nothing again.
        this.newcomers += n >= this.#told ? n - this.#told : n;
        this.#told = n;
      }
    });
  }

  get all(): number {
    return this.rows + this.newcomers;
  }
}

async function heap(cdp: CDPSession): Promise<number> {
  // The second round takes what the first one's finalisers let go.
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}

test('the heap grows less than 5 MB over 1,000 live updates', async ({ page }) => {
  test.setTimeout(240_000);
  await page.setViewportSize({ width: 1280, height: 1400 });
  // Nothing leaves: what changes is what the test changes.
  const server = await Postroom.start({ paused: true });
  try {
    const MOVED = 30;
    await server.submit(Array.from({ length: 300 }, (_, i) => ({ to: `client${i}@example.net`, subject: `Letter ${i}` })));
    const ids = await server.submit(Array.from({ length: MOVED }, (_, i) => ({ to: `moved${i}@example.net`, subject: `Held and released ${i}` })));
    await server.signIn(page);
    await expect(page.locator(`[data-id="${ids[0]}"]`)).toBeVisible();
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('HeapProfiler.enable');
    const updates = new Updates(cdp);
    // The stream that is open already is not told of: the next one is.
    await page.reload();
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
    let n = 0;

    /** Mail is held and released in place: a tag stills the list. Then newcomers move all of it down. */
    async function live(most: number): Promise<void> {
      const until = updates.all + most;
      await page.locator('[role=row][data-id] .box').nth(MOVED + 2).click();
      for (let verb: 'hold' | 'release' = 'hold'; updates.all < until - most / 5 || verb === 'release'; verb = verb === 'hold' ? 'release' : 'hold') {
        const seen = updates.rows;
        await server.act(verb, ids);
        await expect.poll(() => updates.rows, { intervals: [20], timeout: 15_000 }).toBeGreaterThanOrEqual(seen + MOVED);
      }
      await page.getByRole('grid').focus();
      await page.keyboard.press('Escape');
      while (updates.all < until) {
        const seen = updates.newcomers;
        await server.submit(Array.from({ length: 10 }, () => ({ to: `late${(n += 1)}@example.net`, subject: `Latecomer ${n}` })));
        await expect.poll(() => updates.newcomers, { intervals: [20], timeout: 15_000 }).toBeGreaterThan(seen);
      }
    }

    await live(150);
    const [before, began] = [await heap(cdp), updates.all];
    await live(UPDATES);
    const [after, done] = [await heap(cdp), updates.all - began];
    const [from, to] = [before, after].map((bytes) => (bytes / 1e6).toFixed(2));
    console.log(`scale: heap ${from} MB → ${to} MB (${((after - before) / 1e6).toFixed(2)} MB more) over ${done} live updates in ${updates.frames} events`);
    expect(done).toBeGreaterThanOrEqual(UPDATES);
    expect(after - before).toBeLessThan(GROWTH_BYTES_MAX);
  } finally {
    await server.stop();
  }
});
