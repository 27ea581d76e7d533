/** What was typed and is not saved is asked about before a page is left by the browser's Back and Forward. */
import type { Locator, Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

/** Follows a link of the page, as one to it would stand there. */
async function follow(page: Page, path: string): Promise<void> {
  await page.evaluate((href) => {
    const link = Object.assign(document.createElement('a'), { href });
    document.body.append(link);
    link.click();
    link.remove();
  }, path);
}

/** The browser's Back (-1) and Forward (1). */
const press = (page: Page, by: number): Promise<void> => page.evaluate((steps) => history.go(steps), by);
const address = (page: Page): string => new URL(page.url()).pathname;

type Place = { name: string; path: string; field: (page: Page) => Locator; text: string; title?: string; go?: string; waits: boolean };
const WAITS = { title: 'Leave without saving?', go: 'Leave', waits: true };
const PLACES: Place[] = [
  { name: 'Office Settings', path: '/office/settings', field: (page) => page.getByLabel('Keep finished e-mail'), text: '30', title: 'Leave without saving?', go: 'Leave and lose it', waits: false },
  { name: 'Limits', path: '/limits', field: (page) => page.getByLabel('Each person, a day'), text: '77', ...WAITS },
  { name: 'a person', path: '/people/users/4', field: (page) => page.getByLabel('Name', { exact: true }), text: 'Renewals North', ...WAITS },
  { name: 'Add a person', path: '/people/users/new', field: (page) => page.getByLabel('Name', { exact: true }), text: 'Night Desk', ...WAITS },
  { name: 'Add a proxy', path: '/people/proxies/new', field: (page) => page.getByLabel('Last day'), text: '2099-12-31', ...WAITS },
  { name: 'Make an API key', path: '/people/keys/new', field: (page) => page.getByLabel('What is it for?'), text: 'Scanner', ...WAITS },
  { name: 'the password', path: '/preferences', field: (page) => page.getByLabel('Current password'), text: 'correct horse', title: 'Leave without changing the password?', go: 'Leave', waits: false },
];

for (const place of PLACES) {
  test(`${place.name}: Back and Forward ask; staying keeps what was typed, leaving goes where they lead`, async ({ page }) => {
    const question = page.getByRole('dialog', { name: place.title });
    await signIn(page, server.url, 'case', '/alerts');
    await expect(page.getByRole('heading', { level: 1, name: 'Alert Center' })).toBeVisible();
    await follow(page, place.path);
    await place.field(page).waitFor();
    await follow(page, '/queue?type=failed');
    await expect(page.getByRole('heading', { level: 1, name: 'E-mail Queue' })).toBeVisible();
    await press(page, -1);
    await place.field(page).fill(place.text);
    for (const by of [-1, 1]) {
      await press(page, by);
      await expect(question).toBeVisible();
      expect(address(page)).toBe(place.path);
      // Pressed again, nothing more is asked and nothing lost.
      await press(page, by);
      await expect.poll(() => address(page)).toBe(place.path);
      await expect(question).toHaveCount(1);
      await expectAccessible(page);
      await question.getByRole('button', { name: 'Stay here' }).click();
      await expect(question).toHaveCount(0);
      await expect(place.field(page)).toHaveValue(place.text);
      expect(address(page)).toBe(place.path);
    }
    await press(page, -1);
    await question.getByRole('button', { name: place.go, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Alert Center' })).toBeVisible();
    expect(address(page)).toBe('/alerts');

    await press(page, 1);
    await place.field(page).waitFor();
    if (place.waits) await expect(place.field(page)).toHaveValue(place.text);
    else await expect(place.field(page)).not.toHaveValue(place.text);
    await place.field(page).fill(place.text);
    await press(page, 1);
    await question.getByRole('button', { name: place.go, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'E-mail Queue' })).toBeVisible();
    await expect(page).toHaveURL(/\/queue\?type=failed$/);
  });
}

test('a letter is kept as a draft by Back, and asked about where that fails', async ({ page }) => {
  const question = page.getByRole('dialog', { name: 'Leave before the draft is saved?' });
  await signIn(page, server.url, 'case', '/alerts');
  await follow(page, '/compose');
  await page.getByLabel('Subject').fill('Kept by Back');
  await press(page, -1);
  await expect(page.getByRole('heading', { level: 1, name: 'Alert Center' })).toBeVisible();
  expect(server.mock.desk.draft('1')?.body['subject']).toBe('Kept by Back');
  await expect(question).toHaveCount(0);

  await press(page, 1);
  await expect(page.getByLabel('Subject')).toHaveValue('Kept by Back');
  await page.request.get(`${server.url}/mock/down`);
  await page.getByLabel('Subject').fill('Kept by Back, and longer');
  await press(page, -1);
  await question.getByRole('button', { name: 'Stay here' }).click();
  await expect(page.getByLabel('Subject')).toHaveValue('Kept by Back, and longer');
  expect(address(page)).toBe('/compose');
  await press(page, -1);
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Alert Center' })).toBeVisible();
  await page.request.get(`${server.url}/mock/up`);
  await press(page, 1);
  await expect(page.getByLabel('Subject')).toHaveValue('Kept by Back, and longer');
});

test('a key that is shown once is not lost by Back', async ({ page }) => {
  await signIn(page, server.url, 'case', '/people/keys');
  await follow(page, '/people/keys/new');
  await page.getByLabel('What is it for?').fill('Scanner');
  await page.getByRole('button', { name: 'Make the key' }).click();
  const secret = await page.getByLabel('The key', { exact: true }).textContent();
  await press(page, -1);
  await page.getByRole('dialog', { name: 'Have you kept the key?' }).getByRole('button', { name: 'Show it again' }).click();
  await expect(page.getByLabel('The key', { exact: true })).toHaveText(secret ?? '');
  // Who says so goes unasked.
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(address(page)).toBe('/people/keys');
});

test('a dialog that is closed by Esc is not asked about, and what was typed waits', async ({ page }) => {
  await signIn(page, server.url, 'case', '/people/users');
  await page.getByRole('link', { name: 'Add a person' }).click();
  const form = page.getByRole('dialog', { name: 'Add a person' });
  await form.getByLabel('Name', { exact: true }).fill('Night Desk');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page).toHaveURL(/\/people\/users$/);
  await page.getByRole('link', { name: 'Add a person' }).click();
  await expect(form.getByLabel('Name', { exact: true })).toHaveValue('Night Desk');
});

test('parts of a page are gone through by Back without a question', async ({ page }) => {
  await signIn(page, server.url, 'case', '/office/settings');
  await page.getByLabel('Keep finished e-mail').fill('30');
  await page.getByRole('link', { name: 'Retention' }).click();
  await expect(page).toHaveURL(/#retention$/);
  await page.getByRole('link', { name: 'Pauses' }).click();
  await press(page, -1);
  await expect(page).toHaveURL(/#retention$/);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByLabel('Keep finished e-mail')).toHaveValue('30');
});
