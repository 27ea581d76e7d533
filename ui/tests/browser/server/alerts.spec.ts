/** Alerts, passwords and the audit log against the real server, as each kind of person. */
import type { Browser, Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { PASSWORD, Postroom } from './postroom';

// Each walk finds what the ones before it left.
test.describe.configure({ mode: 'serial' });
let server: Postroom;
test.beforeAll(async () => {
  server = await Postroom.start();
});
test.afterAll(() => server.stop());
test.afterEach(() => {
  server.relay.kind = false;
});

const NEW_PASSWORD = 'battery staple horse';
const items = (page: Page) => page.getByRole('article');
const bell = (page: Page) => page.getByRole('banner').getByRole('link', { name: /^Alert Center/ });
const entries = (page: Page) => page.locator('tbody tr');

/** Hands a message in as whoever is signed in on this page. */
async function send(page: Page, from: string, to: string): Promise<string> {
  const answer = await page.evaluate(
    async (message) => {
      const response = await fetch('/api/v1/messages', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(message) });
      return { status: response.status, body: (await response.json()) as { id: string; detail?: string } };
    },
    { from, to: [to], subject: `To ${to}`, text: 'Good day.' },
  );
  expect(answer.status, answer.body.detail).toBe(202);
  return answer.body.id;
}

/** A window of somebody else. */
async function another(browser: Browser, login: string, path: string, password = PASSWORD): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await server.signIn(page, path, login, password);
  return page;
}

/** The link of the newest mail to somebody, as a path of this server. */
async function linkTo(address: string): Promise<string> {
  const link = /\/password\?token=[\w-]+/;
  await expect.poll(() => server.relay.found(address, link), { timeout: 15_000 }).not.toBeNull();
  return link.exec(server.relay.found(address, link) ?? '')?.[0] ?? '';
}

test('a plain user is told of undeliverable mail as it happens, finds it, and nobody else is told', async ({ page, browser }) => {
  await server.signIn(page, '/preferences', 'front');
  await expect(bell(page)).toHaveAccessibleName('Alert Center');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const id = await send(page, 'front@example.test', 'fail-one@example.net');
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 1 unread alert', { timeout: 15_000 });
  await bell(page).click();
  const alert = items(page).first();
  await expect(alert).toContainText('You have undeliverable e-mail');
  // What the relay said is words.
  await expect(alert).toContainText('550 5.1.1 No such mailbox <img src=x onerror="document.title=1">');
  await expect(alert).toContainText('What to do Look at the failed messages');
  await expectAccessible(page);

  await send(page, 'front@example.test', 'fail-two@example.net');
  await expect(alert).toContainText('2 times since', { timeout: 15_000 });
  await expect(items(page)).toHaveCount(1);

  const other = await another(browser, 'case', '/alerts');
  await expect(other.getByRole('heading', { name: 'Nothing needs your attention' })).toBeVisible();
  await expect(bell(other)).toHaveAccessibleName('Alert Center');
  await other.context().close();

  await alert.getByRole('link', { name: 'Show failed e-mail' }).click();
  await expect(page).toHaveURL(/\/queue\?type=failed$/);
  await expect(page.locator(`[data-id="${id}"]`)).toBeVisible();
  await expect(bell(page)).toHaveAccessibleName('Alert Center');
});

test('what was dismissed stays away until its cause recurs', async ({ page }) => {
  await server.signIn(page, '/alerts', 'front');
  await items(page).first().getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByRole('heading', { name: 'Nothing needs your attention' })).toBeVisible();
  await page.getByRole('button', { name: /^Undo/ }).click();
  await expect(items(page)).toHaveCount(1);
  await items(page).first().getByRole('button', { name: 'Dismiss' }).click();
  await page.locator('.toasts').getByRole('button', { name: 'Dismiss' }).click();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Nothing needs your attention' })).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await send(page, 'front@example.test', 'fail-three@example.net');
  await expect(items(page).first()).toContainText('3 times since', { timeout: 15_000 });
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await expect(bell(page)).toHaveAccessibleName('Alert Center');
  await page.getByRole('tab', { name: /^Unread/ }).click();
  await expect(page.getByRole('heading', { name: 'You have read everything' })).toBeVisible();
});

test('alerts that were chosen come by e-mail besides', async ({ page }) => {
  await server.signIn(page, '/preferences');
  const choice = page.getByRole('switch', { name: 'You have undeliverable e-mail' });
  await choice.check();
  await expect(page.getByText('Saved', { exact: true }).first()).toBeVisible();
  await page.reload();
  await expect(choice).toBeChecked();
  await send(page, 'case@example.test', 'fail-four@example.net');
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 1 unread alert', { timeout: 15_000 });
  await expect.poll(() => server.relay.found('case@example.test', /Subject: You have undeliverable e-mail/), { timeout: 15_000 }).not.toBeNull();
});

