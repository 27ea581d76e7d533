import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(1_000);
});
test.afterEach(() => server.close());

const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });
const row = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name });
const book = () => server.mock.people;

async function open(page: Page, path = '/people', login = 'case'): Promise<void> {
  await signIn(page, server.url, login, path);
  await page.getByRole('tablist', { name: 'People and offices' }).waitFor();
  await expect(page.locator('.skeleton')).toHaveCount(0);
}

test('people are searched, narrowed by office and account, and lead to their own page', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('heading', { level: 1, name: 'People' })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search people' }).fill('desk lake');
  await expect(page.getByRole('row')).toHaveCount(2);
  await expect(row(page, 'Lakeside Desk')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search people' }).fill('zzz');
  await page.getByRole('button', { name: 'Show everybody' }).click();
  await page.getByRole('combobox', { name: /^Office/ }).selectOption({ label: '\u2003North Office' });
  // With what lies below it.
  await expect(page.getByRole('row')).toHaveCount(5);
  await page.getByRole('combobox', { name: /^Office/ }).selectOption('');
  await page.getByRole('combobox', { name: /^Account/ }).selectOption('out');
  await expect(page.getByRole('row')).toHaveCount(2);
  await page.getByRole('link', { name: 'Former Archive Desk' }).click();
  await expect(page).toHaveURL(/\/people\/users\/11$/);
  await expect(page.getByRole('heading', { name: 'Former Archive Desk' })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('row').first()).toBeVisible();
});

test('a person is added with an invitation; refusals stand beside the field and nothing typed is lost', async ({ page, context }) => {
  await open(page);
  await page.getByRole('link', { name: 'Add a person' }).click();
  const form = dialog(page, 'Add a person');
  await expect(form.getByLabel('Name', { exact: true })).toBeFocused();
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(form.getByText('Say who it is.')).toBeVisible();
  await form.getByLabel('Name', { exact: true }).fill('Night Desk');
  await form.getByLabel('E-mail address').fill('front@office.example.com');
  await expect(form.getByLabel('Sign-in name')).toHaveValue('front');
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(form.getByText('Somebody signs in with this already.')).toBeVisible();
  await form.getByLabel('E-mail address').fill('night@office.example.com');
  await form.getByLabel('Sign-in name').fill('night');
  // The session ends meanwhile: after signing in again the form is as it was.
  const cookies = await context.cookies();
  await context.clearCookies();
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(page.getByText('Your session has ended')).toBeVisible();
  expect(cookies.length).toBeGreaterThan(0);
  await page.getByLabel('Sign-in name').fill('case');
  await page.getByLabel('Password').fill('correct horse');
  await page.keyboard.press('Enter');
  await expect(form.getByText('This is what you typed earlier')).toBeVisible();
  await expect(form.getByLabel('Name', { exact: true })).toHaveValue('Night Desk');
  await form.getByText('Rights', { exact: false }).first().click();
  await form.getByRole('checkbox', { name: 'Super User' }).check();
  await form.getByRole('button', { name: 'Add and invite' }).click();
  await expect(page.getByText('The invitation is on its way to night@office.example.com')).toBeVisible();
  await expect(row(page, 'Night Desk')).toContainText('Super User');
  expect(book().users.at(-1)).toMatchObject({ login: 'night', rights: ['super_user'], office: 1 });
});

test('disabling asks first and says what ends; enabling and the password link are one click', async ({ page }) => {
  await open(page, '/people/users/3');
  await page.getByRole('button', { name: 'Disable…' }).click();
  const question = dialog(page, 'Disable Billing?');
  await expect(question).toContainText('signed out everywhere at once');
  await expect(question).toContainText('Their API key ends for good');
  await question.getByRole('button', { name: 'Cancel' }).click();
  expect(book().users[3]?.disabled).toBe(false);
  await page.getByRole('button', { name: 'Send a password link' }).click();
  await expect(page.getByText('A link to set a password is on its way')).toBeVisible();
  expect(book().invited).toEqual([3]);
  await page.getByRole('button', { name: 'Disable…' }).click();
  await question.getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByText('Billing is disabled: sessions and API keys have ended.')).toBeVisible();
  await page.getByRole('button', { name: 'Enable' }).click();
  await expect(page.getByText('Billing may sign in again')).toBeVisible();
});

test('the last administrator cannot be disabled, and it is said where it was tried', async ({ page }) => {
  await open(page, '/people/users/0');
  await page.getByRole('button', { name: 'Disable…' }).click();
  await dialog(page, 'Disable Case Clerk?').getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Case Clerk was not disabled' })).toContainText('last administrator of the System Office');
});

