/** Where the person is: the address bar as state. Which page that is stands in `shell/pages.ts`. */

class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  /** `#smtp`: the part of the page that is asked for; the page brings it into view. */
  hash = $state(location.hash);
  /** How many pages of ours lie behind this one, so that "back" never leaves Postroom. */
  #depth = 0;
  /** Asked before the page is left by a link of ours; false stays. */
  #guard: (() => boolean | Promise<boolean>) | null = null;

  constructor() {
    addEventListener('popstate', () => {
      this.#depth = Math.max(0, this.#depth - 1);
      this.#read();
    });
    addEventListener('click', (event) => this.#follow(event));
    addEventListener('beforeunload', (event) => {
      if (this.#guard) event.preventDefault();
    });
  }

  /** Goes to one of our pages, unless what was typed here is to be kept. */
  async go(to: string): Promise<void> {
    if (!(await this.mayLeave())) return;
    history.pushState(null, '', to);
    this.#depth += 1;
    this.#read();
  }

  /** Asks the page, where it holds what is not saved; true where it may be left. */
  async mayLeave(): Promise<boolean> {
    if (this.#guard && !(await this.#guard())) return false;
    this.#guard = null;
    return true;
  }

  /** Rewrites the address without a step in the history, for filters. */
  replace(to: string): void {
    history.replaceState(history.state, '', to);
    this.#read();
  }

  /** Back to where the person came from, or to `fallback` if that was not one of our pages. */
  back(fallback: string): void {
    if (this.#depth > 0) history.back();
    else void this.go(fallback);
  }

  /** Back from one address, or to `to`; nothing happens elsewhere. For a dialog with an address, which tells late that it closed. */
  leave(from: string, to: string): void {
    if (this.path === from) this.back(to);
  }

  /** While a page holds what is not saved, `ask` is asked before a link leads away; null when all is saved. */
  guard(ask: (() => boolean | Promise<boolean>) | null): void {
    this.#guard = ask;
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
    this.hash = location.hash;
  }

  /** Plain clicks on our own links stay in the page; everything else is the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    void this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();
