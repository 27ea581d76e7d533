/** The tagged rows: what Menu acts on. Either some, by id, or all that match the filters but a few. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Row, State } from '../lib/api/types';
import type { ActionName } from './actions';
import type { Rows } from './rows.svelte';

/** A range this long is asked for in one go; longer ones are refused with words. */
export const RANGE_MAX = 5_000;
/** As many rows can be left out of "all that match". */
export const EXCEPT_MAX = 1_000;

/** The states that an action makes sense in; the server has the last word, item by item. */
const FITS: Record<ActionName, State[]> = {
  requeue: ['failed', 'deferred', 'held'],
  resend: ['sent'],
  hold: ['queued', 'scheduled', 'deferred'],
  release: ['held', 'scheduled'],
  delete: ['queued', 'scheduled', 'held', 'deferred', 'sent', 'failed'],
};

/** All that matched when they were tagged: `total` of them, none newer than `upto`. */
export type Everything = { total: number; exact: boolean; upto: string | null };

export class Tags {
  /** Set while all that match are tagged. */
  everything = $state.raw<Everything | null>(null);
  readonly #states = new SvelteMap<string, State>();
  readonly #except = new SvelteSet<string>();
  /** Where the last single tag was set: the other end of a range. */
  #anchor = -1;

  get size(): number {
    return this.everything ? Math.max(0, this.everything.total - this.#except.size) : this.#states.size;
  }

  has(id: string): boolean {
    const all = this.everything;
    if (!all) return this.#states.has(id);
    // Ids sort by time: what came in later was not there to be tagged.
    return !this.#except.has(id) && (all.upto === null || id <= all.upto);
  }

  /** Tags a row or takes its tag away. Returns why not, where it is too much. */
  toggle(row: Row, index: number): string | null {
    this.#anchor = index;
    if (this.everything) return this.#leaveOut(row.id);
    if (!this.#states.delete(row.id)) this.#states.set(row.id, row.state);
    return null;
  }

  /** Tags everything from the last tagged row to this one. Returns why not, where it is too much. */
  async extend(rows: Rows, index: number): Promise<string | null> {
    const from = this.#anchor < 0 ? index : this.#anchor;
    if (Math.abs(index - from) >= RANGE_MAX) {
      return `A range can hold ${RANGE_MAX.toLocaleString('en-US')} messages at most. Tag a shorter one, or all that match.`;
    }
    for (const row of await rows.between(from, index)) {
      if (this.everything) this.#except.delete(row.id);
      else this.#states.set(row.id, row.state);
    }
    this.#anchor = index;
    return null;
  }

  /** Tags all that match the list's filters. */
  all(everything: Everything): void {
    this.clear();
    this.everything = everything;
  }

  /** Follows the rows' states, so that the menu's numbers stay true. */
  follow(changes: ({ id: string; state: State } | { id: string; deleted: true })[]): void {
    for (const change of changes) {
      if (!this.#states.has(change.id)) continue;
      if ('deleted' in change) this.#states.delete(change.id);
      else this.#states.set(change.id, change.state);
    }
  }

  /** The tagged ids. */
  get ids(): string[] {
    return [...this.#states.keys()];
  }

  /** What is left out of "all that match". */
  get except(): string[] {
    return [...this.#except];
  }

  /** The tagged ids that an action is for, as far as this page knows. */
  for(action: ActionName): string[] {
    return [...this.#states].filter(([, state]) => FITS[action].includes(state)).map(([id]) => id);
  }

  /** The tagged ids of failed mail. */
  get failed(): string[] {
    return [...this.#states].filter(([, state]) => state === 'failed').map(([id]) => id);
  }

  drop(ids: Iterable<string>): void {
    for (const id of ids) this.#states.delete(id);
  }

  clear(): void {
    this.everything = null;
    this.#except.clear();
    this.#states.clear();
    this.#anchor = -1;
  }

  #leaveOut(id: string): string | null {
    if (this.#except.delete(id)) return null;
    if (this.#except.size >= EXCEPT_MAX) return `At most ${EXCEPT_MAX.toLocaleString('en-US')} can be left out. Narrow the list first.`;
    this.#except.add(id);
    return null;
  }
}
