/** The queue page's state. It outlives the page, so that coming back from a message finds everything as it was. */
import { readFilters, toAddress, type Filters } from './filters';
import { Rows } from './rows.svelte';
import { Scale } from './scale';
import { Tags } from './tags.svelte';

export class Queue {
  readonly rows = new Rows();
  readonly tags = new Tags();
  readonly scale = new Scale();
  /** The position of the row that the keyboard is at; -1 before there is one. */
  active = $state(-1);
  /** The rows in view. */
  view = $state.raw({ first: 0, last: 0 });
  filters = $state.raw<Filters>(readFilters(''));
  #opened = false;

  get address(): string {
    return toAddress(this.filters);
  }

  /** Shows the list with these filters; the same filters leave it as it stands. Returns whether it was loaded. */
  open(filters: Filters): boolean {
    if (this.#opened && toAddress(filters) === this.address) return false;
    this.#opened = true;
    this.filters = filters;
    this.active = -1;
    this.tags.clear();
    this.scale.moveTo(0);
    void this.rows.open(filters);
    return true;
  }
}

// Made here and not on first use: state that is made inside an effect does not wake that effect.
let current = new Queue();

export function theQueue(): Queue {
  return current;
}

/** Forgets everything, for the next person at this screen. */
export function forgetQueue(): void {
  current = new Queue();
}
