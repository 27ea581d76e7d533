import type { Page } from '@playwright/test';
import { drawn, expect, expectAccessible, test } from '../page';
import { PASSWORD, Postroom } from './postroom';

let server: Postroom;
const SENT = 1_500;

test.beforeAll(async () => {
  server = await Postroom.start();
  const letters = Array.from({ length: SENT }, (_, i) => ({ to: `client${i}@example.net`, subject: `Letter ${i}` }));
  const failing = Array.from({ length: 12 }, (_, i) => ({ to: `fail${i}@example.net`, subject: `Misaddressed ${i}` }));
  await server.submit([...letters, ...failing, { to: 'defer@example.net', subject: 'Busy mailbox' }]);
  await expect.poll(async () => (await server.counts()).states, { timeout: 60_000 }).toMatchObject({ sent: SENT, failed: 12, deferred: 1, queued: 0, sending: 0 });
});
test.afterAll(() => server.stop());
test.afterEach(() => {
  server.relay.release();
  server.relay.kind = false;
});

const grid = (page: Page) => page.getByRole('grid');
const live = (page: Page) => expect(page.getByText('Live', { exact: true })).toBeVisible();
const rowOf = (page: Page, id: string) => page.locator(`[data-id="${id}"]`);
const rows = (page: Page) => page.locator('[role=row][data-id]');

test('a wrong password is refused beside the field, the right one leads to the queue', async ({ page }) => {
  await page.goto(`${server.url}/queue`);
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('Password').fill('guess');
  await page.keyboard.press('Enter');
  await expect(page.locator('#password-error')).toHaveText('The sign-in name or the password is not right. Try again.');
  await expect(page.getByLabel('Sign-in name')).toHaveValue('case');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(rows(page).first()).toBeVisible();
  await page.reload();
  await expect(rows(page).first()).toBeVisible();
});

test('the grid fills the page', async ({ page }) => {
  await server.signIn(page);
  const box = await grid(page).boundingBox();
  expect(box?.height).toBeGreaterThan(600);
  expect((await rows(page).nth(3).boundingBox())?.height).toBe(36);
});

test('Type and Source narrow the list to what the server counts', async ({ page }) => {
  await server.signIn(page);
  for (const type of ['failed', 'outbox', 'sent']) {
    await page.getByLabel('Type').selectOption(type);
    const { total } = await server.counts(`type=${type}`);
    await expect(grid(page)).toHaveAttribute('aria-rowcount', String(total + 1));
    await expect(page).toHaveURL(new RegExp(`type=${type}`));
  }
  await page.getByLabel('Type').selectOption('all');
  await page.getByLabel('Source').selectOption('notifications');
  const { total } = await server.counts('source=notifications');
  await expect(grid(page)).toHaveAttribute('aria-rowcount', String(total + 1));
});

test('somebody without rights sees their own mail alone, and no notifications to choose', async ({ page }) => {
  await server.signIn(page, '/queue', 'front');
  await expect(page.getByRole('heading', { name: 'The queue is empty' })).toBeVisible();
  await expect(page.getByLabel('Source').locator('option')).toHaveCount(2);
  await expect(page.getByRole('button', { name: 'Account of Front <b>Desk</b>' })).toBeVisible();
});

test('search finds by subject and by address', async ({ page }) => {
  await server.signIn(page);
  await page.keyboard.press('/');
  await page.keyboard.type('busy mail');
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText('Busy mailbox');
  await page.getByRole('searchbox').fill('client77@');
  await expect(rows(page).first()).toContainText('client77');
});

test('a jump of the scrollbar draws the rows that the server has there', async ({ page }) => {
  await server.signIn(page);
  for (const share of [0.71, 0.2, 0.97, 0.43]) {
    await grid(page).evaluate((one, to) => (one.scrollTop = to * (one.scrollHeight - one.clientHeight)), share);
    const from = Math.floor((share * (SENT + 13) * 36 - share * 666) / 36);
    await expect.poll(async () => (await drawn(page)).some((row) => row.index === from + 5)).toBe(true);
    const seen = await drawn(page);
    const first = seen[0]?.index ?? 0;
    const page1 = await server.page(`at=${first}&limit=${seen.length}`);
    expect(seen.map((row) => row.id)).toEqual(page1.rows.map((row) => row.id));
  }
});

