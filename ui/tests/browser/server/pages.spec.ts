/**
 * Every page as every kind of person: it works with the data that they may see, or it is not offered to them and its
 * address answers with words.
 */
import type { Page } from '@playwright/test';
import { expect, test } from '../page';
import { KINDS, PEOPLE, World, type Ids, type Kind } from './kinds';
import { Postroom } from './postroom';

let world: World;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  world = await World.open();
});
test.afterAll(() => world.server.stop());

/** What stands on a page, and what does not. */
type Sight = { shows: (string | RegExp)[]; lacks?: (string | RegExp)[] };
type Walk = { page: string; at: (ids: Ids) => string; sees: (kind: Kind) => Sight };

const CLERK: Kind = 'a clerk';
const ASSISTANT: Kind = 'an assistant';
const OFFICE: Kind = 'an office’s administrator';
const SUPER: Kind = 'a Super User';
const VIEW: Kind = 'Enterprise View over a branch';
const SYSTEM: Kind = 'the System Office’s administrator';

const CLOSED: Sight = { shows: ['This page is for administrators', 'Ask an administrator of your office', 'Go to the E-mail Queue'] };
const NO_MESSAGE: Sight = { shows: ['There is no such message', 'not among those that you may see'] };
const letterOf = (kind: Kind): string => `Letter of ${PEOPLE[kind].login}`;

const OF_LAKESIDE = ['Misaddressed by desk', ...[CLERK, ASSISTANT, OFFICE, SUPER].map(letterOf)];
/** The letters of the list, whole: a row more or less fails. */
const LETTERS: Record<Kind, string[]> = {
  [CLERK]: ['Letter of desk', 'Misaddressed by desk'],
  [ASSISTANT]: ['Letter of helper', 'Letter of desk', 'Misaddressed by desk'],
  [OFFICE]: ['Letter of branch', 'newcomer@example.test'],
  [SUPER]: OF_LAKESIDE,
  [VIEW]: ['Letter of watch', ...OF_LAKESIDE],
  [SYSTEM]: ['Letter of chief', 'newcomer@example.test', 'stranger@example.test'],
} as Record<Kind, string[]>;

/** For the administrators of Lakeside and of the System Office, and for all others. */
const by = (office: Sight, system: Sight, others: Sight) => (kind: Kind): Sight => (kind === OFFICE ? office : kind === SYSTEM ? system : others);

