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

/** Fails with axe's findings, if any. Bodies of messages are other people's pages and stay out. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const options = { iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
    const engine = (window as never as { axe: { run(on: Document, options: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
    const { violations } = await engine.run(document, options);
    return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} — ${node.failureSummary.slice(0, 220)}`).join(' | ')}`);
  });
  expect(found).toEqual([]);
}

/** The rows that are drawn, top to bottom: position and id. */
export function drawn(page: Page): Promise<{ index: number; id: string }[]> {
  return page.locator('[role=row][data-id]').evaluateAll((rows) =>
    rows.map((row) => ({ index: Number(row.getAttribute('aria-rowindex')) - 2, id: row.getAttribute('data-id') ?? '' })),
  );
}

export { expect } from '@playwright/test';
