import type { Page } from '@playwright/test';
import { expect, expectAccessible, expectNothingSideways, expectTargets, test } from '../page';
import { signIn, start, type Started } from './start';

let server: Started;
test.beforeEach(async () => {
  server = await start(10_000);
});
test.afterEach(() => server.close());

const menu = (page: Page) => page.getByRole('button', { name: 'Menu' });

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(`axe finds nothing in ${colorScheme} at ${width}`, () => {
      test.beforeEach(async ({ page }) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
      });

      test('signing in', async ({ page }) => {
        await page.goto(server.url);
        await page.getByLabel('Sign-in name').fill('case');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await expect(page.locator('#password-error')).toBeVisible();
        await expectAccessible(page);
      });

      test('the list with tags, menu, questions and undo', async ({ page }) => {
        await signIn(page, server.url);
        await page.request.get(`${server.url}/mock/relay?state=down`);
        const boxes = page.locator('[role=row][data-id] .box');
        await boxes.nth(2).click();
        await boxes.nth(6).click({ modifiers: ['Shift'] });
        await expectAccessible(page);
        await menu(page).click();
        await expectAccessible(page);
        await page.getByRole('menuitem', { name: /^Resend [1-9]/ }).click();
        await expectAccessible(page);
        await page.getByRole('button', { name: 'Do not send' }).click();
        await menu(page).click();
        await page.getByRole('menuitem', { name: /Delete/ }).click();
        await page.getByRole('button', { name: 'Undo' }).waitFor();
        await expectAccessible(page);
      });

      test('filters, columns, pages and the Outbox', async ({ page }) => {
        await signIn(page, server.url, 'case', '/queue?type=outbox&mine=true');
        await page.getByRole('group', { name: 'Filters' }).waitFor();
        await expectAccessible(page);
        await page.getByRole('button', { name: /Filters/ }).click();
        await menu(page).click();
        await page.getByRole('menuitem', { name: 'Customize columns…' }).click();
        await expectAccessible(page);
        await page.goto(`${server.url}/preferences`);
        await page.getByLabel('Long lists').selectOption('pages');
        await page.goto(`${server.url}/queue?q=zzz`);
        await page.getByText('Nothing matches').waitFor();
        await expectAccessible(page);
        await page.goto(`${server.url}/queue`);
        await page.getByRole('navigation', { name: 'Pages' }).waitFor();
        await expectAccessible(page);
      });

      test('a message', async ({ page }) => {
        await signIn(page, server.url, 'case', '/queue?type=failed');
        await page.locator('[role=row][data-id] .subject a').first().click();
        await expect(page.getByText('History')).toBeVisible();
        await expectAccessible(page);
      });
    });
  }
}

/** Opens each page that the navigation shows, in turn. */
async function eachPage(page: Page, look: (name: string) => Promise<void>): Promise<void> {
  const links = page.getByRole('navigation', { name: 'Main' }).locator('.group a');
  const paths = await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).pathname));
  for (const path of paths) {
    await page.goto(server.url + path);
    await page.getByRole('button', { name: /Account of/ }).waitFor();
    await expect(page.getByRole('status').filter({ hasText: /^Loading/ })).toHaveCount(0);
    await look(path);
  }
}

for (const width of [1280, 390]) {
  test(`on every page of the navigation everything can be hit and nothing lies beside it, at ${width}`, async ({ page }) => {
    await signIn(page, server.url);
    // The navigation is read wide: on a phone it is a drawer.
    await eachPage(page, async (path) => {
      await page.setViewportSize({ width, height: 844 });
      await test.step(path, async () => {
        await expectTargets(page);
        await expectNothingSideways(page);
      });
      await page.setViewportSize({ width: 1280, height: 844 });
    });
  });
}

test.describe('with forced colours', () => {
  test.beforeEach(({ page }) => page.emulateMedia({ forcedColors: 'active' }));

  /** What has neither a border nor an outline around it. */
  const bare = (all: Element[]): string[] => {
    const drawn = (line: string, width: string): boolean => line !== 'none' && parseFloat(width) >= 1;
    return all
      .filter((one) => {
        const style = getComputedStyle(one);
        if (drawn(style.outlineStyle, style.outlineWidth)) return false;
        return !drawn(style.borderTopStyle, style.borderTopWidth) || style.borderTopColor === style.backgroundColor;
      })
      .map((one) => one.outerHTML.slice(0, 120));
  };

  test('every page keeps its edges: buttons, fields, badges and where one is', async ({ page }) => {
    await signIn(page, server.url);
    await eachPage(page, async (path) => {
      await test.step(path, async () => {
        expect(await page.evaluate(() => matchMedia('(forced-colors: active)').matches)).toBe(true);
        const parts = page.locator('.button:not(.plain):visible, .field:visible, nav [aria-current=page]:visible, .badge:visible');
        expect(await parts.evaluateAll(bare)).toEqual([]);
        await expectAccessible(page);
      });
    });
  });

  test('the focus is seen wherever it goes', async ({ page }) => {
    await signIn(page, server.url, 'case', '/preferences');
    await page.getByLabel('Theme').waitFor();
    const seen = new Set<string>();
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const one = document.activeElement;
        if (!one || one === document.body) return null;
        const style = getComputedStyle(one);
        return { name: one.outerHTML.slice(0, 100), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
      });
      if (!at) break;
      seen.add(at.name);
      expect(at).toMatchObject({ seen: true });
    }
    expect(seen.size).toBeGreaterThan(12);
  });

  test('a row that is at hand and one that is tagged are told apart from the others', async ({ page }) => {
    await signIn(page, server.url);
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const drawn = (row: Element): string => {
      const style = getComputedStyle(row);
      return [style.outlineStyle, style.borderLeftStyle, style.borderLeftWidth, style.borderLeftColor].join(' ');
    };
    const active = page.locator('.row.active');
    const other = page.locator('.row[data-id]:not(.active)').first();
    const [before, plain] = [await active.evaluate(drawn), await other.evaluate(drawn)];
    expect(before).not.toBe(plain);
    await page.keyboard.press('x');
    await page.keyboard.press('ArrowDown');
    const tagged = page.locator('.row[data-id][aria-selected=true]:not(.active)');
    await expect(tagged).toHaveCount(1);
    expect(await tagged.evaluate(drawn)).not.toBe(plain);
  });
});