const WALKS: Walk[] = [
  {
    page: 'Compose',
    at: () => '/compose',
    sees: (kind) => ({ shows: [PEOPLE[kind].name, `${PEOPLE[kind].login}@example.test`, kind === CLERK ? '1,998 of 2,000 e-mails left today' : '1,999 of 2,000 e-mails left today', 'Send later'] }),
  },
  {
    page: 'a copy of the clerk’s letter in Compose',
    at: (ids) => `/compose?from=${ids.letter}`,
    sees: (kind) => (kind === OFFICE || kind === SYSTEM ? { shows: ['There is no such draft or message'] } : { shows: ['client@example.net', `${PEOPLE[kind].login}@example.test`], lacks: ['could not be opened'] }),
  },
  {
    page: 'Alert Center',
    at: () => '/alerts',
    sees: (kind) => (kind === CLERK ? { shows: ['You have undeliverable e-mail', '550 5.1.1', 'Show failed e-mail'] } : { shows: ['Nothing needs your attention'], lacks: ['550'] }),
  },
  {
    page: 'the clerk’s letter',
    at: (ids) => `/queue/${ids.letter}`,
    sees: (kind) => {
      if (kind === OFFICE || kind === SYSTEM) return NO_MESSAGE;
      const content = ['Letter of desk', 'client@example.net', 'Accepted by the relay'];
      return kind === CLERK || kind === SUPER ? { shows: [...content, 'Resend', 'Delete'], lacks: ['You may look at this message'] } : { shows: [...content, 'You may look at this message, not act on it.'], lacks: ['Delete'] };
    },
  },
  { page: 'a letter of an office that nobody of them sees', at: (ids) => `/queue/${ids.elsewhere}`, sees: () => NO_MESSAGE },
  {
    page: 'an invitation’s message',
    at: (ids) => `/queue/${ids.invitation}`,
    sees: (kind) => (kind === OFFICE || kind === SYSTEM ? { shows: ['Your Postroom account', 'newcomer@example.test', 'it is shown to nobody'], lacks: ['token='] } : NO_MESSAGE),
  },
  {
    page: 'Limits and Usage',
    at: () => '/limits',
    sees: by(
      { shows: ['Your e-mail', 'Held e-mail', 'People today', 'Lakeside Desk'], lacks: ['South Desk', 'The whole server', 'Daily limits'] },
      { shows: ['Your e-mail', 'The whole server', 'People today', 'Lakeside Desk', 'South Desk', 'Daily limits'] },
      { shows: ['Your e-mail', 'Held e-mail'], lacks: ['People today', 'The whole server', 'Daily limits'] },
    ),
  },
  {
    page: 'People',
    at: () => '/people',
    sees: (kind) => {
      if (kind === SYSTEM) return { shows: ['Lakeside Desk', 'South Desk', 'Case Clerk', 'Add a person', 'May sign in'] };
      if (kind === VIEW) return { shows: ['Colleagues', 'Regional Manager'], lacks: ['Lakeside Desk', 'Add a person'] };
      const lakeside = ['Lakeside Desk', 'Lakeside Auditor', 'desk@example.test'];
      return kind === OFFICE ? { shows: [...lakeside, 'Add a person', 'May sign in'], lacks: ['South Desk'] } : { shows: ['Colleagues', ...lakeside], lacks: ['South Desk', 'Add a person', 'May sign in'] };
    },
  },
  {
    page: 'the clerk’s own page among People',
    at: (ids) => `/people/users/${ids.clerk}`,
    sees: (kind) => {
      if (kind === VIEW) return { shows: ['There is no such person', 'Show everybody'] };
      if (kind === CLERK) return { shows: ['Lakeside Desk', 'What you may do', 'Lakeside Helper', 'Make a key'], lacks: ['Disable…'] };
      if (kind === OFFICE || kind === SYSTEM) return { shows: ['Lakeside Desk', 'Details', 'Sign-in name', 'Disable…', 'Send a password link', 'Super User'] };
      return { shows: ['Lakeside Desk', 'desk@example.test', 'Let Lakeside Desk see your mail'], lacks: ['Details', 'Disable…', 'API keys of'] };
    },
  },
  {
    page: 'Add a person',
    at: () => '/people/users/new',
    sees: by({ shows: ['Add and invite', 'Enterprise View'], lacks: ['South Office'] }, { shows: ['Add and invite', 'South Office'] }, { shows: ['Colleagues'], lacks: ['Add and invite'] }),
  },
  {
    page: 'Rights',
    at: () => '/people/rights',
    sees: by({ shows: ['Arrow keys move', 'Lakeside Desk'], lacks: ['South Desk'] }, { shows: ['Arrow keys move', 'South Desk', 'Regional Manager', 'Enterprise View'] }, { shows: ['Colleagues'], lacks: ['Arrow keys move'] }),
  },
  {
    page: 'Proxies',
    at: () => '/people/proxies',
    sees: (kind) => {
      if (kind === CLERK) return { shows: ['Lakeside Helper may see your mail'] };
      if (kind === ASSISTANT) return { shows: ['You may see Lakeside Desk’s mail'] };
      if (kind === OFFICE || kind === SYSTEM) return { shows: ['Lakeside Helper may see Lakeside Desk’s mail'] };
      return { shows: ['Nobody sees your mail by a proxy', 'You see nobody’s mail by a proxy'], lacks: ['Lakeside Helper'] };
    },
  },
  {
    page: 'Add a proxy',
    at: () => '/people/proxies/new',
    sees: (kind) => ({ shows: ['Whose mail', 'Who shall see it', kind === VIEW ? 'Nobody else is in this office' : 'What it allows'], lacks: kind === SYSTEM ? [] : ['South Desk'] }),
  },
  {
    page: 'Offices',
    at: () => '/people/offices',
    sees: (kind) => {
      if (kind === SYSTEM) return { shows: ['System Office', 'Lakeside', 'Quay', 'South Office', 'Add an office'] };
      if (kind === OFFICE) return { shows: ['Lakeside', 'yours'], lacks: ['South Office', 'Quay', 'Add an office'] };
      if (kind === VIEW) return { shows: ['North Office', 'Lakeside'], lacks: ['South Office', 'Quay', 'Add an office'] };
      return { shows: ['Colleagues', 'Lakeside Desk'], lacks: ['South Office', 'Fold all'] };
    },
  },
  {
    page: 'API keys',
    at: () => '/people/keys',
    sees: by(
      { shows: ['You', 'Lakeside Desk', 'Make a key', 'Revoke…'], lacks: ['South Desk'] },
      { shows: ['You', 'Lakeside Desk', 'South Desk', 'Make a key'] },
      { shows: ['You', 'Everything that you may do', 'Make a key'], lacks: ['South Desk', 'Branch Manager'] },
    ),
  },
  {
    page: 'Make an API key',
    at: () => '/people/keys/new',
    sees: by({ shows: ['What is it for?', 'An office’s'] }, { shows: ['What is it for?', 'An office’s'] }, { shows: ['What is it for?', 'mail that is sent with it is yours'], lacks: ['An office’s'] }),
  },
  {
    page: 'Office Settings',
    at: () => '/office/settings',
    sees: by({ shows: ['Name of the office', 'SMTP settings', 'Retention', 'Pause sending'], lacks: ['South Office'] }, { shows: ['Name of the office', '[[relay]]', 'System Office › South Office'] }, CLOSED),
  },
  {
    page: 'the Office Settings of Lakeside',
    at: (ids) => `/office/settings/${ids.lakeside}`,
    sees: by({ shows: ['Everybody of Lakeside', 'Name of the office'].slice(1) }, { shows: ['Name of the office', 'SMTP settings'] }, CLOSED),
  },
  {
    page: 'the Office Settings of the South Office',
    at: (ids) => `/office/settings/${ids.south}`,
    sees: by({ shows: [/There is no such office|These settings are for the office’s administrators/], lacks: ['Name of the office'] }, { shows: ['Name of the office'] }, CLOSED),
  },
  {
    page: 'Audit Log',
    at: () => '/audit',
    sees: by(
      { shows: ['made an account for', 'New newcomer'], lacks: ['New stranger', 'Check the log'] },
      { shows: ['New newcomer', 'New stranger', 'made the office', 'South Office', 'Check the log'] },
      CLOSED,
    ),
  },
  {
    page: 'Server status',
    at: () => '/server',
    sees: by({ shows: ['Mail flows: every e-mail server takes it.', 'shared e-mail server', 'Up'], lacks: ['Time to hand over', 'Nodes', '127.0.0.1'] }, { shows: ['Everything flows', '127.0.0.1', 'Time to hand over', 'postroom.example.test'] }, CLOSED),
  },
  { page: 'Preferences', at: () => '/preferences', sees: (kind) => ({ shows: ['Appearance', 'Alerts by e-mail', `${PEOPLE[kind].login}@example.test`, 'Change the password'] }) },
  { page: 'an address without a page', at: () => '/moon', sees: () => ({ shows: ['There is no such page', '/moon', 'Go to the E-mail Queue'] }) },
  {
    page: 'the setup, which is done',
    at: () => '/setup',
    sees: (kind) => (kind === SYSTEM ? { shows: ['Set up Postroom', 'Your office'] } : { shows: ['Postroom is set up', 'Go to the E-mail Queue'], lacks: ['Name of the office'] }),
  },
  { page: 'Forgotten your password?', at: () => '/forgotten', sees: () => ({ shows: ['Forgotten your password?', 'Send me the link'] }) },
  { page: 'an invitation’s link that is cut off', at: () => '/password', sees: () => ({ shows: ['This link does not work any more', 'The address is not complete'] }) },
];

