/**
 * The list's rows by position, fetched in pages as they come into view.
 *
 * Positions are those of the moment the list was loaded. Rows that came in since push everything down on the
 * server, so a jump asks for `index + shift`; a page next to a loaded one is asked for by cursor, which no
 * newcomer can disturb.
 */
import { SvelteMap } from 'svelte/reactivity';
import { ApiError, api, unwrap } from '../lib/api/client';
import type { Counts, Page, Row } from '../lib/api/types';
import { toQuery, type Filters } from './filters';

export const PAGE_ROWS = 100;
const PAGES_KEPT = 60;
const REQUESTS_AT_ONCE = 2;
/** How often a page that the server's time budget cut short is asked to go on. */
const CONTINUATIONS_MAX = 10;
/** A list sorted otherwise than by date is jumped into up to here. */
export const SORTED_MAX = 10_000;

type Loaded = { rows: Row[]; next: string | null };
/** A changed row, or the id of one that is gone. */
export type RowChange = Row | { id: string; deleted: true };

export class Rows {
  total = $state(0);
  counts = $state.raw<Counts | null>(null);
  /** The first answer has come. */
  ready = $state(false);
  error = $state.raw<ApiError | null>(null);
  /** Rows that came in since the list was loaded and wait to be shown. */
  waiting = $state(0);
  readonly gone = new SvelteMap<string, true>();
  /** Those that are about to be deleted: they stay marked when the list is loaded anew. */
  #going = new Set<string>();
  #pages = new SvelteMap<number, Loaded>();
  #places = new Map<string, { page: number; slot: number }>();
  #filters: Filters = { type: 'all', source: 'all', q: '' };
  #inFlight = new Set<number>();
  /** Pages in view that are missing. */
  #wanted: number[] = [];
  /** Pages beside the view, fetched once nothing in view is missing. */
  #ahead: number[] = [];
  /** Bumped whenever what is under way has become pointless. */
  #epoch = 0;
  readonly #seen: (rows: Row[]) => void;

  /** `seen` is told of all rows that come. */
  constructor(seen: (rows: Row[]) => void = () => {}) {
    this.#seen = seen;
  }

  /** The row at a position; undefined while it is not loaded. */
  at(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.rows[index % PAGE_ROWS];
  }

  /** Marks rows that are about to go, or takes the mark away again. */
  mark(ids: Iterable<string>, going: boolean): void {
    for (const id of ids) {
      if (going) {
        this.#going.add(id);
        this.gone.set(id, true);
      } else {
        this.#going.delete(id);
        this.gone.delete(id);
      }
    }
  }

  /** The position of a loaded row; -1 for others. */
  indexOf(id: string): number {
    const place = this.#places.get(id);
    return place ? place.page * PAGE_ROWS + place.slot : -1;
  }

  /** Starts over with other filters. */
  async open(filters: Filters): Promise<void> {
    this.#filters = filters;
    this.#epoch += 1;
    this.#clear();
    this.ready = false;
    this.total = 0;
    this.counts = null;
    await this.reload(0, 0);
  }

