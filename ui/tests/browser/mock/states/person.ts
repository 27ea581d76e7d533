/** One's own preferences, and what has no page. */
import { away, button, dialog, opens, type Place } from './state';

export const person: Place[] = [
  {
    page: 'preferences',
    name: 'the preferences',
    path: '/preferences',
    ready: (page) => page.getByRole('switch', { name: 'You have undeliverable e-mail' }),
    states: [
      {
        name: 'with a switch on, and a password that is wrong',
        reach: async (page) => {
          await page.getByRole('switch', { name: 'You have undeliverable e-mail' }).check();
          await page.getByLabel('New password').fill('caseclerk');
          await button(page, 'Change the password').click();
          await page.getByText('Enter the password that you sign in with now.').waitFor();
        },
      },
      { name: 'the question before leaving', reach: (page) => opens(away(page), dialog(page)), opener: away },
    ],
  },
  { page: 'none', name: 'an address that is no page', path: '/moon', ready: (page) => page.getByRole('heading', { name: 'There is no such page' }) },
  { page: 'none', name: 'a page that is for others', path: '/audit', login: 'front', ready: (page) => page.getByRole('heading', { name: 'This page is for administrators' }) },
];