async function expectSight(page: Page, { shows, lacks = [] }: Sight): Promise<void> {
  // Pages without the shell have parts beside their `main`.
  const all = page.locator('body');
  for (const words of shows) await expect(all).toContainText(words, { timeout: 15_000 });
  const main = page.getByRole('main');
  for (const words of lacks) await expect(main).not.toContainText(words);
  await expect(page.locator('.skeleton')).toHaveCount(0);
}

for (const kind of KINDS) {
  test.describe(`${kind} finds`, () => {
    test('the E-mail Queue with exactly their mail', async ({ page }) => {
      await world.as(kind, page, '/queue');
      const rows = page.locator('[role=row][data-id]');
      await expect(rows).toHaveCount(LETTERS[kind].length);
      for (const words of LETTERS[kind]) await expect(rows.filter({ hasText: words })).not.toHaveCount(0);
      await expect(page.getByLabel('Source').locator('option')).toHaveCount(kind === OFFICE || kind === SYSTEM ? 3 : 2);
      await page.getByLabel('Type').selectOption('failed');
      await expect(rows).toHaveCount(LETTERS[kind].includes('Misaddressed by desk') ? 1 : 0);
    });

    test('in the navigation what they may open, and nothing else', async ({ page }) => {
      await world.as(kind, page, '/queue');
      const links = page.getByRole('navigation', { name: 'Main' }).getByRole('listitem').getByRole('link');
      const open = ['Compose', 'E-mail Queue', 'Alert Center', 'Limits and Usage', 'People'];
      const office = kind === OFFICE || kind === SYSTEM ? ['Office Settings', 'Audit Log', 'Server status'] : [];
      await expect(links).toHaveText([...open, ...office, 'Preferences'].map((title) => new RegExp(`^\\s*${title}`)));
      for (const title of [...open, ...office, 'Preferences']) {
        await links.filter({ hasText: title }).click();
        await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
        await expect(page.getByRole('heading', { name: 'This page is for administrators' })).toHaveCount(0);
      }
    });

    // One test for all pages: a window of its own for each would cost more than the page.
    test('every page as far as they may see it', async ({ page }) => {
      test.setTimeout(180_000);
      let refused: string[] = [];
      page.on('response', (answer) => {
        if (answer.status() === 403 || answer.status() >= 500) refused.push(`${answer.status()} ${answer.url()}`);
      });
      for (const walk of WALKS) {
        await test.step(walk.page, async () => {
          refused = [];
          await world.as(kind, page, walk.at(world.ids));
          await expectSight(page, walk.sees(kind));
          // What they may not have is not asked for either, but by an address that they typed.
          if (!/settings\/\d/.test(walk.at(world.ids))) expect(refused).toEqual([]);
        });
      }
    });
  });
}

