/** The tagged rows: what Menu acts on. */
import { SvelteMap } from 'svelte/reactivity';
import type { ActionName, Row, State } from '../lib/api/types';
import type { Rows } from './rows.svelte';

/** A range this long is asked for in one go; longer ones are refused with words. */
export const RANGE_MAX = 5_000;

/** The states that an action makes sense in; the server has the last word, item by item. */
const FITS: Record<ActionName, State[]> = {
  requeue: ['failed'],
  resend: ['sent'],
  delete: ['queued', 'scheduled', 'held', 'sending', 'deferred', 'sent', 'failed'],
};

export class Tags {
  readonly #states = new SvelteMap<string, State>();
  /** Where the last single tag was set: the other end of a range. */
  #anchor = -1;

  get size(): number {
    return this.#states.size;
  }

  has(id: string): boolean {
    return this.#states.has(id);
  }

  /** Tags a row or takes its tag away. */
  toggle(row: Row, index: number): void {
    if (!this.#states.delete(row.id)) this.#states.set(row.id, row.state);
    this.#anchor = index;
  }

  /** Tags everything from the last tagged row to this one. Returns why not, where it is too much. */
  async extend(rows: Rows, index: number): Promise<string | null> {
    const from = this.#anchor < 0 ? index : this.#anchor;
    if (Math.abs(index - from) >= RANGE_MAX) {
      return `A range can hold ${RANGE_MAX.toLocaleString('en-US')} messages at most. Tag a shorter one.`;
    }
    for (const row of await rows.between(from, index)) this.#states.set(row.id, row.state);
    this.#anchor = index;
    return null;
  }

  /** Follows the rows' states, so that the menu's numbers stay true. */
  follow(changes: ({ id: string; state: State } | { id: string; deleted: true })[]): void {
    for (const change of changes) {
      if (!this.#states.has(change.id)) continue;
      if ('deleted' in change) this.#states.delete(change.id);
      else this.#states.set(change.id, change.state);
    }
  }

  /** The tagged ids that an action is for. */
  for(action: ActionName): string[] {
    return [...this.#states].filter(([, state]) => FITS[action].includes(state)).map(([id]) => id);
  }

  drop(ids: Iterable<string>): void {
    for (const id of ids) this.#states.delete(id);
  }

  clear(): void {
    this.#states.clear();
    this.#anchor = -1;
  }
}
