import type { Page } from '@playwright/test';
import { expect, test } from '../page';
import { fill, letter, openForm, send, to, undo } from './compose';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const handedIn = () => server.mock.desk.handedIn;
const open = (page: Page, login?: string, search?: string) => openForm(page, server.url, login, search);

test('a letter is written, sent, and can be taken back with everything in it', async ({ page }) => {
  await signIn(page, server.url);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Compose' }).click();
  await fill(page);
  await page.keyboard.press('Control+b');
  await page.keyboard.type(' indeed');
  await expect(page.getByRole('button', { name: 'Bold' })).toHaveAttribute('aria-pressed', 'true');
  await page.locator('input[type=file]').setInputFiles({ name: 'terms.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
  await expect(page.getByRole('group', { name: 'Attachments' })).toContainText('terms.txt');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByText('Sending your e-mail to claims@client.example.')).toBeVisible();
  await expect(page).toHaveURL(/\/queue/);
  const body = handedIn()[0]?.body as Record<string, unknown>;
  expect(body).toMatchObject({ from: 'Case Clerk <case@office.example.com>', to: ['claims@client.example'], subject: 'Your policy', text: 'Good day indeed' });
  expect(body['html']).toContain('<strong> indeed</strong>');
  expect(body['html']).toMatch(/^<!doctype html>/);
  expect(body['attachments']).toEqual([{ filename: 'terms.txt', content_type: 'text/plain', content: 'aGVsbG8=' }]);
  const ahead = Date.parse(String(body['send_at'])) - Date.now();
  expect(ahead).toBeGreaterThan(3_000);
  expect(ahead).toBeLessThan(11_000);

  await undo(page).click();
  await expect(page.getByText('The e-mail was taken back. Nothing was sent.')).toBeVisible();
  await expect(page.locator('.chip')).toHaveText(['claims@client.example']);
  await expect(page.getByLabel('Subject')).toHaveValue('Your policy');
  await expect(letter(page)).toHaveText('Good day indeed');
  await expect(page.getByRole('group', { name: 'Attachments' })).toContainText('terms.txt');
  expect(server.mock.box.find(handedIn()[0]?.id ?? '')).toBeNull();
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => handedIn().length).toBe(2);
  expect(handedIn()[1]?.key).not.toBe(handedIn()[0]?.key);
});

