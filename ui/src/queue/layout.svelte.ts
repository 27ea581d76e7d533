/** Which columns the list shows, how wide, and how it is sorted: one's own layout, or the office's. */
import { ApiError, send } from '../lib/api/client';
import { clampWidth, COLUMN_IDS, DEFAULT_COLUMNS, type ColumnId, type Shown } from './columns';
import { SORTS, type Order, type SortKey } from './filters';

/** As the API has it. */
type Wire = { columns: { id: string; width?: number | null }[]; sort?: string | null; order?: string | null };

const SAVE_AFTER_MS = 600;

export class Layout {
  columns = $state.raw<Shown[]>(DEFAULT_COLUMNS.map((id) => ({ id, width: null })));
  sort = $state<SortKey>('date');
  order = $state<Order>('desc');
  /** Why it could not be kept. */
  error = $state.raw<ApiError | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #loaded: Promise<void> | null = null;

  /** Fetches it once; without an answer the usual columns stay. */
  load(): Promise<void> {
    this.#loaded ??= this.#fetch();
    return this.#loaded;
  }

  /** Shows these columns from now on and keeps them. */
  set(columns: Shown[]): void {
    this.columns = columns;
    this.#saveSoon();
  }

  setSort(sort: SortKey, order: Order): void {
    this.sort = sort;
    this.order = order;
    this.#saveSoon();
  }

  resize(id: ColumnId, width: number): void {
    this.set(this.columns.map((one) => (one.id === id ? { id, width: clampWidth(id, width) } : one)));
  }

  /** Back to the office's layout: one's own is forgotten. */
  async reset(): Promise<void> {
    clearTimeout(this.#timer);
    await send('DELETE', '/api/v1/layout');
    this.#loaded = null;
    await this.load();
  }

  /** Keeps it now. Throws `ApiError`. */
  async save(): Promise<void> {
    clearTimeout(this.#timer);
    const body: Wire = { columns: this.columns.map(({ id, width }) => ({ id, width })), sort: this.sort, order: this.order };
    await send('PUT', '/api/v1/layout', { body });
    this.error = null;
  }

  #saveSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.save().catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        this.error = error;
      });
    }, SAVE_AFTER_MS);
  }

  async #fetch(): Promise<void> {
    try {
      const { columns, sort, order } = readLayout(await send<Wire>('GET', '/api/v1/layout'));
      this.columns = columns;
      this.sort = sort;
      this.order = order;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

/** A layout as it came; columns that this page does not know are left out, and none at all are the usual. */
export function readLayout(wire: Wire): { columns: Shown[]; sort: SortKey; order: Order } {
  const seen = new Set<string>();
  const columns = (wire.columns ?? []).flatMap(({ id, width }): Shown[] => {
    const known = COLUMN_IDS.find((one) => one === id);
    if (!known || seen.has(id)) return [];
    seen.add(id);
    return [{ id: known, width: typeof width === 'number' ? clampWidth(known, width) : null }];
  });
  return {
    columns: columns.length > 0 ? columns : DEFAULT_COLUMNS.map((id) => ({ id, width: null })),
    sort: SORTS.find((one) => one === wire.sort) ?? 'date',
    order: wire.order === 'asc' ? 'asc' : 'desc',
  };
}
