/**
 * The audit log as a list, newest first. The server gives it page by page and whole; what narrows it is applied here,
 * page after page, until enough is found or the log, or the span of days, is at its end.
 */
import { ApiError, api, unwrap } from '../lib/api/client';
import type { AuditItem } from '../lib/api/types';
import { judge, narrows, WIDE, type Narrowing } from './filters';

const PAGE = 50;
const MOST = 200;
/** Pages that are looked through before the person is asked whether to go on. */
const PAGES_AT_ONCE = 10;

export class Log {
  entries = $state.raw<AuditItem[]>([]);
  loading = $state(false);
  /** Whether the first answer is there. */
  loaded = $state(false);
  error = $state.raw<ApiError | null>(null);
  /** Entries that were looked at, in all. */
  looked = $state(0);
  #next = $state.raw<number | null>(null);
  #narrowing = WIDE;
  #turn = 0;

  get more(): boolean {
    return this.#next !== null;
  }

  /** Shows the log from its newest entry. */
  async open(narrowing: Narrowing): Promise<void> {
    this.#turn += 1;
    this.#narrowing = narrowing;
    this.entries = [];
    this.looked = 0;
    this.loaded = false;
    this.#next = null;
    await this.#read(null);
  }

  /** Goes on where the list ends. */
  async goOn(): Promise<void> {
    if (!this.loading && this.#next !== null) await this.#read(this.#next);
  }

  /** Tries again after an error. */
  async retry(): Promise<void> {
    if (this.loaded) await this.goOn();
    else await this.open(this.#narrowing);
  }

  async #read(before: number | null): Promise<void> {
    const turn = this.#turn;
    const narrow = narrows(this.#narrowing);
    this.loading = true;
    this.error = null;
    try {
      for (let page = 0, found = 0; page < PAGES_AT_ONCE && found < PAGE; page += 1) {
        const query = { limit: narrow ? MOST : PAGE, ...(before !== null && { before }) };
        const answer = await unwrap(api.GET('/api/v1/audit', { params: { query } }));
        if (turn !== this.#turn) return;
        found += this.#take(answer.entries, answer.next);
        before = this.#next;
        if (before === null) break;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.error = error;
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** Takes a page; returns how many of it are shown. */
  #take(entries: AuditItem[], next: number | null): number {
    const verdicts = entries.map((entry) => judge(entry, this.#narrowing));
    const found = entries.filter((_, i) => verdicts[i] === 'in');
    this.entries = [...this.entries, ...found];
    this.looked += entries.length;
    this.loaded = true;
    // Times of entries lie in the order of their numbers: behind the first that is past, all are.
    this.#next = verdicts.includes('past') ? null : next;
    return found.length;
  }
}