test('a row changes where it stands within a second of the fact', async ({ page }) => {
  const [id = ''] = await server.submit([{ to: 'fail-first@example.net', subject: 'Second try' }]);
  await expect.poll(async () => ((await server.message(id)) as { state: string }).state).toBe('failed');
  await server.signIn(page);
  await expect(rowOf(page, id)).toContainText('Failed');
  await live(page);
  // A tag stills the list: what changes from here on changes in place.
  await page.locator('[role=row][data-id] .box').nth(5).click();
  server.relay.kind = true;
  server.relay.hold();
  await server.act('requeue', [id]);
  await expect(rowOf(page, id)).toContainText('Sending', { timeout: 3_000 });
  server.relay.release();
  await expect.poll(async () => ((await server.message(id)) as { state: string }).state, { intervals: [20] }).toBe('sent');
  await expect(rowOf(page, id)).toContainText('Sent', { timeout: 1_000 });
});

test('newcomers wait behind a pill while one reads further down', async ({ page }) => {
  await server.signIn(page);
  await live(page);
  await grid(page).evaluate((one) => (one.scrollTop = 20_000));
  await expect.poll(async () => (await drawn(page))[0]?.index ?? 0).toBeGreaterThan(500);
  // The stream is told of the new view first.
  await page.waitForRequest(/\/events\?/);
  await live(page);
  const before = await drawn(page);
  const ids = await server.submit(Array.from({ length: 3 }, (_, i) => ({ to: 'late@example.net', subject: `Latecomer ${i}` })));
  const pill = page.getByRole('button', { name: /^3 new – show$/ });
  await expect(pill).toBeVisible();
  expect(await drawn(page)).toEqual(before);
  await pill.click();
  await expect(rowOf(page, ids[2] ?? '')).toBeVisible();
});

test('a tagged range of failed mail is resent and goes out before one’s eyes', async ({ page }) => {
  await server.signIn(page, '/queue?type=failed');
  const boxes = page.locator('[role=row][data-id] .box');
  await boxes.nth(1).click();
  await boxes.nth(4).click({ modifiers: ['Shift'] });
  const ids = (await drawn(page)).slice(1, 5).map((row) => row.id);
  server.relay.kind = true;
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /^Resend Failed E-mail\s*4$/ }).click();
  await expect(page.getByText('4 messages back in the Outbox.')).toBeVisible();
  for (const id of ids) await expect.poll(async () => ((await server.message(id)) as { state: string }).state).toBe('sent');
  await page.getByLabel('Type').selectOption('all');
  const { total } = await server.counts('type=failed');
  expect(total).toBe(8);
});

test('deleting takes exactly the tagged records out, once it is not taken back', async ({ page }) => {
  await server.signIn(page, '/queue?type=failed');
  const boxes = page.locator('[role=row][data-id] .box');
  await boxes.nth(0).click();
  await boxes.nth(1).click();
  const ids = (await drawn(page)).slice(0, 2).map((row) => row.id);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await expect(page.getByText('2 records deleted.')).toBeVisible();
  for (const id of ids) expect(await server.message(id)).not.toBe(404);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  for (const id of ids) {
    await expect.poll(() => server.message(id)).toBe(404);
    await expect(rowOf(page, id)).toHaveCount(0);
  }
});

test('a body is shown in a sandbox, and what would run in it is dead', async ({ page }) => {
  const hostile = '<h1>Offer</h1><script>parent.document.title="escaped";document.body.dataset.ran="yes"</script><img src=x onerror="document.body.dataset.ran=\'yes\'"><a href="javascript:alert(1)">go</a>';
  const [id = ''] = await server.submit([{ to: 'client@example.net', subject: '<img src=x onerror="document.title=\'escaped\'">', text: 'Offer in text', html: hostile, bcc: ['quiet@example.net'] }]);
  await server.signIn(page, `/queue/${id}`);
  await expect(page.locator('iframe')).toHaveAttribute('sandbox', '');
  const body = page.frameLocator('iframe').locator('body');
  await expect(body).toContainText('Offer');
  await expect(body).not.toHaveAttribute('data-ran', 'yes');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('<img src=x onerror="document.title=\'escaped\'">');
  await expect(page).not.toHaveTitle('escaped');
  await expect(page.getByRole('row', { name: /Bcc/ })).toContainText('quiet@example.net');
  await page.getByRole('tab', { name: 'Text' }).click();
  await expect(body).toContainText('Offer in text');
  await page.getByRole('tab', { name: 'Source' }).click();
  await expect(body).toContainText('Message-ID:');
  await expect(body).not.toContainText('quiet@example.net');
});

