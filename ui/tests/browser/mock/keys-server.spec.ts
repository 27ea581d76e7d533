/** Limits, Server status, the queue's undo and the pages around them by the keyboard alone. */
import type { Page } from '@playwright/test';
import { choose, chooseItem, expect, press, tabTo, test, type } from '../keys';
import { openAs, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

const named = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });

test('limits are asked about, changed, and mail is released past them', async ({ page }) => {
  await openAs(page, server.url, 'case', '/limits');
  await page.getByRole('meter').first().waitFor();
  await type(page, page.getByLabel('E-mails', { exact: true }), '1000');
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^760 of 1,000 would go today/)).toBeVisible();
  await choose(page, page.getByLabel('Whose'), 'Claims Team');
  await press(page, named(page, 'As a table'));
  await expect(named(page, 'As a chart')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('region', { name: 'E-mails a day' })).toBeFocused();
  const held = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Held e-mail' }) });
  await press(page, held.getByRole('checkbox').first(), 'Space');
  await press(page, named(page, 'Release 1 past the limit…'));
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Release 1' }));
  await expect(page.getByText('1 message released.')).toBeVisible();
  await type(page, page.getByLabel('Each person, a day'), '1500');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Somebody has sent 2000 messages today already')).toBeVisible();
  await expect(page.getByLabel('Each person, a day')).toBeFocused();
  await type(page, page.getByLabel('Each person, a day'), '2500');
  await choose(page, page.getByLabel('Time zone'), 'UTC');
  await press(page, named(page, 'Save the limits'));
  await expect(page.getByText('The limits are in force.')).toBeVisible();
  expect(server.mock.limits.limits).toMatchObject({ user_daily_limit: 2_500, time_zone: 'UTC' });
  server.mock.limits.limits = { ...server.mock.limits.limits, system_daily_limit: 9_000, version: 9 };
  await type(page, page.getByLabel('Whole server, a day'), '12000');
  await page.keyboard.press('Enter');
  await press(page, named(page, 'Save mine all the same'));
  await expect.poll(() => server.mock.limits.limits.system_daily_limit).toBe(12_000);
});

test('the server’s figures are walked by arrows, as lines and as a table', async ({ page }) => {
  server.mock.moreRelays = [{ office: 3, second: false, name: 'own', host: 'smtp.lakeside.example.com:587', state: 'up', since: null, last_error: null }];
  await openAs(page, server.url, 'case', '/server');
  await page.locator('figure').first().waitFor();
  await tabTo(page, page.getByRole('tab', { name: 'Last hour' }));
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(/hours=24$/);
  const moments = page.getByRole('slider', { name: 'Moments of Waiting messages' });
  await tabTo(page, moments);
  await page.keyboard.press('Home');
  const first = await moments.getAttribute('aria-valuetext');
  await page.keyboard.press('PageDown');
  expect(await moments.getAttribute('aria-valuetext')).not.toBe(first);
  const figure = page.locator('figure').first();
  await press(page, figure.getByRole('button', { name: 'As a table' }));
  await page.keyboard.press('Tab');
  // A long table takes the focus, so that the arrows scroll it.
  await expect(figure.getByRole('region')).toBeFocused();
  await press(page, page.getByRole('link', { name: 'Lakeside' }));
  await expect(page).toHaveURL(/\/office\/settings\/3#smtp$/);
});

test('a deletion is taken back by Ctrl+Z, or from the report', async ({ page }) => {
  await openAs(page, server.url, 'case', '/queue?type=failed');
  await page.locator('[role=row][data-id]').first().waitFor();
  await tabTo(page, page.getByRole('grid'));
  await page.keyboard.press('ArrowDown');
  const id = (await page.locator('.row.active').getAttribute('data-id')) ?? '';
  const row = page.locator(`[data-id="${id}"]`);
  await page.keyboard.press('x');
  await chooseItem(page, named(page, 'Menu'), /^Delete/);
  await expect(row).toContainText('Deleted');
  await page.keyboard.press('Control+z');
  await expect(row).toContainText('Failed');
  await page.keyboard.press('Escape');
  await tabTo(page, page.getByRole('grid'));
  await page.keyboard.press('Enter');
  await page.getByRole('table', { name: 'Headers' }).waitFor();
  await press(page, named(page, 'Delete'));
  await expect(row).toContainText('Deleted');
  await press(page, page.locator('.toasts').getByRole('button', { name: /^Undo/ }));
  await expect(row).toContainText('Failed');
  expect(server.mock.box.find(id)).not.toBeNull();
});

test('the audit log is narrowed and checked', async ({ page }) => {
  await openAs(page, server.url, 'case', '/audit');
  await page.locator('tbody tr').first().waitFor();
  await choose(page, page.getByLabel('About'), /^People/);
  await expect(page).toHaveURL(/about=people/);
  await press(page, named(page, 'Clear filters'));
  await expect(page).toHaveURL(/\/audit$/);
  await press(page, page.locator('summary').first());
  await expect(page.getByText('Fingerprint of the entry').first()).toBeVisible();
  await press(page, named(page, 'Check the log …'));
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Check the log' }));
  await expect(page.getByText(/^The log is whole/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(named(page, 'Check the log …')).toBeFocused();
});

test('signing in and out, and every page of the navigation', async ({ page }) => {
  await page.goto(server.url);
  await page.getByLabel('Sign-in name').waitFor();
  await type(page, page.getByLabel('Sign-in name'), 'case');
  await type(page, page.getByLabel('Password'), 'correct horse');
  await page.keyboard.press('Enter');
  const links = page.getByRole('navigation', { name: 'Main' }).locator('.group a');
  await links.first().waitFor();
  for (let i = 0; i < (await links.count()); i += 1) {
    const path = await links.nth(i).evaluate((link) => (link as HTMLAnchorElement).pathname);
    await press(page, links.nth(i));
    await expect.poll(() => new URL(page.url()).pathname).toBe(path);
    // The focus stays where the next page can be gone to.
    await expect(links.nth(i)).toBeFocused();
  }
  await chooseItem(page, page.getByRole('button', { name: /^Account of/ }), 'Sign out');
  await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
});
