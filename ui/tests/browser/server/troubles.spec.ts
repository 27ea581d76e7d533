/**
 * Each alert raised by its real cause: seen as it happens, with its number in the header, by those concerned alone, and
 * leading to the mail or the very setting that it is about.
 */
import type { Browser, Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { Postroom, type Beginning } from './postroom';
import { Relay } from './relay';

const LIMIT = 'Your daily e-mail limit has been reached';
const ANOTHERS = 'The daily e-mail limit of a user has been reached';
const SYSTEM_LIMIT = 'The daily Postroom E-mail limit for the System Office has been reached';
const SMTP = 'Postroom failed to connect to the SMTP server';
const SYSTEM_DOWN = 'E-mail Server for system is Down';
const OFFICE_DOWN = 'The E-mail Server for your office is Down';
const UP = 'The E-mail Server for your office is back online';
const FAILED = 'You have undeliverable e-mail';

const item = (page: Page, title: string) => page.getByRole('article').filter({ hasText: title });
const bell = (page: Page) => page.getByRole('banner').getByRole('link', { name: /^Alert Center/ });
const rowOf = (page: Page, id: string) => page.locator(`[data-id="${id}"]`);
const live = (page: Page) => expect(page.getByText('Live', { exact: true })).toBeVisible();

/** A window of somebody who looks at a page, with the stream open. */
async function watching(server: Postroom, browser: Browser, login: string, path = '/alerts'): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await server.signIn(page, path, login);
  await live(page);
  return page;
}

/** Runs a walk against a server of its own. */
async function on(server: Promise<Postroom>, walk: (server: Postroom) => Promise<void>): Promise<void> {
  const started = await server;
  try {
    await walk(started);
  } finally {
    await started.stop();
  }
}
const started = (beginning: Beginning = {}): Promise<Postroom> => Postroom.start(beginning);

/** Follows an alert's link, and finds the alert read behind it. */
async function follow(page: Page, title: string, link: string, to: string | RegExp): Promise<void> {
  await item(page, title).getByRole('link', { name: link }).click();
  await expect(page).toHaveURL(to);
}

test('a person’s daily limit: they are led to what is held, an administrator to the limit', async ({ page, browser }) => {
  await on(started(), async (server) => {
    server.command(['limits', 'set', '--user', '2']);
    const theirs = await watching(server, browser, 'front');
    await server.signIn(page, '/alerts');
    await live(page);
    const ids = [];
    for (const n of [1, 2, 3]) ids.push(await server.letter('front', `Letter ${n}`));
    const held = ids[2] ?? '';

    await expect(item(theirs, LIMIT)).toContainText('Front <b>Desk</b>', { timeout: 15_000 });
    await expect(item(theirs, LIMIT)).toContainText('sent the following day, by itself');
    await expect(bell(theirs)).toHaveAccessibleName('Alert Center, 1 unread alert');
    await follow(theirs, LIMIT, 'Show held e-mail', /\/queue\?type=outbox&state=held$/);
    await expect(rowOf(theirs, held)).toContainText('Held');
    await expect(theirs.locator('[role=row][data-id]')).toHaveCount(1);
    await expect(bell(theirs)).toHaveAccessibleName('Alert Center');
    await live(theirs);

    await expect(item(page, ANOTHERS)).toContainText('has been reached by Front <b>Desk</b>');
    await expect(bell(page)).toHaveAccessibleName('Alert Center, 1 unread alert');
    await expectAccessible(page);
    await follow(page, ANOTHERS, 'Open the daily limits', /\/limits$/);
    await page.getByLabel('Each person, a day').fill('0');
    await page.getByRole('button', { name: 'Save the limits' }).click();
    await expect(page.getByText('The limits are in force.')).toBeVisible();
    // What was held leaves before the person's eyes.
    await expect(theirs.getByRole('heading', { name: 'The Outbox is empty' })).toBeVisible({ timeout: 15_000 });
    await expect.poll(async () => (await server.counts()).states.sent).toBe(3);
    await theirs.context().close();
  });
});

