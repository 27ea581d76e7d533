/** People: everybody, one of them, rights, proxies, offices and keys. */
import type { Locator, Page } from '@playwright/test';
import { away, button, dialog, link, opens, type Place, type State } from './state';

const named = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });
const row = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name });
const more = (office: string) => (page: Page): Locator => button(page, `What to do with ${office}`);

/** A dialog behind an item of an office's menu. */
function officeDialog(name: string, office: string, item: string, shows: string[] = []): State {
  return {
    name,
    reach: async (page) => {
      await more(office)(page).click();
      await page.getByRole('menuitem', { name: item, exact: true }).click();
      await dialog(page).waitFor();
    },
    opener: more(office),
    shows,
  };
}

const everybody: Place = {
  page: 'people',
  name: 'everybody',
  path: '/people',
  ready: (page) => row(page, 'Front Desk'),
  states: [
    {
      name: 'somebody new, with what is missing',
      reach: async (page) => {
        await opens(link(page, 'Add a person'), dialog(page));
        await dialog(page).getByText('Rights', { exact: false }).first().click();
        await named(page, 'Add and invite').click();
        await dialog(page).getByText('Say who it is.').waitFor();
      },
      opener: (page) => link(page, 'Add a person'),
      shows: ['people/AddPerson'],
    },
    {
      name: 'nobody that matches',
      reach: async (page) => {
        await page.getByRole('searchbox').fill('zzz');
        await named(page, 'Show everybody').waitFor();
      },
    },
  ],
};

const person: Place = {
  page: 'people',
  name: 'a person',
  path: '/people/users/5',
  ready: (page) => page.getByRole('heading', { name: 'Fleet Desk' }),
  states: [
    { name: 'the question before disabling', reach: (page) => opens(named(page, 'Disable…'), dialog(page)), opener: (page) => named(page, 'Disable…') },
    {
      name: 'the branches that they look at',
      reach: (page) => opens(named(page, 'Choose branches…'), dialog(page)),
      opener: (page) => named(page, 'Choose branches…'),
      shows: ['people/BranchesDialog'],
    },
    {
      name: 'saved by somebody else meanwhile',
      reach: async (page, { mock }) => {
        await page.getByLabel('Name', { exact: true }).fill('Fleet North');
        Object.assign(mock.people.users[5] ?? {}, { name: 'Fleet South', version: 2 });
        await named(page, 'Save').click();
        await page.getByText('Somebody else changed').waitFor();
      },
    },
    { name: 'the question before leaving', reach: (page) => opens(away(page), dialog(page)), opener: away },
  ],
};

const rights: Place = {
  page: 'people',
  name: 'the rights',
  path: '/people/rights',
  ready: (page) => row(page, 'Front Desk'),
  states: [
    { name: 'the branches of one', reach: (page) => opens(button(page, /of Fleet Desk: choose branches/), dialog(page)), opener: (page) => button(page, /of Fleet Desk: choose branches/) },
    {
      name: 'the question before one’s own right is given up',
      reach: (page) => opens(page.getByRole('checkbox', { name: 'Administrator for Case Clerk' }), dialog(page)),
      opener: (page) => page.getByRole('checkbox', { name: 'Administrator for Case Clerk' }),
    },
    {
      name: 'the question before a right ends API keys',
      reach: (page) => opens(page.getByRole('checkbox', { name: 'Super User for Billing' }), dialog(page)),
      opener: (page) => page.getByRole('checkbox', { name: 'Super User for Billing' }),
    },
    {
      name: 'a refusal beside its box',
      reach: async (page) => {
        await opens(page.getByRole('checkbox', { name: 'Administrator for Case Clerk' }), dialog(page));
        await named(page, 'Give it up').click();
        await row(page, 'Case Clerk').getByRole('alert').waitFor();
      },
    },
  ],
};

const proxies: Place = {
  page: 'people',
  name: 'the proxies',
  path: '/people/proxies',
  ready: (page) => page.locator('p.words').first(),
  states: [
    {
      name: 'a new one, with what is missing',
      reach: async (page) => {
        await opens(link(page, 'Add a proxy'), dialog(page));
        await named(page, 'Add').click();
        await dialog(page).getByRole('alert').waitFor();
      },
      opener: (page) => link(page, 'Add a proxy'),
      shows: ['people/ProxyDialog'],
    },
    { name: 'one that is changed', reach: (page) => opens(link(page, /^Change: Front Desk/), dialog(page)), opener: (page) => link(page, /^Change: Front Desk/) },
    { name: 'the question before one ends', reach: (page) => opens(button(page, /^End: Front Desk/), dialog(page)), opener: (page) => button(page, /^End: Front Desk/) },
  ],
};

const offices: Place = {
  page: 'people',
  name: 'the offices',
  path: '/people/offices',
  ready: (page) => page.getByText('Lakeside', { exact: true }),
  states: [
    { name: 'what to do with one', reach: (page) => opens(more('North Office')(page), page.getByRole('menu')), opener: more('North Office'), shows: ['people/OfficesTab'] },
    {
      name: 'a new one',
      reach: (page) => opens(named(page, 'Add an office'), dialog(page)),
      opener: (page) => named(page, 'Add an office'),
      shows: ['people/OfficeDialog'],
    },
    officeDialog('a new one below another', 'South Office', 'Add an office below…'),
    officeDialog('another name', 'North Office', 'Rename…'),
    officeDialog('another place', 'North Office', 'Move…'),
    officeDialog('the question before one is removed', 'Lakeside', 'Remove…'),
    {
      name: 'one that is not empty',
      reach: async (page) => {
        await more('Lakeside')(page).click();
        await page.getByRole('menuitem', { name: 'Remove…' }).click();
        await dialog(page).getByRole('button', { name: 'Remove' }).click();
        await page.getByRole('alert').filter({ hasText: 'not empty' }).waitFor();
      },
    },
  ],
};

const keys: Place = {
  page: 'people',
  name: 'the keys',
  path: '/people/keys',
  ready: (page) => row(page, 'CRM'),
  states: [
    { name: 'the question before one is revoked', reach: (page) => opens(button(page, 'Revoke… CRM'), dialog(page)), opener: (page) => button(page, 'Revoke… CRM') },
    {
      name: 'a new one of an office, with what is missing',
      reach: async (page) => {
        await opens(link(page, 'Make a key'), dialog(page));
        await page.getByRole('radio', { name: /An office’s/ }).check();
        await page.getByRole('checkbox', { name: 'Send' }).uncheck();
        await named(page, 'Make the key').click();
        await dialog(page).getByRole('alert').first().waitFor();
      },
      opener: (page) => link(page, 'Make a key'),
      shows: ['people/KeyDialog'],
    },
    {
      name: 'a new key, shown once',
      reach: async (page) => {
        await opens(link(page, 'Make a key'), dialog(page));
        await page.getByLabel('What is it for?').fill('Web shop');
        await page.getByRole('radio', { name: /^Yours/ }).check();
        await named(page, 'Make the key').click();
        await dialog(page, 'Keep this key now').waitFor();
      },
    },
    {
      name: 'the question whether it was kept',
      reach: async (page) => {
        await page.keyboard.press('Escape');
        await dialog(page, 'Have you kept the key?').waitFor();
      },
    },
    {
      name: 'the key once more',
      reach: async (page) => {
        await named(page, 'Show it again').click();
        await dialog(page, 'Keep this key now').waitFor();
      },
    },
  ],
};

export const people: Place[] = [everybody, person, rights, proxies, offices, keys];