test('the report of a sent letter leads to it', async ({ page }) => {
  await open(page);
  await fill(page);
  await send(page).click();
  await page.getByRole('link', { name: 'Show', exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/queue/${handedIn()[0]?.id}$`));
  await page.goto(`${server.url}/compose`);
  await expect(page.getByText('None. What you write')).toBeVisible();
});

test('what is missing is said beside the field, which gets the focus', async ({ page }) => {
  await open(page);
  await page.getByLabel('Subject').fill('x');
  await send(page).click();
  await expect(page.getByText('Add at least one recipient.')).toBeVisible();
  await expect(to(page)).toBeFocused();
  await page.keyboard.type('claims@client.example');
  await page.getByLabel('Subject').fill('');
  await letter(page).click();
  await page.keyboard.type('Good day');
  await send(page).click();
  const question = page.getByRole('dialog', { name: 'Send without a subject?' });
  await question.getByRole('button', { name: 'Add a subject' }).click();
  await expect(question).toBeHidden();
  expect(handedIn()).toHaveLength(0);
});

test('a refusal of the server stands beside its field', async ({ page }) => {
  await open(page);
  await fill(page);
  server.mock.desk.refuse = { status: 422, code: 'bad_address', title: 'An address is not valid', detail: 'to[0]: "claims@client.example" is gone', field: 'to[0]' };
  await send(page).click();
  await expect(page.getByRole('group', { name: 'To' }).getByRole('alert')).toHaveText('"claims@client.example" is gone.');
  await expect(letter(page)).toHaveText('Good day');
});

/** The server takes the next message, and the page never hears of it. */
async function loseAnswer(page: Page): Promise<void> {
  let lost = false;
  await page.route('**/api/v1/messages', async (route) => {
    if (route.request().method() !== 'POST' || lost) return route.continue();
    lost = true;
    await route.fetch();
    await route.abort('connectionreset');
  });
}

test('a lost answer is asked for again and nothing is sent twice', async ({ page }) => {
  await open(page);
  await fill(page);
  await loseAnswer(page);
  await send(page).click();
  await expect(page.getByText('It is not certain that the e-mail was sent')).toBeVisible();
  expect(handedIn()).toHaveLength(1);
  await page.getByRole('button', { name: 'Send again' }).click();
  await expect(page).toHaveURL(/\/queue/);
  expect(handedIn()).toHaveLength(1);
});

test('a letter that was changed after a lost answer is not sent a second time unasked', async ({ page }) => {
  await open(page);
  await fill(page);
  await loseAnswer(page);
  await send(page).click();
  await page.getByText('It is not certain').waitFor();
  await page.getByLabel('Subject').fill('Changed');
  await send(page).click();
  const question = page.getByRole('dialog', { name: 'It was sent before you changed it' });
  await expect(question).toBeVisible();
  expect(handedIn()).toHaveLength(1);
  await question.getByRole('button', { name: 'Send this one too' }).click();
  await expect.poll(() => handedIn().length).toBe(2);
  expect(handedIn()[1]?.body['subject']).toBe('Changed');
});

test('a letter is sent later, at a time on the person’s own clock', async ({ page }) => {
  await open(page);
  await fill(page);
  await page.getByRole('button', { name: 'Send later' }).click();
  const dialog = page.getByRole('dialog', { name: 'Send later' });
  await expect(dialog).toContainText('Europe/Berlin');
  await dialog.getByLabel('Day and time').fill('2020-01-01T08:00');
  await dialog.getByRole('button', { name: 'Use this time' }).click();
  await expect(dialog.getByRole('alert')).toHaveText('This time has passed. Choose a later one.');
  await dialog.getByRole('button', { name: /^Tomorrow morning/ }).click();
  await expect(page.getByText(/Goes out .* 08:00/)).toBeVisible();
  await page.getByRole('button', { name: 'Schedule' }).click();
  await expect(page.getByText(/^Your e-mail to claims@client.example goes out .* 08:00:00/)).toBeVisible();
  expect(String(handedIn()[0]?.body['send_at'])).toMatch(/T0[67]:00:00/);
});

test('what is left of the limit is told, and when a letter over it would go', async ({ page }) => {
  await open(page);
  await expect(page.getByText('760 of 2,000 e-mails left today')).toBeVisible();
  server.mock.desk.used = 2_000;
  await page.reload();
  await expect(page.getByText(/^You have sent all 2,000 e-mails that you may send today\. This one is kept and goes out by itself/)).toBeVisible();
});

test('a pause, a relay that is down and a queue that is off are told before sending', async ({ page }) => {
  await open(page);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.request.get(`${server.url}/mock/relay?state=down`);
  await expect(page.getByText('The e-mail server is down: the e-mail is taken in and goes out')).toBeVisible();
  await page.request.get(`${server.url}/mock/banner?kind=sending_paused&text=Sending is paused for you`);
  await expect(page.getByText('Sending is paused: the e-mail is taken in')).toBeVisible();
  await page.request.get(`${server.url}/mock/banner?kind=queue_disabled&text=The e-mail queue is disabled`);
  await expect(page.getByText('Sending is switched off in the server’s configuration. You can go on writing')).toBeVisible();
  await expect(send(page)).toBeDisabled();
});

test('an assistant sends as those they manage for, and as nobody else', async ({ page }) => {
  await open(page, 'front');
  await expect(page.getByLabel('From').locator('option')).toHaveText(['Front Desk <front@office.example.com>', 'Case Clerk <case@office.example.com>']);
  await page.getByLabel('From').selectOption('case@office.example.com');
  await fill(page);
  await send(page).click();
  await expect.poll(() => handedIn()[0]?.body['from']).toBe('Case Clerk <case@office.example.com>');
});

test('the editor comes only with this page', async ({ page }) => {
  await signIn(page, server.url);
  const scripts: string[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(request.url());
  });
  await page.reload();
  await page.locator('[role=row][data-id]').first().waitFor();
  expect(scripts.some((url) => /editor|Compose/i.test(url))).toBe(false);
});
