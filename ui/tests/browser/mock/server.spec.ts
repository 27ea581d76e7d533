import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

const NORTH = { office: 3, second: false, name: 'own', host: 'smtp.lakeside.example.com:587', state: 'down', since: '2026-11-23T09:12:00Z', last_error: 'connect: the connection failed (Connection refused (os error 111))' };

/** Opens the page and waits for its figures. */
async function open(page: Page, path = '/server', login = 'case'): Promise<void> {
  await signIn(page, server.url, login, path);
  await page.getByRole('heading', { level: 1, name: 'Server status' }).waitFor();
  await page.getByRole('table', { name: 'E-mail servers and how they are' }).waitFor();
}

const chart = (page: Page, name: string) => page.locator('figure').filter({ has: page.getByText(name, { exact: true }) });
const moments = (page: Page, name: string) => page.getByRole('slider', { name: `Moments of ${name}` });

test('how it is stands first, in words', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('heading', { name: /^Everything flows: 1,204 sent and 3 not delivered in the last hour, .*wait/ })).toBeVisible();
  await expect(page.getByText('of 1,211 taken in, in the last hour')).toBeVisible();
  await page.getByRole('link', { name: 'Not delivered' }).click();
  await expect(page).toHaveURL(/\/queue\?type=failed$/);
});

test('it is found in the navigation by administrators alone', async ({ page }) => {
  await signIn(page, server.url, 'case', '/queue');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Server status' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Server status' })).toBeVisible();
  await page.context().clearCookies();
  await signIn(page, server.url, 'front', '/queue');
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Server status' })).toHaveCount(0);
});

test('a relay that goes down shows at once, with what is wrong in plain words', async ({ page }) => {
  server.mock.moreRelays = [NORTH];
  await open(page);
  await expect(page.getByRole('heading', { name: /^An e-mail server is down: mail of .* waits\.$/ })).toBeVisible();
  const row = page.getByRole('row').filter({ hasText: 'smtp.lakeside.example.com' });
  await expect(row).toContainText('Down');
  await expect(row).toContainText('Nothing takes mail at that address and port.');
  await expect(row).toContainText('Connection refused (os error 111)');
  server.mock.moreRelays = [];
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.request.get(`${server.url}/mock/relay?state=up`);
  await expect(page.getByRole('heading', { name: /^Everything flows/ })).toBeVisible();
  await expect(row).toHaveCount(0);
});

test('the span is chosen by mouse and by arrows, and kept in the address', async ({ page }) => {
  await open(page);
  await page.getByRole('tab', { name: 'Last day' }).click();
  await expect(page).toHaveURL(/hours=24$/);
  await expect(page.getByText('How many in each quarter of an hour')).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(/hours=168$/);
  await expect(page.getByText('How many in every two hours')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('tab', { name: 'Last week' })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('tab', { name: 'Last hour' }).click();
  await expect(page).toHaveURL(/\/server$/);
});

test('the numbers of a moment are told by pointer and by keys, and every number stands in a table', async ({ page }) => {
  await open(page);
  const waiting = chart(page, 'Waiting messages');
  const box = await waiting.locator('svg').boundingBox();
  expect(box?.width).toBeGreaterThan(300);
  expect(box?.height).toBeGreaterThan(150);
  await moments(page, 'Waiting messages').focus();
  await page.keyboard.press('End');
  const last = await moments(page, 'Waiting messages').getAttribute('aria-valuetext');
  expect(last).toMatch(/\d\d:\d\d:\d\d: Waiting: \d+$/);
  await expect(waiting.locator('.tip')).toContainText('Waiting');
  await page.keyboard.press('ArrowLeft');
  expect(await moments(page, 'Waiting messages').getAttribute('aria-valuetext')).not.toBe(last);
  await page.keyboard.press('Escape');
  await expect(waiting.locator('.tip')).toHaveCount(0);
  await page.mouse.move((box?.x ?? 0) + 200, (box?.y ?? 0) + 60);
  await expect(waiting.locator('.tip')).toContainText('Waiting');
  await waiting.getByRole('button', { name: 'As a table' }).click();
  await expect(waiting.getByRole('row')).toHaveCount(361);
  await expectAccessible(page);
});

test('new figures come without a flicker', async ({ page }) => {
  await page.clock.install();
  await open(page);
  await expect(page.getByRole('tabpanel')).toBeVisible();
  await page.evaluate(() => {
    const seen = (document.body.dataset['lost'] = '');
    new MutationObserver((records) => {
      for (const record of records) for (const node of record.removedNodes) if (node instanceof Element && node.matches('figure, svg, table, section')) document.body.dataset['lost'] = seen + node.nodeName;
    }).observe(document.querySelector('main') as Element, { childList: true, subtree: true });
  });
  const asked = page.waitForResponse(/status\/history\?hours=1/);
  await page.clock.runFor(10_500);
  await asked;
  await expect(page.locator('body')).toHaveAttribute('data-lost', '');
});

test('what cannot be loaded says so and can be tried again; what was there stays', async ({ page }) => {
  await page.route('**/api/v1/status/history?*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', code: 'unavailable', title: 'The store is busy', status: 503, detail: 'The store did not answer.' }) }));
  await open(page);
  await expect(page.getByText('The figures could not be loaded')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Mail flows: every e-mail server takes it.' })).toBeVisible();
  await expectAccessible(page);
  await page.unroute('**/api/v1/status/history?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: /^Everything flows/ })).toBeVisible();
});

test('an office’s administrator sees the relays and no figures of other offices', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  server.mock.moreRelays = [{ ...NORTH, state: 'up', since: null, last_error: null }];
  await open(page, '/server', 'branch');
  await expect(page.getByRole('heading', { name: 'Mail flows: every e-mail server takes it.' })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: 'Lakeside' })).toContainText('Up');
  await expect(page.locator('figure')).toHaveCount(0);
  expect(asked.filter((url) => url.includes('/status/history'))).toEqual([]);
  await expectAccessible(page);
});

test('a server that has just started speaks of its few minutes', async ({ page }) => {
  server.mock.measured = 'new';
  await open(page, '/server?hours=168');
  await expect(page.getByRole('heading', { name: /in the last 4 minutes/ })).toBeVisible();
  await expectAccessible(page);
});
