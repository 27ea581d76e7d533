import type { Page } from '@playwright/test';
import { expect, test } from '../page';
import { letter, openForm, paste, send, to } from './compose';
import { start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const handedIn = () => server.mock.desk.handedIn;
const open = (page: Page, login?: string, search?: string) => openForm(page, server.url, login, search);

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

test('many addresses are pasted at once, and what is wrong with one is said and corrected', async ({ page }) => {
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
