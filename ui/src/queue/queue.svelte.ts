/** The queue page's state. It outlives the page, so that coming back from a message finds everything as it was. */
import { readFilters, toAddress, type Filters } from './filters';
import { Known } from './known.svelte';
import { Layout } from './layout.svelte';
import { Rows } from './rows.svelte';
import { Scale } from './scale';
import { Tags } from './tags.svelte';

export class Queue {
  readonly known = new Known();
  readonly rows = new Rows((rows) => this.known.learn(rows));
  readonly tags = new Tags();
  readonly scale = new Scale();
  readonly layout = new Layout();
  /** The position of the row that the keyboard is at; -1 before there is one. */
  active = $state(-1);
  /** The page that is shown where the list has pages, from 0. */
  page = $state(0);
  /** The rows in view. */
  view = $state.raw({ first: 0, last: 0 });
  filters = $state.raw<Filters>(readFilters(''));
  #opened = false;

  get address(): string {
    return toAddress(this.filters);
  }

  /** The filters with the layout's order where the address names none. */
  get sorted(): Filters {
    const { sort, order } = this.layout;
    return { ...this.filters, sort: this.filters.sort ?? sort, order: this.filters.sort ? this.filters.order : order };
  }

  /** Shows the list with these filters; the same filters leave it as it stands. Returns whether it was loaded. */
  open(filters: Filters): boolean {
    if (this.#opened && toAddress(filters) === this.address) return false;
    this.#opened = true;
    this.filters = filters;
    this.active = -1;
    this.page = 0;
    this.tags.clear();
    this.scale.moveTo(0);
    void this.layout.load().then(() => this.rows.open(this.sorted));
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
