/** Writing and sending against the real server, as each kind of person. */
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { Postroom, type Row } from './postroom';

let server: Postroom;
test.beforeAll(async () => {
  server = await Postroom.start();
});
test.afterAll(() => server.stop());
test.afterEach(() => server.relay.release());

const to = (page: Page) => page.getByRole('combobox', { name: 'To' });
const letter = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const send = (page: Page) => page.getByRole('button', { name: 'Send', exact: true });

async function open(page: Page, login: string, search = ''): Promise<void> {
  await server.signIn(page, `/compose${search}`, login);
  await letter(page).waitFor();
}

async function fill(page: Page, address: string, subject: string): Promise<void> {
  await to(page).fill(address);
  await page.keyboard.press('Tab');
  await page.getByLabel('Subject').fill(subject);
  await letter(page).click();
  await page.keyboard.type('Good day');
}

async function found(subject: string): Promise<Row[]> {
  return (await server.page(`q=${encodeURIComponent(subject)}`)).rows.filter((row) => row.subject === subject);
}

/** A request with the page's own session. */
function ask<T>(page: Page, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; etag: string; json: T }> {
  return page.evaluate(
    async ([method, path, body, headers]) => {
      const answer = await fetch(path as string, { method: method as string, headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) }, ...(body !== null && { body: JSON.stringify(body) }) });
      return { status: answer.status, etag: answer.headers.get('etag') ?? '', json: (await answer.json()) as never };
    },
    [method, path, body ?? null, headers] as const,
  );
}

test('a plain user writes with the keyboard alone, takes it back, sends it, and it goes out with both bodies', async ({ page }) => {
  await open(page, 'front');
  await to(page).focus();
  await page.keyboard.type('case');
  await page.getByRole('option', { name: /Case Clerk/ }).waitFor();
  await page.keyboard.press('Enter');
  await expect(page.locator('.chip')).toHaveText(['Case Clerk']);
  await page.keyboard.type('client-compose@example.net;');
  await page.getByLabel('Subject').focus();
  await page.keyboard.type('Composed');
  await letter(page).focus();
  await page.keyboard.type('Good ');
  await page.keyboard.press('Control+b');
  await page.keyboard.type('day');
  await expect(page.getByText(/^Draft saved/)).toBeVisible();
  await page.keyboard.press('Control+Enter');
  await page.locator('.toast').getByRole('button', { name: /^Undo/ }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText('The e-mail was taken back. Nothing was sent.')).toBeVisible();
  expect(await found('Composed')).toHaveLength(0);
  await expect(letter(page)).toHaveText('Good day');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('link', { name: 'Show', exact: true }).click();
  await expect(page.getByText(/^Accepted by the relay on/)).toBeVisible({ timeout: 25_000 });
  const [row] = await found('Composed');
  expect(row).toMatchObject({ from: '"Front <b>Desk</b>" <front@example.test>', recipients: 2, state: 'sent' });
  await expect(page.getByRole('tab', { name: 'HTML' })).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Text' })).toBeVisible();
  await expect(page.frameLocator('iframe').locator('strong')).toHaveText('day');
  const drafts = await ask<{ drafts: unknown[] }>(page, 'GET', '/api/v1/drafts');
  expect(drafts.json.drafts).toEqual([]);
});

test('a draft lives on the server, through a new page and another browser', async ({ page, browser }) => {
  await open(page, 'front');
  await fill(page, 'draft@example.net', 'Kept draft');
  await expect(page.getByText(/^Draft saved/)).toBeVisible();
  const other = await browser.newPage();
  await open(other, 'front');
  await other.getByRole('link', { name: /Kept draft/ }).click();
  await expect(letter(other)).toHaveText('Good day');
  await expect(other.locator('.chip')).toHaveText(['draft@example.net']);
  await other.getByLabel('Subject').fill('Kept draft, changed there');
  await expect(other.getByText(/^Draft saved \d/)).toBeVisible();
  await page.getByLabel('Subject').fill('Kept draft, changed here');
  const dialog = page.getByRole('dialog', { name: 'This draft was changed in another window' });
  await dialog.getByRole('button', { name: 'Use the other one' }).click();
  await expect(page.getByLabel('Subject')).toHaveValue('Kept draft, changed there');
  await other.close();
  await page.getByRole('button', { name: 'Throw this e-mail away' }).click();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect.poll(async () => (await ask<{ drafts: unknown[] }>(page, 'GET', '/api/v1/drafts')).json.drafts).toEqual([]);
});

test('an answer that is lost on its way does not send twice', async ({ page }) => {
  await open(page, 'front');
  await fill(page, 'once@example.net', 'Only once');
  let lost = false;
  await page.route('**/api/v1/messages', async (route) => {
    if (route.request().method() !== 'POST' || lost) return route.continue();
    lost = true;
    await route.fetch();
    await route.abort('connectionreset');
  });
  await send(page).click();
  await page.getByRole('button', { name: 'Send again' }).click();
  await expect(page).toHaveURL(/\/queue/);
  expect(await found('Only once')).toHaveLength(1);
});