test('what somebody else changed meanwhile is shown beside what was typed, and either is taken', async ({ page }) => {
  await open(page, '/people/users/4');
  await page.getByLabel('Name', { exact: true }).fill('Renewals North');
  Object.assign(book().users[4] ?? {}, { name: 'Renewals South', version: 2 });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const stale = page.getByRole('alert').filter({ hasText: 'Somebody else changed' });
  await expect(stale).toContainText('Renewals South');
  await expect(stale).toContainText('Renewals North');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Renewals North');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save mine all the same' }).click();
  await expect(page.getByText('Renewals North was saved.')).toBeVisible();
  expect(book().users[4]).toMatchObject({ name: 'Renewals North', version: 3 });
  // What is typed and not saved is asked about before it is left.
  await page.getByLabel('Name', { exact: true }).fill('Something else');
  await page.getByRole('link', { name: 'All people' }).click();
  await dialog(page, 'Leave without saving?').getByRole('button', { name: 'Stay here' }).click();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Something else');
});

test('the matrix is walked and changed by the keyboard, refuses beside the box, and undoes', async ({ page }) => {
  await open(page, '/people/rights');
  const box = (name: string): ReturnType<Page['getByRole']> => page.getByRole('checkbox', { name });
  await box('Super User for Billing').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(box('Administrator for Case Clerk')).toBeFocused();
  await page.keyboard.press('Space');
  await dialog(page, 'Stop being an administrator?').getByRole('button', { name: 'Give it up' }).click();
  const alert = row(page, 'Case Clerk').getByRole('alert');
  await expect(alert).toContainText('This is the last administrator of the System Office who can sign in');
  await expect(box('Administrator for Case Clerk')).toBeChecked();
  await expect(box('Administrator for Case Clerk')).toHaveAttribute('aria-invalid', 'true');
  await expectAccessible(page);
  await box('Super User for Front Desk').focus();
  await page.keyboard.press('Space');
  await expect(page.getByText('Front Desk now has Super User.')).toBeVisible();
  expect(book().users[1]?.rights).toEqual(['super_user']);
  await expect(box('Super User for Front Desk')).toBeFocused();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(box('Super User for Front Desk')).not.toBeChecked();
  expect(book().users[1]?.rights).toEqual([]);
  // Somebody else was faster.
  Object.assign(book().users[2] ?? {}, { rights: ['customize_list_layout'], version: 7 });
  await box('Administrator for Claims Team').click();
  await expect(row(page, 'Claims Team').getByRole('alert')).toContainText('Somebody else changed Claims Team’s rights meanwhile');
  await expect(box('Customize list layout for Claims Team')).toBeChecked();
  await expect(box('Administrator for Claims Team')).not.toBeChecked();
});

test('Enterprise View is limited to branches', async ({ page }) => {
  await open(page, '/people/rights');
  await page.getByRole('button', { name: '2 branches, of Fleet Desk: choose branches' }).click();
  const choose = dialog(page, 'What Fleet Desk looks at');
  await expect(choose.getByRole('checkbox', { name: 'Lakeside' })).toBeDisabled();
  await expectAccessible(page);
  await choose.getByRole('checkbox', { name: 'North Office' }).uncheck();
  await choose.getByRole('checkbox', { name: 'Hillside' }).check();
  await choose.getByRole('button', { name: 'Save' }).click();
  await expect(choose).toHaveCount(0);
  expect(book().users[5]?.branches).toEqual([7, 4]);
  await page.getByRole('button', { name: /of Fleet Desk: choose branches/ }).click();
  await choose.getByRole('radio', { name: /All offices below/ }).check();
  await choose.getByRole('button', { name: 'Save' }).click();
  await expect(row(page, 'Fleet Desk')).toContainText('All offices below');
  expect(book().users[5]?.branches).toBeNull();
});

