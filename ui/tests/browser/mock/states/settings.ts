/** Office Settings: of the System Office, of an office with its own servers, and of a configuration file. */
import type { Locator, Page } from '@playwright/test';
import { settingsState } from '../../../mock/settings';
import type { Started } from '../start';
import { away, button, dialog, opens, type Place } from './state';

const save = (page: Page): Locator => page.getByRole('button', { name: 'Save', exact: true });
const pause = (page: Page): Locator => button(page, 'Pause sending …');
const change = (page: Page): Locator => button(page, 'Change …');
const ready = (page: Page): Locator => page.getByRole('list', { name: 'Columns, from left to right' });

function changeBehind({ mock }: Started): void {
  const state = settingsState(mock);
  const now = state.settings.get(1);
  if (now) state.settings.set(1, { ...now, version: now.version + 1, retention_days: 100, time_zone: 'Europe/Paris' });
}

export const settings: Place[] = [
  {
    page: 'settings',
    name: 'Office Settings',
    path: '/office/settings',
    ready,
    states: [
      {
        name: 'a test that failed',
        reach: async (page) => {
          await page.getByText('Sender domains, rates and certificate').click();
          await button(page, 'Replace Password').click();
          await page.getByLabel('Password').fill('wrong');
          await button(page, 'Test connection').click();
          await page.getByText('It does not work yet.').waitFor();
        },
      },
      {
        name: 'a certificate to compare',
        reach: async (page) => {
          await page.getByLabel('Host').fill('self-signed.example.com');
          await button(page, 'Test again').click();
          await button(page, 'Trust this certificate').waitFor();
        },
      },
      {
        name: 'a second server, and fields that are wrong',
        reach: async (page) => {
          await button(page, 'Add a second server').click();
          await page.getByText('211 messages failed for other reasons').click();
          await save(page).click();
          await page.getByText('Enter the name of the SMTP server, such as smtp.example.com.').waitFor();
        },
      },
      { name: 'the question before leaving', reach: (page) => opens(away(page), dialog(page)), opener: away },
      { name: 'a pause', reach: (page) => opens(pause(page), dialog(page)), opener: pause, shows: ['settings/Pauses'] },
      { name: 'the office’s columns', reach: (page) => opens(change(page), dialog(page)), opener: change },
      {
        name: 'saved by somebody else meanwhile',
        reach: async (page, server) => {
          await button(page, 'Discard').click();
          changeBehind(server);
          await page.getByLabel('Keep finished e-mail').fill('30');
          await opens(save(page), dialog(page));
        },
        opener: save,
        shows: ['settings/Stale'],
      },
      {
        name: 'saved, with mail that failed before',
        reach: async (page) => {
          await opens(save(page), dialog(page));
          await button(page, 'Drop mine, load theirs').click();
          await button(page, 'Replace Password').click();
          await page.getByLabel('Password').fill('right');
          await save(page).click();
          await page.getByText('failed because of the old ones').waitFor();
        },
      },
    ],
  },
  { page: 'settings', name: 'the settings of an office with servers of its own', path: '/office/settings', login: 'branch', ready },
  {
    page: 'settings',
    name: 'settings of the configuration file',
    path: '/office/settings',
    prepare: ({ mock }) => {
      const state = settingsState(mock);
      const now = state.settings.get(1);
      if (now) state.settings.set(1, { ...now, relays: [], set_in_configuration: true });
    },
    ready,
  },
];
