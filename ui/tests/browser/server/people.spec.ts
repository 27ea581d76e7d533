import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { Postroom } from './postroom';

let server: Postroom;
test.beforeAll(async () => {
  server = await Postroom.start();
  const user = (login: string, name: string, office: string, rights = ''): string =>
    server.command(['user', 'add', '--login', login, '--email', `${login}@example.test`, '--name', name, '--office', office, ...(rights ? ['--rights', rights] : []), '--password-stdin']);
  server.command(['office', 'add', 'North Office']);
  server.command(['office', 'add', 'Lakeside', '--below', 'North Office']);
  server.command(['office', 'add', 'South Office']);
  user('branch', 'Branch Manager', 'Lakeside', 'administrator,super_user');
  user('desk', 'Lakeside Desk', 'Lakeside');
  user('claims', 'Claims Team', 'System Office');
});
test.afterAll(() => server.stop());

const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });
const row = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name });

test('a person is invited, given a right, disabled and let in again', async ({ page, browser }) => {
  await server.signIn(page, '/people');
  await page.getByRole('link', { name: 'Add a person' }).click();
  const form = dialog(page, 'Add a person');
  await form.getByLabel('Name', { exact: true }).fill('Night <i>Desk</i>');
  await form.getByLabel('E-mail address').fill('front@example.test');
  await form.getByLabel('Sign-in name').fill('night');
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(form.getByText('Somebody has this address already.')).toBeVisible();
  await form.getByLabel('E-mail address').fill('night@example.test');
  await form.getByLabel('Sign-in name').fill('two words');
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(form.getByText('Has a space in it')).toBeVisible();
  await form.getByLabel('Sign-in name').fill('night');
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(page.getByText('The invitation is on its way to night@example.test')).toBeVisible();
  await expect(row(page, 'Night <i>Desk</i>')).toBeVisible();
  // The invitation is a message of the queue.
  await expect.poll(async () => (await server.counts('kind=account_created')).total).toBe(1);

  // Somebody who is signed in is put out at once.
  const theirs = await browser.newPage();
  await server.signIn(theirs, '/queue', 'claims');
  await page.getByRole('link', { name: 'Claims Team' }).click();
  await page.getByRole('button', { name: 'Disable…' }).click();
  await dialog(page, 'Disable Claims Team?').getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByText('Claims Team is disabled: sessions and API keys have ended.')).toBeVisible();
  await theirs.reload();
  await expect(theirs.getByLabel('Password')).toBeVisible();
  await theirs.close();
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByRole('button', { name: 'Send a password link' }).click();
  await expect(page.getByText('A link to set a password is on its way to claims@example.test')).toBeVisible();
  await expectAccessible(page);
});

test('the last administrator stays one, and stale rights overwrite nothing', async ({ page }) => {
  await server.signIn(page, '/people/rights');
  const mine = page.getByRole('checkbox', { name: 'Administrator for Case Clerk' });
  await mine.focus();
  await page.keyboard.press('Space');
  await dialog(page, 'Stop being an administrator?').getByRole('button', { name: 'Give it up' }).click();
  await expect(row(page, 'Case Clerk').getByRole('alert')).toContainText('last administrator of the System Office');
  await expect(mine).toBeChecked();
  const view = page.getByRole('checkbox', { name: 'Enterprise View for Claims Team' });
  await view.click();
  await expect(page.getByText('Claims Team now has Enterprise View.')).toBeVisible();
  await page.getByRole('button', { name: /of Claims Team: choose branches/ }).click();
  const choose = dialog(page, 'What Claims Team looks at');
  await choose.getByRole('radio', { name: /Only these/ }).check();
  await choose.getByRole('checkbox', { name: 'North Office' }).check();
  await choose.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('button', { name: 'North Office, of Claims Team: choose branches' })).toBeVisible();
  // Behind the page's back.
  server.command(['user', 'rights', 'claims', 'super_user']);
  await page.getByRole('checkbox', { name: 'Customize list layout for Claims Team' }).click();
  await expect(row(page, 'Claims Team').getByRole('alert')).toContainText('Somebody else changed Claims Team’s rights meanwhile');
  await expect(page.getByRole('checkbox', { name: 'Super User for Claims Team' })).toBeChecked();
  await expect(page.getByRole('checkbox', { name: 'Customize list layout for Claims Team' })).not.toBeChecked();
});

test('a proxy opens somebody’s mail and closes it again', async ({ page, browser }) => {
  await server.submit([{ to: 'client@example.net', subject: 'For the assistant' }]);
  await server.signIn(page, '/people/proxies', 'front');
  await page.getByRole('link', { name: 'Add a proxy' }).click();
  await expect(dialog(page, 'Add a proxy').getByLabel('Who shall see it').locator('option', { hasText: 'Lakeside Desk' })).toHaveCount(0);
  await page.keyboard.press('Escape');
  const administrator = await browser.newPage();
  await server.signIn(administrator, '/people/proxies/new');
  const form = dialog(administrator, 'Add a proxy');
  await form.getByLabel('Who shall see it').selectOption({ label: 'Front <b>Desk</b>' });
  await form.getByLabel('Last day').fill('2099-12-31');
  await expect(form.getByRole('status')).toHaveText('Front <b>Desk</b> may see your mail until 31 Dec 2099.');
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(form).toHaveCount(0);
  await page.goto(`${server.url}/queue`);
  await expect(page.getByText('For the assistant')).toBeVisible();
  await page.goto(`${server.url}/people/proxies`);
  await expect(page.locator('p.words', { hasText: 'You may see Case Clerk’s mail until 31 Dec 2099' })).toBeVisible();
  await page.getByRole('button', { name: /^Give up/ }).click();
  await dialog(page, 'Give this proxy up?').getByRole('button', { name: 'Give it up' }).click();
  await page.goto(`${server.url}/queue`);
  await expect(page.getByRole('heading', { name: 'The queue is empty' })).toBeVisible();
  await administrator.close();
});

