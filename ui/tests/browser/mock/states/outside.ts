/** What people see who have not signed in, or cannot yet. */
import type { Locator, Page } from '@playwright/test';
import { SETUP_SECRET, settingsState } from '../../../mock/settings';
import { button, type Place } from './state';

const heading = (page: Page): Locator => page.getByRole('heading', { level: 1 });
const step = (page: Page, name: string): Locator => page.getByRole('heading', { level: 2, name });

const setup: Place = {
  page: 'setup',
  name: 'the setup',
  path: '/setup',
  login: null,
  prepare: ({ mock }) => {
    const state = settingsState(mock);
    state.empty = true;
    state.settings.clear();
  },
  ready: (page) => page.getByLabel('Secret'),
  states: [
    {
      name: 'what is missing for an administrator',
      reach: async (page) => {
        await page.getByLabel('Password', { exact: true }).fill('caseclerk');
        await button(page, /^Make the administrator/).click();
        await page.getByText('Paste the secret').waitFor();
      },
    },
    {
      name: 'the office',
      reach: async (page) => {
        await page.getByLabel('Secret').fill(SETUP_SECRET);
        await page.getByLabel('Your name').fill('Case Clerk');
        await page.getByLabel('Sign-in name').fill('case');
        await page.getByLabel('E-mail address').fill('case@office.example.com');
        await page.getByLabel('Password', { exact: true }).fill('correct horse');
        await button(page, /^Make the administrator/).click();
        await step(page, 'Your office').waitFor();
      },
    },
    {
      name: 'an SMTP server whose test failed',
      reach: async (page) => {
        await button(page, 'Save and go on').click();
        await page.getByLabel('Host').fill('no-such.example.com');
        await page.getByLabel('User name').fill('a');
        await page.getByLabel('Password', { exact: true }).fill('b');
        await button(page, 'Test connection').click();
        await page.getByText('It does not work yet.').waitFor();
      },
    },
    {
      name: 'limits that are no numbers',
      reach: async (page) => {
        await button(page, 'Skip for now').click();
        await page.getByLabel('E-mails a person a day').fill('many');
        await button(page, 'Save and finish').click();
        await page.getByText('A number; 0 for no limit.').waitFor();
      },
    },
    {
      name: 'the end, without an SMTP server',
      reach: async (page) => {
        await button(page, 'Skip for now').click();
        await step(page, 'Postroom is set up, without a way out yet').waitFor();
      },
    },
    {
      name: 'for those who have nothing to set up',
      reach: async (page, { url }) => {
        await page.context().addCookies([{ name: 'mock', value: 'front', url }]);
        await page.goto(`${url}/setup`);
        await page.getByRole('heading', { name: 'Postroom is set up' }).waitFor();
      },
    },
  ],
};

export const outside: Place[] = [
  {
    page: 'sign_in',
    name: 'signing in',
    path: '/',
    login: null,
    ready: (page) => page.getByLabel('Password'),
    states: [
      {
        name: 'with what is missing',
        reach: async (page) => {
          await button(page, 'Sign in').click();
          await page.locator('#password-error').waitFor();
        },
      },
      {
        name: 'without a server',
        reach: async (page, { url }) => {
          await page.request.get(`${url}/mock/down`);
          await page.reload();
          await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor();
        },
      },
    ],
  },
  {
    page: 'forgotten',
    name: 'a forgotten password',
    path: '/forgotten',
    login: null,
    ready: heading,
    states: [
      {
        name: 'with what is missing',
        reach: async (page) => {
          await button(page, 'Send me the link').click();
          await page.getByRole('alert').waitFor();
        },
      },
      {
        name: 'once it was asked for',
        reach: async (page) => {
          await page.getByLabel('Sign-in name or e-mail address').fill('front');
          await page.keyboard.press('Enter');
          await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor();
        },
      },
    ],
  },
  {
    page: 'reset',
    name: 'a new password by a link',
    path: '/password?token=fresh',
    login: null,
    ready: heading,
    states: [
      {
        name: 'one that is too short',
        reach: async (page) => {
          await page.getByLabel('New password').fill('short');
          await button(page, 'Set the password').click();
          await page.getByRole('alert').waitFor();
        },
      },
      {
        name: 'done',
        reach: async (page) => {
          await page.getByLabel('New password').fill('battery staple');
          await button(page, 'Set the password').click();
          await page.getByRole('heading', { name: 'Your password is set' }).waitFor();
        },
      },
      {
        name: 'by a link that is over',
        reach: async (page, { url }) => {
          await page.goto(`${url}/password?token=over`);
          await page.getByLabel('New password').fill('battery staple');
          await button(page, 'Set the password').click();
          await page.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
        },
      },
      {
        name: 'by a link that is cut off',
        reach: async (page, { url }) => {
          await page.goto(`${url}/password`);
          await page.getByText('The address is not complete').waitFor();
        },
      },
    ],
  },
  setup,
];