test('a proxy says what it means before it is given, has dates, and is changed and ended', async ({ page }) => {
  await open(page, '/people/proxies');
  await expect(page.locator('p.words', { hasText: 'Front Desk may see your mail until 31 Dec' })).toBeVisible();
  await page.getByRole('link', { name: 'Add a proxy' }).click();
  const form = dialog(page, 'Add a proxy');
  await expect(form.getByRole('status')).toHaveText('Choose two people, and this says what it will mean.');
  await form.getByLabel('Who shall see it').selectOption({ label: 'Billing' });
  await form.getByRole('radio', { name: /Manage/ }).check();
  await form.getByLabel('First day').fill('2099-03-02');
  await form.getByLabel('Last day').fill('2099-03-01');
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(form.getByText('The last day lies before the first.')).toBeVisible();
  await form.getByLabel('Last day').fill('2099-03-31');
  await expect(form.getByRole('status')).toHaveText('Billing may see and act on your mail, and send as you, from 2 Mar 2099 until 31 Mar 2099.');
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(form).toHaveCount(0);
  // Days are those of the person's own zone, Berlin: the last one is inside.
  expect(book().proxies.at(-1)).toMatchObject({ assistant: 3, principal: 0, level: 'manage', from: '2099-03-01T23:00:00.000Z', until: '2099-03-31T22:00:00.000Z' });
  await expect(page.getByText('Begins later').first()).toBeVisible();
  await page.getByRole('link', { name: /Change: Front Desk may see your mail/ }).click();
  const change = dialog(page, 'Change a proxy');
  await expect(change.getByLabel('Last day')).toHaveValue('2026-12-31');
  Object.assign(book().proxies[0] ?? {}, { level: 'manage', version: 5 });
  await change.getByLabel('Last day').fill('2027-01-15');
  await change.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(change.getByRole('alert')).toContainText('Somebody else changed this proxy');
  await change.getByRole('button', { name: 'Take theirs' }).click();
  await expect(change.getByLabel('Last day')).toHaveValue('2026-12-31');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^End: Billing may see/ }).click();
  await dialog(page, 'End this proxy?').getByRole('button', { name: 'End it' }).click();
  await expect(page.getByText('The proxy has ended.')).toBeVisible();
});

test('offices are folded, added, renamed, moved, and only an empty one is removed', async ({ page }) => {
  await open(page, '/people/offices');
  await expect(page.getByText('Lakeside', { exact: true })).toBeVisible();
  const fold = page.getByRole('button', { name: 'Offices below North Office' });
  await fold.press('Enter');
  await expect(fold).toHaveAttribute('aria-expanded', 'false');
  await expect(page.getByText('Lakeside', { exact: true })).toHaveCount(0);
  await page.getByRole('searchbox', { name: 'Search offices' }).fill('lake');
  await expect(page.getByText('Lakeside', { exact: true })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search offices' }).fill('');
  await page.getByRole('button', { name: 'Unfold all' }).click();
  const menu = async (office: string, item: string): Promise<void> => {
    await page.getByRole('button', { name: `What to do with ${office}` }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await menu('South Office', 'Add an office below…');
  const add = dialog(page, 'Add an office');
  await add.getByLabel('Name').fill('Harbour');
  await add.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(add.getByText('An office beside it has this name already')).toBeVisible();
  await add.getByLabel('Name').fill('Quay');
  await add.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('Quay was added.')).toBeVisible();
  await menu('Quay', 'Rename…');
  await dialog(page, 'Rename Quay').getByLabel('Name').fill('New Quay');
  await dialog(page, 'Rename Quay').getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByText('Quay is called New Quay now.')).toBeVisible();
  await menu('North Office', 'Move…');
  const move = dialog(page, 'Move North Office');
  // What lies below it is not offered; what was moved below it meanwhile is refused.
  expect((await move.getByLabel('Lies below').locator('option').allTextContents()).map((one) => one.trim())).toEqual(['System Office', 'South Office', 'Harbour', 'New Quay']);
  await move.getByLabel('Lies below').selectOption({ label: '\u2003\u2003New Quay' });
  const quay = book().offices.find((one) => one.name === 'New Quay');
  if (quay) quay.parent = 3;
  await move.getByRole('button', { name: 'Move' }).click();
  await expect(move.getByText('An office cannot lie below itself')).toBeVisible();
  await expectAccessible(page);
  if (quay) quay.parent = 5;
  await move.getByRole('button', { name: 'Move' }).click();
  await expect(page.getByText('North Office was moved with everything below it.')).toBeVisible();
  await menu('Lakeside', 'Remove…');
  await dialog(page, 'Remove Lakeside?').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'The office is not empty' })).toBeVisible();
  await menu('Hillside', 'Remove…');
  await dialog(page, 'Remove Hillside?').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('Hillside was removed.')).toBeVisible();
});

