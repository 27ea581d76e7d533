/** What every browser test checks besides its own subject. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test as base, expect, type Page } from '@playwright/test';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page that fails its test when it breaks its Content-Security-Policy or throws. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page }, use) => {
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(`thrown: ${error.message}`));
    page.on('console', (message) => {
      const text = message.text();
      // A sandboxed body whose script was stopped says so: that is what the sandbox is for.
      if (text.includes('Content Security Policy') && !text.includes('sandboxed')) trouble.push(text);
    });
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await use(page);
    expect(trouble).toEqual([]);
  },
});

/** What axe looks for: everything, or only what depends on the colours. */
const RULES = { all: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], colours: ['color-contrast', 'link-in-text-block'] };

/**
 * Fails with axe's findings, if any. While a dialog is open everything behind it is inert, and the dialog alone is looked
 * at. Bodies of messages are other people's pages and stay out.
 */
export async function expectAccessible(page: Page, rules: keyof typeof RULES = 'all'): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const found = await page.evaluate(async (runOnly) => {
    // Halfway from one look to another is no look of its own.
    const changing = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(changing.map((one) => one.finished));
    const options = { iframes: false, resultTypes: ['violations'], runOnly };
    const engine = (window as never as { axe: { run(on: Node, options: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
    const { violations } = await engine.run([...document.querySelectorAll('dialog[open]')].at(-1) ?? document, options);
    return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} — ${node.failureSummary.slice(0, 220)}`).join(' | ')}`);
  }, RULES[rules]);
  expect(found).toEqual([]);
}

/** Fails where the page, or its content, has to be scrolled sideways. */
export async function expectNothingSideways(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const areas = [document.documentElement, ...document.querySelectorAll('main, dialog[open]')];
    return areas.filter((area) => area.scrollWidth > area.clientWidth + 1).map((area) => `${area.tagName}: ${area.scrollWidth} in ${area.clientWidth}`);
  });
  expect(wide).toEqual([]);
}

/**
 * Fails for what can be clicked and is smaller than 24 × 24 px (WCAG 2.2, 2.5.8), unless it is a link within a sentence
 * or a circle of 24 px around its middle touches nothing else that can be clicked.
 */
export async function expectTargets(page: Page): Promise<void> {
  const small = await page.evaluate(() => {
    const SIDE = 24;
    type Target = { name: string; box: DOMRect; inline: boolean };
    const around = (boxes: DOMRect[]): DOMRect => {
      const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
      return new DOMRect(left, top, Math.max(...boxes.map((box) => box.right)) - left, Math.max(...boxes.map((box) => box.bottom)) - top);
    };
    const modal = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
    const targets: Target[] = [];
    for (const one of modal.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [role=tab], [role=menuitem], [tabindex="0"]')) {
      const style = getComputedStyle(one);
      if (!one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || style.clipPath !== 'none' || one.closest('[inert]')) continue;
      // A box and its words are one target.
      const labels = one instanceof HTMLInputElement || one instanceof HTMLSelectElement ? [...(one.labels ?? [])] : [];
      const box = around([one, ...labels].map((part) => part.getBoundingClientRect()));
      if (box.width <= 1 || box.height <= 1) continue;
      const inline = style.display === 'inline' && (one.parentElement?.textContent ?? '').trim() !== (one.textContent ?? '').trim();
      targets.push({ name: `${one.tagName} ${(one.getAttribute('aria-label') ?? one.textContent ?? '').trim().slice(0, 60)}`, box, inline });
    }
    const middle = ({ box }: Target): [number, number] => [box.left + box.width / 2, box.top + box.height / 2];
    const apart = (one: Target, other: Target): number => {
      const [x, y] = middle(one);
      const within = (at: number, from: number, to: number): number => Math.max(from - at, 0, at - to);
      return Math.hypot(within(x, other.box.left, other.box.right), within(y, other.box.top, other.box.bottom));
    };
    return targets
      .filter(({ box, inline }) => !inline && (box.width < SIDE - 0.5 || box.height < SIDE - 0.5))
      .filter((one) => targets.some((other) => other !== one && apart(one, other) < SIDE / 2))
      .map(({ name, box }) => `${name}: ${Math.round(box.width)} × ${Math.round(box.height)}`);
  });
  expect(small).toEqual([]);
}

/** The rows that are drawn, top to bottom: position and id. */
export function drawn(page: Page): Promise<{ index: number; id: string }[]> {
  return page.locator('[role=row][data-id]').evaluateAll((rows) =>
    rows.map((row) => ({ index: Number(row.getAttribute('aria-rowindex')) - 2, id: row.getAttribute('data-id') ?? '' })),
  );
}

export { expect } from '@playwright/test';
