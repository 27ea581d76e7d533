import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const undeliverable = (page: Page) => page.getByRole('switch', { name: 'You have undeliverable e-mail' });
const current = (page: Page) => page.getByLabel('Current password');
const fresh = (page: Page) => page.getByLabel('New password');
const change = (page: Page) => page.getByRole('button', { name: 'Change the password' });

async function open(page: Page, login = 'front'): Promise<void> {
  await signIn(page, server.url, login, '/preferences');
  await undeliverable(page).waitFor();
}

test('alerts by e-mail are chosen by kind, take effect at once and are kept', async ({ page }) => {
  await open(page);
  await expect(page.getByText('front@office.example.com')).toBeVisible();
  await expect(undeliverable(page)).not.toBeChecked();
  await undeliverable(page).focus();
  await page.keyboard.press('Space');
  await page.getByRole('switch', { name: 'The e-mail server is down' }).check();
  await expect.poll(() => server.mock.alerts.byEmail.get('front')).toEqual(['server_down', 'undeliverable']);
  await page.reload();
  await expect(undeliverable(page)).toBeChecked();
  await undeliverable(page).uncheck();
  await expect.poll(() => server.mock.alerts.byEmail.get('front')).toEqual(['server_down']);
  expect(server.mock.alerts.byEmail.get('case')).toBeUndefined();
});

test('a choice that was not saved says so, stays as it was made, and is saved on demand', async ({ page }) => {
  await open(page);
  await page.route('**/api/v1/session/preferences', (route) => (route.request().method() === 'PUT' ? route.abort() : route.continue()));
  await undeliverable(page).check();
  await expect(page.getByRole('alert')).toContainText('This is not saved yet');
  await expect(undeliverable(page)).toBeChecked();
  await expectAccessible(page);
  await page.unroute('**/api/v1/session/preferences');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect.poll(() => server.mock.alerts.byEmail.get('front')).toEqual(['undeliverable']);
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a password is changed by the keyboard alone', async ({ page }) => {
  await open(page);
  await current(page).focus();
  await page.keyboard.type('correct horse');
  await page.keyboard.press('Tab');
  await page.keyboard.type('battery staple');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Your password is changed. Wherever else you were signed in, you are signed out.')).toBeVisible();
  await expect(current(page)).toHaveValue('');
  await expect(fresh(page)).toHaveValue('');
});

test('what is wrong with a password stands beside its field, and what was typed stays', async ({ page }) => {
  await open(page);
  await change(page).click();
  await expect(page.getByText('Enter the password that you sign in with now.')).toBeVisible();
  await expect(current(page)).toBeFocused();
  await current(page).fill('guess');
  await fresh(page).fill('short');
  await change(page).click();
  await expect(page.getByText('A password has at least 10 characters.')).toBeVisible();
  await expect(fresh(page)).toHaveAttribute('aria-invalid', 'true');
  await fresh(page).fill('long enough now');
  await change(page).click();
  await expect(page.getByText('This is not the password you have now. Try again.')).toBeVisible();
  await expect(current(page)).toBeFocused();
  await expect(fresh(page)).toHaveValue('long enough now');
  // What only the server knows to be wrong stands there too.
  await current(page).fill('correct horse');
  await fresh(page).fill('password');
  await fresh(page).fill('a password that is known');
  await change(page).click();
  await expect(page.getByText('password: the password is too short')).toBeVisible();
  await expect(fresh(page)).toBeFocused();
  await fresh(page).fill('correct horse');
  await change(page).click();
  await expect(page.getByText('That is the password you have now.')).toBeVisible();
});

test('a password can be looked at before it is sent', async ({ page }) => {
  await open(page);
  await fresh(page).fill('battery staple');
  await expect(fresh(page)).toHaveAttribute('type', 'password');
  await page.getByRole('button', { name: 'Show the password' }).click();
  await expect(fresh(page)).toHaveAttribute('type', 'text');
  await expect(fresh(page)).toHaveValue('battery staple');
});

test('a password that was typed is not left behind unasked', async ({ page }) => {
  await open(page);
  await fresh(page).fill('battery staple');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Alert Center/ }).click();
  const question = page.getByRole('dialog', { name: 'Leave without changing the password?' });
  await expectAccessible(page);
  await question.getByRole('button', { name: 'Stay here' }).click();
  await expect(fresh(page)).toHaveValue('battery staple');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Alert Center/ }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Alert Center' })).toBeVisible();
});

test('the Alert Center leads to its part of the page', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 600 });
  await signIn(page, server.url, 'front', '/alerts');
  await page.getByRole('link', { name: 'Get them by e-mail' }).click();
  await expect(page.getByRole('heading', { name: 'Alerts by e-mail' })).toBeInViewport();
});
