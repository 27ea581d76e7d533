import { drawn, expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async ({ page }) => {
  server = await start(10_000);
  await signIn(page, server.url);
});
test.afterEach(() => server.close());

test('further filters are folded away, narrow the list, and stand in the address', async ({ page }) => {
  await expect(page.getByLabel('Kind')).toHaveCount(0);
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByLabel('Kind').selectOption('form_letter');
  await page.getByRole('combobox', { name: 'Sender' }).fill('bill');
  await page.getByRole('option', { name: 'Billing' }).click();
  await expect(page).toHaveURL(/sender=\d+/);
  await expect(page).toHaveURL(/kind=form_letter/);
  await expect(page.locator('[role=row][data-id] .from').first()).toHaveText('Billing');
  await expect(page.getByRole('button', { name: /Filters 2 set/ })).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Kind')).toHaveValue('form_letter');
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(page).toHaveURL(/\/queue$/);
});

test('senders and offices are suggested while one types, beyond the rows that are loaded', async ({ page }) => {
  await page.getByRole('button', { name: 'Filters' }).click();
  const sender = page.getByRole('combobox', { name: 'Sender' });
  const offered = page.getByRole('listbox', { name: 'Suggestions' }).getByRole('option');
  await sender.focus();
  await expect(offered).toHaveCount(12);
  await expectAccessible(page);
  // Nobody of these rows is called that; the server knows them.
  await sender.pressSequentially('shore');
  await expect(offered).toHaveText(['Shore Claims']);
  await page.keyboard.press('ArrowDown');
  await expect(sender).toHaveAttribute('aria-activedescendant', /.+/);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/sender=8/);
  await expect(sender).toHaveValue('Shore Claims');
  await expect(page.getByRole('heading', { name: /Nothing|No e-mail|empty/ })).toBeVisible();
  await sender.fill('zzz');
  await expect(offered).toHaveText(['Nobody is called that']);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('listbox')).toBeHidden();
  await expect(sender).toHaveValue('Shore Claims');
  await sender.fill('');
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/sender=/);
  await page.getByRole('combobox', { name: 'Office' }).fill('lake');
  await page.getByRole('option', { name: 'Lakeside' }).click();
  await expect(page).toHaveURL(/office=3/);
});

test('a state narrows the list, and goes where the Type cannot have it', async ({ page }) => {
  await page.getByLabel('Type').selectOption('outbox');
  await page.getByRole('button', { name: 'Filters' }).click();
  await expect(page.getByRole('combobox', { name: 'State', exact: true }).locator('option')).toHaveText(['All', 'Outbox', 'Scheduled', 'Held', 'Sending', 'Deferred']);
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('held');
  await expect(page).toHaveURL(/state=held/);
  const held = server.mock.box.counts({ type: 'outbox', source: 'all', q: '', state: 'held' }).total;
  await expect(page.getByRole('grid')).toHaveAttribute('aria-rowcount', String(held + 1));
  await page.getByLabel('Type').selectOption('sent');
  await expect(page).not.toHaveURL(/state=/);
});

test('days are those of the person’s own zone', async ({ page }) => {
  await page.getByRole('button', { name: 'Filters' }).click();
  const [request] = await Promise.all([page.waitForRequest(/messages\?.*from=/), page.getByLabel('From day').fill('2026-11-22')]);
  // Berlin is an hour ahead of UTC.
  expect(new URL(request.url()).searchParams.get('from')).toBe('2026-11-21T23:00:00.000Z');
  const [both] = await Promise.all([page.waitForRequest(/messages\?.*to=/), page.getByLabel('To day').fill('2026-11-22')]);
  expect(new URL(both.url()).searchParams.get('to')).toBe('2026-11-22T23:00:00.000Z');
  await page.getByLabel('To day').fill('2026-11-20');
  await expect(page.getByRole('alert').filter({ hasText: 'This day lies before the first one.' })).toBeVisible();
  await expect(page.getByLabel('To day')).toHaveAttribute('aria-invalid', 'true');
});

test('only mine and the current office are one tick each', async ({ page }) => {
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByLabel('Only mine').check();
  await expect(page).toHaveURL(/mine=true/);
  await page.getByLabel('Current office only').check();
  await expect(page).toHaveURL(/office=1/);
  await page.getByLabel('Current office only').uncheck();
  await expect(page).not.toHaveURL(/office=/);
});

test('pages with numbers show the same rows and follow the keys', async ({ page }) => {
  await page.goto(`${server.url}/preferences`);
  await page.getByLabel('Long lists').selectOption('pages');
  await page.goto(`${server.url}/queue`);
  const pager = page.getByRole('navigation', { name: 'Pages' });
  await expect(pager).toContainText('1–50 of 10,000');
  await pager.getByRole('button', { name: 'Next page' }).click();
  await expect(pager).toContainText('51–100 of 10,000');
  const expected = server.mock.box.page({ type: 'all', source: 'all', q: '' }, 50, Infinity, 1).rows[0]?.id;
  await expect.poll(async () => (await drawn(page))[0]).toEqual({ index: 50, id: expected });
  await pager.getByLabel('Go to page').fill('150');
  await page.keyboard.press('Enter');
  await expect(pager).toContainText('7,451–7,500 of 10,000');
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await expect(pager).toContainText('1–50 of 10,000');
  for (let i = 0; i < 50; i += 1) await page.keyboard.press('j');
  await expect(pager).toContainText('51–100 of 10,000');
  await expect(page.locator('#row-50')).toHaveClass(/active/);
});

test('what the server wants said stands above the list, with the way to what it is about', async ({ page }) => {
  const text = 'This office is set to send e-mail locally through Outlook/Lotus Notes. Form letters sent as e-mail do not appear in the E-mail Queue.';
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.request.get(`${server.url}/mock/banner?kind=office_sends_locally&text=${encodeURIComponent(text)}`);
  await expect(page.getByText(text)).toBeVisible();
  await page.request.get(`${server.url}/mock/banner?kind=limit_reached&text=${encodeURIComponent('The daily limit is reached.')}`);
  await page.getByRole('link', { name: 'Show held e-mail' }).click();
  await expect(page).toHaveURL(/type=outbox/);
});
