/** The key walk: a failed message is found, its cause is seen and fixed, and what it failed goes before one's eyes. */
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { Postroom } from './postroom';

let server: Postroom;
let ids: string[];

const relay = (more: object = {}) => ({ host: '127.0.0.1', port: server.relay.port, tls: 'none', auth: 'plain', user: 'office', sender_domains: ['example.test'], ...more });
const stateOf = async (id: string): Promise<string> => ((await server.message(id)) as { state: string }).state;
const rowOf = (page: Page, id: string) => page.locator(`[data-id="${id}"]`);

/** Hands letters in as front, who has no rights. */
async function letters(n: number): Promise<string[]> {
  const key = /pk_\S+/.exec(server.command(['key', 'add', '--user', 'front']))?.[0] ?? '';
  const messages = Array.from({ length: n }, (_, i) => ({ from: 'front@example.test', to: [`client${i}@example.net`], subject: `Policy ${i + 1}`, text: 'Good day.' }));
  const answer = await fetch(`${server.url}/api/v1/messages/batch`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ messages }) });
  return ((await answer.json()) as { items: { id: string }[] }).items.map((item) => item.id);
}

test.beforeAll(async () => {
  server = await Postroom.withoutRelay();
  server.relay.password = 'the right one';
  const { version } = await server.api<{ version: number }>('GET', '/api/v1/offices/1/settings');
  await server.api('PUT', '/api/v1/offices/1/settings', { relays: [relay({ secret: 'an old one' })] }, version);
  ids = await letters(2);
  for (const id of ids) await expect.poll(() => stateOf(id)).toBe('failed');
});
test.afterAll(() => server.stop());
test.afterEach(() => server.relay.release());

test('a clerk finds a failed message and why; an administrator fixes the settings, sends it again, and both watch it go', async ({ page, browser }) => {
  const [id = '', other = ''] = ids;
  // The clerk sees that it failed, why, and who can do something about it.
  await server.signIn(page, '/queue', 'front');
  await page.getByLabel('Type').selectOption('failed');
  await expect(rowOf(page, id)).toContainText('Failed');
  await rowOf(page, id).locator('.subject a').click();
  const why = page.getByRole('region', { name: 'Why hasn’t it gone?' });
  await expect(why).toContainText('535 5.7.8 Authentication credentials invalid');
  await expect(why).toContainText('An administrator of your office can fix the SMTP settings');
  await expect(why.getByRole('link')).toHaveCount(0);
  await page.keyboard.press('Escape');
  await page.getByLabel('Type').selectOption('all');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();

  // The administrator is led from the same message to the very settings.
  const theirs = await (await browser.newContext()).newPage();
  await server.signIn(theirs, `/queue/${id}`, 'case');
  await theirs.getByRole('link', { name: 'Fix the SMTP settings' }).click();
  await expect(theirs).toHaveURL(/\/office\/settings\/1#smtp$/);
  await expect(theirs.locator('#smtp')).toBeFocused();
  await theirs.getByRole('button', { name: 'Test connection' }).click();
  const signIn = theirs.getByRole('list', { name: 'Steps of the test' }).getByRole('listitem').filter({ hasText: 'Sign-in' });
  await expect(signIn).toContainText('535 5.7.8 Authentication credentials invalid');
  await expectAccessible(theirs);
  await theirs.getByRole('button', { name: 'Replace Password' }).click();
  await theirs.getByLabel('Password', { exact: true }).fill('the right one');
  await theirs.getByRole('button', { name: 'Test again' }).click();
  await expect(theirs.getByText('It works.')).toBeVisible();
  await theirs.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(theirs.getByText('Saved. It holds at once.')).toBeVisible();

  // Exactly those that the old password failed go back, and leave before both pairs of eyes.
  const failed = theirs.getByRole('region', { name: 'Failed e-mail, by cause' });
  await expect(failed).toContainText('2 messages failed because of the old ones');
  await expectAccessible(theirs);
  server.relay.hold();
  await failed.getByRole('button', { name: /^Send these 2 again/ }).click();
  await expect(theirs.getByText('2 messages back in the Outbox.')).toBeVisible();
  await theirs.getByRole('button', { name: 'Watch them go' }).click();
  await expect(rowOf(theirs, id)).toContainText('Sending');
  await expect(rowOf(page, id)).toContainText('Sending');
  server.relay.release();
  for (const one of [theirs, page]) {
    await expect(rowOf(one, id)).toContainText('Sent');
    await expect(rowOf(one, other)).toContainText('Sent');
  }
  expect(server.relay.taken.map((taken) => taken.to[0]).sort()).toEqual(['client0@example.net', 'client1@example.net']);
  await theirs.context().close();
});

test('what somebody else saved meanwhile is shown, and both changes stay', async ({ page }) => {
  await server.signIn(page, '/office/settings');
  await page.getByLabel('Keep finished e-mail').fill('30');
  const now = await server.api<{ version: number; relays: object[] }>('GET', '/api/v1/offices/1/settings');
  await server.api('PUT', '/api/v1/offices/1/settings', { relays: [relay()], time_zone: 'Europe/Paris' }, now.version);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed these settings' });
  await expect(dialog.getByRole('row', { name: /Time zone/ })).toContainText('Europe/Paris');
  await dialog.getByRole('button', { name: 'Save mine on top' }).click();
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  expect(await server.api('GET', '/api/v1/offices/1/settings')).toMatchObject({ time_zone: 'Europe/Paris', retention_days: 30, relays: [{ has_secret: true }] });
});

test('an address that is not allowed, and a value that cannot be, are said beside the field', async ({ page }) => {
  await server.signIn(page, '/office/settings');
  await page.getByLabel('Host').fill('169.254.169.254');
  await page.getByLabel('Password', { exact: true }).fill('x');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByLabel('Host')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText(/169\.254\.169\.254 are not allowed/)).toBeVisible();
});

