import { drawn, expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async ({ page }) => {
  server = await start(100_000);
  await signIn(page, server.url);
});
test.afterEach(() => server.close());

test('a message tells who, what, and what became of it', async ({ page }) => {
  await page.getByLabel('Type').selectOption('failed');
  await page.locator('[role=row][data-id] .subject a').first().click();
  await expect(page.getByRole('table', { name: 'Headers' })).toContainText('From');
  await expect(page.getByText(/^Not delivered after 10 attempts/)).toBeVisible();
  await expect(page.getByRole('complementary')).toContainText('Attempt 10: refused');
  await expect(page.getByRole('complementary')).toContainText('Not delivered');
  await expect(page.getByRole('button', { name: 'Resend Failed E-mail' })).toBeVisible();
  const frame = await page.locator('iframe').boundingBox();
  expect(frame?.height).toBeGreaterThan(300);
  expect(frame?.width).toBeGreaterThan(600);
});

test('"Sent" explains itself', async ({ page }) => {
  await page.getByLabel('Type').selectOption('sent');
  await page.locator('[role=row][data-id] .subject a').first().click();
  await expect(page.getByText(/^Accepted by the relay on .* cannot see whether it was read/)).toBeVisible();
});

test('script in a body is dead', async ({ page }) => {
  const html = server.mock.box.page({ type: 'all', source: 'all', q: '' }, 0, Infinity, 50).rows.find((row) => row.mime_type === 'text/html');
  await page.goto(`${server.url}/queue/${html?.id}`);
  await expect(page.locator('iframe')).toHaveAttribute('sandbox', '');
  const body = page.frameLocator('iframe').locator('body');
  await expect(body).toContainText('With kind regards');
  await expect(body).not.toHaveAttribute('data-ran', 'yes');
  await expect(page).not.toHaveTitle('escaped');
});