test('a key is shown once, asks before it is lost, and is revoked after asking', async ({ page }) => {
  await open(page, '/people/keys');
  await page.getByRole('link', { name: 'Make a key' }).click();
  const form = dialog(page, 'Make an API key');
  await form.getByRole('button', { name: 'Make the key' }).click();
  await expect(form.getByText('Say what the key is for')).toBeVisible();
  await form.getByLabel('What is it for?').fill('Web shop');
  await form.getByRole('radio', { name: /An office’s/ }).check();
  await form.getByRole('checkbox', { name: 'Send' }).uncheck();
  await form.getByRole('button', { name: 'Make the key' }).click();
  await expect(form.getByText('Tick at least one thing')).toBeVisible();
  await form.getByRole('checkbox', { name: 'Read' }).check();
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Make the key' }).click();
  const made = dialog(page, 'Keep this key now');
  await expect(made.locator('code')).toContainText('pk_a1b2');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await dialog(page, 'Have you kept the key?').getByRole('button', { name: 'Show it again' }).click();
  await expect(made.locator('code')).toContainText('pk_a1b2');
  await made.getByRole('button', { name: 'Copy the key' }).click();
  await made.getByRole('button', { name: 'I have kept it' }).click();
  await expect(made).toHaveCount(0);
  await expect(page).toHaveURL(/\/people\/keys$/);
  await expect(row(page, 'Web shop')).toContainText('Read');
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('pk_a1b2c3');
  await page.getByRole('button', { name: 'Revoke… Web shop' }).click();
  await dialog(page, /Revoke “Web shop”/).getByRole('button', { name: 'Revoke' }).click();
  await expect(row(page, 'Web shop')).toHaveCount(0);
});

test('somebody without rights sees colleagues, their own proxies and their own keys', async ({ page }) => {
  await open(page, '/people', 'front');
  await expect(page.getByRole('tab')).toHaveText([/Colleagues/, /Proxies/, /API keys/]);
  await expect(page.getByRole('link', { name: 'Add a person' })).toHaveCount(0);
  await expect(page.getByText('Branch Manager')).toHaveCount(0);
  await expect(page.getByRole('columnheader')).toHaveText(['Person', 'E-mail']);
  await page.getByRole('link', { name: 'Billing', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Disable…' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Let Billing see your mail' }).click();
  const form = dialog(page, 'Add a proxy');
  await expect(form.getByLabel('Whose mail')).toBeDisabled();
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.locator('p.words', { hasText: 'Billing may see your mail' })).toBeVisible();
  // Back where one came from.
  await page.getByRole('tab', { name: /Proxies/ }).click();
  await page.getByRole('button', { name: /^Give up: You may see Case Clerk/ }).click();
  await dialog(page, 'Give this proxy up?').getByRole('button', { name: 'Give it up' }).click();
  await expect(page.getByText('You see nobody’s mail by a proxy.')).toBeVisible();
  await page.getByRole('tab', { name: /API keys/ }).click();
  await page.getByRole('link', { name: 'Make a key' }).click();
  await expect(dialog(page, 'Make an API key').getByRole('radio')).toHaveCount(0);
});

test('an office’s administrator changes their office, and Enterprise View is not theirs to give', async ({ page }) => {
  await open(page, '/people/rights', 'branch');
  await expect(page.getByRole('checkbox', { name: 'Enterprise View for Lakeside Desk' })).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('checkbox', { name: 'Enterprise View for Lakeside Desk' }).press('Space');
  await expect(page.getByRole('checkbox', { name: 'Enterprise View for Lakeside Desk' })).not.toBeChecked();
  await page.getByRole('checkbox', { name: 'Super User for Lakeside Desk' }).click();
  await expect(page.getByText('Lakeside Desk now has Super User.')).toBeVisible();
  await page.getByRole('tab', { name: 'Offices' }).click();
  await expect(page.getByRole('button', { name: 'Add an office' })).toHaveCount(0);
  await page.getByRole('button', { name: 'What to do with Lakeside' }).click();
  await expect(page.getByRole('menuitem', { name: 'Move…' })).toHaveCount(0);
  await expect(page.getByRole('menuitem', { name: 'Rename…' })).toBeVisible();
});

test('tabs and dialogs have addresses, keep the focus, and Back goes through them', async ({ page }) => {
  await open(page);
  await page.getByRole('tab', { name: /People/ }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(/\/people\/rights$/);
  await expect(page.getByRole('tab', { name: 'Rights' })).toBeFocused();
  await page.getByRole('tab', { name: /API keys/ }).click();
  const link = page.getByRole('link', { name: 'Make a key' });
  await link.click();
  await expect(dialog(page, 'Make an API key')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/\/people\/keys$/);
  await expect(link).toBeFocused();
  await page.goBack();
  await expect(page).toHaveURL(/\/people\/rights$/);
  await page.goto(`${server.url}/people/users/3`);
  await page.getByRole('link', { name: 'Let somebody see Billing’s mail' }).click();
  await dialog(page, 'Add a proxy').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('heading', { name: 'Billing' })).toBeVisible();
});

test('a server that is away says so in place of the list, and comes back on demand', async ({ page }) => {
  await open(page);
  await page.route('**/api/v1/keys', (route) => route.abort());
  await page.reload();
  await expect(page.getByRole('alert').filter({ hasText: 'People could not be loaded' })).toBeVisible();
  await expectAccessible(page);
  await page.unroute('**/api/v1/keys');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(row(page, 'Front Desk')).toBeVisible();
});
