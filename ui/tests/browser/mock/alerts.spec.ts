import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const items = (page: Page) => page.getByRole('article');
const itemOf = (page: Page, title: string) => items(page).filter({ hasText: title });
const bell = (page: Page) => page.getByRole('banner').getByRole('link', { name: /^Alert Center/ });
const raise = (page: Page, login: string, say: string) => page.request.get(`${server.url}/mock/alert?login=${login}&say=${say}`);

async function open(page: Page, login = 'case', path = '/alerts'): Promise<void> {
  await signIn(page, server.url, login, path);
  await page.getByRole('tab', { name: /^All/ }).waitFor();
  await expect(page.getByText('Loading your alerts')).toHaveCount(0);
}

test('a number in the navigation and in the header tells how many are unread, on every page', async ({ page }) => {
  await signIn(page, server.url);
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Alert Center 3 unread/ })).toBeVisible();
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 3 unread alerts');
  await raise(page, 'case', 'waiting');
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 4 unread alerts');
  await bell(page).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Alert Center' })).toBeVisible();
});

test('an alert says what happened, how often and when, what to do, and leads there', async ({ page }) => {
  await open(page);
  const alert = itemOf(page, 'You have undeliverable e-mail').first();
  await expect(alert).toContainText('550 5.1.1 <d.reception@harbour.test>: Recipient address rejected');
  await expect(alert).toContainText(/3 times since \d\d:\d\d, last at \d\d:\d\d|3 times since/);
  await expect(alert).toContainText('What to do Look at the failed messages');
  await alert.getByRole('link', { name: 'Show failed e-mail' }).click();
  await expect(page).toHaveURL(/\/queue\?type=failed$/);
  await expect(page.getByLabel('Type')).toHaveValue('failed');
  // Whoever follows it has read it.
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 2 unread alerts');
});

test('a setting that stands in the server’s file is named by its key', async ({ page }) => {
  await open(page);
  await expect(itemOf(page, 'the encrypted connection (TLS)').first()).toContainText('relay in the server’s configuration file');
});

test('an alert that comes appears by itself, is announced, and is nobody else’s', async ({ page }) => {
  await open(page);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await raise(page, 'case', 'waiting');
  await expect(items(page).first()).toContainText('E-mail Server for system is Down');
  await expect(items(page).first()).toContainText('now');
  await expect(page.getByText('New alert: E-mail Server for system is Down')).toBeAttached();
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 4 unread alerts');
  await raise(page, 'front', 'limit');
  await raise(page, 'case', 'waiting');
  await expect(items(page).first()).toContainText('2 times since');
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 4 unread alerts');
});

test('somebody without rights has alerts of their own alone, and no way to settings', async ({ page }) => {
  await open(page, 'front');
  await expect(items(page)).toHaveCount(2);
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 1 unread alert');
  await expect(page.getByText('office Lakeside')).toHaveCount(0);
  for (const link of await items(page).getByRole('link').all()) expect(await link.getAttribute('href')).toMatch(/^\/queue/);
});

test('one is read by the keyboard and the focus stays with it', async ({ page }) => {
  await open(page);
  const first = items(page).first();
  await first.getByRole('button', { name: 'Mark as read' }).focus();
  await page.keyboard.press('Enter');
  await expect(first.getByRole('button', { name: 'Mark as read' })).toHaveCount(0);
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 2 unread alerts');
  await expect(page.locator('[data-alert] .do :focus')).toHaveCount(1);
  await expect(items(page).first().locator(':focus')).toHaveCount(1);
});

test('the unread alone, then all of them read', async ({ page }) => {
  await open(page);
  await page.getByRole('tab', { name: /^Unread/ }).click();
  await expect(page).toHaveURL(/unread=true/);
  await expect(items(page)).toHaveCount(3);
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await expect(page.getByRole('heading', { name: 'You have read everything' })).toBeVisible();
  await expect(bell(page)).toHaveAccessibleName('Alert Center');
  await expect(page.getByRole('button', { name: 'Mark all as read' })).toBeDisabled();
  await page.getByRole('button', { name: 'Show all alerts' }).click();
  await expect(items(page).first()).toBeVisible();
});

