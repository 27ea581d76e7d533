import type { Page } from '@playwright/test';
import { drawn, expect, test } from '../page';
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
  await expect(page.getByRole('menuitem')).toHaveText([/^Resend Failed E-mail\s5$/, /^Resend\s0$/, /^Delete 'E-mail Queue' Record\s5$/], { useInnerText: true });
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

test('deleting asks first, and keeps everything on Keep or Escape', async ({ page }) => {
  const before = server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total;
  await tagRange(page, 0, 2);
  for (const leave of [() => page.getByRole('button', { name: 'Keep' }).click(), () => page.keyboard.press('Escape')]) {
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
    await expect(page.getByRole('dialog', { name: 'Delete 3 e-mails from the queue?' })).toBeVisible();
    await leave();
    await expect(page.getByRole('dialog')).toBeHidden();
  }
  expect(server.mock.box.counts({ type: 'failed', source: 'all', q: '' }).total).toBe(before);
});

test('deleting takes exactly the tagged records out', async ({ page }) => {
  const ids = await tagRange(page, 0, 2);
  const fourth = (await drawn(page))[3]?.id ?? '';
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await page.getByRole('button', { name: 'Delete 3' }).click();
  await expect(page.getByText('3 messages deleted.')).toBeVisible();
  for (const id of ids) expect(server.mock.box.find(id)).toBeNull();
  await expect(page.locator('[role=row][data-id]').first()).toHaveAttribute('data-id', fourth);
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
