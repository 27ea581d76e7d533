import { gzipSync } from 'node:zlib';
import { expect, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

const KILOBYTE = 1_000;

test('the first load of the queue page is under 80 kB of script', async ({ page }) => {
  await signIn(page, server.url);
  const scripts: number[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') void response.body().then((body) => scripts.push(gzipSync(body).length));
  });
  await page.reload();
  await page.locator('[role=row][data-id]').first().waitFor();
  await page.waitForLoadState('load');
  await expect.poll(() => scripts.length).toBeGreaterThan(1);
  expect(scripts.reduce((sum, one) => sum + one, 0)).toBeLessThan(80 * KILOBYTE);
});

test('the navigation marks where one is and leads on without loading the page anew', async ({ page }) => {
  await signIn(page, server.url, 'case', '/queue?type=failed');
  const nav = page.getByRole('navigation', { name: 'Main' });
  await expect(nav.getByRole('link', { name: 'E-mail Queue', exact: true })).toHaveAttribute('aria-current', 'page');
  await page.evaluate(() => (document.body.dataset['kept'] = 'yes'));
  await nav.getByRole('link', { name: 'Preferences' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Preferences' })).toBeVisible();
  await expect(page).toHaveTitle('Preferences · Postroom');
  await nav.getByRole('link', { name: 'E-mail Queue', exact: true }).click();
  await expect(page).toHaveURL(/type=failed/);
  await expect(page.locator('body')).toHaveAttribute('data-kept', 'yes');
});

test('an address that is no page says so and leads back', async ({ page }) => {
  await signIn(page, server.url, 'case', '/moon');
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
  await page.getByRole('link', { name: 'Go to the E-mail Queue' }).click();
  await expect(page.locator('[role=row][data-id]').first()).toBeVisible();
});

test('on a phone the navigation is a drawer that gives the focus back', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, server.url);
  const button = page.getByRole('button', { name: 'Navigation' });
  await button.click();
  const drawer = page.getByRole('dialog', { name: 'Navigation' });
  await expect(drawer).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  await expect(button).toBeFocused();
  await button.click();
  await drawer.getByRole('link', { name: 'Preferences' }).click();
  await expect(drawer).toBeHidden();
  await expect(page.getByRole('heading', { level: 1, name: 'Preferences' })).toBeVisible();
});

test('? explains the keys, Esc gives the focus back, and single keys can be turned off', async ({ page }) => {
  await signIn(page, server.url);
  await page.getByRole('grid').focus();
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(help).toBeVisible();
  await help.getByRole('switch', { name: 'Single keys act' }).uncheck();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('grid')).toBeFocused();
  await page.keyboard.press('?');
  await expect(help).toHaveCount(0);
  await page.keyboard.press('j');
  await expect(page.locator('.row.active')).toHaveCount(0);
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('.row.active')).toHaveCount(1);
});

test('the first Tab offers to skip to the page', async ({ page }) => {
  await signIn(page, server.url, 'case', '/preferences');
  await page.getByLabel('Theme').waitFor();
  await page.reload();
  await page.getByLabel('Theme').waitFor();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
});

test('what one prefers takes effect at once and is kept', async ({ page }) => {
  await signIn(page, server.url, 'case', '/preferences');
  await page.getByLabel('Theme').selectOption('dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(await page.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor)).toBe('rgb(19, 20, 23)');
  await page.getByLabel('Density').selectOption('compact');
  await page.getByLabel('Time zone').selectOption('Asia/Tokyo');
  await expect(page.getByText(/^Now it is .*GMT\+9/)).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Theme')).toHaveValue('dark');
  await expect(page.locator('html')).toHaveAttribute('data-density', 'compact');
});
