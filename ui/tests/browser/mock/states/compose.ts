/** A letter that is written, with what it suggests, asks and refuses. */
import type { Locator, Page } from '@playwright/test';
import { away, button, dialog, opens, type Place } from './state';

const to = (page: Page): Locator => page.getByRole('combobox', { name: 'To' });
const letter = (page: Page): Locator => page.getByRole('textbox', { name: 'Message' });
const later = (page: Page): Locator => page.getByRole('button', { name: 'Send later', exact: true });
const send = (page: Page): Locator => page.getByRole('button', { name: 'Send', exact: true });

export const compose: Place[] = [
  {
    page: 'compose',
    name: 'a letter',
    path: '/compose',
    prepare: ({ mock }) => void mock.desk.add({ subject: 'Older, and with a subject that is longer than its place', to: ['b@client.example'] }),
    ready: letter,
    states: [
      {
        name: 'addresses that are suggested',
        reach: async (page) => {
          await to(page).fill('ac');
          await page.getByRole('option').first().waitFor();
        },
        opener: to,
      },
      {
        name: 'with what cannot be sent like this',
        reach: async (page) => {
          await to(page).fill('somebody.with.a.long.name@a-long-domain-name.example');
          await page.keyboard.press('Enter');
          await to(page).fill('broken@');
          await page.keyboard.press('Enter');
          await page.getByRole('button', { name: 'Bcc', exact: true }).click();
          await page.locator('input[type=file]').setInputFiles({ name: 'a file with a long name that has to be cut.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
          await send(page).click();
          await page.getByText(/cannot be sent to/).waitFor();
        },
      },
      {
        name: 'the question about a missing subject',
        reach: async (page) => {
          await button(page, 'Remove broken@').click();
          await letter(page).click();
          await page.keyboard.type('Words ');
          await opens(send(page), dialog(page, 'Send without a subject?'));
        },
        opener: send,
      },
      {
        name: 'a link',
        reach: async (page) => {
          await letter(page).focus();
          await page.keyboard.press('Control+k');
          await dialog(page).waitFor();
        },
        opener: letter,
        shows: ['compose/LinkDialog'],
      },
      { name: 'sending later', reach: (page) => opens(later(page), dialog(page)), opener: later, shows: ['compose/SendLater'] },
      {
        name: 'the question before formatting is lost',
        reach: async (page) => {
          await letter(page).focus();
          await button(page, 'Bulleted list').click();
          await opens(button(page, 'Plain text'), dialog(page));
        },
        opener: (page) => button(page, 'Plain text'),
      },
      {
        name: 'the same draft in another window',
        reach: async (page, { mock }) => {
          await page.getByText(/^Draft saved/).waitFor();
          const draft = [...mock.desk.drafts.values()].at(-1);
          Object.assign(draft ?? {}, { version: 7, body: { ...draft?.body, subject: 'Theirs' } });
          await page.getByRole('textbox', { name: 'Subject' }).fill('Mine, longer');
          await dialog(page).waitFor();
        },
        opener: (page) => page.getByRole('textbox', { name: 'Subject' }),
        shows: ['compose/Conflict'],
      },
      {
        name: 'the question before it is left unsaved',
        reach: async (page, { url }) => {
          await button(page, 'Choose').click();
          await dialog(page).getByRole('button', { name: 'Keep what is here' }).click();
          await page.getByText(/^Draft saved/).waitFor();
          await page.request.get(`${url}/mock/down`);
          await page.getByRole('textbox', { name: 'Subject' }).fill('Mine, and longer still');
          await opens(away(page), dialog(page));
        },
        opener: away,
      },
      {
        name: 'as plain text, over the limit, for tomorrow',
        reach: async (page, { url, mock }) => {
          await page.request.get(`${url}/mock/up`);
          mock.desk.used = 2_000;
          await page.goto(`${url}/compose?draft=1`);
          await letter(page).waitFor();
          await page.getByText(/^You have sent all/).waitFor();
          await opens(later(page), dialog(page));
          await button(page, /^Tomorrow morning/).click();
        },
      },
    ],
  },
];
