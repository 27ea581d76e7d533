/** The page that is shown: found by the address, loaded from its chunk, and what a page says about itself. */
import { pageOf, type Found, type PageComponent } from './pages';

export type Shown = Found & { component: PageComponent };

class Place {
  /** What is drawn: it stays until the next page's chunk has come. */
  shown = $state.raw<Shown | null>(null);
  /** No page has this address. */
  unknown = $state(false);
  /** The chunk could not be loaded. */
  failed = $state(false);
  /** A page's own words for where one is: the subject of a message. */
  leaf = $state('');
  #turn = 0;

  /** Shows the page of a path. */
  async show(path: string): Promise<void> {
    const turn = ++this.#turn;
    const found = pageOf(path);
    this.unknown = found === null;
    this.failed = false;
    if (!found) return;
    try {
      const { default: component } = await found.entry.load();
      if (turn !== this.#turn) return;
      this.leaf = '';
      this.shown = { ...found, component };
    } catch {
      if (turn === this.#turn) this.failed = true;
    }
  }
}

export const place = new Place();
