/** Driving a page by the keyboard alone. */
import type { Locator, Page } from '@playwright/test';
import { expect, test as base } from './page';

const PRESSES_MAX = 200;

/** A page that fails its test when a pointer touches it. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page }, use) => {
    let pointed = 0;
    await page.exposeFunction('pointed', () => (pointed += 1));
    await page.addInitScript(() => addEventListener('pointerdown', () => (window as unknown as { pointed(): void }).pointed(), true));
    await use(page);
    expect(pointed, 'a pointer was used').toBe(0);
  },
});

type Where = 'here' | 'before' | 'after' | 'gone';

/** Where the focus is, seen from an element. */
function from(target: Element): Where {
  const at = document.activeElement;
  if (!target.isConnected) return 'gone';
  if (at === target) return 'here';
  if (!at || at === document.body) return 'before';
  return at.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_PRECEDING ? 'after' : 'before';
}

/** Presses Tab, or Shift+Tab, until something has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < PRESSES_MAX; presses += 1) {
    const where = await target.evaluate(from);
    if (where === 'here') return;
    await page.keyboard.press(where === 'after' ? 'Shift+Tab' : 'Tab');
  }
  const at = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 160));
  throw new Error(`Tab does not come to ${String(target)}; the focus is at ${at}`);
}

/** Walks to a button, link or the like and presses it. */
export async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

/** Walks to a field and types in place of what it holds. */
export async function type(page: Page, field: Locator, text: string): Promise<void> {
  await tabTo(page, field);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** Walks to a date field and types a day, in the order of the browser's own language. */
export async function typeDay(page: Page, field: Locator, monthDayYear: string): Promise<void> {
  await tabTo(page, field);
  await page.keyboard.type(monthDayYear);
}

/** Walks to a drop-down and goes to an option by the arrows. */
export async function choose(page: Page, select: Locator, option: string | RegExp): Promise<void> {
  await tabTo(page, select);
  await page.keyboard.press('Home');
  const options = await select.locator('option').count();
  for (let i = 0; i < options; i += 1) {
    const text = await select.evaluate((one) => (one as HTMLSelectElement).selectedOptions[0]?.textContent?.trim() ?? '');
    if (typeof option === 'string' ? text === option : option.test(text)) return;
    await page.keyboard.press('ArrowDown');
  }
  throw new Error(`no option ${String(option)}`);
}

/** Chooses a radio button of the group that one is in, by the arrows. */
export async function pick(page: Page, radio: Locator): Promise<void> {
  const group = radio.page().locator(`input[type=radio][name="${await radio.getAttribute('name')}"]`);
  await tabTo(page, group.and(page.locator(':checked')));
  for (let i = (await group.count()) - 1; i >= 0 && !(await radio.isChecked()); i -= 1) await page.keyboard.press('ArrowDown');
  await expect(radio).toBeChecked();
}

/** Opens a menu and chooses an item by the arrows. */
export async function chooseItem(page: Page, menu: Locator, item: string | RegExp): Promise<void> {
  await press(page, menu);
  const wanted = page.getByRole('menuitem', { name: item, exact: typeof item === 'string' });
  await wanted.waitFor();
  const items = await page.getByRole('menuitem').count();
  for (let i = 0; i < items && !(await wanted.evaluate((one) => one === document.activeElement)); i += 1) await page.keyboard.press('ArrowDown');
  await expect(wanted).toBeFocused();
  await page.keyboard.press('Enter');
}

export { expect } from './page';
