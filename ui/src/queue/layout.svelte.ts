/** Which columns the list shows, how wide, and how it is sorted: one's own layout, or the office's. */
import { ApiError, send } from '../lib/api/client';
import { clampWidth, COLUMN_IDS, COLUMNS, DEFAULT_COLUMNS, type ColumnId, type Shown } from './columns';
import { SORTS, type Order, type SortKey } from './filters';

/** As the API has it. */
export type WireLayout = {
  columns: { column: string; width_px: number }[];
  sort: { column: string; order: Order };
  source?: 'own' | 'office' | 'default';
};

const SAVE_AFTER_MS = 600;

export class Layout {
  columns = $state.raw<Shown[]>(usual());
  sort = $state<SortKey>('date');
  order = $state<Order>('descending');
  /** Why it could not be kept. */
  error = $state.raw<ApiError | null>(null);
  /** The version that was read, for the next write. */
  #version = '"0"';
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

  /** Back to the office's layout: one's own is forgotten. Throws `ApiError`. */
  async reset(): Promise<void> {
    clearTimeout(this.#timer);
    await send('DELETE', '/api/v1/layout');
    this.#loaded = null;
    await this.load();
  }

  /** Keeps it now; another window's change that came between gives way. Throws `ApiError`. */
  async save(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.#put();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'stale') throw error;
      await this.#read();
      await this.#put();
    }
    this.error = null;
  }

  async #put(): Promise<void> {
    const body: WireLayout = {
      columns: this.columns.map(({ id, width }) => ({ column: id, width_px: width ?? COLUMNS[id].width })),
      sort: { column: this.sort, order: this.order },
    };
    await send('PUT', '/api/v1/layout', { body, headers: { 'If-Match': this.#version }, answered: (response) => this.#keepVersion(response) });
  }

  #keepVersion(response: Response): void {
    this.#version = response.headers.get('ETag') ?? this.#version;
  }

  #read(): Promise<WireLayout> {
    return send<WireLayout>('GET', '/api/v1/layout', { answered: (response) => this.#keepVersion(response) });
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
      const { columns, sort, order } = readLayout(await this.#read());
      this.columns = columns;
      this.sort = sort;
      this.order = order;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

/**
 * A layout as it came. Columns that this page does not know are left out. Where nobody chose one, this page's own is
 * shown, whose columns share the room there is; a width that is a column's usual one means that it shares too.
 */
export function readLayout(wire: WireLayout): { columns: Shown[]; sort: SortKey; order: Order } {
  const seen = new Set<string>();
  const columns = (wire.columns ?? []).flatMap(({ column, width_px }): Shown[] => {
    const id = COLUMN_IDS.find((one) => one === column);
    if (!id || seen.has(column)) return [];
    seen.add(column);
    return [{ id, width: width_px === COLUMNS[id].width ? null : clampWidth(id, width_px) }];
  });
  return {
    columns: wire.source === 'default' || columns.length === 0 ? usual() : columns,
    sort: SORTS.find((one) => one === wire.sort?.column) ?? 'date',
    order: wire.sort?.order === 'ascending' ? 'ascending' : 'descending',
  };
}

function usual(): Shown[] {
  return DEFAULT_COLUMNS.map((id) => ({ id, width: null }));
}
