/** One message: failed, sent, and one that is not there. */
import type { Page } from '@playwright/test';
import type { Started } from '../start';
import { button, dialog, opens, type Place } from './state';

function first(server: Started, type: string): string {
  return `/queue/${server.mock.box.page({ type, source: 'all', q: '' }, 0, Infinity, 1).rows[0]?.id}`;
}

const history = (page: Page) => page.getByRole('heading', { name: 'History' });
const change = (page: Page) => button(page, /^Change address/).first();
const resend = (page: Page) => page.getByRole('button', { name: 'Resend', exact: true });
const more = (page: Page) => page.getByRole('button', { name: 'More', exact: true });

export const message: Place[] = [
  {
    page: 'message',
    name: 'a failed message',
    path: (server) => first(server, 'failed'),
    ready: history,
    states: [
      {
        name: 'with all that is known of it, as source',
        reach: async (page) => {
          await page.getByText('What this rests on').click();
          await button(page, /earlier attempts$/).click();
          await page.getByRole('tab', { name: 'Source' }).click();
        },
      },
      {
        name: 'another address that is wrong',
        reach: async (page) => {
          await opens(change(page), dialog(page));
          await dialog(page).getByLabel('Address').fill('nobody');
          await page.keyboard.press('Enter');
          await dialog(page).getByRole('alert').waitFor();
        },
        opener: change,
        shows: ['message/Readdress'],
      },
      { name: 'the menu of what else can be done', layout: 'narrow', reach: (page) => opens(more(page), page.getByRole('menu')), opener: more, shows: ['message/MessagePage'] },
      {
        name: 'that is not there',
        reach: async (page, { url }) => {
          await page.goto(`${url}/queue/01k2zzzzzzzzz`);
          await page.getByRole('heading', { name: 'There is no such message' }).waitFor();
        },
      },
    ],
  },
  {
    page: 'message',
    name: 'a sent message',
    path: (server) => first(server, 'sent'),
    ready: history,
    // On a phone the button is in the menu.
    states: [{ name: 'the question before resending', layout: 'wide', reach: (page) => opens(resend(page), dialog(page)), opener: resend }],
  },
];
