import type { Page } from '@playwright/test';
import { settingsState } from '../../mock/settings';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const part = (page: Page, name: string) => page.getByRole('region', { name });
const steps = (page: Page) => page.getByRole('list', { name: 'Steps of the test' });
const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true });
const state = () => settingsState(server.mock);

async function open(page: Page, login = 'case', path = '/office/settings'): Promise<void> {
  await signIn(page, server.url, login, path);
  await page.getByLabel('Name of the office').waitFor();
}

test.describe('who may', () => {
  test('somebody without the right finds no link, and words in place of the page', async ({ page }) => {
    await signIn(page, server.url, 'front', '/office/settings');
    await expect(page.getByRole('heading', { name: 'This page is for administrators' })).toBeVisible();
    await expect(page.getByRole('link', { name: 'Office Settings' })).toHaveCount(0);
  });
  test('an office’s administrator has their own office, and no others to choose', async ({ page }) => {
    await open(page, 'branch');
    await expect(page.getByLabel('Name of the office')).toHaveValue('Lakeside');
    await expect(page.getByRole('combobox', { name: /^Office/ })).toHaveCount(0);
    await page.goto(`${server.url}/office/settings/1`);
    await expect(page.getByRole('heading', { name: 'There is no such office' })).toBeVisible();
  });
  test('the System Office’s administrators choose among all', async ({ page }) => {
    await open(page);
    await page.getByRole('combobox', { name: /^Office/ }).selectOption({ label: 'System Office › North Office › Lakeside' });
    await expect(page).toHaveURL(/\/office\/settings\/3$/);
    await expect(page.getByLabel('Name of the office')).toHaveValue('Lakeside');
  });
});

test('a change is named until it is saved, and can be discarded', async ({ page }) => {
  await open(page);
  await page.getByLabel('Name of the office').fill('Head Office');
  await page.getByLabel('Office security').uncheck();
  await expect(part(page, 'Not saved yet')).toContainText('Name, Office security');
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(page.getByLabel('Name of the office')).toHaveValue('System Office');
  await page.getByLabel('Name of the office').fill('Head Office');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  await expect(part(page, 'Not saved yet')).toHaveCount(0);
  expect(server.mock.people.offices[0]?.name).toBe('Head Office');
});

test('leaving with changes asks first; an ended session keeps what was typed', async ({ page, context }) => {
  await open(page);
  await page.getByLabel('Keep finished e-mail').fill('30');
  await page.getByRole('link', { name: 'E-mail Queue' }).first().click();
  await expect(page.getByRole('dialog', { name: 'Leave without saving?' })).toContainText('Retention');
  await page.getByRole('button', { name: 'Stay here' }).click();
  await expect(page).toHaveURL(/\/office\/settings$/);
  await context.clearCookies();
  await save(page).click();
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Keep finished e-mail')).toHaveValue('30');
  await save(page).click();
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  expect(state().settings.get(1)?.retention_days).toBe(30);
});

