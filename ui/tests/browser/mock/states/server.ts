/** Limits and usage, the server's status, and the audit log. */
import type { Locator, Page } from '@playwright/test';
import { away, button, dialog, opens, type Place } from './state';

const DOWN = { office: 3, second: false, name: 'own', host: 'smtp.lakeside.example.com:587', state: 'down', since: '2026-11-23T09:12:00Z', last_error: 'connect: the connection failed (Connection refused (os error 111))' };
const release = (page: Page): Locator => button(page, /past the limit…$/).last();
const check = (page: Page): Locator => button(page, 'Check the log …');

const limits: Place = {
  page: 'limits',
  name: 'limits and usage',
  path: '/limits',
  prepare: ({ mock }) => void mock.limits.waiting.set(0, 3),
  ready: (page) => page.getByRole('meter').first(),
  states: [
    {
      name: 'a forecast, and the days as a table',
      reach: async (page) => {
        await button(page, 'Ask').click();
        await page.getByText('It supposes that nobody else').waitFor();
        await button(page, 'As a table').click();
      },
    },
    { name: 'the question before a release past the limit', reach: (page) => opens(release(page), dialog(page)), opener: release },
    {
      name: 'a limit that is refused',
      reach: async (page) => {
        await page.getByLabel('Each person, a day').fill('1500');
        await button(page, 'Save the limits').click();
        await page.getByText('Somebody has sent 2000 messages today already').waitFor();
      },
    },
    {
      name: 'saved by somebody else meanwhile',
      reach: async (page, { mock }) => {
        mock.limits.limits = { ...mock.limits.limits, system_daily_limit: 9_000, version: 3 };
        await page.getByLabel('Each person, a day').fill('2500');
        await button(page, 'Save the limits').click();
        await page.getByText('Somebody else changed the limits').waitFor();
      },
    },
    { name: 'the question before leaving', reach: (page) => opens(away(page), dialog(page)), opener: away },
  ],
};

const status: Place = {
  page: 'server',
  name: 'the server’s status',
  path: '/server?hours=24',
  prepare: ({ mock }) => void (mock.moreRelays = [DOWN, { ...DOWN, second: true, name: 'spare', state: 'up', last_error: null }]),
  ready: (page) => page.locator('figure').first(),
  states: [
    {
      name: 'the numbers of a moment',
      reach: async (page) => {
        await page.getByRole('slider', { name: 'Moments of Messages' }).focus();
        await page.keyboard.press('Home');
      },
    },
    { name: 'a chart as a table', reach: (page) => button(page, 'As a table').nth(2).click() },
    {
      name: 'just started',
      reach: async (page, { url, mock }) => {
        mock.measured = 'new';
        mock.moreRelays = [];
        await page.goto(`${url}/server`);
        await page.getByRole('heading', { name: /in the last 4 minutes/ }).waitFor();
      },
    },
  ],
};

const audit: Place = {
  page: 'audit',
  name: 'the audit log',
  path: '/audit',
  ready: (page) => page.locator('tbody tr').first(),
  states: [
    {
      name: 'what proves an entry, and the log is whole',
      reach: async (page) => {
        await page.getByText('Entry 640').click();
        await opens(check(page), dialog(page));
        await dialog(page).getByRole('button', { name: 'Check the log' }).click();
        await page.getByText(/^The log is whole/).waitFor();
      },
      opener: check,
      shows: ['audit/VerifyDialog'],
    },
    {
      name: 'an end of the log that is none, and a log that is not whole',
      reach: async (page, { mock }) => {
        mock.audit.problems = ['entry 12 does not fit its hash: it, or its place in the chain, was changed'];
        await opens(check(page), dialog(page));
        await dialog(page).getByRole('button', { name: 'Check the log' }).click();
        await dialog(page).getByText('The log is not as it was written.').waitFor();
        await dialog(page).getByLabel('The end of the log').fill('moon');
        await dialog(page).getByRole('button', { name: 'Check again' }).click();
        await dialog(page).getByRole('alert').waitFor();
      },
      opener: check,
    },
    {
      name: 'no entry that matches',
      reach: async (page, { url }) => {
        await page.goto(`${url}/audit?who=system&from=2026-11-23&to=2026-11-20`);
        await page.getByRole('heading', { name: 'No entry is like that' }).waitFor();
      },
    },
  ],
};

export const server: Place[] = [
  limits,
  { page: 'limits', name: 'the limits of somebody without rights', path: '/limits', login: 'front', ready: (page) => page.getByRole('meter').first() },
  status,
  { page: 'server', name: 'the status that an office sees', path: '/server', login: 'branch', ready: (page) => page.getByRole('table', { name: 'E-mail servers and how they are' }) },
  audit,
];
