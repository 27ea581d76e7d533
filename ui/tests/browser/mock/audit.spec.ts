import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const rows = (page: Page) => page.locator('tbody tr');
const rowOf = (page: Page, words: string | RegExp) => rows(page).filter({ hasText: words }).first();

async function open(page: Page, login = 'case', path = '/audit'): Promise<void> {
  await signIn(page, server.url, login, path);
  await rows(page).first().waitFor();
}

test('every entry reads as a sentence, with what it changed', async ({ page }) => {
  await open(page);
  await expect(rows(page).first()).toContainText('Case Clerk');
  await expect(rows(page).first()).toContainText('put one message back in the Outbox');
  await expect(rowOf(page, 'changed the daily limits')).toContainText('Each user, a day2,000 → 2,500');
  await expect(rowOf(page, 'deleted 12 messages')).toContainText('“Sent twice by mistake”');
  await expect(rowOf(page, 'put 32,417 messages back')).toContainText('It ran to its end');
  await expect(rowOf(page, 'read the server’s configuration anew')).toContainText('Operator');
  await expect(rowOf(page, 'read the server’s configuration anew')).toContainText('on the server itself');
  await expect(rowOf(page, 'changed the rights of')).toContainText('Super User, Customize List Layout');
  await rows(page).first().getByText('Entry 640').click();
  await expect(rows(page).first()).toContainText('Fingerprint of the entry');
  await rows(page).first().getByRole('link', { name: 'one message' }).click();
  await expect(page).toHaveURL(/\/queue\/01k2/);
});

test('older entries come on demand, to where the log begins', async ({ page }) => {
  await open(page);
  await expect(rows(page)).toHaveCount(50);
  await page.getByRole('button', { name: 'Show older entries' }).click();
  await expect(rows(page)).toHaveCount(100);
  await page.getByLabel('About').selectOption('people');
  await expect(page).toHaveURL(/about=people/);
  await expect(rows(page).first()).toContainText('chose a new password');
  await expect(page.getByText(/found\. That is all\.|found among the newest/)).toBeVisible();
});

test('filters narrow the log, stand in the address and say how far was looked', async ({ page }) => {
  await open(page, 'case', '/audit?who=system');
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText('set up the server, with');
  await expect(page.getByText('1 found. That is all.')).toBeVisible();
  await page.getByLabel('From day').fill('2026-11-23');
  await expect(page.getByRole('heading', { name: 'No entry is like that' })).toBeVisible();
  await expect(page.getByLabel('Who')).toHaveValue('system');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Clear filters' }).first().click();
  await expect(page).toHaveURL(/\/audit$/);
  await expect(rows(page)).toHaveCount(50);
  await page.getByLabel('From day').fill('2026-11-20');
  await page.getByLabel('To day').fill('2026-11-19');
  await expect(page.getByText('This day lies before the first one.')).toBeVisible();
});

test('a check says in words that the log is whole, and gives its end to keep', async ({ page }) => {
  await open(page);
  const button = page.getByRole('button', { name: 'Check the log …' });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Check that the log is whole' });
  await dialog.getByRole('button', { name: 'Check the log' }).click();
  await expect(dialog.getByText('The log is whole: 640 entries, each as it was written')).toBeVisible();
  const head = (await dialog.locator('code').innerText()).trim();
  expect(head).toMatch(/^640:[0-9a-f]{64}$/);
  await dialog.getByLabel('The end of the log').fill(head);
  await dialog.getByRole('button', { name: 'Check again' }).click();
  await expect(dialog.getByText('The end that you kept is in it.')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(button).toBeFocused();
});

test('a check says what is wrong, and what is no end of a log', async ({ page }) => {
  server.mock.audit.problems = ['entry 12 does not fit its hash: it, or its place in the chain, was changed'];
  await open(page);
  await page.getByRole('button', { name: 'Check the log …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('The end of the log').fill('moon');
  await dialog.getByRole('button', { name: 'Check the log' }).click();
  await expect(dialog.getByRole('alert')).toContainText('This is not the end of a log');
  await dialog.getByLabel('The end of the log').fill(`7:${'0'.repeat(64)}`);
  await dialog.getByRole('button', { name: 'Check the log' }).click();
  await expect(dialog.getByText('The log is not as it was written.')).toBeVisible();
  await expect(dialog.getByText('Entry 12 does not fit its hash')).toBeVisible();
  await expect(dialog.getByText('Entry 7 is not the one that was remembered')).toBeVisible();
  await expectAccessible(page);
});

test('an office’s administrator reads of their office alone, and checks nothing', async ({ page }) => {
  await open(page, 'branch');
  await expect(page.getByText('of your office. Nothing here can be changed')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Check the log …' })).toHaveCount(0);
  await expect(page.getByRole('columnheader', { name: 'Office' })).toHaveCount(0);
  await expect(rowOf(page, 'changed the daily limits')).toHaveCount(0);
});

test('others do not have the page', async ({ page }) => {
  await signIn(page, server.url, 'front', '/audit');
  await expect(page.getByRole('heading', { name: 'This page is for administrators' })).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit Log' })).toHaveCount(0);
});

test('a log that cannot be loaded says so and is tried again on demand', async ({ page }) => {
  await signIn(page, server.url, 'case', '/preferences');
  await page.route('**/api/v1/audit?*', (route) => route.abort());
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit Log' }).click();
  await expect(page.getByRole('alert')).toContainText('The audit log could not be loaded');
  await page.unroute('**/api/v1/audit?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(rows(page)).toHaveCount(50);
});