test('an administrator is told which setting keeps mail from going', async ({ page }) => {
  await server.signIn(page, '/alerts');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await server.relay.close();
  await send(page, 'case@example.test', 'client-waiting@example.net');
  const alert = items(page).filter({ hasText: 'Postroom failed to connect to the SMTP server' });
  await expect(alert).toBeVisible({ timeout: 15_000 });
  await expect(alert).toContainText('relay in the server’s configuration file');
  await server.relay.listen();
});

test('a password is changed, and the old one is no good any more', async ({ page, browser }) => {
  await server.signIn(page, '/preferences', 'front');
  await page.getByLabel('Current password').fill('not the password');
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByText('This is not the password you have now. Try again.')).toBeVisible();
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByText('Your password is changed.', { exact: false })).toBeVisible();
  // This window goes on; another one needs the new password.
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Preferences' })).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 15_000 });
  const other = await another(browser, 'front', '/queue', NEW_PASSWORD);
  await expect(other.getByRole('heading', { name: 'E-mail Queue' })).toBeVisible();
  await other.context().close();
});

test('a forgotten password: asked for, mailed, chosen once', async ({ page }) => {
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Forgotten your password?' }).click();
  for (const login of ['nobody', 'front']) {
    await page.getByLabel('Sign-in name or e-mail address').fill(login);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toContainText(`If Postroom knows “${login}”, a link to choose a new password is on its way`);
    if (login === 'nobody') await page.getByRole('button', { name: 'Try another name' }).click();
  }
  const link = await linkTo('front@example.test');
  await page.goto(server.url + link);
  await expect(page.getByRole('checkbox', { name: 'Also revoke my API keys' })).toBeChecked();
  await page.getByLabel('New password').fill('short');
  await page.keyboard.press('Enter');
  await expect(page.getByText('A password has at least 10 characters.')).toBeVisible();
  await page.getByLabel('New password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible();
  await page.getByRole('link', { name: 'Go on to Postroom' }).click();
  await page.getByLabel('Sign-in name').fill('front');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: /Account of Front/ })).toBeVisible();

  await page.goto(server.url + link);
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'This link does not work any more' })).toBeVisible();
  await expectAccessible(page);
});

test('somebody who is invited chooses a password and is in', async ({ page }) => {
  const branch = await server.api<{ id: number }>('POST', '/api/v1/offices', { name: 'Lakeside' });
  await server.api('POST', '/api/v1/users', { login: 'branch', name: 'Branch Manager', email: 'branch@example.test', office: branch.id, rights: ['administrator'] });
  await page.goto(server.url + (await linkTo('branch@example.test')));
  await expect(page.getByRole('heading', { name: 'Choose your password' })).toBeVisible();
  // Nobody could have acted as them yet.
  await expect(page.getByRole('checkbox')).toHaveCount(0);
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set the password' }).click();
  await page.getByRole('link', { name: 'Go on to Postroom' }).click();
  await page.getByLabel('Sign-in name').fill('branch');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Account of Branch Manager' })).toBeVisible();
});

test('the System Office’s administrator reads the whole log, and that it is whole', async ({ page }) => {
  await server.signIn(page, '/audit');
  await expect(entries(page).filter({ hasText: 'made an account for' }).first()).toContainText('Lakeside');
  await expect(entries(page).filter({ hasText: 'made the office' }).first()).toContainText('Case Clerk');
  await expect(entries(page).filter({ hasText: 'chose a new password' }).first()).toContainText('Branch Manager');
  await page.getByLabel('Who').selectOption({ label: 'Front <b>Desk</b>' });
  await expect(entries(page).first()).toContainText('Front <b>Desk</b>');
  for (const row of await entries(page).all()) await expect(row).toContainText(/chose a new password|asked for a link/);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Check the log …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Check the log' }).click();
  await expect(dialog.getByText(/^The log is whole: \d+ entries/)).toBeVisible();
  const head = (await dialog.locator('code').innerText()).trim();
  await dialog.getByLabel('The end of the log').fill(head);
  await dialog.getByRole('button', { name: 'Check again' }).click();
  await expect(dialog.getByText('The end that you kept is in it.')).toBeVisible();
  await dialog.getByLabel('The end of the log').fill(`1:${'0'.repeat(64)}`);
  await dialog.getByRole('button', { name: 'Check again' }).click();
  await expect(dialog.getByText('Entry 1 is not the one that was remembered')).toBeVisible();
});

test('an office’s administrator reads what concerns their office, and a plain user nothing', async ({ page, browser }) => {
  await server.signIn(page, '/audit', 'branch');
  await expect(entries(page).filter({ hasText: 'chose a new password' }).first()).toContainText('Branch Manager');
  await expect(page.getByText('Front <b>Desk</b>')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Check the log …' })).toHaveCount(0);
  const plain = await another(browser, 'front', '/audit');
  await expect(plain.getByRole('heading', { name: 'This page is for administrators' })).toBeVisible();
  await plain.context().close();
});