test('offices are added, moved and removed; a cycle and what is not empty are refused', async ({ page }) => {
  await server.signIn(page, '/people/offices');
  const menu = async (office: string, item: string): Promise<void> => {
    await page.getByRole('button', { name: `What to do with ${office}`, exact: true }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await menu('South Office', 'Add an office below…');
  await dialog(page, 'Add an office').getByLabel('Name').fill('Quay');
  await dialog(page, 'Add an office').getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('Quay was added.')).toBeVisible();
  await menu('South Office', 'Move…');
  const move = dialog(page, 'Move South Office');
  await move.getByLabel('Lies below').selectOption({ label: '\u2003\u2003Lakeside' });
  // Lakeside goes below the South Office meanwhile: now it would be a circle.
  server.command(['office', 'move', 'Lakeside', '--below', 'South Office']);
  await move.getByRole('button', { name: 'Move', exact: true }).click();
  await expect(move.getByText('An office cannot lie below itself')).toBeVisible();
  await expectAccessible(page);
  await move.getByRole('button', { name: 'Cancel' }).click();
  await menu('Lakeside', 'Remove…');
  await dialog(page, 'Remove Lakeside?').getByRole('button', { name: 'Remove' }).click();
  // Somebody else changed it, and this is how it is now; then it is not empty.
  await expect(page.getByRole('alert').filter({ hasText: 'Somebody else changed Lakeside meanwhile' })).toBeVisible();
  await menu('Lakeside', 'Remove…');
  await dialog(page, 'Remove Lakeside?').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'The office is not empty' })).toBeVisible();
  await menu('Quay', 'Remove…');
  await dialog(page, 'Remove Quay?').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('Quay was removed.')).toBeVisible();
});

test('a key works until it is revoked', async ({ page }) => {
  await server.signIn(page, '/people/keys/new', 'front');
  const form = dialog(page, 'Make an API key');
  await form.getByLabel('What is it for?').fill('Scanner');
  await form.getByRole('button', { name: 'Make the key' }).click();
  const made = dialog(page, 'Keep this key now');
  const secret = (await made.locator('code').textContent()) ?? '';
  const asked = async (): Promise<number> => (await fetch(`${server.url}/api/v1/session`, { headers: { authorization: `Bearer ${secret}` } })).status;
  expect(await asked()).toBe(200);
  await made.getByRole('button', { name: 'I have kept it' }).click();
  await page.reload();
  await expect(row(page, 'Scanner')).toContainText(secret.slice(0, 6));
  await page.getByRole('button', { name: 'Revoke… Scanner' }).click();
  await dialog(page, /^Revoke/).getByRole('button', { name: 'Revoke' }).click();
  await expect(row(page, 'Scanner')).toHaveCount(0);
  expect(await asked()).toBe(401);
});

test('an office’s administrator has their own people, and Enterprise View is not theirs to give', async ({ page }) => {
  await server.signIn(page, '/people', 'branch');
  await expect(row(page, 'Lakeside Desk')).toBeVisible();
  await expect(row(page, 'Case Clerk')).toHaveCount(0);
  await page.getByRole('tab', { name: 'Rights' }).click();
  await expect(page.getByRole('checkbox', { name: 'Enterprise View for Lakeside Desk' })).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('checkbox', { name: 'Super User for Lakeside Desk' }).click();
  await expect(page.getByText('Lakeside Desk now has Super User.')).toBeVisible();
  await page.getByRole('tab', { name: 'API keys' }).click();
  await page.getByRole('link', { name: 'Make a key' }).click();
  const form = dialog(page, 'Make an API key');
  await form.getByLabel('What is it for?').fill('Letters');
  await form.getByRole('radio', { name: /An office’s/ }).check();
  await expect(form.getByLabel('Office', { exact: true })).toBeDisabled();
  await form.getByRole('button', { name: 'Make the key' }).click();
  await dialog(page, 'Keep this key now').getByRole('button', { name: 'I have kept it' }).click();
  await expect(row(page, 'Letters')).toContainText('Send');
});

test('the filters’ names are the server’s', async ({ page }) => {
  await server.signIn(page);
  await page.getByRole('button', { name: /Filters/ }).click();
  const sender = page.getByRole('combobox', { name: 'Sender' });
  await sender.fill('front');
  await page.getByRole('option', { name: 'Front <b>Desk</b>' }).click();
  await expect(page).toHaveURL(/sender=\d+/);
});
