import { expect, expectAccessible, test } from '../page';
import { Postroom } from './postroom';

let server: Postroom;
test.beforeAll(async () => {
  server = await Postroom.start();
});
test.afterAll(() => server.stop());

test('a limit holds what is over it; it is seen, forecast, released past the limit, and raised', async ({ page }) => {
  await server.signIn(page, '/limits');
  await page.getByLabel('Each person, a day').fill('3');
  await page.getByRole('button', { name: 'Save the limits' }).click();
  await expect(page.getByText('The limits are in force.')).toBeVisible();

  await server.submit(Array.from({ length: 6 }, (_, i) => ({ to: `client${i}@example.net`, subject: `Letter ${i}` })));
  await page.reload();
  await expect(page.getByRole('meter', { name: 'Your e-mail: used today' })).toHaveAttribute('aria-valuetext', '3 of 3');
  await expect(page.getByText(/^3 e-mails of yours wait under a limit, until /)).toBeVisible();
  const held = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Held e-mail' }) });
  await expect(held.getByRole('row')).toHaveCount(4);
  await expect(held.getByRole('row').nth(1)).toContainText('The sender’s daily limit is reached');
  await expectAccessible(page);

  await page.getByLabel('E-mails', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByText(/^None of the 2 would go today; 2 on /)).toBeVisible();

  // The limit lies at what was sent: less is refused, beside the field.
  await page.getByLabel('Each person, a day').fill('2');
  await page.getByRole('button', { name: 'Save the limits' }).click();
  await expect(page.getByText('Somebody has sent 3 messages today already')).toBeVisible();
  await page.getByRole('button', { name: 'Undo changes' }).click();

  await held.getByRole('checkbox').first().check();
  await held.getByRole('button', { name: 'Release 1 past the limit…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Release 1' }).click();
  await expect(page.getByText('1 message released.')).toBeVisible();
  await expect.poll(async () => (await server.counts()).states.sent).toBe(4);
  await expect(page.getByRole('meter', { name: 'Your e-mail: used today' })).toHaveAttribute('aria-valuetext', '3 of 3');

  await held.getByRole('link', { name: 'Show all 2 in the queue' }).click();
  await expect(page.getByRole('grid')).toHaveAttribute('aria-rowcount', '3');
  await page.goto(`${server.url}/limits`);
  await page.getByLabel('Each person, a day').fill('0');
  await page.getByRole('button', { name: 'Save the limits' }).click();
  await expect(page.getByText('Nothing is held.')).toBeVisible();
  await expect.poll(async () => (await server.counts()).states.sent).toBe(6);
});

test('somebody else’s change of the limits is not overwritten unseen', async ({ page }) => {
  await server.signIn(page, '/limits');
  await page.getByLabel('Whole server, a day').fill('4000');
  server.command(['limits', 'set', '--system', '5000']);
  await page.getByRole('button', { name: 'Save the limits' }).click();
  const stale = page.getByRole('alert').filter({ hasText: 'Somebody else changed the limits' });
  await expect(stale).toContainText('5,000');
  await stale.getByRole('button', { name: 'Take theirs' }).click();
  await expect(page.getByLabel('Whole server, a day')).toHaveValue('5000');
});

test('somebody without rights sees their own use, and nothing to change', async ({ page }) => {
  await server.signIn(page, '/limits', 'front');
  await expect(page.getByRole('heading', { name: 'Today', exact: true })).toBeVisible();
  await expect(page.getByText('Nothing was sent in these days.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Daily limits' })).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'People today' })).toHaveCount(0);
  await expectAccessible(page);
});