test('HTML that costs too much to show gives way to the text, and says why', async ({ page }) => {
  const [id = ''] = await server.submit([{ to: 'client@example.net', subject: 'Nested', text: 'The words', html: '<div>'.repeat(20_000) }]);
  await server.signIn(page, `/queue/${id}`);
  const body = page.frameLocator('iframe').locator('body');
  await expect(body).toContainText('nested too deeply');
  await expect(body).toContainText('The words');
});

test('the history tells what the relay said, as text', async ({ page }) => {
  await server.signIn(page, '/queue?type=failed');
  await rows(page).first().locator('.subject a').click();
  await expect(page.getByText(/^Not delivered after 1 attempt/)).toBeVisible();
  await expect(page.getByRole('complementary')).toContainText('Attempt 1: refused');
  await expect(page.getByRole('complementary')).toContainText('550 5.1.1 No such mailbox <img src=x');
  await expect(page.getByRole('complementary')).toContainText('Not delivered');
  await page.keyboard.press('Escape');
  await expect(grid(page)).toBeFocused();
  await expect(page).toHaveURL(/type=failed/);
});

test('a mistyped address: found, understood, corrected, and watched as it goes', async ({ page }) => {
  const [id = ''] = await server.submit([{ to: 'fail-typo@example.net', subject: 'To be corrected' }]);
  await expect.poll(async () => ((await server.message(id)) as { state: string }).state).toBe('failed');
  await server.signIn(page, '/queue?type=failed');
  await rowOf(page, id).locator('.subject a').click();
  await expect(page.getByRole('region', { name: 'Why hasn’t it gone?' })).toContainText('refused for good after one attempt');
  await expect(page.getByRole('complementary')).toContainText('There is no mailbox of this name.');
  await page.getByRole('button', { name: /^Change address/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Address').fill('no address');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByLabel('Address').fill('client-right@example.net');
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^Accepted by the relay on/)).toBeVisible({ timeout: 10_000 });
  await expect(page.getByRole('complementary')).toContainText('client-right@example.net');
});

test('all that match are requeued as a job, but those left out', async ({ page }) => {
  const ids = await server.submit(Array.from({ length: 5 }, (_, i) => ({ to: `fail-job${i}@example.net`, subject: `Batchwork ${i}` })));
  for (const id of ids) await expect.poll(async () => ((await server.message(id)) as { state: string }).state).toBe('failed');
  await server.signIn(page, '/queue?type=failed&q=Batchwork');
  await rowOf(page, ids[4] ?? '').locator('.box').click();
  await page.getByRole('button', { name: 'Tag all 5 that match' }).click();
  await rowOf(page, ids[0] ?? '').locator('.box').click();
  server.relay.kind = true;
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: 'Resend Failed E-mail 4' }).click();
  await page.getByRole('dialog', { name: 'Put 4 e-mails back in the Outbox?' }).getByRole('button', { name: 'Requeue 4' }).click();
  await expect(page.getByText('4 messages back in the Outbox.')).toBeVisible();
  for (const id of ids.slice(1)) await expect.poll(async () => ((await server.message(id)) as { state: string }).state).toBe('sent');
  expect(((await server.message(ids[0] ?? '')) as { state: string }).state).toBe('failed');
});

test('the keyboard alone finds, opens, comes back and tags', async ({ page }) => {
  await server.signIn(page);
  await rows(page).first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  const id = await page.locator('#row-2').getAttribute('data-id');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/queue/${id}$`));
  await expect(page.getByText('History')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(rowOf(page, id ?? '')).toHaveClass(/active/);
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('Shift+X');
  await expect(page.getByRole('button', { name: '2 tagged' })).toBeVisible();
});

test('a server that restarts is missed and found again', async ({ page }) => {
  await server.signIn(page);
  await live(page);
  await server.halt();
  await expect(page.getByRole('button', { name: /Offline/ })).toBeVisible({ timeout: 10_000 });
  await server.run();
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(rows(page).first()).toBeVisible();
});

test('axe finds nothing on sign-in, list and message', async ({ page }) => {
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expectAccessible(page);
  await server.signIn(page);
  await rows(page).first().waitFor();
  await live(page);
  await expectAccessible(page);
  await rows(page).first().locator('.subject a').click();
  await expect(page.getByText('History')).toBeVisible();
  await expectAccessible(page);
});
