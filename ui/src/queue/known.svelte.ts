/** The senders and offices that rows and suggestions have named so far. */
import { SvelteMap } from 'svelte/reactivity';
import type { Row } from '../lib/api/types';

const KEPT_MAX = 300;

export class Known {
  readonly senders = new SvelteMap<number, string>();
  readonly offices = new SvelteMap<number, string>();

  learn(rows: Row[]): void {
    for (const row of rows) {
      if (row.sender && row.category === 'user') remember(this.senders, row.sender.id, row.sender.name);
      remember(this.offices, row.office.id, row.office.name);
    }
  }
}

export function remember(map: SvelteMap<number, string>, id: number, name: string): void {
  if (map.size < KEPT_MAX && map.get(id) !== name) map.set(id, name);
}
