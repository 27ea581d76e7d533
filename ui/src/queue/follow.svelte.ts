/** Keeps the list true while it is looked at: what streams in, what waits, and when to fetch anew. */
import type { Row } from '../lib/api/types';
import { live } from '../lib/live.svelte';
import { toQuery } from './filters';
import type { Queue } from './queue.svelte';

const VISIBLE_MAX = 200;
/** The view rests this long before the stream is told what is seen now. */
const SETTLE_MS = 200;
const REFRESH_MS = 1_000;
/** A pointer or key that moved this recently means that somebody aims: the rows stay put. */
const AIM_MS = 1_500;

export class Follower {
  /** The list on the server is another one than what is shown, without there being newcomers to count. */
  stale = $state(false);
  #queue: Queue;
  #watched = new Set<string>();
  #watchedFilters = '';
  #settle: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #stirred = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** An effect: whenever the view or the rows in it change, the stream is told. */
  watch(): void {
    const { rows, view, filters } = this.#queue;
    if (!rows.ready) return;
    const seen: string[] = [];
    for (let i = view.first; i <= view.last; i += 1) {
      const row = rows.at(i);
      if (row) seen.push(row.id);
    }
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#tell(seen, JSON.stringify(toQuery(filters))), live.phase === 'live' ? SETTLE_MS : 0);
  }

  stop(): void {
    clearTimeout(this.#settle);
    clearTimeout(this.#refresh);
    this.#watched.clear();
    live.leave();
  }

  /** Somebody moves the pointer over the rows or uses the keys. */
  stirred(): void {
    this.#stirred = performance.now();
  }

  /** Loads what is in view anew, in place. */
  refresh(): void {
    void this.#reload();
  }

  /** Shows what waits: the list from its top, as it is now. */
  async showNew(): Promise<void> {
    await this.#queue.rows.reload(0, this.#queue.view.last - this.#queue.view.first);
    this.#refreshed();
  }

  #tell(seen: string[], filters: string): void {
    if (filters === this.#watchedFilters && this.#watched.size > 0 && seen.every((id) => this.#watched.has(id))) return;
    const { view, rows } = this.#queue;
    const spare = Math.floor((VISIBLE_MAX - (view.last - view.first + 1)) / 2);
    const ids: string[] = [];
    for (let i = Math.max(0, view.first - spare); ids.length < VISIBLE_MAX && i <= view.last + spare; i += 1) {
      const row = rows.at(i);
      if (row) ids.push(row.id);
    }
    if (filters !== this.#watchedFilters) live.restart();
    this.#watchedFilters = filters;
    this.#watched = new Set(ids);
    const { sort: _, order: __, ...narrowing } = toQuery(this.#queue.filters);
    const params = new URLSearchParams(Object.entries(narrowing).map(([name, value]) => [name, String(value)]));
    const visible = ids.length > 0 ? `visible=${ids.join(',')}` : '';
    const query = [params.toString(), visible].filter(Boolean).join('&');
    live.watch(query ? `/api/v1/events?${query}` : '/api/v1/events', {
      rows: (changes) => this.#rows(changes),
      counts: (counts) => {
        rows.counts = counts;
        this.stale = counts.exact && Math.min(counts.total, rows.depth) !== rows.total;
        if (this.stale) this.#soon();
      },
      fresh: (n) => {
        rows.waiting = n;
        if (n > 0) this.#soon();
      },
      gap: () => {
        if (this.#still()) void this.#reload();
        else void rows.recount();
      },
    });
  }

  #rows(changes: (Row | { id: string; deleted: true })[]): void {
    this.#queue.rows.patch(changes);
    this.#queue.tags.follow(changes);
  }

  /** At the top, with nothing tagged, newcomers need no asking; anywhere else they wait. */
  #soon(): void {
    if (this.#refresh !== undefined) return;
    this.#refresh = setTimeout(() => {
      this.#refresh = undefined;
      if (this.#queue.rows.waiting === 0 && !this.stale) return;
      if (this.#still()) void this.#reload();
      else if (this.#atTop()) this.#soon();
    }, REFRESH_MS);
  }

  #atTop(): boolean {
    return this.#queue.scale.top < 4 && this.#queue.tags.size === 0 && this.#queue.active < 0;
  }

  #still(): boolean {
    return this.#atTop() && performance.now() - this.#stirred > AIM_MS;
  }

  async #reload(): Promise<void> {
    const { view, rows } = this.#queue;
    await rows.reload(view.first, view.last);
    this.#refreshed();
  }

  #refreshed(): void {
    this.stale = false;
    live.restart();
  }
}
