import type { Page } from '@playwright/test';
import { drawn, expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async ({ page }) => {
  server = await start(10_000);
  await signIn(page, server.url, 'case', '/queue?type=failed');
});
test.afterEach(() => server.close());

async function tagRange(page: Page, from: number, to: number): Promise<string[]> {
  const boxes = page.locator('[role=row][data-id] .box');
  await boxes.nth(from).click();
  await boxes.nth(to).click({ modifiers: ['Shift'] });
  return (await drawn(page)).slice(from, to + 1).map((row) => row.id);
}

test('a tagged range of failed mail goes back to the Outbox', async ({ page }) => {
  const ids = await tagRange(page, 1, 5);
  await expect(page.getByRole('row', { selected: true })).toHaveCount(5);
  await page.getByRole('button', { name: 'Menu' }).click();
  await expect(page.getByRole('menuitem')).toHaveText(
    [/^Resend Failed E-mail\s5$/, /^Resend\s0$/, /^Requeue\s5$/, /^Hold\s0$/, /^Release\s0$/, /^Delete 'E-mail Queue' Record\s5$/, /^Export\s5$/, /^Customize columns…$/],
    { useInnerText: true },
  );
  await page.getByRole('menuitem', { name: 'Resend Failed E-mail' }).click();
  await expect(page.getByText('5 messages back in the Outbox.')).toBeVisible();
  for (const id of ids) expect(server.mock.box.find(id)?.state).toBe('queued');
  await expect(page.getByText(/tagged/)).toBeHidden();
});

test('a range may reach beyond what is loaded', async ({ page }) => {
  await page.locator('[role=row][data-id] .box').first().click();
  await page.keyboard.press('End');
  await expect.poll(async () => (await drawn(page)).at(-1)?.index).toBe(server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total - 1);
  await page.keyboard.press('Shift+X');
  const n = server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total;
  await expect(page.getByRole('button', { name: `${n} tagged` })).toBeVisible();
});

test('deleting strikes the records out, and Undo brings them back before anything was deleted', async ({ page }) => {
  const ids = await tagRange(page, 0, 2);
  let asked = 0;
  page.on('request', (request) => void (asked += request.postData()?.includes('"dry_run":false') ? 1 : 0));
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await expect(page.getByText('3 records deleted.')).toBeVisible();
  await expect(page.locator(`[data-id="${ids[1]}"]`)).toContainText('Deleted');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.locator(`[data-id="${ids[1]}"]`)).toContainText('Failed');
  for (const id of ids) expect(server.mock.box.find(id)).not.toBeNull();
  expect(asked).toBe(0);
});

test('deleting takes exactly the tagged records out once the time for Undo is over', async ({ page }) => {
  await page.clock.install();
  const ids = await tagRange(page, 0, 2);
  const fourth = (await drawn(page))[3]?.id ?? '';
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await expect(page.getByText('3 records deleted.')).toBeVisible();
  await page.mouse.move(10, 10);
  await page.clock.runFor(8_000);
  await expect(page.locator('[role=row][data-id]').first()).toHaveAttribute('data-id', fourth);
  for (const id of ids) expect(server.mock.box.find(id)).toBeNull();
});

test('leaving the page does at once what still waited for its undo', async ({ page }) => {
  const ids = await tagRange(page, 0, 1);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await expect(page.getByText('2 records deleted.')).toBeVisible();
  await page.goto('about:blank');
  await expect.poll(() => ids.map((id) => server.mock.box.find(id))).toEqual([null, null]);
});

test('what could not be done is told item by item', async ({ page }) => {
  const ids = await tagRange(page, 0, 2);
  // One of them is taken up meanwhile, and the page has not heard of it.
  server.mock.box.set(ids[1] ?? '', 'sending');
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: 'Resend Failed E-mail' }).click();
  await expect(page.getByText('2 messages back in the Outbox · 1 skipped.')).toBeVisible();
  await expect(page.getByText('1: it is being sent right now')).toBeVisible();
});

