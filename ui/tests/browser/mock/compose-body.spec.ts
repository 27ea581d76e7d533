import type { Page } from '@playwright/test';
import { expect, test } from '../page';
import { letter, openForm, paste, send, to } from './compose';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const handedIn = () => server.mock.desk.handedIn;
const open = (page: Page, login?: string, search?: string) => openForm(page, server.url, login, search);

test('plain text: what would be lost is said first, and going back loses nothing', async ({ page }) => {
  await open(page);
  await letter(page).click();
  await page.keyboard.type('Words');
  await page.keyboard.press('Enter');
  await page.keyboard.type('- one');
  await page.keyboard.press('Enter');
  await page.keyboard.type('two');
  await expect(letter(page).locator('li')).toHaveText(['one', 'two']);
  await page.getByRole('button', { name: 'Plain text' }).click();
  const question = page.getByRole('dialog', { name: 'Switch to plain text?' });
  await expect(question).toContainText('What is lost: lists.');
  await question.getByRole('button', { name: 'Switch to plain text' }).click();
  await expect(letter(page)).toHaveValue('Words\n\n- one\n- two');
  await page.getByRole('button', { name: 'Add formatting' }).click();
  await expect(letter(page).locator('li')).toHaveText(['one', 'two']);
});

test('the tools make lists, headings, quotes and links', async ({ page }) => {
  await open(page);
  await to(page).fill('claims@client.example');
  await page.getByLabel('Subject').fill('Tools');
  await letter(page).click();
  await page.getByLabel('Kind of paragraph').selectOption('1');
  await page.keyboard.type('Offer');
  await page.keyboard.press('Enter');
  await page.keyboard.type('see our terms');
  await page.keyboard.press('Control+Shift+ArrowLeft');
  await page.keyboard.press('Control+k');
  const dialog = page.getByRole('dialog', { name: 'Add a link' });
  await dialog.getByLabel('Leads to').fill('javascript:alert(1)');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByLabel('Leads to').fill('www.example.com/terms');
  await page.keyboard.press('Enter');
  await expect(letter(page).locator('a')).toHaveAttribute('href', 'https://www.example.com/terms');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Numbered list' }).click();
  await page.keyboard.type('first');
  await expect(page.getByRole('button', { name: 'Numbered list' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await page.getByRole('button', { name: 'Redo', exact: true }).click();
  await expect(letter(page).locator('li')).toHaveText(['first']);
  await send(page).click();
  await expect.poll(() => handedIn().length).toBe(1);
  const html = String(handedIn()[0]?.body['html']);
  expect(html).toMatch(/<h1 style="[^"]+">Offer<\/h1>/);
  expect(html).toMatch(/<a href="https:\/\/www.example.com\/terms"[^>]*>terms<\/a>/);
  expect(html).toMatch(/<ol style="[^"]+"><li[^>]*><p[^>]*>first<\/p><\/li><\/ol>/);
  expect(handedIn()[0]?.body['text']).toBe('Offer\n\nsee our terms <https://www.example.com/terms>\n\n1. first');
});

test('the toolbar is one stop for Tab and is walked by arrows', async ({ page }) => {
  await open(page);
  await page.getByLabel('Subject').focus();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Kind of paragraph')).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('button', { name: 'Bold' })).toBeFocused();
  await page.keyboard.press('End');
  await expect(page.getByRole('button', { name: 'Redo' })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(letter(page)).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(letter(page)).not.toBeFocused();
});

test('pasted pages lose their scripts, forms, trackers and looks, and keep their words', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) asked.push(request.url());
  });
  await open(page);
  await to(page).fill('claims@client.example');
  await page.getByLabel('Subject').fill('Pasted');
  await letter(page).click();
  await paste(page, {
    'text/html': `<html><head><style>p{color:red}</style><meta http-equiv=refresh content="0;url=https://evil.example/"></head><body onload="document.title='ran'">
      <script>document.title='ran'</script><img src="https://tracker.example/pixel.gif" onerror="document.title='ran'">
      <form action="https://evil.example"><input name=password value=secret><button>Go</button></form>
      <p style="color:red" onclick="document.title='ran'">Kept <b>bold</b> <a href="javascript:document.title='ran'">dead</a> <a href="https://example.com/x">live</a></p>
      <iframe src="https://evil.example"></iframe><svg onload="document.title='ran'"></svg><object data="https://evil.example"></object>
      <table><tr><td>cell</td></tr></table></body></html>`,
  });
  await expect(letter(page)).toContainText('Kept bold dead live');
  await expect(letter(page)).toContainText('cell');
  await expect(letter(page).locator('script, img, form, input, button, iframe, svg, object, style, table, [style], [onclick]')).toHaveCount(0);
  await expect(letter(page).locator('a')).toHaveText(['live']);
  await send(page).click();
  await expect.poll(() => handedIn().length).toBe(1);
  const html = String(handedIn()[0]?.body['html']);
  expect(html).toContain('<strong>bold</strong>');
  expect(html).not.toMatch(/script|onclick|onerror|<img|<form|<input|iframe|tracker|evil|color:red/);
  await expect(page).not.toHaveTitle('ran');
  expect(asked).toEqual([]);
});

test('a copy of a message has its words, and says what it cannot keep', async ({ page }) => {
  server.mock.desk.copy['html'] = '<table><tr><td><p>Dear <b>client</b></p></td></tr></table><img src="cid:logo">';
  await open(page, 'case', '?from=01k2m3n4p5q6r');
  await expect(page.getByText(/its pictures and page layout are not/)).toBeVisible();
  await expect(page.getByLabel('Subject')).toHaveValue('Renewal of your policy');
  await expect(page.locator('.chip')).toHaveText(['Clerk, Claims']);
  await expect(letter(page).locator('strong')).toHaveText('client');
  await expect(page.getByRole('group', { name: 'Attachments' })).toContainText('terms.txt');
  // Nothing was typed: there is nothing to keep, and nothing stands in the way of leaving.
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Preferences' }).click();
  await expect(page).toHaveURL(/preferences/);
  expect(server.mock.desk.drafts.size).toBe(0);
});

test('the message page offers its copy', async ({ page }) => {
  await signIn(page, server.url);
  await page.locator('[role=row][data-id] .subject a').nth(8).click();
  await page.getByRole('link', { name: 'Copy to Compose' }).click();
  await expect(page).toHaveURL(/\/compose\?from=/);
  await expect(letter(page)).toContainText('Dear client');
});

test('files are dropped, pasted and measured', async ({ page }) => {
  await open(page);
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['hello'], 'dropped.txt', { type: 'text/plain' }));
    return transfer;
  });
  const form = page.getByRole('form', { name: 'E-mail' });
  await form.dispatchEvent('dragover', { dataTransfer: data });
  await expect(page.getByText('Drop to attach')).toBeVisible();
  await form.dispatchEvent('drop', { dataTransfer: data });
  await letter(page).dispatchEvent('drop', { dataTransfer: data });
  await expect(page.getByRole('group', { name: 'Attachments' }).getByRole('listitem')).toHaveCount(2);
  await expect(page.getByRole('group', { name: 'Attachments' })).toContainText('2 attachments · up to 26 MB can be sent');
  await page.locator('input[type=file]').setInputFiles({ name: 'film.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(21_000_000) });
  await expect(page.getByText('“film.mp4” was not attached.')).toBeVisible();
  await page.getByRole('button', { name: 'Remove dropped.txt' }).first().click();
  await expect(page.getByRole('group', { name: 'Attachments' }).getByRole('listitem')).toHaveCount(1);
});
