/**
 * Every page and state of `states/` in every look: axe (WCAG 2.2 AA) light and dark, wide and narrow; targets of 24 px;
 * reflow down to 320 px; forced colours; and the focus back where it was once Escape has closed something.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expectFine, expectFocusSeen, plain } from '../looks';
import { expect, test } from '../page';
import { start, type Started } from './start';
import { PLACES, type Place, type State } from './states';

const SOURCE = join(import.meta.dirname, '../../../src');
const ROWS = 10_000;
const TIMEOUT_MS = 120_000;
test.use({ actionTimeout: 10_000 });

async function open(page: Page, place: Place, server: Started): Promise<void> {
  place.prepare?.(server);
  if (place.login !== null) await page.context().addCookies([{ name: 'mock', value: place.login ?? 'case', url: server.url }]);
  await plain(page);
  await page.goto(server.url + (typeof place.path === 'string' ? place.path : place.path(server)));
  await place.ready(page).waitFor();
  await expect(page.locator('.skeleton')).toHaveCount(0);
}

async function visit(page: Page, state: State, server: Started): Promise<void> {
  await plain(page, state.layout);
  await state.reach(page, server);
  await expect(page.locator('.skeleton')).toHaveCount(0);
  await expectFine(page, state.layout);
  if (!state.opener) return;
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog').or(page.getByRole('menu')).or(page.getByRole('listbox'))).toHaveCount(0);
  await expect(state.opener(page)).toBeFocused();
}

for (const place of PLACES) {
  test(`${place.name}, in every look`, async ({ page }) => {
    test.setTimeout(TIMEOUT_MS);
    const server = await start(ROWS);
    await open(page, place, server);
    await test.step('as it opens', async () => {
      await expectFine(page);
      expect(await expectFocusSeen(page)).toBeGreaterThan(0);
    });
    for (const state of place.states ?? []) await test.step(state.name, () => visit(page, state, server));
    await server.close();
  });
}

test('every page has its row', () => {
  const pages = readFileSync(join(SOURCE, 'shell/pages.ts'), 'utf8');
  const ids = [...pages.matchAll(/\bid: '(\w+)',\s*path: /g)].map(([, id]) => id ?? '');
  expect(ids.length).toBeGreaterThan(12);
  expect(ids.filter((id) => !PLACES.some((place) => place.page === id))).toEqual([]);
});

test('every dialog and menu has its row', () => {
  const parts = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.svelte') && !/\/(Dialog|Menu|FormDialog)\.svelte$/.test(file));
  const opening = parts.filter((file) => /<(Dialog|dialog|Menu|FormDialog)\b/.test(readFileSync(join(SOURCE, file), 'utf8'))).map((file) => file.replace('.svelte', ''));
  const shown = new Set(PLACES.flatMap((place) => place.states ?? []).flatMap((state) => state.shows ?? []));
  expect(opening.length).toBeGreaterThan(15);
  expect(opening.filter((part) => !shown.has(part))).toEqual([]);
  expect([...shown].filter((part) => !opening.includes(part))).toEqual([]);
});

test.describe('in forced colours', () => {
  test('a row that is at hand and one that is tagged are told apart from the others', async ({ page }) => {
    const server = await start(ROWS);
    await page.context().addCookies([{ name: 'mock', value: 'case', url: server.url }]);
    await page.emulateMedia({ forcedColors: 'active' });
    await page.goto(`${server.url}/queue`);
    await page.locator('[role=row][data-id]').first().waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const drawn = (row: Element): string => {
      const style = getComputedStyle(row);
      return [style.outlineStyle, style.borderLeftStyle, style.borderLeftWidth, style.borderLeftColor].join(' ');
    };
    const active = page.locator('.row.active');
    const other = page.locator('.row[data-id]:not(.active)').first();
    const plainRow = await other.evaluate(drawn);
    expect(await active.evaluate(drawn)).not.toBe(plainRow);
    await page.keyboard.press('x');
    await page.keyboard.press('ArrowDown');
    const tagged = page.locator('.row[data-id][aria-selected=true]:not(.active)');
    await expect(tagged).toHaveCount(1);
    expect(await tagged.evaluate(drawn)).not.toBe(plainRow);
    await server.close();
  });
});
