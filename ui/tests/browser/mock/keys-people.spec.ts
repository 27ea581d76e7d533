/** Every action of People by the keyboard alone. */
import type { Page } from '@playwright/test';
import { choose, chooseItem, expect, pick, press, tabTo, test, type, typeDay } from '../keys';
import { openAs, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const book = () => server.mock.people;
const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });
const named = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const undo = (page: Page) => page.locator('.toasts').getByRole('button', { name: 'Undo' });

async function open(page: Page, path: string): Promise<void> {
  await openAs(page, server.url, 'case', path);
  await page.getByRole('tablist', { name: 'People and offices' }).waitFor();
  await expect(page.locator('.skeleton')).toHaveCount(0);
}

test('somebody is found, added and invited', async ({ page }) => {
  await open(page, '/people');
  await type(page, page.getByRole('searchbox'), 'claims');
  await expect(page.getByRole('row')).toHaveCount(3);
  await press(page, page.getByRole('link', { name: 'Add a person' }));
  const form = dialog(page, 'Add a person');
  await press(page, named(page, 'Add and invite'));
  // What is missing has the focus.
  await expect(form.getByLabel('Name', { exact: true })).toBeFocused();
  await type(page, form.getByLabel('Name', { exact: true }), 'Night Desk');
  await type(page, form.getByLabel('E-mail address'), 'night@office.example.com');
  await choose(page, form.getByLabel('Office', { exact: true }), 'Lakeside');
  await press(page, form.locator('summary'));
  await press(page, form.getByRole('checkbox', { name: 'Super User' }), 'Space');
  await tabTo(page, form.getByLabel('Sign-in name'));
  await page.keyboard.press('Enter');
  await expect(form).toHaveCount(0);
  expect(book().users.at(-1)).toMatchObject({ login: 'night', name: 'Night Desk', rights: ['super_user'], office: 3 });
  await expect(page.getByRole('link', { name: 'Add a person' })).toBeFocused();
  // The report at the foot is walked to, and leads there.
  await press(page, page.locator('.toasts').getByRole('button', { name: 'Show' }));
  await expect(page.getByRole('heading', { name: 'Night Desk' })).toBeVisible();
});