test('hostile words are pasted, sent and shown, and nothing of them runs', async ({ page }) => {
  await open(page, 'front');
  await fill(page, 'hostile@example.net', '"><script>document.title="ran"</script>');
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/html', '<style>*{color:red}</style><p style="color:red" onclick="document.title=1">Words<script>document.title="ran"</script><img src="https://tracker.example/p.gif" onerror="document.title=\'ran\'"></p><form action="https://evil.example"><input value="typed"></form>');
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(letter(page)).toContainText('Words');
  await send(page).click();
  await page.getByRole('link', { name: 'Show', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('"><script>document.title="ran"</script>');
  await expect(page.frameLocator('iframe').locator('form, img, script')).toHaveCount(0);
  await expect(page).not.toHaveTitle('ran');
});

test('an assistant may send as the one they manage for', async ({ page, browser }) => {
  const admin = await browser.newPage();
  await server.signIn(admin, '/queue', 'case');
  const users = await ask<{ users: { id: number; login: string }[] }>(admin, 'GET', '/api/v1/users');
  const front = users.json.users.find((user) => user.login === 'front')?.id;
  expect((await ask(admin, 'POST', '/api/v1/proxies', { assistant: front, level: 'manage' })).status).toBeLessThan(300);
  await admin.close();
  await open(page, 'front');
  await page.getByLabel('From').selectOption('case@example.test');
  await fill(page, 'assisted@example.net', 'By an assistant');
  await send(page).click();
  await expect.poll(async () => (await found('By an assistant'))[0]?.from).toBe('Case Clerk <case@example.test>');
});

test('a failed message is copied, corrected and sent again', async ({ page }) => {
  const [id = ''] = await server.submit([{ to: 'fail-copied@example.net', subject: 'To be copied', html: '<p>Dear <b>client</b></p>' }]);
  await expect.poll(async () => ((await server.message(id)) as { state: string }).state).toBe('failed');
  await server.signIn(page, `/queue/${id}`);
  await page.getByRole('link', { name: 'Copy to Compose' }).click();
  await expect(letter(page).locator('strong')).toHaveText('client');
  await page.getByRole('button', { name: /^fail-copied/ }).click();
  await to(page).fill('client-copied@example.net');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('link', { name: 'Show', exact: true }).click();
  await expect(page.getByText(/^Accepted by the relay on/)).toBeVisible({ timeout: 25_000 });
});

test('sent later, it waits in the Outbox', async ({ page }) => {
  await open(page, 'front');
  await fill(page, 'later@example.net', 'For tomorrow');
  await page.getByRole('button', { name: 'Send later' }).click();
  await page.getByRole('button', { name: /^Tomorrow morning/ }).click();
  await page.getByRole('button', { name: 'Schedule' }).click();
  await expect.poll(async () => (await found('For tomorrow'))[0]?.state).toBe('scheduled');
});

test('axe finds nothing on the form, filled and empty', async ({ page }) => {
  await open(page, 'front');
  await expectAccessible(page);
  await fill(page, 'axe@example.net', 'Checked');
  await expect(page.getByText(/^Draft saved/)).toBeVisible();
  await expectAccessible(page);
});

test('over the limit it is told before, and held after', async ({ page, browser }) => {
  const admin = await browser.newPage();
  await server.signIn(admin, '/queue', 'case');
  const limits = await ask<{ version: number }>(admin, 'GET', '/api/v1/limits');
  const usage = await ask<{ users: { user: { name: string }; days: { used: number }[] }[] }>(admin, 'GET', '/api/v1/limits/usage?days=1');
  const most = Math.max(...usage.json.users.map((one) => one.days[0]?.used ?? 0));
  expect((await ask(admin, 'PUT', '/api/v1/limits', { user_daily_limit: most }, { 'if-match': limits.etag })).status).toBe(200);
  const front = usage.json.users.find((one) => one.user.name.startsWith('Front'))?.days[0]?.used ?? 0;
  await open(page, 'front');
  await expect(page.getByText(new RegExp(`^${most - front} of ${most} e-mails left today`)).or(page.getByText(/^You have sent all/))).toBeVisible();
  for (let left = most - front; left > 0; left -= 1) {
    const answer = await ask<{ state: string }>(page, 'POST', '/api/v1/messages', { from: 'front@example.test', to: ['x@example.net'], subject: 'Filling', text: 'x' });
    expect(answer.status).toBe(202);
  }
  await page.reload();
  await expect(page.getByText(/^You have sent all .* goes out by itself when the new day begins/)).toBeVisible();
  await fill(page, 'held@example.net', 'Over the limit');
  await send(page).click();
  await expect.poll(async () => (await found('Over the limit'))[0]?.state, { timeout: 25_000 }).toBe('held');
  await expect(page.getByText(/is held\./)).toBeVisible({ timeout: 10_000 });
  await admin.close();
});