test('sending is paused for the office and resumed', async ({ page }) => {
  const { version } = await server.api<{ version: number }>('GET', '/api/v1/offices/1/settings');
  await server.api('PUT', '/api/v1/offices/1/settings', { relays: [relay({ secret: 'the right one' })] }, version);
  await server.signIn(page, '/office/settings');
  await page.getByRole('button', { name: 'Pause sending' }).click();
  await page.getByLabel('Why').fill('The address book is being corrected');
  await page.keyboard.press('Enter');
  const pauses = page.getByRole('region', { name: 'Pauses of sending' });
  await expect(pauses).toContainText('by Case Clerk');
  const [id = ''] = await letters(1);
  expect(await stateOf(id)).toBe('held');
  await pauses.getByRole('button', { name: /^Resume/ }).click();
  await expect(pauses.getByRole('listitem')).toHaveCount(0);
  await expect.poll(() => stateOf(id)).toBe('sent');
});

test('the office’s columns reach its people', async ({ page, browser }) => {
  await server.signIn(page, '/office/settings');
  await page.getByRole('region', { name: 'Default list layout' }).getByRole('button', { name: 'Change' }).click();
  const dialog = page.getByRole('dialog', { name: 'Columns of this office' });
  await dialog.getByRole('checkbox', { name: 'Size' }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The office’s columns are kept.')).toBeVisible();
  const clerk = await (await browser.newContext()).newPage();
  await server.signIn(clerk, '/queue', 'front');
  await expect(clerk.getByRole('columnheader', { name: /Size/ })).toBeVisible();
  await clerk.context().close();
});

test('an office’s administrator sets their own office alone, a clerk none', async ({ page, browser }) => {
  server.command(['office', 'add', 'North Office']);
  server.command(['user', 'add', '--login', 'north', '--email', 'north@example.test', '--name', 'North Manager', '--office', 'North Office', '--rights', 'administrator', '--password-stdin']);
  await server.signIn(page, '/office/settings', 'north');
  await expect(page.getByLabel('Name of the office')).toHaveValue('North Office');
  await expect(page.getByRole('radio', { name: /^The server’s/ })).toBeChecked();
  await page.getByRole('radio', { name: /^One of its own/ }).check();
  await page.getByLabel('Host').fill('127.0.0.1');
  await page.getByLabel('Port').fill(String(server.relay.port));
  await page.getByLabel('Encryption').selectOption('none');
  await page.getByLabel('User name').fill('north');
  await page.getByLabel('Password', { exact: true }).fill('the right one');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await expect(page.getByText('It works.')).toBeVisible();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  await expectAccessible(page);
  await page.goto(`${server.url}/office/settings/1`);
  await expect(page.getByRole('heading', { name: /no such office|for the office’s administrators/ })).toBeVisible();
  const clerk = await (await browser.newContext()).newPage();
  await server.signIn(clerk, '/office/settings', 'front');
  await expect(clerk.getByRole('heading', { name: 'This page is for administrators' })).toBeVisible();
  await clerk.context().close();
});

test('a relay of the configuration file is shown with its key and left alone', async ({ page }) => {
  const other = await Postroom.start();
  try {
    await other.signIn(page, '/office/settings');
    await expect(page.getByRole('region', { name: 'SMTP settings' })).toContainText('[[relay]]');
    await expect(page.getByLabel('Host')).toHaveCount(0);
    await page.getByLabel('Keep finished e-mail').fill('90');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  } finally {
    await other.stop();
  }
});