test.describe('somebody who has not signed in', () => {
  test('is asked to sign in on every page, and led to it', async ({ page }) => {
    test.setTimeout(90_000);
    for (const walk of WALKS.filter((one) => !['/setup', '/forgotten', '/password'].includes(one.at(world.ids)))) {
      await test.step(walk.page, async () => {
        const at = walk.at(world.ids);
        await page.goto(world.server.url + at);
        await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
        await expect(page.getByRole('navigation', { name: 'Main' })).toHaveCount(0);
        await expect(page.locator('body')).not.toContainText('Letter of');
        expect(page.url()).toBe(world.server.url + at);
      });
    }
  });

  test('finds the sign-in in place of the setup that is done', async ({ page }) => {
    await page.goto(`${world.server.url}/setup`);
    await expect(page.getByRole('heading', { name: 'Sign in to Postroom' })).toBeVisible();
  });

  test('asks for a link, and is told the same whoever it is for', async ({ page }) => {
    await page.goto(`${world.server.url}/forgotten`);
    await page.getByLabel('Sign-in name or e-mail address').fill('nobody');
    await page.getByRole('button', { name: 'Send me the link' }).click();
    await expect(page.getByRole('main')).toContainText('If Postroom knows “nobody”');
  });

  test('accepts an invitation, and is who was invited', async ({ page }) => {
    const link = /\/password\?token=[\w-]+/;
    await page.goto(world.server.url + (link.exec(world.server.relay.found('newcomer@example.test', link) ?? '')?.[0] ?? ''));
    await page.getByLabel('New password').fill('battery staple horse');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByRole('link', { name: 'Go on to Postroom' }).click();
    await page.getByLabel('Sign-in name').fill('newcomer');
    await page.getByLabel('Password').fill('battery staple horse');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: 'Account of New newcomer' })).toBeVisible();
    await expect(page.getByRole('heading', { name: 'The queue is empty' })).toBeVisible();
  });

  test('finds the setup at every address of a server that nobody can sign in to', async ({ page }) => {
    const empty = await Postroom.empty();
    try {
      for (const path of ['/', '/queue', '/office/settings', '/moon']) {
        await page.goto(empty.url + path);
        await expect(page).toHaveURL(/\/setup$/);
        await expect(page.getByRole('heading', { name: 'Make the first administrator' })).toBeVisible();
      }
    } finally {
      await empty.stop();
    }
  });
});