test('the tabs show text and source, by mouse and by keys', async ({ page }) => {
  const html = server.mock.box.page({ type: 'all', source: 'all', q: '' }, 0, Infinity, 50).rows.find((row) => row.mime_type === 'text/html');
  await page.goto(`${server.url}/queue/${html?.id}`);
  await page.getByRole('tab', { name: 'Source' }).click();
  await expect(page.frameLocator('iframe').locator('body')).toContainText('Message-ID: <');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Text' })).toBeFocused();
  await expect(page.getByRole('tab', { name: 'Text' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.frameLocator('iframe').locator('body')).toContainText('With kind regards');
});

test('Esc comes back to the same row at the same place', async ({ page }) => {
  await page.getByRole('grid').evaluate((grid) => (grid.scrollTop = 1_234_567));
  await expect.poll(async () => (await drawn(page))[10]?.index).toBeGreaterThan(30_000);
  const rows = await drawn(page);
  const id = rows[12]?.id ?? '';
  const before = await page.locator(`[data-id="${id}"]`).boundingBox();
  await page.locator(`[data-id="${id}"] .subject a`).click();
  await expect(page.getByText('History')).toBeVisible();
  await page.keyboard.press('Escape');
  const row = page.locator(`[data-id="${id}"]`);
  await expect(row).toBeVisible();
  expect((await row.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, 0);
  await expect(page.getByRole('grid')).toBeFocused();
  await expect(row).toHaveClass(/active/);
});

test('the page follows the message as it moves', async ({ page }) => {
  const id = (await drawn(page))[1]?.id ?? '';
  await page.goto(`${server.url}/queue/${id}`);
  await expect(page.getByText('In the Outbox, due now.')).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.request.get(`${server.url}/mock/change?id=${id}&state=sent`);
  await expect(page.getByText(/^Accepted by the relay/)).toBeVisible({ timeout: 1_000 });
});

test('an unknown id says so and leads back', async ({ page }) => {
  await page.goto(`${server.url}/queue/01k2zzzzzzzzz`);
  await expect(page.getByRole('heading', { name: 'There is no such message' })).toBeVisible();
  await page.getByRole('link', { name: 'Back to the queue' }).click();
  await expect(page.locator('[role=row][data-id]').first()).toBeVisible();
});

test('deleting from the message goes back to the list, where it can be taken back', async ({ page }) => {
  const id = (await drawn(page))[6]?.id ?? '';
  await page.locator(`[data-id="${id}"] .subject a`).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('1 record deleted.')).toBeVisible();
  await expect(page.locator(`[data-id="${id}"]`)).toContainText('Deleted');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.locator(`[data-id="${id}"]`)).not.toContainText('Deleted');
  expect(server.mock.box.find(id)).not.toBeNull();
});

test('"Why hasn’t it gone?" says the rule, what to do and what comes next, and what the codes mean', async ({ page }) => {
  await page.getByLabel('Type').selectOption('failed');
  await page.locator('[role=row][data-id] .subject a').first().click();
  const why = page.getByRole('region', { name: 'Why hasn’t it gone?' });
  await expect(why).toContainText('It was given up after 10 attempts');
  await expect(why.getByRole('link', { name: 'Fix the SMTP settings' })).toHaveAttribute('href', /\/office\/settings\/1#smtp$/);
  await expect(why).toContainText('What happens next. Nothing by itself');
  await expect(page.getByRole('complementary')).toContainText('The mail server’s security rules refuse it.');
  await page.getByRole('button', { name: /Show \d+ earlier attempts/ }).click();
  await expect(page.getByRole('complementary')).toContainText('Attempt 1: put off');
});

test('next and before walk through the list, and Esc leads back to it at once', async ({ page }) => {
  const rows = await drawn(page);
  await page.locator(`[data-id="${rows[3]?.id}"] .subject a`).click();
  await expect(page.getByText('4 of 100,000')).toBeVisible();
  await page.keyboard.press('j');
  await expect(page).toHaveURL(new RegExp(`/queue/${rows[4]?.id}$`));
  await page.getByRole('button', { name: 'Next message' }).click();
  await expect(page).toHaveURL(new RegExp(`/queue/${rows[5]?.id}$`));
  await page.keyboard.press('k');
  await page.keyboard.press('k');
  await page.keyboard.press('k');
  await expect(page.getByText('3 of 100,000')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.locator(`[data-id="${rows[2]?.id}"]`)).toHaveClass(/active/);
});

test('a mistyped address is changed and the mail tried again', async ({ page }) => {
  await page.getByLabel('Type').selectOption('failed');
  await page.locator('[role=row][data-id] .subject a').first().click();
  const change = page.getByRole('button', { name: /^Change address/ }).first();
  await change.click();
  const dialog = page.getByRole('dialog', { name: 'Change the address and requeue' });
  await expectAccessible(page);
  await dialog.getByLabel('Address').fill('nobody');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('has no domain');
  await expect(dialog.getByLabel('Address')).toHaveValue('nobody');
  await page.keyboard.press('Escape');
  await expect(change).toBeFocused();
  await change.click();
  await dialog.getByLabel('Address').fill('right@client.example.com');
  await page.keyboard.press('Enter');
  await expect(page.getByText('It goes to right@client.example.com now.')).toBeVisible();
  await expect(page.getByRole('complementary')).toContainText('right@client.example.com');
  await expect(page.getByText('Back in the Outbox, due now.').or(page.getByText('In the Outbox, due now.'))).toBeVisible();
});

test('pictures from elsewhere load only where they are asked for, for one message alone', async ({ page }) => {
  let loaded = 0;
  await page.route('https://pictures.example.net/**', (route) => {
    loaded += 1;
    return route.fulfill({ status: 200, contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>' });
  });
  const html = server.mock.box.page({ type: 'all', source: 'all', q: '' }, 0, Infinity, 50).rows.filter((row) => row.mime_type === 'text/html');
  await page.goto(`${server.url}/queue/${html[0]?.id}`);
  await expect(page.frameLocator('iframe').locator('body')).toContainText('With kind regards');
  expect(loaded).toBe(0);
  await page.getByRole('button', { name: 'Load them this once' }).click();
  await expect.poll(() => loaded).toBe(1);
  await expect(page.locator('iframe')).toHaveAttribute('sandbox', '');
  await page.goto(`${server.url}/queue/${html[1]?.id}`);
  await expect(page.getByRole('button', { name: 'Load them this once' })).toBeVisible();
  expect(loaded).toBe(1);
});

test('the keyboard alone finds, opens, tags and resends', async ({ page }) => {
  await page.getByLabel('Type').focus();
  await page.keyboard.type('Fa');
  await expect(page).toHaveURL(/type=failed/);
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('grid')).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('k');
  await expect(page.locator('#row-1')).toHaveClass(/active/);
  await expect(page.getByRole('grid')).toHaveAttribute('aria-activedescendant', 'row-1');
  const id = await page.locator('#row-1').getAttribute('data-id');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/queue/${id}$`));
  // The address changes at once; the page that hears Escape comes with its own chunk.
  await expect(page.getByRole('table', { name: 'Headers' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('grid')).toBeFocused();
  await page.keyboard.press('x');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Shift+X');
  await expect(page.getByRole('button', { name: '3 tagged' })).toBeVisible();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('Shift+Tab');
  await page.getByRole('button', { name: 'Menu' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('3 messages back in the Outbox.')).toBeVisible();
});