test('a person is changed, let in and out, and sent a link', async ({ page }) => {
  await open(page, '/people/users/3');
  await type(page, page.getByLabel('Name', { exact: true }), 'Billing East');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Billing East was saved.')).toBeVisible();
  await press(page, named(page, 'Send a password link'));
  await expect.poll(() => book().invited).toEqual([3]);
  await expect(named(page, 'Send a password link')).toBeFocused();
  await press(page, named(page, 'Disable…'));
  const question = dialog(page, 'Disable Billing East?');
  await question.waitFor();
  await page.keyboard.press('Escape');
  await expect(question).toHaveCount(0);
  await expect(named(page, 'Disable…')).toBeFocused();
  await page.keyboard.press('Enter');
  await press(page, question.getByRole('button', { name: 'Disable' }));
  // What has taken the place of the button has the focus.
  await expect(named(page, 'Enable')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect.poll(() => book().users[3]?.disabled).toBe(false);
  await press(page, page.getByRole('checkbox', { name: 'Super User' }), 'Space');
  await expect.poll(() => book().users[3]?.rights).toContain('super_user');
  await press(page, undo(page));
  await expect.poll(() => book().users[3]?.rights).not.toContain('super_user');
  // Out of the report again, to where it was walked into from.
  await expect(page.locator('main :focus')).toHaveCount(1);
});

test('the rights are walked by arrows, changed by Space, and branches are chosen', async ({ page }) => {
  await open(page, '/people/rights');
  const box = (name: string) => page.getByRole('checkbox', { name });
  await tabTo(page, page.locator('table input[tabindex="0"]'));
  await page.keyboard.press('Control+Home');
  await expect(box('Super User for Billing')).toBeFocused();
  await page.keyboard.press('Space');
  // Billing has an API key, which ends.
  await press(page, dialog(page, 'Grant Super User to Billing?').getByRole('button', { name: 'Grant' }));
  await expect.poll(() => book().users[3]?.rights).toContain('super_user');
  await undo(page).waitFor();
  await page.keyboard.press('Control+z');
  await expect.poll(() => book().users[3]?.rights).not.toContain('super_user');
  await expect(box('Super User for Billing')).toBeFocused();
  await press(page, page.getByRole('button', { name: /of Fleet Desk: choose branches/ }));
  const branches = dialog(page, 'What Fleet Desk looks at');
  await press(page, branches.getByRole('checkbox', { name: 'North Office' }), 'Space');
  await press(page, branches.getByRole('checkbox', { name: 'Hillside' }), 'Space');
  await press(page, branches.getByRole('button', { name: 'Save' }));
  await expect(branches).toHaveCount(0);
  expect(book().users[5]?.branches).toEqual([7, 4]);
  await page.keyboard.press('Enter');
  await pick(page, branches.getByRole('radio', { name: /^All offices below/ }));
  await page.keyboard.press('Enter');
  await expect.poll(() => book().users[5]?.branches).toBeNull();
});

test('a proxy is given, changed and ended', async ({ page }) => {
  await open(page, '/people/proxies');
  await press(page, page.getByRole('link', { name: 'Add a proxy' }));
  const form = dialog(page, 'Add a proxy');
  await choose(page, form.getByLabel('Who shall see it'), 'Billing');
  await pick(page, form.getByRole('radio', { name: /Manage/ }));
  await typeDay(page, form.getByLabel('First day'), '03022099');
  await typeDay(page, form.getByLabel('Last day'), '03312099');
  await press(page, form.getByRole('button', { name: 'Add', exact: true }));
  await expect(form).toHaveCount(0);
  expect(book().proxies.at(-1)).toMatchObject({ assistant: 3, principal: 0, level: 'manage', from: '2099-03-01T23:00:00.000Z', until: '2099-03-31T22:00:00.000Z' });
  await press(page, page.getByRole('link', { name: /^Change: Front Desk may see your mail/ }));
  await pick(page, dialog(page, 'Change a proxy').getByRole('radio', { name: /Manage/ }));
  await page.keyboard.press('Enter');
  await expect.poll(() => book().proxies.find((one) => one.id === 1)?.level).toBe('manage');
  await press(page, page.getByRole('button', { name: /^End: Billing may/ }));
  await press(page, dialog(page, 'End this proxy?').getByRole('button', { name: 'End it' }));
  await expect(page.getByText('The proxy has ended.')).toBeVisible();
  // The row is gone; the focus went on to the one that took its place.
  await expect(page.locator('main :focus')).toHaveCount(1);
});

test('an office is added, renamed, moved, folded and removed', async ({ page }) => {
  await open(page, '/people/offices');
  const menu = (office: string) => page.getByRole('button', { name: `What to do with ${office}` });
  await press(page, named(page, 'Add an office'));
  await type(page, dialog(page, 'Add an office').getByLabel('Name'), 'Quay');
  await choose(page, dialog(page, 'Add an office').getByLabel('Lies below'), 'Lakeside');
  await page.keyboard.press('Tab');
  await press(page, dialog(page, 'Add an office').getByRole('button', { name: 'Add', exact: true }));
  await expect(named(page, 'Add an office')).toBeFocused();
  const quay = () => book().offices.find((one) => one.name.includes('Quay'));
  expect(quay()?.parent).toBe(3);
  await chooseItem(page, menu('Quay'), 'Rename…');
  await type(page, dialog(page, 'Rename Quay').getByLabel('Name'), 'New Quay');
  await page.keyboard.press('Enter');
  await expect.poll(() => quay()?.name).toBe('New Quay');
  await chooseItem(page, menu('New Quay'), 'Move…');
  await choose(page, dialog(page, 'Move New Quay').getByLabel('Lies below'), 'South Office');
  await press(page, dialog(page, 'Move New Quay').getByRole('button', { name: 'Move' }));
  await expect.poll(() => quay()?.parent).toBe(5);
  await press(page, page.getByRole('button', { name: 'Offices below North Office' }));
  await expect(page.getByText('Lakeside', { exact: true })).toHaveCount(0);
  await press(page, named(page, 'Unfold all'));
  await expect(page.getByText('Lakeside', { exact: true })).toBeVisible();
  await chooseItem(page, menu('New Quay'), 'Remove…');
  await press(page, dialog(page, 'Remove New Quay?').getByRole('button', { name: 'Remove' }));
  await expect.poll(quay).toBeUndefined();
  await expect(page.locator('main :focus')).toHaveCount(1);
});

test('a key is made, copied the one time that it is shown, and revoked', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, '/people/keys');
  await press(page, page.getByRole('link', { name: 'Make a key' }));
  const form = dialog(page, 'Make an API key');
  await type(page, form.getByLabel('What is it for?'), 'Web shop');
  await pick(page, form.getByRole('radio', { name: /An office’s/ }));
  await choose(page, form.getByLabel('Office', { exact: true }), 'Lakeside');
  await press(page, form.getByRole('checkbox', { name: 'Read' }), 'Space');
  await press(page, form.getByRole('button', { name: 'Make the key' }));
  const made = dialog(page, 'Keep this key now');
  await press(page, made.getByRole('button', { name: 'Copy the key' }));
  await expect(made.getByRole('button', { name: 'Copied' })).toBeFocused();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^pk_a1b2/);
  await press(page, made.getByRole('button', { name: 'I have kept it' }));
  await expect(page.getByRole('link', { name: 'Make a key' })).toBeFocused();
  expect(book().keys.at(-1)).toMatchObject({ label: 'Web shop', office: 3, user: null, scopes: ['send', 'read'] });
  await press(page, page.getByRole('button', { name: 'Revoke… Web shop' }));
  await press(page, dialog(page, /Revoke “Web shop”/).getByRole('button', { name: 'Revoke' }));
  await expect.poll(() => book().keys.some((one) => one.label === 'Web shop')).toBe(false);
  await expect(page.locator('main :focus')).toHaveCount(1);
});

test('tabs are walked by arrows, and Tab goes into what they show', async ({ page }) => {
  await open(page, '/people');
  await tabTo(page, page.getByRole('tab', { name: /People/ }));
  await page.keyboard.press('End');
  await expect(page.getByRole('tab', { name: /API keys/ })).toBeFocused();
  await expect(page).toHaveURL(/\/people\/keys$/);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Make a key' })).toBeFocused();
});
