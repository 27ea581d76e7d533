/** What scrolls can be scrolled by the keyboard (WCAG 2.1.1): where nothing inside takes the focus, the area does. */

const STOPS = 'a[href], button:not(:disabled), input, select, textarea, summary, [tabindex="0"]';

/** An attachment: makes an area a stop for Tab while it scrolls and has none of its own. */
export function reachable(area: HTMLElement): () => void {
  const usual = area.getAttribute('tabindex');
  let asked = 0;

  function look(): void {
    asked = 0;
    // Asked first, since it needs no layout.
    const needed = area.querySelector(STOPS) === null && area.scrollHeight > area.clientHeight + 1;
    if (needed) area.setAttribute('tabindex', '0');
    else if (usual === null) area.removeAttribute('tabindex');
    else area.setAttribute('tabindex', usual);
  }

  function later(): void {
    asked ||= requestAnimationFrame(look);
  }

  const sizes = new ResizeObserver(later);
  const changes = new MutationObserver(later);
  sizes.observe(area);
  changes.observe(area, { childList: true, subtree: true });
  return () => {
    sizes.disconnect();
    changes.disconnect();
    cancelAnimationFrame(asked);
  };
}
