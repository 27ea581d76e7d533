import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`axe finds nothing in ${colorScheme} at ${width}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await page.goto(server.url);
      await page.getByLabel('Sign-in name').fill('case');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.locator('#password-error')).toBeVisible();
      await expectAccessible(page);

      await signIn(page, server.url);
      await page.request.get(`${server.url}/mock/relay?state=down`);
      const boxes = page.locator('[role=row][data-id] .box');
      await boxes.nth(2).click();
      await boxes.nth(6).click({ modifiers: ['Shift'] });
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Menu' }).click();
      await expectAccessible(page);
      await page.getByRole('menuitem', { name: /Delete/ }).click();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Keep' }).click();
      await page.goto(`${server.url}/queue?type=outbox`);
      await page.locator('[role=row][data-id]').first().waitFor();
      await expectAccessible(page);

      await page.goto(`${server.url}/queue?type=failed`);
      await page.locator('[role=row][data-id] .subject a').first().click();
      await expect(page.getByText('History')).toBeVisible();
      await expectAccessible(page);
    });
  }
}
