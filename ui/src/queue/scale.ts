/**
 * Where a list of any length stands behind a scrollbar that the browser caps.
 *
 * Chromium cuts an element at 33,554,426 px, so beyond `CONTENT_MAX_PX` the scrolled element is shorter than the
 * rows would be. Wheel, touch and keys still move one to one; only a drag of the scrollbar (a jump) is scaled.
 * The first and last `EDGE_PX` are never scaled, so that both ends are reached by scrolling as by dragging.
 */

export const CONTENT_MAX_PX = 16_000_000;
const EDGE_PX = 20_000;
/** A step of more viewports than this is a drag of the scrollbar. */
const JUMP_VIEWPORTS = 2;
/** Drift between the scrollbar and the rows that is put right even while scrolling goes on. */
const DRIFT_VIEWPORTS = 8;

export class Scale {
  /** The first pixel of the list in view, as if the list were drawn whole. */
  top = 0;
  #scrollTop = 0;
  #total = 0;
  #rowHeight = 1;
  #viewport = 1;

  /** Takes a new shape of the list; keeps the row at the top. `settle` follows once it is laid out. */
  resize(total: number, rowHeight: number, viewport: number): void {
    const row = this.top / this.#rowHeight;
    this.#total = total;
    this.#rowHeight = rowHeight;
    this.#viewport = viewport;
    this.moveTo(row * rowHeight);
  }

  /** The height to give to the scrolled element. */
  get contentHeight(): number {
    return Math.min(this.#real, CONTENT_MAX_PX);
  }

  /** What to subtract from a row's `index * rowHeight` to find its place in the scrolled element. */
  get offset(): number {
    return this.top - this.#scrollTop;
  }

  /** The rows in view, `first` to `last`, both included; `last` is `first - 1` in an empty list. */
  get range(): { first: number; last: number } {
    const first = Math.min(Math.floor(this.top / this.#rowHeight), Math.max(0, this.#total - 1));
    const last = Math.min(Math.ceil((this.top + this.#viewport) / this.#rowHeight), this.#total) - 1;
    return { first, last: Math.max(last, first - 1) };
  }

  /** The scrollbar stands at `scrollTop` now: moves the list. */
  scrolled(scrollTop: number): void {
    const step = scrollTop - this.#scrollTop;
    this.#scrollTop = scrollTop;
    if (this.#whole || Math.abs(step) > this.#viewport * JUMP_VIEWPORTS) this.top = this.#listAt(scrollTop);
    else this.top = clamp(this.top + step, 0, this.#maxTop);
  }

  /** Whether scrollbar and rows have drifted so far apart that `settle` should not wait for rest. */
  get drifted(): boolean {
    const drift = Math.abs(this.#barAt(this.top) - this.#scrollTop);
    // Near an end of the bar the rows must not run out of bar: there any drift is too much.
    const room = Math.min(this.#scrollTop, this.#maxBar - this.#scrollTop);
    return drift > this.#viewport * (room < this.#viewport * DRIFT_VIEWPORTS ? 0.01 : DRIFT_VIEWPORTS);
  }

  /** Where the scrollbar belongs for the rows now in view; the caller sets it. */
  settle(): number {
    return this.moveTo(this.top);
  }

  /** Moves the list to a pixel. Returns where the scrollbar belongs; the caller sets it. */
  moveTo(top: number): number {
    this.top = clamp(top, 0, this.#maxTop);
    this.#scrollTop = this.#whole ? this.top : Math.round(this.#barAt(this.top));
    return this.#scrollTop;
  }

  /** The scrollbar's place that brings a row into view, moving as little as possible; null if it is in view. */
  reveal(index: number): number | null {
    const from = index * this.#rowHeight;
    if (from < this.top) return this.moveTo(from);
    if (from + this.#rowHeight > this.top + this.#viewport) return this.moveTo(from + this.#rowHeight - this.#viewport);
    return null;
  }

  get #real(): number {
    return this.#total * this.#rowHeight;
  }

  get #whole(): boolean {
    return this.#real <= CONTENT_MAX_PX;
  }

  get #maxTop(): number {
    return Math.max(0, this.#real - this.#viewport);
  }

  get #maxBar(): number {
    return Math.max(0, this.contentHeight - this.#viewport);
  }

  #barAt(top: number): number {
    const end = this.#maxTop - EDGE_PX;
    if (this.#whole || top <= EDGE_PX) return top;
    if (top >= end) return this.#maxBar - (this.#maxTop - top);
    return EDGE_PX + ((top - EDGE_PX) / (end - EDGE_PX)) * (this.#maxBar - 2 * EDGE_PX);
  }

  #listAt(bar: number): number {
    const end = this.#maxBar - EDGE_PX;
    if (this.#whole || bar <= EDGE_PX) return bar;
    if (bar >= end) return this.#maxTop - (this.#maxBar - bar);
    return EDGE_PX + ((bar - EDGE_PX) / (end - EDGE_PX)) * (this.#maxTop - 2 * EDGE_PX);
  }
}

function clamp(n: number, low: number, high: number): number {
  return Math.min(Math.max(n, low), high);
}