test('the whole server’s daily limit: each sender whose mail waits and the System Office’s administrators, nobody else', async ({ page, browser }) => {
  await on(started(), async (server) => {
    server.person('idle', 'Night Desk');
    server.command(['limits', 'set', '--system', '1', '--user', '0']);
    const theirs = await watching(server, browser, 'front');
    const idle = await watching(server, browser, 'idle');
    await server.signIn(page, '/alerts');
    await live(page);
    await server.letter('front', 'The one that goes');
    const held = await server.letter('front', 'The one that waits');
    for (const one of [theirs, page]) {
      await expect(item(one, SYSTEM_LIMIT)).toContainText('the daily limit of 1 messages for all users of the server', { timeout: 15_000 });
      await expect(bell(one)).toHaveAccessibleName('Alert Center, 1 unread alert');
    }
    await follow(theirs, SYSTEM_LIMIT, 'Show held e-mail', /\/queue\?type=outbox&state=held$/);
    await expect(rowOf(theirs, held)).toContainText('Held');
    await follow(page, SYSTEM_LIMIT, 'Open the daily limits', /\/limits$/);
    await expect(page.getByLabel('Whole server, a day')).toHaveValue('1');
    await expect(idle.getByRole('heading', { name: 'Nothing needs your attention' })).toBeVisible();
    for (const one of [theirs, idle]) await one.context().close();
  });
});

test('ten attempts, then undeliverable: told once it is over, and led to the failed message', async ({ page }) => {
  test.setTimeout(90_000);
  await on(started({ delivery: 'retry_waits = ["1s"]\n' }), async (server) => {
    await server.signIn(page, '/alerts', 'front');
    await live(page);
    const id = await server.letter('front', 'Busy mailbox', 'defer@example.net');
    await expect(item(page, FAILED)).toContainText('451 4.3.0 Mailbox busy', { timeout: 60_000 });
    await expect(bell(page)).toHaveAccessibleName('Alert Center, 1 unread alert');
    await follow(page, FAILED, 'Show failed e-mail', /\/queue\?type=failed$/);
    await rowOf(page, id).locator('.subject a').click();
    await expect(page.getByText(/^Not delivered after 10 attempts/)).toBeVisible();
    await expect(page.getByRole('complementary')).toContainText('Attempt 10');
  });
});

test('a sign-in that the relay of the configuration file refuses: the sender and the administrator are told which setting', async ({ page, browser }) => {
  await on(started({ relay: 'username = "office"\npassword = "an old one"\n' }), async (server) => {
    server.relay.password = 'the right one';
    const theirs = await watching(server, browser, 'front');
    await server.signIn(page, '/alerts');
    await live(page);
    const id = await server.letter('front', 'Waits for a password');
    await expect(item(theirs, SMTP)).toContainText('the SMTP server refused the sign-in', { timeout: 15_000 });
    await expect(item(theirs, SMTP)).toContainText('Your administrator has been told');
    await expect(bell(theirs)).toHaveAccessibleName('Alert Center, 1 unread alert');
    await follow(theirs, SMTP, 'Show the Outbox', /\/queue\?type=outbox$/);
    await expect(rowOf(theirs, id)).toBeVisible();

    await expect(item(page, SMTP)).toContainText('535 5.7.8');
    await expect(item(page, SMTP)).toContainText('Check user name and password');
    await expect(item(page, SMTP)).toContainText('Where relay in the server’s configuration file');
    await expect(bell(page)).toHaveAccessibleName('Alert Center, 1 unread alert');
    await expectAccessible(page);
    await follow(page, SMTP, 'Show the server’s status', /\/server$/);
    await theirs.context().close();
  });
});

test('a sign-in that an office’s own relay refuses: its administrator is led to the very setting and fixes it', async ({ page }) => {
  await on(Postroom.withoutRelay(), async (server) => {
    server.relay.password = 'the right one';
    const { version } = await server.api<{ version: number }>('GET', '/api/v1/offices/1/settings');
    const relay = { host: '127.0.0.1', port: server.relay.port, tls: 'none', auth: 'plain', user: 'office', secret: 'an old one', sender_domains: ['example.test'] };
    await server.api('PUT', '/api/v1/offices/1/settings', { relays: [relay] }, version);
    await server.signIn(page, '/alerts');
    await live(page);
    const id = await server.letter('front', 'Waits for a password');
    await expect(item(page, SMTP)).toContainText('in the Office Settings of the System Office', { timeout: 15_000 });
    await follow(page, SMTP, 'Open the SMTP settings', /\/office\/settings\/1#smtp$/);
    await expect(page.locator('#smtp')).toBeFocused();
    await page.getByRole('button', { name: 'Replace Password' }).click();
    await page.getByLabel('Password', { exact: true }).fill('the right one');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByText('Saved. It holds at once.')).toBeVisible();
    await server.act('requeue', [id]);
    await expect.poll(async () => (await server.counts()).states.sent, { timeout: 15_000 }).toBe(1);
  });
});