test('Menu says what to do while nothing is tagged', async ({ page }) => {
  await page.getByRole('button', { name: 'Menu' }).click();
  await expect(page.getByText('Tag e-mail in the list first')).toBeVisible();
  await expect(page.getByRole('menuitem', { name: 'Resend Failed E-mail' })).toHaveAttribute('aria-disabled', 'true');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Menu' })).toBeFocused();
});

test('a job that runs is in the tray again after a reload, and can be cancelled there', async ({ page }) => {
  await tagRange(page, 2, 2);
  await page.getByRole('button', { name: /^Tag all/ }).click();
  server.mock.deeds.stepMs = 60_000;
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /^Requeue \d/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Requeue/ }).click();
  await page.getByRole('progressbar', { name: 'Requeueing …' }).waitFor();
  await page.goto(`${server.url}/preferences`);
  await expect(page.getByRole('progressbar', { name: 'Requeueing …' })).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText(/^Cancelled: .* back in the Outbox/)).toBeVisible();
});

test('all that match are tagged, counted by the server, confirmed, and done as a job that shows its progress', async ({ page }) => {
  const total = server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total;
  const [left = ''] = await tagRange(page, 2, 2);
  await page.getByRole('button', { name: `Tag all ${total} that match` }).click();
  await expect(page.getByRole('button', { name: `${total} tagged` })).toBeVisible();
  // One is left out again.
  await page.locator(`[data-id="${left}"] .box`).click();
  await expect(page.getByRole('button', { name: `${total - 1} tagged` })).toBeVisible();
  server.mock.deeds.stepMs = 300;
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: `Requeue ${total - 1}` }).click();
  const dialog = page.getByRole('dialog', { name: `Put ${total - 1} e-mails back in the Outbox?` });
  await expect(dialog).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: `Requeue ${total - 1}` }).click();
  await expect(page.getByRole('progressbar', { name: 'Requeueing …' })).toBeVisible();
  await expectAccessible(page);
  await expect(page.getByText(`${total - 1} messages back in the Outbox.`)).toBeVisible();
  await expect(page.getByRole('progressbar')).toHaveCount(0);
  expect(server.mock.box.find(left)?.state).toBe('failed');
  expect(server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total).toBe(1);
});

test('a job is cancelled, and what it did stays done and is told', async ({ page }) => {
  const total = server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total;
  await tagRange(page, 0, 0);
  await page.getByRole('button', { name: /Tag all/ }).click();
  server.mock.deeds.stepMs = 60_000;
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: `Delete 'E-mail Queue' Record ${total}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: `Delete ${total}` }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Cancelled: 256 messages deleted.')).toBeVisible();
  expect(server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total).toBe(total - 256);
});

test('what cannot be taken back is asked first, and Esc leaves everything as it is', async ({ page }) => {
  await page.getByLabel('Type').selectOption('sent');
  await expect(page.locator('[role=row][data-id]').first()).toContainText('Sent');
  const before = server.mock.box.size;
  await tagRange(page, 0, 2);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: 'Resend 3' }).click();
  await expect(page.getByRole('dialog', { name: 'Send 3 e-mails again?' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Menu' })).toBeFocused();
  expect(server.mock.box.size).toBe(before);
});

test('holding can be undone', async ({ page }) => {
  await page.goto(`${server.url}/queue?type=outbox`);
  await page.locator('[role=row][data-id]').first().waitFor();
  const [id = ''] = await tagRange(page, 0, 0);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: 'Hold 1' }).click();
  await expect(page.getByText('1 message held.')).toBeVisible();
  expect(server.mock.box.find(id)?.state).toBe('held');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('1 message released.')).toBeVisible();
  expect(server.mock.box.find(id)?.state).toBe('queued');
});

test('Export downloads what is tagged', async ({ page }) => {
  await tagRange(page, 0, 3);
  await page.getByRole('button', { name: 'Menu' }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export 4' }).click()]);
  expect(file.suggestedFilename()).toBe('email-queue.csv');
});
