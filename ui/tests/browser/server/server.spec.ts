import { expect, expectAccessible, test } from '../page';
import { Postroom } from './postroom';

let server: Postroom;
test.beforeAll(async () => {
  server = await Postroom.start();
  server.command(['office', 'add', 'North Office', '--below', 'System Office']);
  server.command(['user', 'add', '--login', 'north', '--email', 'north@example.test', '--name', 'North Manager', '--office', 'North Office', '--rights', 'administrator', '--password-stdin']);
  await server.submit([...Array.from({ length: 40 }, (_, i) => ({ to: `client${i}@example.net`, subject: `Letter ${i}` })), { to: 'fail@example.net', subject: 'Misaddressed' }]);
  await expect.poll(async () => (await server.counts()).states, { timeout: 60_000 }).toMatchObject({ sent: 40, failed: 1, queued: 0, sending: 0 });
});
test.afterAll(() => server.stop());

test('an administrator of the System Office is told how much flows, and sees it drawn', async ({ page }) => {
  test.setTimeout(60_000);
  await server.signIn(page, '/server');
  // The server looks at itself every ten seconds.
  await expect(page.getByRole('heading', { name: /^Everything flows: 40 sent and 1 not delivered in the last .*, nothing waits\.$/ })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText('of 41 taken in, in the last hour')).toBeVisible();
  await expect(page.getByRole('table', { name: 'Nodes' })).toContainText('postroom.example.test');
  await expect(page.getByRole('row').filter({ hasText: '127.0.0.1' })).toContainText('Up');
  await expect(page.locator('figure')).toHaveCount(4);
  for (const tab of ['Last day', 'Last week', 'Last hour']) {
    await page.getByRole('tab', { name: tab }).click();
    await expect(page.locator('figure')).toHaveCount(4);
    await expect(page.locator('.charts')).toHaveAttribute('aria-busy', 'false');
  }
  await page.locator('figure').filter({ hasText: 'Waiting messages' }).getByRole('button', { name: 'As a table' }).click();
  await expectAccessible(page);
});

test('an office’s administrator sees whether mail flows, and no figures of the whole server', async ({ page }) => {
  const refused: string[] = [];
  page.on('response', (response) => {
    if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`);
  });
  await server.signIn(page, '/queue', 'north');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Server status' }).click();
  await expect(page.getByRole('heading', { name: 'Mail flows: every e-mail server takes it.' })).toBeVisible();
  await expect(page.locator('figure')).toHaveCount(0);
  // Nothing is asked for that they may not have; before signing in, who one is was asked.
  expect(refused.filter((one) => !one.endsWith('/session'))).toEqual([]);
  await expectAccessible(page);
});

test('somebody without rights is not led there, and finds no page at its address', async ({ page }) => {
  await server.signIn(page, '/queue', 'front');
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Server status' })).toHaveCount(0);
  await page.goto(`${server.url}/server`);
  await expect(page.getByRole('button', { name: /Account of/ })).toBeVisible();
  await expect(page.locator('figure')).toHaveCount(0);
  await expect(page.getByRole('heading', { name: /flows/ })).toHaveCount(0);
});

// Last: the relay does not come back.
test('a relay that goes away is told of within seconds, with the office whose mail waits', async ({ page }) => {
  test.setTimeout(60_000);
  await server.signIn(page, '/server');
  await expect(page.getByRole('heading', { name: /^Everything flows/ })).toBeVisible({ timeout: 30_000 });
  await server.relay.close();
  await server.submit(Array.from({ length: 6 }, (_, i) => ({ to: `client${i}@example.net`, subject: `Waits ${i}` })));
  await expect(page.getByRole('heading', { name: /^An e-mail server is down: mail of offices without an e-mail server of their own waits\.$/ })).toBeVisible({ timeout: 20_000 });
  const row = page.getByRole('row').filter({ hasText: '127.0.0.1' });
  await expect(row).toContainText(/Down|Being tried/);
  await expect(row).toContainText('Nothing takes mail at that address and port.');
  await expect(page.getByText(/The oldest of 6 waiting messages is \d+ seconds? old\./)).toBeVisible({ timeout: 20_000 });
  await expectAccessible(page);
});
