/** The Alert Center with alerts, with all of them read, and with none. */
import { button, type Place } from './state';

export const alerts: Place[] = [
  {
    page: 'alerts',
    name: 'the Alert Center',
    path: '/alerts',
    ready: (page) => page.getByRole('article').first(),
    states: [
      {
        name: 'Undo of a dismissal',
        reach: async (page) => {
          await page.getByRole('article').first().getByRole('button', { name: 'Dismiss' }).click();
          await button(page, /^Undo/).focus();
        },
      },
      {
        name: 'everything read',
        reach: async (page) => {
          await button(page, /^Undo/).click();
          await button(page, 'Mark all as read').click();
          await page.getByRole('tab', { name: /^Unread/ }).click();
          await page.getByRole('heading', { name: 'You have read everything' }).waitFor();
        },
      },
      {
        name: 'none at all',
        reach: async (page, { url, mock }) => {
          mock.alerts.clear('case');
          await page.goto(`${url}/alerts`);
          await page.getByRole('heading', { name: 'Nothing needs your attention' }).waitFor();
        },
      },
    ],
  },
];
