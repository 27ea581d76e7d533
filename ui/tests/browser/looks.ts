/** How a state is looked at: light and dark, wide and narrow, and in the few colours of a high-contrast system. */
import { test, type Page } from '@playwright/test';
import { expect, expectAccessible, expectNothingSideways, expectTargets } from './page';

const WIDE = { width: 1280, height: 800 };
/** What 1280 px become at four times the size (WCAG 2.1, 1.4.10). */
const NARROW = { width: 320, height: 640 };
/** Between the layouts, where something sticks out most easily. */
const BETWEEN = [390, 768];
/** Up to this width pages have their narrow layout. */
const PHONE_PX = 719;

/** `wide` or `narrow` for what exists in one layout alone. */
export type Layout = 'both' | 'wide' | 'narrow';

/** Lets the page follow a new size or scheme, without its transitions. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Light, wide and still: how every look begins and ends. */
export async function plain(page: Page, layout: Layout = 'both'): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', reducedMotion: 'reduce' });
  await page.setViewportSize(layout === 'narrow' ? NARROW : WIDE);
  await settled(page);
}

/** Looks at the page as it stands in every way, and leaves it as it was. */
export async function expectFine(page: Page, layout: Layout = 'both'): Promise<void> {
  if (layout !== 'narrow') {
    await test.step('wide', async () => {
      await bothSchemes(page);
      await expectTargets(page);
      await expectNothingSideways(page);
      await expectToldWithoutColour(page);
    });
  }
  if (layout !== 'wide') {
    for (const width of BETWEEN.filter((width) => layout === 'both' || width <= PHONE_PX)) {
      await test.step(`${width} px`, async () => {
        await page.setViewportSize({ ...NARROW, width });
        await settled(page);
        await expectNothingSideways(page);
      });
    }
    await test.step('narrow', async () => {
      await page.setViewportSize(NARROW);
      await settled(page);
      await bothSchemes(page);
      await expectTargets(page);
      await expectNothingSideways(page);
    });
  }
  await plain(page, layout);
}

async function bothSchemes(page: Page): Promise<void> {
  for (const [colorScheme, rules] of [['dark', 'colours'], ['light', 'all']] as const) {
    await test.step(colorScheme, async () => {
      await page.emulateMedia({ colorScheme });
      await settled(page);
      await expectAccessible(page, rules);
    });
  }
}

/**
 * In forced colours: fails for buttons, fields and badges without an edge, and for what is chosen, pressed, switched on
 * or where one is, and looks like its neighbours.
 */
async function expectToldWithoutColour(page: Page): Promise<void> {
  await test.step('forced colours', async () => {
    await page.emulateMedia({ forcedColors: 'active' });
    await settled(page);
    expect(await page.evaluate(() => matchMedia('(forced-colors: active)').matches)).toBe(true);
    expect(await page.evaluate(bare)).toEqual([]);
    expect(await page.evaluate(alike)).toEqual([]);
    await page.emulateMedia({ forcedColors: 'none' });
    await settled(page);
  });
}

/** What ought to have an edge and has neither a border nor an outline. */
function bare(): string[] {
  const drawn = (line: string, width: string): boolean => line !== 'none' && parseFloat(width) >= 1;
  const parts = document.querySelectorAll('.button:not(.plain), .field, .badge, .pill, .chip, dialog[open], nav [aria-current=page]');
  return [...parts]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && getComputedStyle(one).clipPath === 'none')
    .filter((one) => {
      const style = getComputedStyle(one);
      if (drawn(style.outlineStyle, style.outlineWidth)) return false;
      return !drawn(style.borderTopStyle, style.borderTopWidth) || style.borderTopColor === style.backgroundColor;
    })
    .map((one) => one.outerHTML.slice(0, 120));
}

/** What is in a state of its own and is drawn like one beside it that is not. */
function alike(): string[] {
  const STATES = ['[aria-selected=true]', '[aria-current]:not([aria-current=false])', '[aria-pressed=true]', '[role=switch]:checked', '[aria-disabled=true]', ':disabled'];
  const PAINTED = ['color', 'backgroundColor', 'fontWeight', 'opacity', 'transform', 'textDecorationLine', 'borderTopColor', 'borderTopStyle', 'borderTopWidth', 'borderBottomColor', 'borderBottomWidth', 'borderLeftColor', 'borderLeftWidth', 'borderLeftStyle', 'outlineStyle', 'outlineColor', 'outlineWidth'] as const;
  // What the browser draws by itself keeps its looks: boxes, circles and lists.
  const itself = (one: Element): boolean => one.matches('input[type=checkbox]:not([role=switch]), input[type=radio], option, optgroup, [type=file]');
  const shown = (one: Element): boolean => one.checkVisibility({ visibilityProperty: true }) && one !== document.activeElement;
  const look = (one: Element): string => [null, '::before', '::after'].map((part) => { const style = getComputedStyle(one, part); return PAINTED.map((name) => style[name]).join(' '); }).join(' | ');
  const found: string[] = [];
  for (const state of STATES) {
    for (const one of document.querySelectorAll(state)) {
      if (itself(one) || !shown(one)) continue;
      const group = one.closest('[role=tablist], [role=listbox], [role=grid], [role=menu], [role=toolbar], nav, table, ul, ol, form, section, main, dialog');
      const kin = one.className === '' ? one.tagName : `${one.tagName}.${CSS.escape(one.classList[0] ?? '')}`;
      const others = [...(group?.querySelectorAll(kin) ?? [])].filter((other) => other !== one && !other.matches(STATES.join()) && other.getAttribute('role') === one.getAttribute('role') && !itself(other) && shown(other));
      if (others.some((other) => look(other) === look(one))) found.push(`${state}: ${one.outerHTML.slice(0, 140)}`);
    }
  }
  return found;
}

const STOPS_MAX = 300;

/** Walks with Tab through the whole page in forced colours; fails where the focus is not seen. Returns the stops. */
export async function expectFocusSeen(page: Page): Promise<number> {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.evaluate(() => (document.activeElement instanceof HTMLElement ? document.activeElement.blur() : undefined));
  const unseen: string[] = [];
  let stops = 0;
  for (; stops < STOPS_MAX; stops += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      // The focus is inside of it, where this page cannot look.
      if (one.tagName === 'IFRAME') return { name: 'iframe', seen: true };
      let seen = false;
      for (let part: Element | null = one; part && part !== document.body && !seen; part = part.parentElement) {
        const style = getComputedStyle(part);
        seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
      }
      return { name: one.outerHTML.slice(0, 120), seen };
    });
    if (!at) break;
    if (!at.seen) unseen.push(at.name);
  }
  await page.emulateMedia({ forcedColors: 'none' });
  expect(unseen).toEqual([]);
  expect(stops).toBeLessThan(STOPS_MAX);
  return stops;
}
