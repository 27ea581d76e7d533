/** Office Settings and the setup of a new server by the keyboard alone. */
import type { Page } from '@playwright/test';
import { SETUP_SECRET, settingsState } from '../../mock/settings';
import { choose, expect, pick, press, tabTo, test, type } from '../keys';
import { openAs, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const state = () => settingsState(server.mock);
const named = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
const save = (page: Page) => named(page, 'Save');

async function open(page: Page, login = 'case'): Promise<void> {
  await openAs(page, server.url, login, '/office/settings');
  await page.getByRole('list', { name: 'Columns, from left to right' }).waitFor();
}

test('another office is chosen, and one’s own settings are changed and saved', async ({ page }) => {
  await open(page);
  await choose(page, page.getByRole('combobox', { name: /^Office/ }), /Lakeside$/);
  await expect(page).toHaveURL(/\/office\/settings\/3$/);
  await expect(page.getByLabel('Name of the office')).toHaveValue('Lakeside');
  await type(page, page.getByLabel('Name of the office'), 'Lakeside East');
  await press(page, page.getByRole('switch', { name: 'Office security' }), 'Space');
  await type(page, page.getByLabel('Keep finished e-mail'), '30');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  expect(state().settings.get(3)?.retention_days).toBe(30);
  expect(server.mock.people.offices.find((one) => one.id === 3)).toMatchObject({ name: 'Lakeside East', security: 'on' });
  await type(page, page.getByLabel('Keep finished e-mail'), '40');
  await press(page, named(page, 'Discard'));
  await expect(page.getByLabel('Keep finished e-mail')).toHaveValue('30');
});

test('the SMTP server is changed, tested and saved, and what failed is sent again', async ({ page }) => {
  await open(page);
  await press(page, named(page, 'Replace Password'));
  await expect(page.getByLabel('Password')).toBeFocused();
  await page.keyboard.type('wrong');
  await press(page, named(page, 'Test connection'));
  await expect(page.getByText('It does not work yet.')).toBeVisible();
  // The focus is still there: mend it, and test again.
  await expect(named(page, 'Test again')).toBeFocused();
  await type(page, page.getByLabel('Password'), 'right');
  await press(page, named(page, 'Test again'));
  await expect(page.getByText('It works.')).toBeVisible();
  await press(page, save(page));
  await expect(page.getByText('35 messages failed because of the old ones')).toBeVisible();
  await press(page, named(page, /^Send these 34 again/));
  await expect(page.getByText('34 messages back in the Outbox.')).toBeVisible();
  await expect(page.locator('main :focus')).toHaveCount(1);
});

test('a server’s certificate is trusted, and a second server comes and goes', async ({ page }) => {
  await open(page);
  await type(page, page.getByLabel('Host'), 'self-signed.example.com');
  await type(page, page.getByLabel('Password'), 'secret');
  await press(page, named(page, 'Test connection'));
  await press(page, named(page, 'Trust this certificate'));
  await press(page, page.locator('summary', { hasText: 'Sender domains' }));
  await expect(page.getByLabel('The certificate', { exact: true })).toHaveValue(/BEGIN CERTIFICATE/);
  await press(page, named(page, 'Test again'));
  await expect(page.getByText('It works.')).toBeVisible();
  await press(page, named(page, 'Add a second server'));
  await expect(page.getByLabel('Host').last()).toBeFocused();
  await press(page, named(page, 'Remove the second server'));
  await expect(named(page, 'Add a second server')).toBeFocused();
});

test('an office turns to the server’s way out, and to its own again', async ({ page }) => {
  await open(page, 'branch');
  await pick(page, page.getByRole('radio', { name: /^The server’s/ }));
  await expect(page.getByLabel('Host')).toHaveCount(0);
  await pick(page, page.getByRole('radio', { name: /^One of its own/ }));
  await expect(page.getByLabel('Host').first()).toHaveValue('smtp.lakeside.example.org');
});

test('sending is paused and resumed, and the office’s columns are chosen', async ({ page }) => {
  await open(page);
  await press(page, named(page, 'Change …'));
  const columns = page.getByRole('dialog', { name: 'Columns of this office' });
  await press(page, columns.getByRole('checkbox', { name: 'Size' }), 'Space');
  await press(page, columns.getByRole('button', { name: 'Move Size to the left' }));
  await expect(columns.getByRole('button', { name: 'Move Size to the left' })).toBeFocused();
  await press(page, columns.getByRole('button', { name: 'Save' }));
  await expect(columns).toHaveCount(0);
  await expect(named(page, 'Change …')).toBeFocused();
  const kept = state().layouts.get(1)?.layout as { columns: { column: string }[] };
  expect(kept.columns.at(-2)?.column).toBe('size');
  await press(page, named(page, 'Pause sending …'));
  const pause = page.getByRole('dialog', { name: 'Pause sending' });
  await choose(page, pause.getByLabel('Whose sending'), 'Front Desk');
  await type(page, pause.getByLabel('Why'), 'On leave');
  await page.keyboard.press('Enter');
  await expect.poll(() => state().pauses.map((one) => one.reason)).toContain('On leave');
  await expect(named(page, 'Pause sending …')).toBeFocused();
  await press(page, named(page, 'Resume Front Desk'));
  await expect.poll(() => state().pauses.map((one) => one.reason)).not.toContain('On leave');
  await expect(page.locator('main :focus')).toHaveCount(1);
});

test('what somebody else saved is dealt with', async ({ page }) => {
  await open(page);
  const now = state().settings.get(1);
  if (now) state().settings.set(1, { ...now, version: now.version + 1, time_zone: 'Europe/Paris' });
  await type(page, page.getByLabel('Keep finished e-mail'), '30');
  await press(page, save(page));
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Save mine on top' }));
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  expect(state().settings.get(1)).toMatchObject({ retention_days: 30, time_zone: 'Europe/Paris' });
});

test('a new server is set up from its secret to the queue', async ({ page }) => {
  state().empty = true;
  state().settings.clear();
  await page.goto(`${server.url}/setup`);
  const step = (name: string) => page.getByRole('heading', { level: 2, name });
  await press(page, named(page, 'Make the administrator and go on'));
  await expect(page.getByLabel('Secret')).toBeFocused();
  await type(page, page.getByLabel('Secret'), SETUP_SECRET);
  await type(page, page.getByLabel('Your name'), 'Case Clerk');
  await type(page, page.getByLabel('Sign-in name'), 'case');
  await type(page, page.getByLabel('E-mail address'), 'case@office.example.com');
  await type(page, page.getByLabel('Password', { exact: true }), 'correct horse');
  await press(page, named(page, 'Show the password'));
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'text');
  await tabTo(page, page.getByLabel('Password', { exact: true }));
  await page.keyboard.press('Enter');
  await expect(step('Your office')).toBeFocused();
  await type(page, page.getByLabel('Name of the office'), 'Lakeside Insurance');
  await page.keyboard.press('Enter');
  await expect(step('The SMTP server')).toBeFocused();
  await type(page, page.getByLabel('Host'), 'smtp.office.example.com');
  await choose(page, page.getByLabel('Sign-in', { exact: true }), /^None|^Without|^No/);
  await press(page, named(page, 'Test connection'));
  await expect(page.getByText('It works.')).toBeVisible();
  // Back to a step that is done, and on again.
  await press(page, page.getByRole('navigation', { name: 'Steps of the setup' }).getByRole('button', { name: 'Office' }));
  await expect(page.getByLabel('Name of the office')).toHaveValue('Lakeside Insurance');
  await press(page, named(page, 'Save and go on'));
  await expect(step('The SMTP server')).toBeFocused();
  await press(page, named(page, 'Save and go on'));
  await expect(step('Daily limits')).toBeFocused();
  await type(page, page.getByLabel('E-mails a person a day'), 'many');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('E-mails a person a day')).toBeFocused();
  await expect(page.getByText('A number; 0 for no limit.')).toBeVisible();
  await type(page, page.getByLabel('E-mails a person a day'), '5000');
  await page.keyboard.press('Enter');
  await expect(step('Postroom is ready')).toBeFocused();
  await press(page, page.getByRole('link', { name: 'Go to the E-mail Queue' }));
  await expect(page).toHaveURL(/\/queue$/);
});
