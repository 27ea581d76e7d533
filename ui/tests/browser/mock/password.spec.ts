import type { Page } from '@playwright/test';
import { expect, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const whom = (page: Page) => page.getByLabel('Sign-in name or e-mail address');
const fresh = (page: Page) => page.getByLabel('New password');
const set = (page: Page) => page.getByRole('button', { name: 'Set the password' });

async function forgot(page: Page, login: string): Promise<void> {
  await page.goto(`${server.url}/forgotten`);
  await expect(whom(page)).toBeFocused();
  await page.keyboard.type(login);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Look into your mailbox' })).toBeVisible();
}

test('the sign-in page leads to a link for those who forgot, and back', async ({ page }) => {
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Forgotten your password?' }).click();
  await expect(page).toHaveTitle('Forgotten your password? · Postroom');
  await page.getByRole('link', { name: 'Back to sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
});

test('whoever asks reads the same words, whether the server knows them or not', async ({ page }) => {
  const told: string[] = [];
  for (const login of ['front', 'nobody', 'front@office.example.com']) {
    await forgot(page, login);
    told.push((await page.getByRole('main').innerText()).replaceAll(login, '…'));
  }
  expect(new Set(told).size).toBe(1);
  expect(told[0]).toContain('It works once, within one hour.');
  expect(server.mock.passwords.asked).toEqual(['front', 'nobody', 'front@office.example.com']);
  await page.getByRole('button', { name: 'Try another name' }).click();
  await expect(whom(page)).toHaveValue('front@office.example.com');
});

test('nothing typed, too many attempts and a server that is away are told beside the field', async ({ page }) => {
  await page.goto(`${server.url}/forgotten`);
  await page.getByRole('button', { name: 'Send me the link' }).click();
  await expect(page.getByText('Enter your sign-in name or your e-mail address.')).toBeVisible();
  await whom(page).fill('front');
  await page.route('**/api/v1/password-reset', (route) => route.abort());
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('The server cannot be reached.');
  await page.unroute('**/api/v1/password-reset');
  server.mock.passwords.flooded = true;
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert').filter({ hasText: 'If you already have a link, use the newest one' })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Wait/ })).toBeDisabled();
  await expect(whom(page)).toHaveValue('front');
});

test('a link from the mail sets a password, once', async ({ page }) => {
  await page.goto(`${server.url}/password?token=fresh`);
  await expect(page.getByRole('heading', { name: 'Choose your password' })).toBeVisible();
  await set(page).click();
  await expect(page.getByText('Enter the new password.')).toBeVisible();
  await fresh(page).fill('short');
  await page.keyboard.press('Enter');
  await expect(page.getByText('A password has at least 10 characters.')).toBeVisible();
  await fresh(page).fill('a password that is known');
  await page.keyboard.press('Enter');
  await expect(page.getByText('password: the password is too short')).toBeVisible();
  await expect(fresh(page)).toHaveValue('a password that is known');
  await fresh(page).fill('battery staple');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible();
  await expect(page).toHaveURL(/\/password$/);
  await page.getByRole('link', { name: 'Go on to Postroom' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
  await page.goto(`${server.url}/password?token=fresh`);
  await fresh(page).fill('battery staple');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'This link does not work any more' })).toBeVisible();
});

test('a new password by a link revokes API keys unless that is unticked; a first password has none to revoke', async ({ page }) => {
  const box = page.getByRole('checkbox', { name: 'Also revoke my API keys' });
  const choose = async (token: string, tick: boolean | null): Promise<void> => {
    server.mock.passwords.tokens.add(token);
    await page.goto(`${server.url}/password?token=${token}`);
    await expect(fresh(page)).toBeVisible();
    await expect(box).toHaveCount(tick === null ? 0 : 1);
    if (tick !== null) {
      await expect(box).toBeChecked();
      await box.setChecked(tick);
    }
    await fresh(page).fill('battery staple');
    await set(page).click();
    await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible();
    await expect(page.getByText('Your API keys are revoked.')).toHaveCount(tick ? 1 : 0);
  };
  await choose('fresh', true);
  await choose('fresh', false);
  await choose('first_fresh', null);
  expect(server.mock.passwords.endKeys).toEqual([true, false, undefined]);
});

test('a link that is over, and one that is cut off, say what to do', async ({ page }) => {
  await page.goto(`${server.url}/password?token=over`);
  await fresh(page).fill('battery staple');
  await set(page).click();
  await expect(page.getByText('It was used already, a newer one was sent, or its time is over. Nothing was changed.')).toBeVisible();
  await expect(page.getByText('Ask your administrator to invite you again', { exact: false })).toBeVisible();
  await page.getByRole('link', { name: 'Ask for a new link' }).click();
  await expect(whom(page)).toBeFocused();
  await page.goto(`${server.url}/password`);
  await expect(page.getByText('The address is not complete')).toBeVisible();
});

test('a link opened by somebody who is signed in says whom the password is for', async ({ page }) => {
  await signIn(page, server.url);
  await page.goto(`${server.url}/password?token=fresh`);
  await expect(page.getByText('You are signed in as Case Clerk.')).toBeVisible();
  await fresh(page).fill('battery staple');
  await set(page).click();
  await page.getByRole('link', { name: 'Go on to Postroom' }).click();
  await expect(page.getByRole('button', { name: 'Account of Case Clerk' })).toBeVisible();
});
