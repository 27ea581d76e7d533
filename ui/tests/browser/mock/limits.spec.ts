import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

const book = () => server.mock.limits;
const card = (page: Page, title: string | RegExp) => page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

async function open(page: Page, login = 'case'): Promise<void> {
  await signIn(page, server.url, login, '/limits');
  await page.getByRole('heading', { name: 'Today', exact: true }).waitFor();
  await page.getByRole('meter').first().waitFor();
}

test('today’s use stands against both limits, for the server’s administrators', async ({ page }) => {
  await open(page);
  const today = card(page, 'Today');
  await expect(today.getByRole('meter', { name: 'Your e-mail: used today' })).toHaveAttribute('aria-valuetext', '1,240 of 2,000');
  await expect(today.getByRole('meter', { name: 'The whole server: used today' })).toHaveAttribute('aria-valuemax', '10000');
  await expect(today).toContainText('760 left today');
  await expect(card(page, 'People today').getByRole('row').nth(1)).toContainText('Claims Team');
  await expect(card(page, 'People today').getByRole('row').nth(1)).toContainText('Reached');
});

test('somebody without rights sees their own, and that the server has a limit', async ({ page }) => {
  await open(page, 'front');
  await expect(page.getByRole('meter')).toHaveCount(1);
  await expect(page.getByText('The whole server may send 10,000 a day.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'People today' })).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Daily limits' })).toHaveCount(0);
  await expect(page.getByLabel('Whose')).toHaveCount(0);
  await expect(page.getByRole('button', { name: /past the limit/ })).toHaveCount(0);
});

test('one’s own that waits says until when and leads to it', async ({ page }) => {
  book().waiting.set(0, 3);
  await open(page);
  await expect(page.getByText(/^3 e-mails of yours wait under a limit, until .* at the earliest/)).toBeVisible();
  await page.getByRole('link', { name: 'Show them' }).click();
  await expect(page).toHaveURL(/\/queue\?type=outbox&state=held&mine=true$/);
});

test('held e-mail leads to exactly those rows of the queue', async ({ page }) => {
  await open(page);
  const held = server.mock.box.counts({ type: 'outbox', source: 'all', q: '', state: 'held' }).total;
  expect(held).toBeGreaterThan(3);
  await page.getByRole('link', { name: `Show all ${held} in the queue` }).click();
  await expect(page.getByRole('combobox', { name: 'State', exact: true })).toHaveValue('held');
  await expect(page.getByRole('grid')).toHaveAttribute('aria-rowcount', String(held + 1));
});

test('held e-mail is released past the limit from the System Office, after asking', async ({ page }) => {
  await open(page);
  const list = card(page, 'Held e-mail');
  const before = server.mock.box.counts({ type: 'outbox', source: 'all', q: '', state: 'held' }).total;
  await list.getByRole('checkbox').nth(0).check();
  await list.getByRole('checkbox').nth(1).check();
  await list.getByRole('button', { name: 'Release 2 past the limit…' }).click();
  const question = page.getByRole('dialog', { name: 'Release 2 e-mails past the limit?' });
  await expect(question).toContainText('The audit log keeps who let it go.');
  const [request] = await Promise.all([page.waitForRequest(/actions/), question.getByRole('button', { name: 'Release 2' }).click()]);
  expect(request.postDataJSON()).toMatchObject({ action: 'release', past_limits: true });
  await expect(page.getByText('2 messages released.')).toBeVisible();
  await expect(list).toContainText(`${before - 2} among what you see`);
});

test('a forecast says how many would go today and when the rest would', async ({ page }) => {
  await open(page);
  await page.getByLabel('E-mails', { exact: true }).fill('1,000');
  await page.keyboard.press('Enter');
  await expect(page.getByText('760 of 1,000 would go today; 240 on 24 Nov.')).toBeVisible();
  await page.getByLabel('E-mails', { exact: true }).fill('many');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Give a whole number from 1 on, such as 500.')).toBeVisible();
});

test('thirty days are bars and a table, of oneself, the server or a person', async ({ page }) => {
  await open(page);
  const history = card(page, /The last 30 days/);
  await expect(history.getByRole('img')).toBeVisible();
  expect(await history.locator('rect').count()).toBeGreaterThan(20);
  await history.getByRole('button', { name: 'As a table' }).click();
  await expect(history.getByRole('row')).toHaveCount(31);
  await expect(history.getByRole('row').last()).toContainText('1,240');
  await page.getByLabel('Whose').selectOption({ label: 'Claims Team' });
  await expect(history.getByRole('row').last()).toContainText('2,000');
});

test('limits are changed; what is below today’s use is refused beside the field', async ({ page }) => {
  await open(page);
  const save = page.getByRole('button', { name: 'Save the limits' });
  await page.getByLabel('Each person, a day').fill('1500');
  await save.click();
  await expect(page.getByText('Somebody has sent 2000 messages today already')).toBeVisible();
  await expect(page.getByLabel('Each person, a day')).toHaveValue('1500');
  await page.getByLabel('Each person, a day').fill('2,500');
  await save.click();
  await expect(page.getByText('The limits are in force.')).toBeVisible();
  expect(book().limits).toMatchObject({ user_daily_limit: 2_500, system_daily_limit: 10_000, version: 2 });
  await page.getByLabel('Whole server, a day').fill('12000');
  book().limits = { ...book().limits, system_daily_limit: 9_000, version: 3 };
  await save.click();
  const stale = page.getByRole('alert').filter({ hasText: 'Somebody else changed the limits' });
  await expect(stale).toContainText('9,000');
  await expect(stale).toContainText('12,000');
  await expectAccessible(page);
  await stale.getByRole('button', { name: 'Save mine all the same' }).click();
  await expect.poll(() => book().limits.system_daily_limit).toBe(12_000);
  await page.getByLabel('Whole server, a day').fill('1');
  await page.getByRole('link', { name: 'Preferences' }).click();
  await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Preferences' })).toBeVisible();
});

test('what the configuration sets can be read, not typed into', async ({ page }) => {
  book().limits.set_in_configuration = ['limits.user_daily_limit'];
  await open(page);
  await expect(page.getByLabel('Each person, a day')).toHaveAttribute('readonly', '');
  await expect(page.getByText('Set in the server’s configuration file')).toBeVisible();
  // The file was changed while the page stood open.
  book().limits.set_in_configuration = ['limits.user_daily_limit', 'limits.system_daily_limit'];
  await page.getByLabel('Whole server, a day').fill('50000');
  await page.getByRole('button', { name: 'Save the limits' }).click();
  await expect(page.getByText('Limits.system_daily_limit is set in postroom.toml').or(page.getByText('limits.system_daily_limit is set in postroom.toml'))).toBeVisible();
});
