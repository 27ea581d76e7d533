/** Pictures of the main pages, light and dark, wide and narrow, into the folder named by SHOTS. */
import { join } from 'node:path';
import { test } from '@playwright/test';
import { signIn, start } from './mock/start';

const folder = process.env['SHOTS'] ?? 'test-results/shots';
/** The People page's tabs and dialogs. */
const PEOPLE = [
  ['people', '/people'],
  ['person', '/people/users/5'],
  ['person-add', '/people/users/new'],
  ['rights', '/people/rights'],
  ['proxies', '/people/proxies'],
  ['proxy-add', '/people/proxies/new?assistant=3'],
  ['offices', '/people/offices'],
  ['keys', '/people/keys'],
  ['key-add', '/people/keys/new'],
] as const;
const looks = [
  { scheme: 'light', width: 1280, height: 800 },
  { scheme: 'dark', width: 1280, height: 800 },
  { scheme: 'light', width: 390, height: 844 },
  { scheme: 'dark', width: 390, height: 844 },
] as const;

for (const { scheme, width, height } of looks) {
  test(`pages in ${scheme} at ${width}`, async ({ browser }) => {
    test.setTimeout(240_000);
    const server = await start();
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height } });
    const shot = async (name: string): Promise<void> => {
      await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`) });
    };
    await page.goto(`${server.url}/queue`);
    await page.getByLabel('Password').waitFor();
    await page.getByLabel('Sign-in name').fill('case');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#password-error').waitFor();
    await shot('signin');
    await page.goto(`${server.url}/forgotten`);
    await page.getByLabel('Sign-in name or e-mail address').fill('case');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor();
    await shot('forgotten');
    await page.goto(`${server.url}/password?token=fresh`);
    await page.getByLabel('New password').fill('short');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await shot('password');
    await signIn(page, server.url);
    await page.getByText('Live', { exact: true }).waitFor();
    await shot('queue');
    const boxes = page.locator('[role=row][data-id] .box');
    await boxes.nth(4).click();
    await boxes.nth(9).click({ modifiers: ['Shift'] });
    await page.getByRole('button', { name: 'Menu' }).click();
    await shot('menu');
    await page.getByRole('menuitem', { name: /^Resend [1-9]/ }).click();
    await page.getByRole('dialog').waitFor();
    await shot('question');
    await page.getByRole('button', { name: 'Do not send' }).click();
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: 'Customize columns…' }).click();
    await page.getByRole('dialog').waitFor();
    await shot('columns');
    await page.keyboard.press('Escape');
    await page.goto(`${server.url}/queue?type=failed&kind=form_letter`);
    await page.locator('[role=row][data-id]').first().waitFor();
    await shot('filters');
    await page.goto(`${server.url}/queue?type=failed`);
    await page.locator('[role=row][data-id] .box').nth(1).click();
    await page.getByRole('button', { name: /Tag all/ }).click();
    server.mock.deeds.stepMs = 60_000;
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: /^Requeue [1-9]/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Requeue/ }).click();
    await page.getByRole('progressbar').waitFor();
    await shot('job');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText(/^Cancelled/).waitFor();
    await page.locator('[role=row][data-id]').first().locator('a').click();
    await page.getByText('History').waitFor();
    await page.waitForTimeout(300);
    await shot('message-failed');
    await page.goto(`${server.url}/preferences`);
    await page.getByLabel('Theme').waitFor();
    await shot('preferences');
    await page.locator('#alerts').scrollIntoViewIfNeeded();
    await page.locator('#password').scrollIntoViewIfNeeded();
    await shot('preferences-alerts-password');
    await page.goto(`${server.url}/alerts`);
    await page.getByRole('article').first().waitFor();
    await shot('alerts');
    await page.goto(`${server.url}/audit`);
    await page.locator('tbody tr').first().waitFor();
    await shot('audit');
    await page.getByRole('button', { name: 'Check the log …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Check the log' }).click();
    await page.getByText(/^The log is whole/).waitFor();
    await shot('audit-checked');
    for (const [name, path] of PEOPLE) {
      await page.goto(server.url + path);
      await page.getByRole('tabpanel').waitFor();
      if (path.endsWith('/new')) await page.getByRole('dialog').waitFor();
      await page.waitForTimeout(200);
      await shot(name);
    }
    server.mock.limits.waiting.set(0, 3);
    await page.goto(`${server.url}/limits`);
    await page.getByRole('meter').first().waitFor();
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.getByText('It supposes that nobody else').waitFor();
    await shot('limits');
    await page.getByRole('heading', { name: 'Daily limits' }).scrollIntoViewIfNeeded();
    await shot('limits-more');
    server.mock.moreRelays = [
      { office: 3, second: false, name: 'own', host: 'smtp.lakeside.example.com:587', state: 'down', since: new Date(Date.now() - 1_500_000).toISOString(), last_error: 'connect: the connection failed (Connection refused (os error 111))' },
      { office: 3, second: true, name: 'spare', host: 'backup.lakeside.example.com:25', state: 'up', since: null, last_error: null },
    ];
    await page.goto(`${server.url}/server?hours=24`);
    await page.locator('figure').first().waitFor();
    await shot('server-relay-down');
    await page.getByText('Time to hand over').last().scrollIntoViewIfNeeded();
    await page.getByRole('slider', { name: 'Moments of Messages' }).focus();
    for (let i = 0; i < 30; i += 1) await page.keyboard.press('ArrowLeft');
    await shot('server-charts');
    server.mock.moreRelays = [];
    await page.goto(`${server.url}/server`);
    await page.locator('figure').first().waitFor();
    await shot('server');
    await page.goto(`${server.url}/queue?type=outbox`);
    await page.locator('[role=row][data-id]').first().waitFor();
    await shot('outbox');
    await page.locator('[role=row][data-id] .box').nth(1).click();
    await page.locator('[role=row][data-id] .box').nth(6).click({ modifiers: ['Shift'] });
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await page.getByRole('grid').evaluate((grid) => (grid.scrollTop = 300));
    await page.request.get(`${server.url}/mock/arrive?n=12`);
    await page.getByText('12 new').waitFor();
    await page.request.get(`${server.url}/mock/down`);
    await page.getByText('Offline').waitFor();
    await shot('toast-pill-offline');
    await page.request.get(`${server.url}/mock/up`);
    await page.goto(`${server.url}/queue?q=zzz`);
    await page.getByText('Nothing matches').waitFor();
    await shot('empty');
    await page.goto(`${server.url}/queue?type=sent`);
    await page.locator('[role=row][data-id]').nth(3).locator('a').click();
    await page.getByText('History').waitFor();
    await page.waitForTimeout(300);
    await page.request.get(`${server.url}/mock/relay?state=down`);
    await page.request.get(`${server.url}/mock/cut`);
    await page.waitForTimeout(1500);
    await shot('message-sent-relay-down');
    await page.request.get(`${server.url}/mock/relay?state=up`);
    server.mock.limits.waiting.clear();
    server.mock.desk.add({ subject: 'Renewal 2027: questions to clear up before the end of the year', to: ['claims@northwind.example'] });
    server.mock.desk.add({ subject: 'Minutes of the Monday meeting', to: [] });
    await page.goto(`${server.url}/compose`);
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    await page.getByText(/left today/).waitFor();
    await shot('compose-empty');
    await page.getByRole('combobox', { name: 'To' }).fill('ac');
    await page.getByRole('option').first().waitFor();
    await shot('compose-suggestions');
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'To' }).fill('claims@northwind.example, broken@,');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Cc', exact: true }).click();
    await page.getByRole('combobox', { name: 'Cc' }).fill('archive@office.example.com');
    await page.getByLabel('Subject').fill('Renewal of your policy for 2027');
    await page.getByRole('textbox', { name: 'Message' }).click();
    await page.getByLabel('Kind of paragraph').selectOption('2');
    await page.keyboard.type('What changes');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Dear client,');
    await page.keyboard.press('Enter');
    await page.keyboard.type('the contract is renewed on 1 January. Three points are new:');
    await page.keyboard.press('Enter');
    await page.keyboard.type('- the premium is lower');
    for (const line of ['glass is covered', 'claims can be reported by e-mail']) {
      await page.keyboard.press('Enter');
      await page.keyboard.type(line);
    }
    await page.locator('input[type=file]').setInputFiles([
      { name: 'Renewal 2027.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(182_344) },
      { name: 'Terms and conditions of the whole contract, long.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(1_204_000) },
    ]);
    await page.getByText(/^Draft saved/).waitFor();
    await shot('compose');
    await page.getByRole('button', { name: 'Send later' }).click();
    await page.getByRole('dialog').waitFor();
    await shot('compose-later');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    await page.getByText(/cannot be sent to/).waitFor();
    await shot('compose-errors');
    server.mock.desk.used = 2_000;
    await page.goto(`${server.url}/compose`);
    await page.getByText(/^You have sent all/).waitFor();
    await shot('compose-limit');
    await page.close();
    await server.close();
  });
}
