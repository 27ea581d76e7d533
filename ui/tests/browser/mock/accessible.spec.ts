import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

const menu = (page: Page) => page.getByRole('button', { name: 'Menu' });

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(`axe finds nothing in ${colorScheme} at ${width}`, () => {
      test.beforeEach(async ({ page }) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
      });

      test('signing in', async ({ page }) => {
        await page.goto(server.url);
        await page.getByLabel('Sign-in name').fill('case');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await expect(page.locator('#password-error')).toBeVisible();
        await expectAccessible(page);
      });

      test('the list with tags, menu, questions and undo', async ({ page }) => {
        await signIn(page, server.url);
        await page.request.get(`${server.url}/mock/relay?state=down`);
        const boxes = page.locator('[role=row][data-id] .box');
        await boxes.nth(2).click();
        await boxes.nth(6).click({ modifiers: ['Shift'] });
        await expectAccessible(page);
        await menu(page).click();
        await expectAccessible(page);
        await page.getByRole('menuitem', { name: /^Resend [1-9]/ }).click();
        await expectAccessible(page);
        await page.getByRole('button', { name: 'Do not send' }).click();
        await menu(page).click();
        await page.getByRole('menuitem', { name: /Delete/ }).click();
        await page.getByRole('button', { name: 'Undo' }).waitFor();
        await expectAccessible(page);
      });

      test('filters, columns, pages and the Outbox', async ({ page }) => {
        await signIn(page, server.url, 'case', '/queue?type=outbox&mine=true');
        await page.getByRole('group', { name: 'Filters' }).waitFor();
        await expectAccessible(page);
        await page.getByRole('button', { name: /Filters/ }).click();
        await menu(page).click();
        await page.getByRole('menuitem', { name: 'Customize columns…' }).click();
        await expectAccessible(page);
        await page.goto(`${server.url}/preferences`);
        await page.getByLabel('Long lists').selectOption('pages');
        await page.goto(`${server.url}/queue?q=zzz`);
        await page.getByText('Nothing matches').waitFor();
        await expectAccessible(page);
        await page.goto(`${server.url}/queue`);
        await page.getByRole('navigation', { name: 'Pages' }).waitFor();
        await expectAccessible(page);
      });

      test('a message', async ({ page }) => {
        await signIn(page, server.url, 'case', '/queue?type=failed');
        await page.locator('[role=row][data-id] .subject a').first().click();
        await expect(page.getByText('History')).toBeVisible();
        await expectAccessible(page);
      });
    });
  }
}
