/** A million rows under the scrollbar. */
import type { Page } from '@playwright/test';
import { drawn, expect, test } from '../page';
import { signIn, start, type Started } from './start';

const ROWS = 1_000_000;
let server: Started;
test.beforeEach(async ({ page }) => {
  server = await start(ROWS);
  await signIn(page, server.url);
});
test.afterEach(() => server.close());

const grid = (page: Page) => page.getByRole('grid');
const all = { type: 'all', source: 'all', q: '' };

/** Drags the scrollbar to a share of its way and waits until the rows there are drawn; returns how long that took. */
function jump(page: Page, share: number): Promise<number> {
  return grid(page).evaluate(async (scroller, to) => {
    const begun = performance.now();
    scroller.scrollTop = to * (scroller.scrollHeight - scroller.clientHeight);
    const settled = (): boolean => {
      const box = scroller.getBoundingClientRect();
      const inView = [...scroller.querySelectorAll('[role=row][id]')].filter((row) => {
        const at = row.getBoundingClientRect();
        return at.bottom > box.top + 34 && at.top < box.bottom;
      });
      return inView.length > 5 && inView.every((row) => row.hasAttribute('data-id'));
    };
    await new Promise((done) => requestAnimationFrame(done));
    while (!settled()) await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - begun;
  }, share);
}

test('a jump of the scrollbar draws the rows that the server has there', async ({ page }) => {
  const times: number[] = [];
  for (const share of [0.137, 0.5, 0.871, 0.33, 0.999, 0.012, 0.66, 0.25, 0.9, 0.41]) {
    times.push(await jump(page, share));
    const rows = await drawn(page);
    expect(rows.length).toBeGreaterThan(10);
    for (const { index, id } of [rows[0], rows.at(-1)].flatMap((row) => row ?? [])) {
      expect(server.mock.box.page(all, index, Infinity, 1).rows[0]?.id).toBe(id);
    }
    expect(Math.abs((rows[0]?.index ?? 0) / ROWS - share)).toBeLessThan(0.01);
  }
  const median = times.sort((a, b) => a - b)[5] ?? 0;
  test.info().annotations.push({ type: 'jump_ms_median', description: median.toFixed(1) });
  console.log(`jump median ${median.toFixed(1)} ms of ${times.map((t) => t.toFixed(0)).join(' ')}`);
});

test('the last of a million rows is reached', async ({ page }) => {
  await jump(page, 1);
  expect((await drawn(page)).at(-1)?.index).toBe(ROWS - 1);
  const last = await page.locator('[role=row][data-id]').last().boundingBox();
  expect((last?.y ?? 0) + (last?.height ?? 0)).toBeLessThanOrEqual(800.5);
});

test('the wheel moves one to one in the middle of a million', async ({ page }) => {
  await jump(page, 0.5);
  const row = page.locator('[role=row][data-id]').nth(15);
  const id = await row.getAttribute('data-id');
  const before = await page.locator(`[data-id="${id}"]`).boundingBox();
  await page.mouse.move(600, 500);
  await page.mouse.wheel(0, 72);
  await expect.poll(async () => ((await page.locator(`[data-id="${id}"]`).boundingBox())?.y ?? 0) - (before?.y ?? 0)).toBeCloseTo(-72, 0);
});

test('newcomers wait behind a pill while one reads further down', async ({ page }) => {
  await jump(page, 0.3);
  await expect.poll(() => server.mock.streams.size).toBe(1);
  const before = await drawn(page);
  await page.request.get(`${server.url}/mock/arrive?n=12`);
  const pill = page.getByRole('button', { name: '12 new – show' });
  await expect(pill).toBeVisible();
  expect(await drawn(page)).toEqual(before);
  await pill.click();
  await expect(pill).toBeHidden();
  const newest = server.mock.box.page(all, 0, Infinity, 1).rows[0]?.id ?? '';
  await expect(page.locator('[role=row][data-id]').first()).toHaveAttribute('data-id', newest);
});

test('a jump of the scrollbar that comes as the list settles is not undone', async ({ page }) => {
  // What the list does once it has rested is kept here, and done between the pull and the event that tells of it.
  await page.addInitScript(() => {
    const wait = window.setTimeout;
    const kept = window as unknown as { settle?: () => void };
    window.setTimeout = ((run: () => void, ms?: number, ...rest: unknown[]) => (ms === 150 ? ((kept.settle = run), 0) : wait(run, ms, ...rest))) as typeof setTimeout;
  });
  await page.reload();
  await page.locator('[role=row][data-id]').first().waitFor();
  const first = async (): Promise<number> => (await drawn(page))[0]?.index ?? 0;
  await grid(page).evaluate((one) => (one.scrollTop = 0.2 * one.scrollHeight));
  await expect.poll(first).toBeGreaterThan(150_000);
  await grid(page).evaluate((one) => {
    one.scrollTop = 0.7 * one.scrollHeight;
    (window as unknown as { settle?: () => void }).settle?.();
  });
  await expect.poll(first).toBeGreaterThan(650_000);
});
