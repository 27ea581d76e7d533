/** The list, its menus and questions, and what stands around every page. */
import type { Locator, Page } from '@playwright/test';
import { button, dialog, opens, type Place, type State } from './state';

const menu = (page: Page): Locator => page.getByRole('button', { name: 'Menu' });
const account = (page: Page): Locator => button(page, /^Account of/);
const boxes = (page: Page): Locator => page.locator('[role=row][data-id] .box');
const rows = (page: Page): Locator => page.locator('[role=row][data-id]').first();

async function choose(page: Page, item: string | RegExp): Promise<void> {
  await opens(menu(page), page.getByRole('menu'));
  await page.getByRole('menuitem', { name: item }).click();
}

const tagging: State[] = [
  {
    name: 'with tags, and a relay that is down',
    reach: async (page, { url }) => {
      await page.getByText('Live', { exact: true }).waitFor();
      await page.request.get(`${url}/mock/relay?state=down`);
      await page.getByText('Relay down').waitFor();
      await boxes(page).nth(2).click();
      await boxes(page).nth(6).click({ modifiers: ['Shift'] });
      await button(page, '5 tagged').waitFor();
    },
  },
  { name: 'the menu', reach: (page) => opens(menu(page), page.getByRole('menu')), opener: menu, shows: ['queue/Toolbar'] },
  {
    name: 'the question before resending',
    reach: async (page) => {
      await choose(page, /^Resend [1-9]/);
      await dialog(page).waitFor();
    },
    opener: menu,
    shows: ['lib/ui/Asking'],
  },
  {
    name: 'Undo of what is deleted',
    reach: async (page) => {
      await choose(page, /^Delete/);
      // While it has the focus it stays.
      await button(page, /^Undo/).focus();
    },
  },
  {
    name: 'the question before a job over all that match',
    reach: async (page) => {
      await button(page, /^Undo/).click();
      await boxes(page).nth(4).click();
      await button(page, /^Tag all/).click();
      await choose(page, /^Requeue [1-9]/);
      await dialog(page).waitFor();
    },
    opener: menu,
  },
  {
    name: 'a job under way',
    reach: async (page, { mock }) => {
      mock.deeds.stepMs = 60_000;
      await choose(page, /^Requeue [1-9]/);
      await dialog(page).getByRole('button', { name: /^Requeue/ }).click();
      await page.getByRole('progressbar').waitFor();
    },
  },
];

const around: State[] = [
  { name: 'the account’s menu', reach: (page) => opens(account(page), page.getByRole('menu')), opener: account, shows: ['shell/Shell'] },
  {
    name: 'the help with the keys',
    reach: async (page) => {
      await opens(account(page), page.getByRole('menu'));
      await opens(page.getByRole('menuitem', { name: 'Keyboard shortcuts' }), dialog(page));
    },
    opener: account,
    shows: ['shell/KeysDialog'],
  },
  {
    name: 'the navigation’s drawer',
    layout: 'narrow',
    reach: (page) => opens(button(page, 'Navigation'), dialog(page, 'Navigation')),
    opener: (page) => button(page, 'Navigation'),
    shows: ['shell/Shell'],
  },
];

const list: State[] = [
  {
    name: 'the columns',
    reach: async (page) => {
      await choose(page, 'Customize columns…');
      await dialog(page).waitFor();
    },
    opener: menu,
    shows: ['queue/CustomizeColumns'],
  },
  {
    name: 'suggestions of a filter',
    reach: async (page) => {
      await page.getByRole('combobox', { name: 'Sender' }).focus();
      await page.getByRole('listbox').getByRole('option').nth(1).waitFor();
      await page.keyboard.press('ArrowDown');
    },
    opener: (page) => page.getByRole('combobox', { name: 'Sender' }),
  },
  {
    name: 'new mail, and no connection',
    reach: async (page, { url }) => {
      await page.getByRole('grid').evaluate((grid) => (grid.scrollTop = 3_000));
      await page.request.get(`${url}/mock/arrive?n=12`);
      await button(page, /^12 new/).waitFor();
      await page.request.get(`${url}/mock/down`);
      await page.getByText('Offline').waitFor();
    },
  },
  {
    name: 'nothing that matches',
    reach: async (page, { url }) => {
      await page.request.get(`${url}/mock/up`);
      await page.goto(`${url}/queue?q=zzz`);
      await page.getByText('Nothing matches').waitFor();
    },
  },
  {
    name: 'in pages with numbers',
    reach: async (page, { url }) => {
      await page.goto(`${url}/preferences`);
      await page.getByLabel('Long lists').selectOption('pages');
      await page.goto(`${url}/queue?type=sent`);
      await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    },
  },
];

export const queue: Place[] = [
  { page: 'queue', name: 'the queue', path: '/queue', ready: rows, states: [...tagging, ...around] },
  { page: 'queue', name: 'the Outbox with filters', path: '/queue?type=outbox&mine=true', ready: rows, states: list },
];