test('what cannot be saved is said beside the field, which has the focus', async ({ page }) => {
  await open(page);
  await page.getByLabel('Host').fill('');
  await page.getByLabel('Port').fill('99999');
  await save(page).click();
  await expect(page.getByText('Enter the name of the SMTP server, such as smtp.example.com.')).toBeVisible();
  await expect(page.getByText('A port is a number from 1 to 65535, usually 587.')).toBeVisible();
  await expect(page.getByLabel('Host')).toBeFocused();
  // What the server refuses stands beside its field, too.
  await page.getByLabel('Host').fill('127.0.0.1');
  await page.getByLabel('Port').fill('587');
  await page.getByLabel('Password').fill('secret');
  await save(page).click();
  await expect(page.getByText('connections to 127.0.0.1 are not allowed: it is this machine itself')).toBeVisible();
  // With the line that would allow it, for whoever runs the server.
  await expect(page.getByText('allow_relay_networks = ["127.0.0.0/24"]')).toBeVisible();
  await expect(page.getByLabel('Host')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Host')).toBeFocused();
});

test.describe('secrets', () => {
  test('are never shown, and stay unless they are replaced', async ({ page }) => {
    await open(page);
    const password = page.getByRole('group', { name: 'Password' });
    await expect(password).toContainText('Set; it is not shown again');
    await page.getByRole('button', { name: 'Replace Password' }).click();
    await expect(page.getByLabel('Password')).toBeFocused();
    await page.getByRole('button', { name: 'Keep the old one' }).click();
    await expect(password.getByRole('button', { name: 'Replace' })).toBeFocused();
    await expect(part(page, 'Not saved yet')).toHaveCount(0);
  });
  test('are not sent to another server than theirs', async ({ page }) => {
    await open(page);
    await page.getByLabel('Host').fill('smtp.elsewhere.example.net');
    await expect(page.getByText('Enter it again: the saved one is used only for the same server')).toBeVisible();
    await save(page).click();
    await expect(page.getByText('Enter it: the saved one does not go to this server')).toBeVisible();
    await page.getByLabel('Host').fill('smtp.office.example.com');
    await expect(page.getByRole('group', { name: 'Password' })).toBeVisible();
  });
  test('of a token endpoint are kept in the same way', async ({ page }) => {
    await open(page, 'branch');
    await expect(page.getByRole('group', { name: 'Client secret' })).toBeVisible();
    await page.getByLabel('Token endpoint').fill('https://login.example.org/token');
    await expect(page.getByRole('group', { name: 'Client secret' })).toHaveCount(0);
    await page.getByLabel('Grant').selectOption('refresh_token');
    await expect(page.getByLabel('Refresh token')).toBeVisible();
  });
});

test.describe('Test connection', () => {
  test('shows each step of what is typed, without saving it', async ({ page }) => {
    await open(page);
    await page.getByRole('button', { name: 'Test connection' }).click();
    await expect(page.getByText('It works.')).toBeVisible();
    await expect(steps(page).getByRole('listitem')).toHaveText([/Name DNS/, /Connection TCP/, /Greeting SMTP/, /Encryption TLS/, /Sign-in AUTH/, /Sender MAIL FROM/]);
    await page.getByLabel('Port').fill('25');
    await expect(page.getByText('This was the test of what stood here before.')).toBeVisible();
    expect(state().settings.get(1)?.version).toBe(3);
  });
  test('says where it stopped, in the server’s own words, and what to do', async ({ page }) => {
    await open(page);
    await page.getByRole('button', { name: 'Replace Password' }).click();
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await expect(page.getByText('It does not work yet.')).toBeVisible();
    const failed = steps(page).getByRole('listitem').filter({ hasText: 'Sign-in' });
    await expect(failed).toContainText('535 5.7.8 Authentication credentials invalid');
    await expect(failed).toContainText('Check user and password');
    await expect(steps(page).getByRole('listitem').filter({ hasText: 'Sender' })).toContainText('Not tried');
  });
  test('asks for what is missing before it tries', async ({ page }) => {
    await open(page);
    await page.getByRole('button', { name: 'Add a second server' }).click();
    await page.getByRole('button', { name: 'Test connection' }).last().click();
    await expect(page.getByText('Enter the name of the SMTP server, such as smtp.example.com.')).toBeVisible();
    await expect(steps(page)).toHaveCount(0);
  });
  test('offers the certificate that the server shows, to be compared and trusted', async ({ page }) => {
    await open(page);
    await page.getByLabel('Host').fill('self-signed.example.com');
    await page.getByLabel('Password').fill('secret');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await expect(page.getByText('b1946ac92492d2347c6235b4d2611184')).toBeVisible();
    await page.getByRole('button', { name: 'Trust this certificate' }).click();
    await page.getByText('Sender domains, rates and certificate').click();
    await expect(page.getByLabel('The certificate', { exact: true })).toHaveValue(/BEGIN CERTIFICATE/);
    await page.getByRole('button', { name: 'Test again' }).click();
    await expect(page.getByText('It works.')).toBeVisible();
  });
});

test('a second server takes over, and can be removed again', async ({ page }) => {
  await open(page, 'branch');
  await expect(page.getByRole('heading', { name: /^Second server/ })).toBeVisible();
  await page.getByRole('button', { name: 'Remove the second server' }).click();
  await expect(page.getByRole('heading', { name: /^Second server/ })).toHaveCount(0);
  await save(page).click();
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  expect(state().settings.get(3)?.relays).toHaveLength(1);
});

test('an office goes back to the server’s, and what was typed for its own stays on the page', async ({ page }) => {
  await open(page, 'branch');
  await page.getByRole('radio', { name: /^The server’s/ }).check();
  await expect(page.getByLabel('Host')).toHaveCount(0);
  await page.getByRole('radio', { name: /^One of its own/ }).check();
  await expect(page.getByLabel('Host').first()).toHaveValue('smtp.lakeside.example.org');
});

test('settings of the configuration file are shown with their key and cannot be changed', async ({ page }) => {
  const now = state().settings.get(1);
  if (now) state().settings.set(1, { ...now, relays: [], set_in_configuration: true });
  await open(page);
  await expect(part(page, 'SMTP settings')).toContainText('[[relay]]');
  await expect(part(page, 'SMTP settings')).toContainText('smtp.office.example.com');
  await expect(page.getByLabel('Host')).toHaveCount(0);
  await page.getByLabel('Keep finished e-mail').fill('90');
  await save(page).click();
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
  await expectAccessible(page);
});

test.describe('somebody else saved meanwhile', () => {
  const theirs = (): void => {
    const now = state().settings.get(1);
    if (now) state().settings.set(1, { ...now, version: now.version + 1, retention_days: 100, time_zone: 'Europe/Paris' });
  };
  test('it is shown beside what stands here; mine goes on top', async ({ page }) => {
    await open(page);
    theirs();
    await page.getByLabel('Keep finished e-mail').fill('30');
    await save(page).click();
    const dialog = page.getByRole('dialog', { name: 'Somebody else changed these settings' });
    await expect(dialog.getByRole('row', { name: /Time zone/ })).toContainText('Europe/Paris');
    await expect(dialog.getByRole('row', { name: /Keep records/ })).toContainText('100 days');
    await expect(dialog.getByRole('row', { name: /Keep records/ })).toContainText('you changed it too');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Save mine on top' }).click();
    await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
    expect(state().settings.get(1)).toMatchObject({ retention_days: 30, time_zone: 'Europe/Paris' });
  });
  test('theirs can be loaded, or nothing decided yet', async ({ page }) => {
    await open(page);
    theirs();
    await page.getByLabel('Keep finished e-mail').fill('30');
    await save(page).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(page.getByLabel('Keep finished e-mail')).toHaveValue('30');
    await save(page).click();
    await page.getByRole('button', { name: 'Drop mine, load theirs' }).click();
    await expect(page.getByLabel('Keep finished e-mail')).toHaveValue('100');
    await expect(part(page, 'Not saved yet')).toHaveCount(0);
  });
});

test('once the SMTP settings are saved, what failed because of them is sent again by one click', async ({ page }) => {
  await open(page);
  const failed = part(page, 'Failed e-mail, by cause');
  await expect(failed.getByRole('list', { name: 'Failed because of the SMTP settings' }).getByRole('listitem')).toHaveCount(2);
  await page.getByRole('button', { name: 'Replace Password' }).click();
  await page.getByLabel('Password').fill('right');
  await save(page).click();
  await expect(failed).toContainText('35 messages failed because of the old ones');
  await failed.getByRole('button', { name: /^Send these 34 again/ }).click();
  await expect(page.getByText('34 messages back in the Outbox.')).toBeVisible();
  await expect(failed.getByRole('list', { name: 'Failed because of the SMTP settings' }).getByRole('listitem')).toHaveCount(1);
  await failed.getByText('211 messages failed for other reasons').click();
  await expect(failed.getByRole('list', { name: 'Failed for other reasons' })).toContainText('550 5.1.1');
});

test('sending is paused for one person or the office, with a reason, and resumed', async ({ page }) => {
  await open(page);
  const pauses = part(page, 'Pauses of sending');
  await expect(pauses).toContainText('The address book is being corrected');
  await expect(pauses).toContainText('by Case Clerk');
  await pauses.getByRole('button', { name: 'Pause sending' }).click();
  await page.getByLabel('Why').fill('Moving to another provider');
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(pauses.getByRole('listitem')).toHaveCount(2);
  await expect(pauses).toContainText('Everybody of System Office');
  await pauses.getByRole('button', { name: 'Resume System Office' }).click();
  await expect(page.getByText('Sending goes on.')).toBeVisible();
  await expect(pauses.getByRole('listitem')).toHaveCount(1);
});

test('the office’s columns are chosen like one’s own, and a change of another does not vanish', async ({ page }) => {
  await open(page);
  const layout = part(page, 'Default list layout');
  await layout.getByRole('button', { name: 'Change' }).click();
  const dialog = page.getByRole('dialog', { name: 'Columns of this office' });
  await dialog.getByRole('checkbox', { name: 'Size' }).check();
  state().layouts.set(1, { version: 1, layout: { columns: [{ column: 'date', width_px: 150 }], sort: { column: 'date', order: 'descending' } } });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Somebody else has changed this meanwhile');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Keep mine over theirs' }).click();
  await expect(page.getByText('The office’s columns are kept.')).toBeVisible();
  await expect(layout.getByRole('listitem').last()).toHaveText('Size');
});

test('“Why hasn’t it gone?” leads to the very settings', async ({ page }) => {
  await open(page, 'case', '/office/settings#smtp');
  await expect(page.locator('#smtp')).toBeFocused();
  const row = server.mock.box.page({ type: 'failed', source: 'all', q: '' }, 0, Infinity, 200).rows.find((one) => one.code === '421 4.7.0');
  await page.goto(`${server.url}/queue/${row?.id}`);
  await page.getByRole('link', { name: 'Fix the SMTP settings' }).click();
  await expect(page).toHaveURL(/\/office\/settings\/1#smtp$/);
  await expect(page.locator('#smtp')).toBeFocused();
});

test('a server that is away is told, and asked again', async ({ page }) => {
  await open(page);
  await page.getByLabel('Keep finished e-mail').fill('30');
  await page.request.get(`${server.url}/mock/down`);
  await save(page).click();
  await expect(page.getByRole('alert').filter({ hasText: 'The settings were not saved' })).toContainText('nothing you entered is lost');
  await page.request.get(`${server.url}/mock/up`);
  await save(page).click();
  await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
});
