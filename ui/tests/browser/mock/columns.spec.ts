import type { Page } from '@playwright/test';
import { drawn, expect, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async ({ page }) => {
  server = await start(10_000);
  await signIn(page, server.url, 'case', '/queue?type=failed');
});
test.afterEach(() => server.close());

const heads = (page: Page) => page.getByRole('columnheader').locator('button .cut');
const names = async (page: Page) => (await heads(page).allTextContents()).map((text) => text.replace(/ ?\(.*\)$/, ''));
const USUAL = ['Status', 'To', 'Subject', 'From', 'Date', 'Attempts', 'Sent On', 'Error Message'];
const kept = () => server.mock.layouts.get('case');

async function customize(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: 'Customize columns…' }).click();
}

test('columns are shown, hidden and moved by keys alone, and kept for the person', async ({ page }) => {
  expect(await names(page)).toEqual(USUAL);
  await page.getByRole('button', { name: 'Menu' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Customize columns' });
  await dialog.getByRole('checkbox', { name: 'Sent On' }).focus();
  await page.keyboard.press('Space');
  await dialog.getByRole('checkbox', { name: 'Mime Type' }).focus();
  await page.keyboard.press('Space');
  await dialog.getByRole('button', { name: 'Move Mime Type to the left' }).focus();
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Save' }).focus();
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Menu' })).toBeFocused();
  const changed = ['Status', 'To', 'Subject', 'From', 'Date', 'Attempts', 'Mime Type', 'Error Message'];
  expect(await names(page)).toEqual(changed);
  await page.reload();
  await page.locator('[role=row][data-id]').first().waitFor();
  expect(await names(page)).toEqual(changed);
  await customize(page);
  await page.getByRole('button', { name: 'Back to the office’s columns' }).click();
  await expect.poll(() => names(page)).toEqual(USUAL);
});

test('a column is widened and moved by keys on its name', async ({ page }) => {
  const from = page.locator('#column-from');
  const width = async () => (await page.getByRole('columnheader', { name: 'From' }).boundingBox())?.width ?? 0;
  const before = await width();
  await from.focus();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  expect(await width()).toBeCloseTo(before + 32, 0);
  await page.keyboard.press('Control+Shift+ArrowLeft');
  expect((await names(page))[2]).toBe('From');
  await expect(from).toBeFocused();
  await expect.poll(() => kept()?.columns[2]).toEqual({ column: 'from', width_px: Math.round(before + 32) });
});

test('a column is widened and moved by the mouse', async ({ page }) => {
  const head = page.getByRole('columnheader', { name: 'From' });
  const box = await head.boundingBox();
  const edge = { x: (box?.x ?? 0) + (box?.width ?? 0) - 4, y: (box?.y ?? 0) + 15 };
  await page.mouse.move(edge.x, edge.y);
  await page.mouse.down();
  await page.mouse.move(edge.x + 60, edge.y, { steps: 4 });
  await page.mouse.up();
  expect((await head.boundingBox())?.width).toBeCloseTo((box?.width ?? 0) + 60, 0);
  await page.getByRole('columnheader', { name: 'Date' }).dragTo(page.getByRole('columnheader', { name: 'To', exact: true }));
  expect((await names(page)).slice(0, 3)).toEqual(['Status', 'Date', 'To']);
  // A drag is no click: the order is as before.
  await expect(page).toHaveURL(/type=failed$/);
});

test('a click on a name sorts, another turns it round, and the address keeps it', async ({ page }) => {
  await page.locator('#column-subject').click();
  await expect(page).toHaveURL(/sort=subject&order=ascending/);
  await expect(page.getByRole('columnheader', { name: 'Subject' })).toHaveAttribute('aria-sort', 'ascending');
  const query = { type: 'failed', source: 'all', q: '', sort: 'subject', order: 'ascending' };
  const expected = () => server.mock.box.sorted(query, 0, 5)?.rows.map((row) => row.id);
  await expect.poll(async () => (await drawn(page)).slice(0, 5).map((row) => row.id)).toEqual(expected());
  await page.locator('#column-subject').click();
  query.order = 'descending';
  await expect(page.getByRole('columnheader', { name: 'Subject' })).toHaveAttribute('aria-sort', 'descending');
  await expect.poll(async () => (await drawn(page)).slice(0, 5).map((row) => row.id)).toEqual(expected());
  await expect.poll(() => kept()?.sort.column).toBe('subject');
});

test('those without the right sort, but change no columns', async ({ page, context }) => {
  await context.clearCookies();
  await signIn(page, server.url, 'front', '/queue?type=failed');
  await page.getByRole('button', { name: 'Menu' }).click();
  await expect(page.getByRole('menuitem', { name: 'Customize columns…' })).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(page.locator('.edge')).toHaveCount(0);
  const [asked] = await Promise.all([page.waitForRequest(/sort=subject/), page.locator('#column-subject').click()]);
  expect(asked.method()).toBe('GET');
  await page.locator('#column-subject').press('Control+Shift+ArrowLeft');
  expect(await names(page)).toContain('Subject');
  expect(kept()).toBeUndefined();
});

test('too many to sort says so and offers a way out', async ({ page }) => {
  await page.route('**/api/v1/messages?*sort=subject*', (route) =>
    route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify({ type: 'urn:postroom:problem:narrow_first', code: 'narrow_first', status: 422, title: 'There are too many to sort', detail: 'More than 1,000,000 e-mails match. Narrow the list first.' }) }),
  );
  await page.locator('#column-subject').click();
  await expect(page.getByText('More than 1,000,000 e-mails match. Narrow the list first.')).toBeVisible();
  await page.getByRole('button', { name: 'Sort by Date' }).click();
  await expect(page.locator('[role=row][data-id]').first()).toBeVisible();
});
