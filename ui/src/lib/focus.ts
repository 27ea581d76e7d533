/**
 * Keeps the focus on the page when the button that had it goes away with what it did: revoked, removed, resumed. It goes
 * to what stands in its place, so that the keyboard goes on from there and a screen reader says where that is.
 */

const STOPS = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

type Had = {
  one: Element;
  /** Within which the focus is looked for again; what is left with its page or dialog is not. */
  area: Element;
  /** What takes the keys for all inside of it, as a grid does for its rows. */
  holder: Element | null;
  /** The stops in front of it, nearest first. */
  before: Element[];
};
let had: Had | null = null;

/** Watches over the focus of the whole page, from now on. */
export function keepFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof Element)) return;
    const area = target.closest('dialog, main') ?? document.body;
    const stops = [...area.querySelectorAll(STOPS)];
    had = { one: target, area, holder: target.parentElement?.closest('[tabindex="0"]') ?? null, before: stops.slice(0, Math.max(0, stops.indexOf(target))).reverse() };
  });
  new MutationObserver(restore).observe(document.body, { childList: true, subtree: true });
}

function restore(): void {
  if (!had || had.one.isConnected || document.activeElement !== document.body) return;
  const { area, holder, before } = had;
  had = null;
  if (holder?.isConnected) return focus(holder);
  if (!area.isConnected) return;
  const stops = [...area.querySelectorAll(STOPS)].filter(takesFocus);
  const anchor = before.find((one) => stops.includes(one));
  focus(stops[anchor ? stops.indexOf(anchor) + 1 : 0] ?? anchor);
}

function takesFocus(one: Element): boolean {
  return one instanceof HTMLElement && one.tabIndex >= 0 && !one.matches(':disabled') && one.closest('[inert]') === null && one.checkVisibility({ visibilityProperty: true });
}

function focus(one: Element | undefined): void {
  if (one instanceof HTMLElement) one.focus({ preventScroll: true });
}
