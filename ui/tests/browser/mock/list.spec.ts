import type { Page } from '@playwright/test';
import { expect, test } from '../page';
import { signIn, start, type Started } from './start';

/** More than the mock searches through. */
const ROWS = 40_000;
let server: Started;
test.beforeEach(async ({ page }) => {
  server = await start(ROWS);
  await signIn(page, server.url);
});
test.afterEach(() => server.close());

const grid = (page: Page) => page.getByRole('grid');
const all = { type: 'all', source: 'all', q: '' };

test('Type and Source stand first, at the top left, with the words of the page', async ({ page }) => {
  await expect(page.getByRole('banner')).toContainText(/Utilities.*E-mail Queue/);
  const left = (await grid(page).boundingBox())?.x ?? 0;
  const type = await page.getByLabel('Type').boundingBox();
  const source = await page.getByLabel('Source').boundingBox();
  const search = await page.getByRole('searchbox').boundingBox();
  expect((type?.x ?? 0) - left).toBeLessThan(100);
  expect(type?.x).toBeLessThan(source?.x ?? 0);
  expect(source?.x).toBeLessThan(search?.x ?? 0);
  const words = async (label: string) => (await page.getByLabel(label).locator('option').allTextContents()).map((text) => text.replace(/ \([\d,]+\)$/, ''));
  expect(await words('Type')).toEqual(['All', 'Failed', 'Outbox', 'Sent']);
  expect(await words('Source')).toEqual(['All', 'E-mail I Sent', 'Postroom Notifications']);
});

test('the grid fills the page and its rows stand below one another', async ({ page }) => {
  const box = await grid(page).boundingBox();
  expect(box?.height).toBeGreaterThan(600);
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBe(1280);
  const tops = await page.locator('[role=row][data-id]').evaluateAll((rows) => rows.slice(0, 12).map((row) => row.getBoundingClientRect()).map(({ top, height }) => ({ top, height })));
  for (const [i, row] of tops.entries()) {
    expect(row.height).toBe(36);
    if (i > 0) expect(row.top).toBe((tops[i - 1]?.top ?? 0) + 36);
  }
});

test('Type narrows the list, the counts and the address', async ({ page }) => {
  await page.getByLabel('Type').selectOption('failed');
  await expect(page).toHaveURL(/\?type=failed$/);
  await expect(page.locator('[role=row][data-id]').first()).toContainText('Failed');
  const counts = server.mock.box.counts({ ...all, type: 'failed' });
  await expect(grid(page)).toHaveAttribute('aria-rowcount', String(counts.total + 1));
  await expect(page.getByText(`${counts.total.toLocaleString('en-US')} e-mails`)).toBeVisible();
});

test('Source narrows the list and combines with Type', async ({ page }) => {
  await page.getByLabel('Source').selectOption('notifications');
  await page.getByLabel('Type').selectOption('sent');
  await expect(page).toHaveURL(/\?type=sent&source=notifications$/);
  await expect(page.locator('[role=row][data-id]').first().locator('.from')).toHaveText('Postroom');
});

test('notifications are no choice for those who are not administrators', async ({ page, context }) => {
  await context.clearCookies();
  await signIn(page, server.url, 'front');
  await expect(page.getByLabel('Source').locator('option')).toHaveText([/^All/, /^E-mail I Sent/]);
});

test('search finds as one types, and says when it finds nothing', async ({ page }) => {
  await page.keyboard.press('/');
  await page.keyboard.type('fleet quotation');
  await expect(page).toHaveURL(/q=fleet\+quotation/);
  await expect(page.locator('[role=row][data-id] .subject a').first()).toHaveText('Fwd: Fleet quotation, 14 vehicles');
  await expect(page.getByText(/^[\d,]+\+ e-mails$/)).toBeVisible();
  await page.getByRole('searchbox').fill('no such words');
  await expect(page.getByRole('heading', { name: 'Nothing matches “no such words”' })).toBeVisible();
  await page.getByRole('button', { name: 'Show all e-mail' }).click();
  await expect(page).toHaveURL(/\/queue$/);
  await expect(page.getByRole('searchbox')).toHaveValue('');
});

test('a visible row changes within a second of the fact', async ({ page }) => {
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const row = page.locator('[role=row][data-id]').nth(2);
  const id = await row.getAttribute('data-id');
  await expect(row).toContainText('Outbox');
  await page.request.get(`${server.url}/mock/change?id=${id}&state=sending`);
  await expect(page.locator(`[data-id="${id}"]`)).toContainText('Sending', { timeout: 1_000 });
});

test('newcomers show by themselves at the top', async ({ page }) => {
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.request.get(`${server.url}/mock/arrive?n=3`);
  const newest = server.mock.box.page(all, 0, Infinity, 1).rows[0]?.id ?? '';
  await expect(page.locator('[role=row][data-id]').first()).toHaveAttribute('data-id', newest);
});

test('a lost connection shows, ends by itself, and what was missed is made up for', async ({ page }) => {
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.request.get(`${server.url}/mock/down`);
  await expect(page.getByRole('button', { name: /Offline/ })).toBeVisible();
  server.mock.box.arrive();
  await page.request.get(`${server.url}/mock/up`);
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 10_000 });
  const newest = server.mock.box.page(all, 0, Infinity, 1).rows[0]?.id ?? '';
  await expect(page.locator('[role=row][data-id]').first()).toHaveAttribute('data-id', newest);
});

test('the stream is closed while the tab is hidden', async ({ page }) => {
  await expect.poll(() => server.mock.streams.size).toBe(1);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect.poll(() => server.mock.streams.size).toBe(0);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: false, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect.poll(() => server.mock.streams.size).toBe(1);
});

test('a relay that goes down is told at once', async ({ page }) => {
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.request.get(`${server.url}/mock/relay?state=down`);
  await expect(page.getByText('Relay down')).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('The e-mail server office is down');
});

test('on a phone the rows are cards of two lines and nothing sticks out', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const row = page.locator('[role=row][data-id]').first();
  await expect.poll(async () => (await row.boundingBox())?.height).toBe(66);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  expect(await grid(page).evaluate((one) => one.scrollWidth)).toBeLessThanOrEqual(390);
  const [to, subject] = [await row.locator('.who').boundingBox(), await row.locator('.subject').boundingBox()];
  expect(subject?.y).toBeGreaterThan(to?.y ?? 0);
  const box = await row.locator('.box').boundingBox();
  expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(24);
});