test('relays go down and come up again: told live to those concerned, on the status page too, without a reload', async ({ page, browser }) => {
  // A relay that is down is tried again after half a minute.
  test.setTimeout(180_000);
  const own = await new Relay().listen();
  await on(started(), async (server) => {
    server.command(['office', 'add', 'North Office']);
    server.person('north', 'North Manager', { office: 'North Office', rights: 'administrator' });
    server.person('clerk', 'North Clerk', { office: 'North Office' });
    const north = (await server.ask<{ offices: { id: number; name: string }[] }>('/api/v1/offices')).offices.find((office) => office.name === 'North Office')?.id ?? 0;
    const { version } = await server.api<{ version: number }>('GET', `/api/v1/offices/${north}/settings`);
    await server.api('PUT', `/api/v1/offices/${north}/settings`, { relays: [{ host: '127.0.0.1', port: own.port, tls: 'none', auth: 'none' }] }, version);

    const pages = {
      front: await watching(server, browser, 'front'),
      clerk: await watching(server, browser, 'clerk'),
      north: await watching(server, browser, 'north'),
      northStatus: await watching(server, browser, 'north', '/server'),
      chief: await watching(server, browser, 'case'),
    };
    const { front, clerk, north: manager, northStatus, chief } = pages;
    await server.signIn(page, '/server');
    await live(page);
    const relayOf = (one: Page, office: string) => one.getByRole('row').filter({ hasText: office });
    await expect(relayOf(page, 'North Office')).toContainText('Up');
    await expect(relayOf(page, 'Offices without')).toContainText('Up');
    // A page that is loaded anew has forgotten this.
    const all = [page, ...Object.values(pages)];
    for (const one of all) await one.evaluate(() => Object.assign(window, { stayed: true }));

    await own.close();
    await server.relay.close();
    const ids = [];
    for (const n of [1, 2, 3]) ids.push(await server.letter('front', `Letter ${n}`), await server.letter('clerk', `Letter ${n}`));

    await expect(relayOf(page, 'North Office')).toContainText(/Down|Being tried/, { timeout: 30_000 });
    await expect(relayOf(page, 'Offices without')).toContainText(/Down|Being tried/, { timeout: 30_000 });
    await expect(page.getByRole('heading', { name: /^2 e-mail servers are down: mail of .* waits\.$/ })).toBeVisible();
    await expect(relayOf(northStatus, 'North Office')).toContainText(/Down|Being tried/);
    await expectAccessible(page);

    await expect(item(front, SYSTEM_DOWN)).toContainText('your e-mail waits, and is sent when the server is back', { timeout: 15_000 });
    await expect(item(clerk, OFFICE_DOWN)).toContainText('e-mail server of the office North Office cannot be reached', { timeout: 15_000 });
    await expect(item(manager, OFFICE_DOWN).getByRole('link', { name: 'Open the SMTP settings' })).toHaveAttribute('href', `/office/settings/${north}#smtp`);
    await expect(item(chief, SYSTEM_DOWN)).toContainText('Where relay in the server’s configuration file');
    // The first failure to connect, and the outage.
    for (const one of [front, clerk, manager, chief]) await expect(bell(one)).toHaveAccessibleName('Alert Center, 2 unread alerts');
    await expect(item(front, OFFICE_DOWN)).toHaveCount(0);
    await expect(item(manager, SYSTEM_DOWN)).toHaveCount(0);

    await own.listen();
    await server.relay.listen();
    for (const [one, office] of [[page, 'North Office'], [page, 'Offices without'], [northStatus, 'North Office']] as const) {
      await expect(relayOf(one, office).getByText('Up', { exact: true })).toBeVisible({ timeout: 90_000 });
    }
    await expect(page.getByRole('heading', { name: /flows/ })).toBeVisible({ timeout: 30_000 });
    await expect(northStatus.getByRole('heading', { name: 'Mail flows: every e-mail server takes it.' })).toBeVisible();
    for (const one of [front, clerk, manager, chief]) {
      await expect(item(one, UP)).toContainText('is functioning properly again', { timeout: 15_000 });
      await expect(bell(one)).toHaveAccessibleName('Alert Center, 3 unread alerts');
    }
    for (const one of all) expect(await one.evaluate(() => 'stayed' in window)).toBe(true);
    await expect.poll(async () => (await server.counts()).states.sent, { timeout: 15_000 }).toBe(3);
    await follow(front, UP, 'Show the Outbox', /\/queue\?type=outbox$/);
    await expect(front.getByRole('heading', { name: 'The Outbox is empty' })).toBeVisible({ timeout: 30_000 });
    await follow(manager, OFFICE_DOWN, 'Open the SMTP settings', new RegExp(`/office/settings/${north}#smtp$`));
    await expect(manager.locator('#smtp')).toBeFocused();
    for (const one of Object.values(pages)) await one.context().close();
  });
  await own.close();
});
