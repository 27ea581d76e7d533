/** Where the person is: the address bar as state, and the pages that it names. */

export type Route = { page: 'queue' } | { page: 'message'; id: string } | { page: 'unknown'; path: string };

/** The page of a path. */
export function routeOf(path: string): Route {
  if (path === '/' || path === '/queue' || path === '/queue/') return { page: 'queue' };
  const message = /^\/queue\/([A-Za-z0-9]+)$/.exec(path);
  if (message?.[1]) return { page: 'message', id: message[1] };
  return { page: 'unknown', path };
}

class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  readonly route = $derived(routeOf(this.path));
  /** How many pages of ours lie behind this one, so that "back" never leaves Postroom. */
  #depth = 0;

  constructor() {
    addEventListener('popstate', () => {
      this.#depth = Math.max(0, this.#depth - 1);
      this.#read();
    });
    addEventListener('click', (event) => this.#follow(event));
  }

  /** Goes to one of our pages. */
  go(to: string): void {
    history.pushState(null, '', to);
    this.#depth += 1;
    this.#read();
  }

  /** Rewrites the address without a step in the history, for filters. */
  replace(to: string): void {
    history.replaceState(history.state, '', to);
    this.#read();
  }

  /** Back to where the person came from, or to `fallback` if that was not one of our pages. */
  back(fallback: string): void {
    if (this.#depth > 0) history.back();
    else this.go(fallback);
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }

  /** Plain clicks on our own links stay in the page; everything else is the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const router = new Router();
