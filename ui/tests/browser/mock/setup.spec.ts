import type { Page } from '@playwright/test';
import { settingsState, SETUP_SECRET } from '../../mock/settings';
import { expect, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
  const state = settingsState(server.mock);
  state.empty = true;
  state.settings.clear();
});
test.afterEach(() => server.close());

const step = (page: Page, name: string) => page.getByRole('heading', { level: 2, name });

async function makeAdministrator(page: Page): Promise<void> {
  await page.getByLabel('Secret').fill(SETUP_SECRET);
  await page.getByLabel('Your name').fill('Case Clerk');
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('E-mail address').fill('case@office.example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByRole('button', { name: 'Make the administrator and go on' }).click();
  await step(page, 'Your office').waitFor();
}

test('a server without people leads to its setup, whatever page was asked for', async ({ page }) => {
  await page.goto(`${server.url}/queue`);
  await expect(page).toHaveURL(/\/setup$/);
  await expect(step(page, 'Make the first administrator')).toBeVisible();
});

test('what is missing or refused is said beside its field, and nothing typed is lost', async ({ page }) => {
  await page.goto(`${server.url}/setup`);
  await page.getByRole('button', { name: 'Make the administrator and go on' }).click();
  await expect(page.getByText('Paste the secret that the server printed')).toBeVisible();
  await expect(page.getByLabel('Secret')).toBeFocused();
  await page.getByLabel('Secret').fill('guess');
  await page.getByLabel('Your name').fill('Case Clerk');
  await page.getByLabel('Sign-in name').fill('ca se');
  await page.getByLabel('E-mail address').fill('case@office.example.com');
  await page.getByLabel('Password', { exact: true }).fill('caseclerk2026');
  await expect(page.getByText('Easy to guess: “case” stands in your name or address.')).toBeVisible();
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByRole('button', { name: 'Make the administrator and go on' }).click();
  await expect(page.getByText('This is not the secret of this start.')).toBeVisible();
  await page.getByLabel('Secret').fill(SETUP_SECRET);
  await page.getByRole('button', { name: 'Make the administrator and go on' }).click();
  await expect(page.getByText('Has 1 to 64 letters, digits and . _ - @ +')).toBeVisible();
  await expect(page.getByLabel('Sign-in name')).toBeFocused();
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('correct horse');
});

test('administrator, office, SMTP server with its test, limits, and the queue', async ({ page }) => {
  await page.goto(`${server.url}/setup`);
  await makeAdministrator(page);
  await expect(step(page, 'Your office')).toBeFocused();
  await page.getByLabel('Name of the office').fill('Lakeside Insurance');
  await expect(page.getByLabel('Time zone')).toHaveValue('Europe/Berlin');
  await page.getByRole('button', { name: 'Save and go on' }).click();
  await page.getByLabel('Host').fill('smtp.office.example.com');
  await page.getByLabel('User name').fill('postroom@office.example.com');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await expect(page.getByText('It does not work yet.')).toBeVisible();
  await page.getByLabel('Password', { exact: true }).fill('right');
  await page.getByRole('button', { name: 'Test again' }).click();
  await expect(page.getByText('It works.')).toBeVisible();
  await page.getByRole('button', { name: 'Save and go on' }).click();
  await page.getByLabel('E-mails a person a day').fill('5000');
  await page.getByRole('button', { name: 'Save and finish' }).click();
  await expect(step(page, 'Postroom is ready')).toBeFocused();
  await expect(page.getByRole('main')).toContainText('Lakeside Insurance');
  await expect(page.getByRole('main')).toContainText('a person: 5,000');
  await page.getByRole('link', { name: 'Go to the E-mail Queue' }).click();
  await expect(page).toHaveURL(/\/queue$/);
  await expect(page.locator('[role=row][data-id]').first()).toBeVisible();
});

test('it goes on where it was after a reload, and skipping says what that means', async ({ page }) => {
  await page.goto(`${server.url}/setup`);
  await makeAdministrator(page);
  await page.getByRole('button', { name: 'Save and go on' }).click();
  await step(page, 'The SMTP server').waitFor();
  await page.reload();
  await expect(step(page, 'The SMTP server')).toBeVisible();
  await expect(page.getByText('E-mail is then taken in and waits until an SMTP server is set')).toBeVisible();
  await page.getByRole('button', { name: 'Skip for now' }).click();
  await page.reload();
  await expect(step(page, 'Daily limits')).toBeVisible();
  await page.getByRole('button', { name: 'Skip for now' }).click();
  await expect(step(page, 'Postroom is set up, without a way out yet')).toBeVisible();
  // Another browser knows nothing of the skipping, but what was saved is saved.
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await expect(step(page, 'The SMTP server')).toBeVisible();
  await page.getByRole('navigation', { name: 'Steps of the setup' }).getByRole('button', { name: 'Office' }).click();
  await expect(page.getByLabel('Name of the office')).toHaveValue('System Office');
});

test('a server that is set up asks for the sign-in, and has nothing to do for those who do not administer it', async ({ page }) => {
  settingsState(server.mock).empty = false;
  await page.goto(`${server.url}/setup`);
  await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
  await signIn(page, server.url, 'front', '/setup');
  await expect(page.getByRole('heading', { name: 'Postroom is set up' })).toBeVisible();
});
