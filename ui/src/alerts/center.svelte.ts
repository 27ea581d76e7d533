/** The Alert Center's list: a page at a time, kept as the server has it while it changes. */
import { ApiError, api, unwrap } from '../lib/api/client';
import type { Alert } from '../lib/api/types';
import { alerts } from '../lib/alerts.svelte';

const PAGE = 30;
/** The most that the server gives at once: what was loaded beyond it is kept as it was. */
const MOST = 200;

export type Which = 'all' | 'unread';

export class Center {
  which = $state.raw<Which>('all');
  loaded = $state(false);
  /** What kept the list from being loaded. */
  error = $state.raw<ApiError | null>(null);
  /** What kept older alerts from being loaded. */
  moreError = $state.raw<ApiError | null>(null);
  loadingMore = $state(false);
  /** The titles of alerts that came while the page was open, for those who do not see them come. */
  news = $state('');
  #list = $state.raw<Alert[]>([]);
  #next = $state.raw<string | null>(null);
  #turn = 0;
  /** Each alert as often as it was known to have happened. */
  #known = new Map<number, number>();

  /** The alerts that are shown: those on their way out are gone already. */
  get list(): Alert[] {
    return this.#list.filter((alert) => !alerts.leaving.has(alert.id));
  }

  get more(): boolean {
    return this.#next !== null;
  }

  /** The largest id that is shown, if nothing older is left to load: "all" then ends with what is on the screen. */
  get upto(): number | null {
    return this.#next === null && this.#list.length > 0 ? Math.max(...this.#list.map((alert) => alert.id)) : null;
  }

  /** Shows all, or the unread alone, from the top. */
  async open(which: Which): Promise<void> {
    this.which = which;
    this.loaded = false;
    this.#list = [];
    this.#next = null;
    await this.refresh();
  }

  /** Looks again at what is shown. A list that is on the screen stays there when the server is away. */
  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    try {
      // Where all are on the screen, what has come since finds room too.
      const limit = Math.min(MOST, this.#list.length + (this.more ? 0 : PAGE));
      const page = await this.#ask(limit, null);
      if (turn !== this.#turn) return;
      const oldest = page.alerts.at(-1);
      const kept = page.next && oldest ? this.#list.slice(limit).filter((one) => one.last_at < oldest.last_at) : [];
      this.#take([...page.alerts, ...kept]);
      if (kept.length === 0) this.#next = page.next ?? null;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn && !this.loaded) this.error = error;
      return;
    }
    this.loaded = true;
  }

  async loadMore(): Promise<void> {
    const cursor = this.#next;
    if (cursor === null || this.loadingMore) return;
    const turn = ++this.#turn;
    this.loadingMore = true;
    this.moreError = null;
    try {
      const page = await this.#ask(PAGE, cursor);
      if (turn !== this.#turn) return;
      const here = new Set(this.#list.map((alert) => alert.id));
      this.#take([...this.#list, ...page.alerts.filter((alert) => !here.has(alert.id))]);
      this.#next = page.next ?? null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.moreError = error;
    } finally {
      this.loadingMore = false;
    }
  }

  /** One was read: it shows at once. */
  markRead(id: number): void {
    this.#list = this.#list.map((alert) => (alert.id === id ? { ...alert, read: true } : alert));
  }

  #ask(limit: number, cursor: string | null) {
    const query = { limit, ...(cursor && { cursor }), ...(this.which === 'unread' && { unread: true }) };
    return unwrap(api.GET('/api/v1/alerts', { params: { query } }));
  }

  #take(list: Alert[]): void {
    if (this.loaded) {
      const newest = list.filter((alert) => !alert.read && alert.count > (this.#known.get(alert.id) ?? 0) && alert.last_at >= (this.#list[0]?.last_at ?? ''));
      if (newest.length > 0) this.news = newest.map((alert) => alert.title).join('. ');
    }
    for (const alert of list) this.#known.set(alert.id, alert.count);
    this.#list = list;
  }
}
