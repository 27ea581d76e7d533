/** People: what ends API keys, and what is not somebody's to give. */
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

test('what ends API keys is asked about with their number, also where Undo gives a right again', async ({ page }) => {
  const key = (id: number, user: number) => ({ id, prefix: 'pk_0f0f', label: `Key ${id}`, office: 1, user, scopes: [], created_at: '2026-10-20T07:30:00Z' });
  book().keys.push(key(20, 2), key(21, 2), { ...key(22, 2), ends_at: '2026-01-31T23:00:00Z' }, key(23, 5));
  const keysOf = (user: number): number => book().keys.filter((one) => one.user === user).length;
  await open(page, '/people/rights');
  const box = (name: string): ReturnType<Page['getByRole']> => page.getByRole('checkbox', { name });
  await box('Super User for Claims Team').click();
  await expect(page.getByText('Claims Team no longer has Super User.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  const again = dialog(page, 'Grant Super User to Claims Team?');
  // One that has expired is none of those that stop.
  await expect(again).toContainText('Their 2 API keys end for good; software that uses them stops.');
  await again.getByRole('button', { name: 'Cancel' }).click();
  await expect(box('Super User for Claims Team')).not.toBeChecked();
  expect([book().users[2]?.rights, keysOf(2)]).toEqual([[], 3]);
  await box('Super User for Billing').click();
  const grant = dialog(page, 'Grant Super User to Billing?');
  await expect(grant).toContainText('Their API key ends for good; software that uses it stops.');
  await expectAccessible(page);
  await grant.getByRole('button', { name: 'Cancel' }).click();
  await expect(box('Super User for Billing')).not.toBeChecked();
  expect([book().users[3]?.rights, keysOf(3)]).toEqual([['customize_list_layout'], 1]);
  await box('Super User for Billing').click();
  await grant.getByRole('button', { name: 'Grant' }).click();
  await expect(page.getByText('Billing now has Super User.')).toBeVisible();
  expect(keysOf(3)).toBe(0);
  // Without keys there is nothing to ask.
  await box('Administrator for Billing').click();
  await expect(page.getByText('Billing now has Administrator.')).toBeVisible();
  await page.getByRole('button', { name: /of Fleet Desk: choose branches/ }).click();
  const branches = dialog(page, 'What Fleet Desk looks at');
  await branches.getByRole('radio', { name: /All offices below/ }).check();
  await branches.getByRole('button', { name: 'Save' }).click();
  const more = dialog(page, 'Let Fleet Desk look at more offices?');
  await more.getByRole('button', { name: 'Cancel' }).click();
  await expect(more).toHaveCount(0);
  expect([book().users[5]?.branches, keysOf(5)]).toEqual([[2, 7], 1]);
  await branches.getByRole('button', { name: 'Save' }).click();
  await more.getByRole('button', { name: 'Save' }).click();
  await expect(branches).toHaveCount(0);
  expect([book().users[5]?.branches, keysOf(5)]).toEqual([null, 0]);
});

test('a key gets an end, and one that is over is marked', async ({ page }) => {
  Object.assign(book().keys[1] ?? {}, { ends_at: '2026-01-31T23:00:00Z' });
  await open(page, '/people/keys');
  await expect(row(page, 'CRM')).toContainText('Expired');
  await expect(row(page, 'CRM')).toContainText('No use recorded');
  await page.getByRole('link', { name: 'Make a key' }).click();
  const form = dialog(page, 'Make an API key');
  const make = form.getByRole('button', { name: 'Make the key' });
  await form.getByLabel('What is it for?').fill('Mail merge at night');
  await form.getByLabel('Expires').selectOption({ label: 'On a date' });
  await make.click();
  await expect(form.getByText('Choose the last day that the key works.')).toBeVisible();
  await form.getByLabel('Last day').fill('2020-01-01');
  await make.click();
  await expect(form.getByText('This day is over. Choose today or a later day.')).toBeVisible();
  await expectAccessible(page);
  await form.getByLabel('Last day').fill('2099-03-31');
  await make.click();
  await dialog(page, 'Keep this key now').getByRole('button', { name: 'I have kept it' }).click();
  // The last day is inside, in the person's own zone, Berlin.
  expect(book().keys.at(-1)).toMatchObject({ label: 'Mail merge at night', ends_at: '2099-03-31T22:00:00.000Z' });
  await expect(row(page, 'Mail merge at night')).toContainText('expires');
  await page.getByRole('link', { name: 'Make a key' }).click();
  await form.getByLabel('What is it for?').fill('For good');
  await make.click();
  await dialog(page, 'Keep this key now').getByRole('button', { name: 'I have kept it' }).click();
  expect(book().keys.at(-1)?.ends_at).toBeNull();
});

test('an administrator who does not see the office’s mail is offered nothing that shows it', async ({ page }) => {
  await open(page, '/people/users/6', 'shore');
  const address = page.getByLabel('E-mail address');
  const send = page.getByRole('button', { name: 'Send a password link' });
  // A Super User: the address is not theirs to change, all else is.
  await expect(page.getByText('They have rights or proxies that you cannot grant')).toBeVisible();
  await expect(address).not.toBeEditable();
  await expect(send).toHaveCount(0);
  await expect(page.getByRole('checkbox', { name: 'Super User' })).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Disable…' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Let Branch Manager see your mail' })).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('Name', { exact: true }).fill('Branch Office');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Branch Office was saved.')).toBeVisible();
  // An assistant of theirs, whose proxy shows as much.
  await page.getByRole('link', { name: 'All people' }).click();
  await page.getByRole('link', { name: 'Lakeside Desk' }).click();
  await expect(page.getByRole('heading', { name: 'Lakeside Desk' })).toBeVisible();
  await expect(address).not.toBeEditable();
  await expect(send).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Let somebody see Lakeside Desk’s mail' })).toHaveCount(0);
  // Themself.
  await page.getByRole('link', { name: 'All people' }).click();
  await page.getByRole('link', { name: 'Shore Claims' }).click();
  await expect(page.getByRole('heading', { name: 'Shore Claims' })).toBeVisible();
  await expect(address).toBeEditable();
  await send.click();
  await expect(page.getByText('A link to set a password is on its way')).toBeVisible();
  // A proxy for somebody else's mail is ended, not widened or given.
  await page.getByRole('tab', { name: /Proxies/ }).click();
  await expect(page.getByRole('button', { name: /^End: Lakeside Desk/ })).toBeVisible();
  await expect(page.getByRole('link', { name: /^Change: / })).toHaveCount(0);
  await page.getByRole('link', { name: 'Add a proxy' }).click();
  const proxy = dialog(page, 'Add a proxy');
  await expect(proxy.getByLabel('Whose mail')).toBeDisabled();
  await expect(proxy.getByText('Only administrators who are Super Users')).toBeVisible();
  await proxy.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('tab', { name: /API keys/ }).click();
  await page.getByRole('link', { name: 'Make a key' }).click();
  const key = dialog(page, 'Make an API key');
  await key.getByRole('radio', { name: /An office’s/ }).check();
  for (const [scope, offered] of [['Send', true], ['Read', false], ['Manage', false], ['Post notifications', true]] as const) {
    await expect(key.getByRole('checkbox', { name: scope })).toBeEnabled({ enabled: offered });
  }
  await expectAccessible(page);
});
