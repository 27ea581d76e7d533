import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { fill, letter, openForm, saved, send, undo } from './compose';
import { start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const handedIn = () => server.mock.desk.handedIn;
const open = (page: Page, login?: string, search?: string) => openForm(page, server.url, login, search);

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
