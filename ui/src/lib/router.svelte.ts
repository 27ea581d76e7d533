/** Where the person is: the address bar as state. Which page that is stands in `shell/pages.ts`. */

/** Asks whether what is not saved may be left; false stays. */
export type Ask = () => boolean | Promise<boolean>;

/** A step through the history that is on its way: where it ends, and who waits for it. */
type Step = { to: number; arrived: () => void; done: Promise<void> };

class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  /** `#smtp`: the part of the page that is asked for; the page brings it into view. */
  hash = $state(location.hash);
  /** Which of our pages in this window's history is shown, from 0. The history keeps each one's number, through a reload, too. */
  #at = 0;
  #guards = new Set<Ask>();
  #asking = false;
  #step: Step | null = null;
  /** What the address is to become once the history stands where this page is again. */
  #rewritten: string | null = null;

  constructor() {
    this.#at = numberOf(history.state) ?? 0;
    if (numberOf(history.state) === null) history.replaceState({ at: this.#at }, '');
    addEventListener('popstate', () => void this.#stepped());
    addEventListener('click', (event) => this.#follow(event));
    addEventListener('beforeunload', (event) => {
      if (this.#guards.size > 0) event.preventDefault();
    });
  }

  /** Goes to one of our pages, unless what was typed here is to be kept. */
  async go(to: string): Promise<void> {
    if (!(await this.mayLeave())) return;
    await this.#step?.done;
    this.#at += 1;
    history.pushState({ at: this.#at }, '', to);
    this.#read();
  }

  /** Asks the page, where it holds what is not saved; true where it may be left. While a question stands, it stays. */
  async mayLeave(): Promise<boolean> {
    if (this.#asking) return false;
    this.#asking = true;
    try {
      for (const ask of [...this.#guards]) if (!(await ask())) return false;
    } finally {
      this.#asking = false;
    }
    this.#guards.clear();
    return true;
  }

  /** Rewrites the address without a step in the history, for filters. */
  replace(to: string): void {
    if (this.#step) this.#rewritten = to;
    else history.replaceState(history.state, '', to);
    this.#read(new URL(to, location.href));
  }

  /** Back to where the person came from, or to `fallback` if that was not one of our pages. */
  back(fallback: string): void {
    if (this.#at > 0) history.back();
    else void this.go(fallback);
  }

  /**
   * Back from one address, or to `to`; nothing happens elsewhere. For a dialog with an address, which tells late that
   * it closed: whoever closed it is not asked.
   */
  leave(from: string, to: string): void {
    if (this.path !== from) return;
    this.#guards.clear();
    this.back(to);
  }

  /**
   * From now on `ask` is asked before a link, Back or Forward leads away; what is returned ends that. For an effect:
   * `$effect(() => (form.dirty ? router.guard(ask) : undefined))`.
   */
  guard(ask: Ask): () => void {
    this.#guards.add(ask);
    return () => void this.#guards.delete(ask);
  }

  #read(now: Location | URL = location): void {
    this.path = now.pathname;
    this.search = now.search;
    this.hash = now.hash;
  }

  /**
   * The browser tells of Back and Forward once the address bar shows where they lead. With unsaved text it is led back
   * first, so that the page and its address belong together while it is asked.
   */
  async #stepped(): Promise<void> {
    const to = this.#number();
    if (this.#step) {
      // Whoever steps on meanwhile is led back from there, too.
      if (to === this.#step.to) this.#step.arrived();
      else history.go(this.#step.to - to);
      return;
    }
    const from = this.#at;
    const within = location.pathname === this.path && location.search === this.search;
    if (within || this.#guards.size === 0) return this.#arrive(to);
    await this.#walk(from);
    if (await this.mayLeave()) {
      await this.#walk(to);
      this.#arrive(to);
    }
  }

  #arrive(at: number): void {
    this.#at = at;
    this.#read();
  }

  /** Goes to a page of the history unasked, and waits until the address bar shows it. */
  async #walk(to: number): Promise<void> {
    const from = numberOf(history.state) ?? this.#at;
    if (from === to) return;
    let arrived = (): void => {};
    const done = new Promise<void>((told) => (arrived = told));
    this.#step = { to, arrived, done };
    history.go(to - from);
    await done;
    this.#step = null;
    if (this.#rewritten !== null) history.replaceState(history.state, '', this.#rewritten);
    this.#rewritten = null;
  }

  /** The number of the page that the address bar shows. A part of a page that the browser went to by itself gets one here. */
  #number(): number {
    const known = numberOf(history.state);
    if (known !== null) return known;
    history.replaceState({ at: this.#at + 1 }, '');
    return this.#at + 1;
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

function numberOf(state: unknown): number | null {
  const at = typeof state === 'object' && state !== null && 'at' in state ? state.at : null;
  return typeof at === 'number' ? at : null;
}

export const router = new Router();
