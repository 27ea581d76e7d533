/** Pictures of Office Settings and of the setup wizard, beside those of `shots.ts`. */
import { join } from 'node:path';
import { test, type Page } from '@playwright/test';
import { settingsState, SETUP_SECRET } from '../mock/settings';
import { signIn, start } from './mock/start';

const folder = process.env['SHOTS'] ?? 'test-results/shots';
const looks = [
  { scheme: 'light', width: 1280, height: 800 },
  { scheme: 'dark', width: 1280, height: 800 },
  { scheme: 'light', width: 390, height: 844 },
  { scheme: 'dark', width: 390, height: 844 },
] as const;

for (const { scheme, width, height } of looks) {
  const shooter = (page: Page) => async (name: string): Promise<void> => {
    await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`) });
  };

  test(`office settings in ${scheme} at ${width}`, async ({ browser }) => {
    const server = await start(1_000);
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height } });
    const shot = shooter(page);
    await signIn(page, server.url, 'case', '/office/settings');
    await page.getByLabel('Name of the office').waitFor();
    await shot('settings');
    await page.getByRole('button', { name: 'Replace Password' }).click();
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('It does not work yet.').waitFor();
    await page.getByRole('button', { name: 'Test again' }).evaluate((button) => button.scrollIntoView({ block: 'start' }));
    await shot('settings-test-failed');
    await page.getByLabel('Password').fill('right');
    await page.getByRole('button', { name: 'Test again' }).click();
    await page.getByText('It works.').waitFor();
    await shot('settings-test-good');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('failed because of the old ones').waitFor();
    await page.locator('#replay').evaluate((part) => part.scrollIntoView());
    await shot('settings-replay');
    await page.locator('#layout').evaluate((part) => part.scrollIntoView());
    await shot('settings-foot');
    const now = settingsState(server.mock).settings.get(1);
    if (now) settingsState(server.mock).settings.set(1, { ...now, version: now.version + 1, retention_days: 100, time_zone: 'Europe/Paris' });
    await page.getByLabel('Keep finished e-mail').fill('30');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog').waitFor();
    await shot('settings-stale');
    await page.getByRole('button', { name: 'Drop mine, load theirs' }).click();
    await page.getByRole('button', { name: 'Pause sending' }).click();
    await page.getByRole('dialog').waitFor();
    await shot('settings-pause');
    await page.context().clearCookies();
    // Another part of the same page would not be loaded anew.
    await page.goto('about:blank');
    await signIn(page, server.url, 'branch', '/office/settings#smtp');
    await page.getByLabel('Token endpoint').waitFor();
    await page.waitForTimeout(200);
    await shot('settings-own-relays');
    await page.close();
    await server.close();
  });

  test(`setup in ${scheme} at ${width}`, async ({ browser }) => {
    const server = await start(1_000);
    settingsState(server.mock).empty = true;
    settingsState(server.mock).settings.clear();
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height } });
    const shot = shooter(page);
    await page.goto(`${server.url}/setup`);
    await page.getByLabel('Secret').fill('a guess');
    await page.getByLabel('Your name').fill('Case Clerk');
    await page.getByLabel('Sign-in name').fill('case');
    await page.getByLabel('E-mail address').fill('case@office.example.com');
    await page.getByLabel('Password', { exact: true }).fill('correct horse');
    await page.getByRole('button', { name: /^Make the/ }).click();
    await page.getByText('This is not the secret').waitFor();
    await shot('setup-administrator');
    await page.getByLabel('Secret').fill(SETUP_SECRET);
    await page.getByRole('button', { name: /^Make the/ }).click();
    await page.getByLabel('Name of the office').fill('Lakeside Insurance');
    await shot('setup-office');
    await page.getByRole('button', { name: 'Save and go on' }).click();
    await page.getByLabel('Host').fill('smtp.office.example.com');
    await page.getByLabel('User name').fill('postroom@office.example.com');
    await page.getByLabel('Password', { exact: true }).fill('right');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('It works.').waitFor();
    await shot('setup-smtp');
    await page.getByRole('button', { name: 'Save and go on' }).click();
    await page.getByLabel('E-mails a person a day').waitFor();
    await shot('setup-limits');
    await page.getByRole('button', { name: 'Save and finish' }).click();
    await page.getByRole('link', { name: 'Go to the E-mail Queue' }).waitFor();
    await shot('setup-finished');
    await page.close();
    await server.close();
  });
}