  /** Loads the list as it is now, keeping what is shown until the rows around the view have come. */
  async reload(first: number, last: number): Promise<void> {
    const epoch = ++this.#epoch;
    this.#inFlight.clear();
    try {
      const pages = range(Math.floor(first / PAGE_ROWS), Math.floor(Math.max(first, last) / PAGE_ROWS));
      const [counts, ...loaded] = await Promise.all([this.#countsNow(), ...pages.map((page) => this.#byPosition(page, 0))]);
      if (epoch !== this.#epoch) return;
      this.#clear();
      this.counts = counts;
      this.total = Math.min(counts.total, this.depth);
      this.waiting = 0;
      loaded.forEach((page, i) => this.#keep(pages[i] ?? 0, page));
      this.error = null;
      this.ready = true;
    } catch (error) {
      if (epoch === this.#epoch) this.#fail(error);
    }
  }

  /** The rows of `first` to `last` are in view: fetches what is missing. */
  need(first: number, last: number): void {
    if (!this.ready || this.total === 0) return;
    const end = Math.floor((this.total - 1) / PAGE_ROWS);
    const from = Math.max(0, Math.floor(first / PAGE_ROWS));
    const to = Math.min(end, Math.floor(Math.max(first, last) / PAGE_ROWS));
    const ahead = [to + 1, from - 1].filter((page) => page >= 0 && page <= end);
    const nearEdge = last % PAGE_ROWS > PAGE_ROWS / 2 || first % PAGE_ROWS < PAGE_ROWS / 2;
    this.#wanted = range(from, to).filter((page) => !this.#pages.has(page));
    this.#ahead = nearEdge ? ahead : [];
    this.#pump();
  }

  /** Tries again after an error. */
  retry(first: number, last: number): void {
    this.error = null;
    if (this.ready) this.need(first, last);
    else void this.reload(first, last);
  }

  /** The ids from one position to another, fetching what is not loaded. Throws `ApiError`. */
  async between(from: number, to: number): Promise<Row[]> {
    const [low, high] = from < to ? [from, to] : [to, from];
    for (const page of range(Math.floor(low / PAGE_ROWS), Math.floor(high / PAGE_ROWS))) {
      if (!this.#pages.has(page)) this.#keep(page, await this.#fetch(page));
    }
    return range(low, high).flatMap((index) => this.at(index) ?? []);
  }

  /** Takes changed rows in where they stand. */
  patch(changes: RowChange[]): void {
    for (const change of changes) {
      if ('deleted' in change) {
        if (this.#places.has(change.id)) this.gone.set(change.id, true);
        continue;
      }
      const place = this.#places.get(change.id);
      const page = place && this.#pages.get(place.page);
      if (!place || !page) continue;
      const rows = page.rows.slice();
      rows[place.slot] = change;
      this.#pages.set(place.page, { ...page, rows });
    }
  }

  /** Asks for the counts alone; newcomers seen in them wait to be shown. For the time after a broken stream. */
  async recount(): Promise<void> {
    try {
      const counts = await this.#countsNow();
      this.counts = counts;
      if (this.total < this.depth) this.waiting = Math.max(this.waiting, counts.total - this.total);
    } catch (error) {
      this.#fail(error);
    }
  }

  #pump(): void {
    const missing = (page: number): boolean => !this.#inFlight.has(page) && !this.#pages.has(page);
    while (this.#inFlight.size < REQUESTS_AT_ONCE) {
      const page = this.#wanted.find(missing) ?? (this.#inFlight.size === 0 ? this.#ahead.find(missing) : undefined);
      if (page === undefined || this.error) return;
      void this.#load(page);
    }
  }

  async #load(page: number): Promise<void> {
    const epoch = this.#epoch;
    this.#inFlight.add(page);
    try {
      const loaded = await this.#fetch(page);
      if (epoch !== this.#epoch) return;
      this.#keep(page, loaded);
      this.#learnEnd(page, loaded);
    } catch (error) {
      if (epoch === this.#epoch) this.#fail(error);
    } finally {
      if (epoch === this.#epoch) {
        this.#inFlight.delete(page);
        this.#pump();
      }
    }
  }

  #fetch(page: number): Promise<Loaded> {
    const above = this.#pages.get(page - 1);
    if (above?.next && above.rows.length === PAGE_ROWS) return this.#filled({ cursor: above.next });
    return this.#byPosition(page, this.#sorted ? 0 : this.waiting);
  }

  #byPosition(page: number, shift: number): Promise<Loaded> {
    return this.#filled({ at: page * PAGE_ROWS + shift });
  }

  async #filled(start: { at: number } | { cursor: string }): Promise<Loaded> {
    let page: Page = await this.#page({ ...start, limit: PAGE_ROWS });
    const rows = page.rows;
    for (let i = 0; i < CONTINUATIONS_MAX && rows.length < PAGE_ROWS && page.more !== 'no' && page.next; i += 1) {
      page = await this.#page({ cursor: page.next, limit: PAGE_ROWS - rows.length });
      rows.push(...page.rows);
    }
    return { rows, next: page.more === 'no' ? null : page.next };
  }

  /** How many rows the list can show at most. */
  get depth(): number {
    const { sort } = toQuery(this.#filters);
    return sort && sort !== 'date' ? SORTED_MAX : Infinity;
  }

  /** Sorted otherwise than newest first: newcomers stand anywhere, not above. */
  get #sorted(): boolean {
    return toQuery(this.#filters).sort !== undefined;
  }

  #page(where: { at?: number; cursor?: string; limit: number }): Promise<Page> {
    return unwrap(api.GET('/api/v1/messages', { params: { query: { ...toQuery(this.#filters), ...where } } }));
  }

  #countsNow(): Promise<Counts> {
    const { sort: _, order: __, ...query } = toQuery(this.#filters);
    return unwrap(api.GET('/api/v1/messages/counts', { params: { query } }));
  }

  /** A count that stopped at its budget grows as the list is seen to go on, and ends where the list ends. */
  #learnEnd(page: number, loaded: Loaded): void {
    const end = page * PAGE_ROWS + loaded.rows.length;
    if (loaded.next === null && loaded.rows.length > 0) this.total = end;
    else if (loaded.next !== null && end >= this.total) this.total = Math.min(end + PAGE_ROWS, this.depth);
    else if (loaded.rows.length === 0 && page * PAGE_ROWS < this.total) this.total = page * PAGE_ROWS;
  }

  #keep(page: number, loaded: Loaded): void {
    this.#seen(loaded.rows);
    this.#pages.set(page, loaded);
    loaded.rows.forEach((row, slot) => this.#places.set(row.id, { page, slot }));
    if (this.#pages.size <= PAGES_KEPT) return;
    const farthest = [...this.#pages.keys()].reduce((a, b) => (Math.abs(b - page) > Math.abs(a - page) ? b : a));
    for (const row of this.#pages.get(farthest)?.rows ?? []) {
      if (this.#places.get(row.id)?.page === farthest) this.#places.delete(row.id);
    }
    this.#pages.delete(farthest);
  }

  #clear(): void {
    this.#pages.clear();
    this.#places.clear();
    this.gone.clear();
    for (const id of this.#going) this.gone.set(id, true);
    this.#inFlight.clear();
    this.#wanted = [];
    this.#ahead = [];
  }

  #fail(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    this.error = error;
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
