import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const to = (page: Page) => page.getByRole('combobox', { name: 'To' });
const letter = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const send = (page: Page) => page.getByRole('button', { name: 'Send', exact: true });
const saved = (page: Page) => page.getByText(/^Draft saved/);
const undo = (page: Page) => page.locator('.toast').getByRole('button', { name: /^Undo/ });
const handedIn = () => server.mock.desk.handedIn;

/** Opens an empty form and waits for the editor. */
async function open(page: Page, login = 'case', search = ''): Promise<void> {
  await signIn(page, server.url, login, `/compose${search}`);
  await letter(page).waitFor();
}

async function fill(page: Page, subject = 'Your policy'): Promise<void> {
  await to(page).fill('claims@client.example');
  await page.keyboard.press('Enter');
  await page.getByLabel('Subject').fill(subject);
  await letter(page).click();
  await page.keyboard.type('Good day');
}

/** What a browser does when something is pasted into what has the focus. */
async function paste(page: Page, data: Record<string, string>): Promise<void> {
  await page.evaluate((kinds) => {
    const clipboardData = new DataTransfer();
    for (const [kind, text] of Object.entries(kinds)) clipboardData.setData(kind, text);
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, data);
}

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

test('suggestions are chosen by the keyboard alone', async ({ page }) => {
  await open(page);
  await to(page).focus();
  await page.keyboard.type('ac');
  const list = page.getByRole('listbox', { name: 'Suggestions for To' });
  await expect(list.getByRole('option')).toHaveCount(3);
  await expect(to(page)).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press('ArrowDown');
  const second = list.getByRole('option').nth(1);
  await expect(second).toHaveAttribute('aria-selected', 'true');
  await expect(to(page)).toHaveAttribute('aria-activedescendant', (await second.getAttribute('id')) ?? 'none');
  await page.keyboard.press('Enter');
  await expect(page.locator('.chip')).toHaveText(['accounts@northwind.example']);
  await expect(list).toBeHidden();
  await page.keyboard.type('ac');
  await expect(list.getByRole('option')).toHaveCount(2);
  await page.keyboard.press('Escape');
  await expect(list).toBeHidden();
  await page.keyboard.type('other@client.example,');
  await expect(page.locator('.chip')).toHaveCount(2);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Delete');
  await expect(page.locator('.chip')).toHaveText(['acother@client.example']);
});

test('many addresses are pasted at once, and what is wrong with one is said and mended', async ({ page }) => {
  await open(page);
  await to(page).focus();
  await paste(page, { 'text/plain': 'Clerk, Claims <claims@client.example>; b@client.example\nbroken@; c@northwind' });
  await expect(page.locator('.chip')).toHaveText(['Clerk, Claims', 'b@client.example', 'broken@', 'c@northwind']);
  await expect(page.getByText('“broken@” has nothing after the @ sign.')).toBeVisible();
  await expect(page.getByText('“c@northwind” has no ending such as .com')).toBeVisible();
  await page.getByLabel('Subject').fill('x');
  await send(page).click();
  await expect(page.getByText('1 address cannot be sent to.')).toBeVisible();
  await expect(page.locator('.chip.wrong .name')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(to(page)).toHaveValue('broken@');
  await page.keyboard.type('client.example');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => handedIn()[0]?.body['to']).toEqual(['"Clerk, Claims" <claims@client.example>', 'b@client.example', 'c@northwind', 'broken@client.example']);
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

test('a draft is kept by itself, found again, and gone once it is sent', async ({ page }) => {
  await open(page);
  await fill(page, 'Half done');
  await expect(saved(page)).toBeVisible();
  await expect(page).toHaveURL(/\?draft=1$/);
  await expect(page.getByRole('complementary', { name: 'Drafts' })).toContainText('Half done');
  await page.reload();
  await expect(letter(page)).toHaveText('Good day');
  await expect(page.locator('.chip')).toHaveText(['claims@client.example']);
  await letter(page).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(', client');
  await expect.poll(() => server.mock.desk.draft('1')?.version).toBeGreaterThan(1);
  await send(page).click();
  await expect.poll(() => server.mock.desk.drafts.size).toBe(0);
});

test('a draft is thrown away, and back with one click', async ({ page }) => {
  server.mock.desk.add({ subject: 'Older', to: ['b@client.example'], text: 'Old words' });
  await open(page);
  await fill(page, 'Newer');
  await expect(saved(page)).toBeVisible();
  await page.getByRole('button', { name: 'Throw this e-mail away' }).click();
  await expect(page.getByLabel('Subject')).toHaveValue('');
  await undo(page).click();
  await expect(page.getByLabel('Subject')).toHaveValue('Newer');
  await page.getByRole('complementary').getByRole('link', { name: /Older/ }).click();
  await expect(page.getByLabel('Subject')).toHaveValue('Older');
  await expect(letter(page)).toHaveValue('Old words');
  await page.getByRole('button', { name: 'Delete draft Newer' }).click();
  await page.getByRole('button', { name: 'Dismiss' }).last().click();
  await expect.poll(() => server.mock.desk.drafts.size).toBe(1);
});

test('the same draft in two windows: both are shown, and one is chosen', async ({ page }) => {
  await open(page);
  await fill(page, 'Mine');
  await expect(saved(page)).toBeVisible();
  const draft = server.mock.desk.draft('1');
  Object.assign(draft ?? {}, { version: 7, body: { ...draft?.body, subject: 'Theirs' } });
  await page.getByLabel('Subject').fill('Mine, longer');
  const dialog = page.getByRole('dialog', { name: 'This draft was changed in another window' });
  await expect(dialog).toContainText('Mine, longer');
  await expect(dialog).toContainText('Theirs');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Keep what is here' }).click();
  await expect.poll(() => server.mock.desk.draft('1')?.body['subject']).toBe('Mine, longer');
});

test('a lost connection loses nothing and mends itself', async ({ page }) => {
  await open(page);
  await page.request.get(`${server.url}/mock/down`);
  await fill(page, 'Typed while offline');
  await expect(page.getByText(/^Not saved: no connection/)).toBeVisible();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Preferences' }).click();
  const question = page.getByRole('dialog', { name: 'Leave before the draft is saved?' });
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.request.get(`${server.url}/mock/up`);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Compose' }).click();
  await expect(page.getByText('What was not saved has been brought back.')).toBeVisible();
  await expect(page.getByLabel('Subject')).toHaveValue('Typed while offline');
  await expect(letter(page)).toHaveText('Good day');
  await expect(saved(page)).toBeVisible();
});

/** Ends the session with the next request that would change something. */
async function endSession(page: Page): Promise<void> {
  server.mock.desk.endSession = true;
  await send(page).click();
  await expect(page.getByText('Your session has ended.')).toBeVisible();
}

async function signInAgain(page: Page, login: string): Promise<void> {
  await page.getByLabel('Sign-in name').fill(login);
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('a session that ends loses nothing', async ({ page }) => {
  await open(page);
  await fill(page, 'Kept over the sign-in');
  await endSession(page);
  await signInAgain(page, 'case');
  await expect(page.getByText('What was not saved has been brought back.')).toBeVisible();
  await expect(page.getByLabel('Subject')).toHaveValue('Kept over the sign-in');
  await expect(letter(page)).toHaveText('Good day');
  await send(page).click();
  await expect.poll(() => handedIn().length).toBe(1);
});

test('what one person wrote is not shown to the next', async ({ page }) => {
  await open(page);
  await fill(page, 'First');
  await expect(saved(page)).toBeVisible();
  await page.getByLabel('Subject').fill('First and more');
  await endSession(page);
  await signInAgain(page, 'front');
  await expect(page.getByRole('heading', { name: 'There is no such draft or message' })).toBeVisible();
  await page.getByRole('link', { name: 'Write a new e-mail' }).click();
  await letter(page).waitFor();
  await expect(page.getByLabel('Subject')).toHaveValue('');
  await expect(page.getByText('waits to be finished')).toHaveCount(0);
  await page.getByRole('button', { name: /Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await signInAgain(page, 'case');
  await page.getByRole('button', { name: 'Go on with it' }).click();
  await expect(page.getByLabel('Subject')).toHaveValue('First and more');
  await expect(letter(page)).toHaveText('Good day');
});

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

test('hostile names, subjects and copies are text', async ({ page }) => {
  const evil = '"><img src=x onerror="document.title=\'ran\'">';
  Object.assign(server.mock.desk.copy, {
    subject: evil,
    to: ['"<script>document.title=\'ran\'</script>" <claims@client.example>'],
    html: `<p>Dear ${evil}</p><script>document.title='ran'</script><img src="https://tracker.example/p.gif"><a href="javascript:alert(1)">x</a>`,
    attachments: [{ filename: `${evil}.pdf`, content_type: 'application/pdf', content: 'aGVsbG8=' }],
  });
  server.mock.desk.add({ subject: evil, to: [evil] });
  await open(page, 'case', '?from=01k2m3n4p5q6r');
  await expect(page.getByLabel('Subject')).toHaveValue(evil);
  await expect(page.locator('.chip')).toHaveText(["<script>document.title='ran'</script>"]);
  await expect(page.getByRole('group', { name: 'Attachments' })).toContainText(evil);
  await expect(page.getByRole('complementary')).toContainText(evil);
  await expect(letter(page).locator('img, script, a')).toHaveCount(0);
  await to(page).fill('ac');
  await page.getByRole('option', { name: /Acme/ }).click();
  await expect(page.locator('.chip').last()).toHaveText('Acme <img src=x onerror=alert(1)> Desk');
  await expect(page.locator('main img')).toHaveCount(0);
  await expect(page).not.toHaveTitle('ran');
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

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`axe finds nothing, ${colorScheme} at ${width}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      server.mock.desk.add({ subject: 'Older', to: ['b@client.example'] });
      await open(page);
      await expectAccessible(page);
      await to(page).fill('ac');
      await page.getByRole('option').first().waitFor();
      await expectAccessible(page);
      await page.keyboard.press('Enter');
      await to(page).fill('broken@');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Bcc' }).click();
      await page.locator('input[type=file]').setInputFiles({ name: 'terms.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
      await send(page).click();
      await page.getByText(/cannot be sent to/).waitFor();
      await expectAccessible(page);
      await letter(page).click();
      await page.keyboard.type('Words ');
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Send later' }).click();
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page);
      await page.getByRole('button', { name: /^Tomorrow morning/ }).click();
      await page.getByRole('button', { name: 'Plain text' }).click();
      await expectAccessible(page);
    });
  }
}

test('at 320 px nothing has to be scrolled sideways, and all can be clicked', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await open(page);
  await fill(page, 'A subject that is a good deal longer than a phone is wide, as they often are');
  await to(page).fill('somebody.with.a.long.name@a-long-domain-name.example,');
  await page.locator('input[type=file]').setInputFiles({ name: 'a file with a long name that has to be cut.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
  await saved(page).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  expect(await page.getByRole('main').evaluate((main) => main.scrollWidth)).toBeLessThanOrEqual(320);
  const small = await page.locator('main button:visible, main a:visible, main select:visible').evaluateAll((all) =>
    all.filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; }).map((one) => one.outerHTML.slice(0, 120)),
  );
  expect(small).toEqual([]);
});