test('what is dismissed goes, can be taken back, and else stays gone', async ({ page }) => {
  await open(page);
  const title = 'You have undeliverable e-mail';
  await items(page).first().getByRole('button', { name: 'Dismiss' }).focus();
  await page.keyboard.press('Enter');
  await expect(items(page).first()).not.toContainText(title);
  // The focus goes to the alert that has taken its place.
  await expect(items(page).first().locator(':focus')).toHaveCount(1);
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 2 unread alerts');
  await page.getByRole('button', { name: /^Undo/ }).click();
  await expect(items(page).first()).toContainText(title);
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 3 unread alerts');
  await items(page).first().getByRole('button', { name: 'Dismiss' }).click();
  await page.locator('.toasts').getByRole('button', { name: 'Dismiss' }).click();
  await expect(bell(page)).toHaveAccessibleName('Alert Center, 2 unread alerts');
  await page.reload();
  await expect(items(page).first()).toBeVisible();
  await expect(items(page).first()).not.toContainText(title);
});

test('a report goes in its time under a pointer that lay there, and stays for one that comes to it', async ({ page }) => {
  await page.clock.install();
  await open(page);
  const toast = page.locator('.toast');
  const dismiss = async (): Promise<void> => {
    await items(page).first().getByRole('button', { name: 'Dismiss' }).focus();
    await page.keyboard.press('Enter');
    await expect(toast).toBeVisible();
  };
  await page.mouse.move(1100, 760);
  await dismiss();
  await page.clock.runFor(15_000);
  await expect(toast).toHaveCount(0);
  await dismiss();
  await page.mouse.move(1110, 762);
  await page.clock.runFor(15_000);
  await expect(toast).toBeVisible();
  await page.mouse.move(600, 300);
  await page.clock.runFor(15_000);
  await expect(toast).toHaveCount(0);
});

test('what is dismissed while the page is left stays gone', async ({ page }) => {
  await open(page, 'front');
  await items(page).first().getByRole('button', { name: 'Dismiss' }).click();
  await expect(items(page)).toHaveCount(1);
  await page.reload();
  await expect(items(page).first()).toBeVisible();
  await expect(items(page)).toHaveCount(1);
});

test('a dismissal that the server did not take brings the alert back', async ({ page }) => {
  await open(page, 'front');
  await page.route('**/api/v1/alerts/*/dismiss', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'x', code: 'unavailable', status: 503, title: 'The store is away', detail: 'the store cannot be reached' }) }));
  await items(page).first().getByRole('button', { name: 'Dismiss' }).click();
  await page.locator('.toasts').getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByText('The alert is still there: the store cannot be reached')).toBeVisible();
  await expect(items(page)).toHaveCount(2);
});

test('older alerts come on demand, under their days', async ({ page }) => {
  await open(page);
  await expect(items(page)).toHaveCount(30);
  await page.getByRole('button', { name: 'Show older alerts' }).click();
  await expect(items(page)).toHaveCount(47);
  await expect(page.getByText('That is all.')).toBeVisible();
  // What changes on top leaves what was loaded below.
  await raise(page, 'case', 'waiting');
  await expect(items(page).first()).toContainText('E-mail Server for system is Down');
  await expect(items(page)).toHaveCount(48);
});

test('a list that cannot be loaded says so and is tried again on demand', async ({ page }) => {
  await signIn(page, server.url);
  await page.route('**/api/v1/alerts?*', (route) => route.abort());
  await bell(page).click();
  await expect(page.getByRole('alert')).toContainText('The alerts could not be loaded');
  await expectAccessible(page);
  await page.unroute('**/api/v1/alerts?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(items(page).first()).toBeVisible();
});

test('the words of a mail server are words', async ({ page }) => {
  server.mock.alerts.raise('front', 'undeliverable', { count: 1, title: '<img src=x onerror="document.title=1">', text: '550 <script>document.title=1</script>' });
  await open(page, 'front');
  await expect(items(page).first()).toContainText('<img src=x onerror="document.title=1">');
  await expect(items(page).first()).toContainText('550 <script>document.title=1</script>');
  await expect(page).toHaveTitle('Alert Center · Postroom');
});
