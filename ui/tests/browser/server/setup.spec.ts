/** A new server from its first page to the first e-mail that leaves. */
import { expect, expectAccessible, test } from '../page';
import { PASSWORD, Postroom } from './postroom';

let server: Postroom;
test.beforeEach(async () => {
  server = await Postroom.empty();
});
test.afterEach(() => server.stop());

test('an empty server is set up in the browser, resumed after a reload, and sends', async ({ page }) => {
  await page.goto(server.url);
  await expect(page).toHaveURL(/\/setup$/);
  await page.getByLabel('Secret').fill('a guess');
  await page.getByLabel('Your name').fill('Office Administrator');
  await page.getByLabel('Sign-in name').fill('admin');
  await page.getByLabel('E-mail address').fill('admin@example.test');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await expect(page.getByText('Strong.')).toBeVisible();
  await page.getByRole('button', { name: 'Make the administrator and go on' }).click();
  await expect(page.getByText('This is not the secret of this start.')).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('Secret').fill(server.setupSecret);
  await page.getByRole('button', { name: 'Make the administrator and go on' }).click();

  await page.getByLabel('Name of the office').fill('Lakeside Insurance');
  await page.getByRole('button', { name: 'Save and go on' }).click();
  await page.getByLabel('Host').waitFor();
  await page.reload();
  await page.getByLabel('Host').fill('127.0.0.1');
  await page.getByLabel('Port').fill(String(server.relay.port));
  await page.getByLabel('Encryption').selectOption('none');
  await page.getByLabel('Sign-in').selectOption('none');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await expect(page.getByText('It works.')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save and go on' }).click();
  await page.getByLabel('E-mails a person a day').fill('500');
  await page.getByRole('button', { name: 'Save and finish' }).click();
  await expect(page.getByRole('heading', { name: 'Postroom is ready' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Go to the E-mail Queue' }).click();
  await expect(page.getByRole('heading', { name: 'The queue is empty' })).toBeVisible();

  // What is handed in now leaves through the server that was set.
  const key = /pk_\S+/.exec(server.command(['key', 'add', '--user', 'admin']))?.[0] ?? '';
  const answer = await fetch(`${server.url}/api/v1/messages`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ from: 'admin@example.test', to: ['client@example.net'], subject: 'First post', text: 'Good day.' }) });
  expect(answer.status).toBe(202);
  await expect(page.locator('[role=row][data-id]').first()).toContainText('Sent');
});

test('the setup works once: the next one is asked to sign in', async ({ page }) => {
  const body = { secret: server.setupSecret, login: 'admin', name: 'Office Administrator', email: 'admin@example.test', password: PASSWORD };
  const made = await fetch(`${server.url}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  expect(made.status).toBe(201);
  await page.goto(`${server.url}/setup`);
  await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
  await page.getByLabel('Sign-in name').fill('admin');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Your office' })).toBeVisible();
});
