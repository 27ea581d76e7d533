import { expect, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

test('a wrong password is told beside the field and what was typed stays', async ({ page }) => {
  await page.goto(server.url);
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('Password').fill('guess');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('The sign-in name or the password is not right. Try again.');
  await expect(page.getByLabel('Password')).toHaveAttribute('aria-describedby', 'password-error');
  await expect(page.getByLabel('Password')).toBeFocused();
  await expect(page.getByLabel('Sign-in name')).toHaveValue('case');
  await expect(page.getByLabel('Password')).toHaveValue('guess');
});

test('empty fields are named without asking the server', async ({ page }) => {
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.locator('#login-error')).toHaveText('Enter your sign-in name.');
  await expect(page.locator('#password-error')).toHaveText('Enter your password.');
  await expect(page.getByLabel('Sign-in name')).toBeFocused();
});

test('too many attempts say how long to wait', async ({ page }) => {
  await page.goto(server.url);
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('Password').fill('guess');
  for (let i = 0; i < 6; i += 1) {
    await Promise.all([page.waitForResponse(/session/), page.keyboard.press('Enter')]);
    await expect(page.getByRole('button', { name: /Sign in|Wait/ })).not.toHaveText('Signing in …');
  }
  await expect(page.getByRole('alert')).toContainText(/try again in (30|29|28) s/);
  await expect(page.getByRole('button', { name: /Wait/ })).toBeDisabled();
  await expect(page.getByLabel('Password')).toHaveValue('guess');
});

test('the page that was asked for comes after signing in', async ({ page }) => {
  await signIn(page, server.url, 'case', '/queue?type=failed');
  await expect(page.getByLabel('Type')).toHaveValue('failed');
  await expect(page).toHaveURL(/\/queue\?type=failed$/);
});

test('signing out leaves nothing behind', async ({ page }) => {
  await signIn(page, server.url);
  await page.getByRole('button', { name: /Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Password')).toBeVisible();
});

test('a session that has ended says so and goes on where it was', async ({ page, context }) => {
  await signIn(page, server.url);
  await context.clearCookies();
  await page.getByLabel('Type').selectOption('sent');
  await expect(page.getByRole('status').filter({ hasText: 'Your session has ended' })).toBeVisible();
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('Password').fill('correct horse');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Type')).toHaveValue('sent');
});

test('a server that is away is told in words, and tried again on demand', async ({ page }) => {
  await page.goto(server.url);
  await page.request.get(`${server.url}/mock/down`);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'The server cannot be reached' })).toBeVisible();
  await page.request.get(`${server.url}/mock/up`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByLabel('Password')).toBeVisible();
});
