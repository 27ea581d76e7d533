/** Which columns the list shows, how wide, and how it is sorted: one's own layout, or what an office's people see. */
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
  /** Why it could not be read. */
  unread = $state.raw<ApiError | null>(null);
  readonly #path: string;
  /** An office's layout is several people's: none of them overwrites another's change unseen. */
  readonly #shared: boolean;
  /** The version that was read, for the next write. */
  #version = '"0"';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #loaded: Promise<void> | null = null;

  /** One's own layout, or that of an office. */
  constructor(office: number | null = null) {
    this.#path = office === null ? '/api/v1/layout' : `/api/v1/offices/${office}/layout`;
    this.#shared = office !== null;
  }

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

  /** Back to the office's layout: one's own is forgotten; an office's becomes the usual one. Throws `ApiError`. */
  async reset(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#shared) {
      await this.#put({ columns: usual(), sort: 'date', order: 'descending' });
    } else await send('DELETE', this.#path);
    this.#loaded = null;
    await this.load();
  }

  /** Keeps it now; for one's own, another window's change that came between gives way. Throws `ApiError`. */
  async save(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.#put();
    } catch (error) {
      if (this.#shared || !(error instanceof ApiError) || error.code !== 'stale') throw error;
      await this.overwrite();
    }
    this.error = null;
  }

  /** Keeps it over what was kept meanwhile. Throws `ApiError`. */
  async overwrite(): Promise<void> {
    await this.#read();
    await this.#put();
  }

  async #put(what: { columns: Shown[]; sort: SortKey; order: Order } = this): Promise<void> {
    const body: WireLayout = {
      columns: what.columns.map(({ id, width }) => ({ column: id, width_px: width ?? COLUMNS[id].width })),
      sort: { column: what.sort, order: what.order },
    };
    await send('PUT', this.#path, { body, headers: { 'If-Match': this.#version }, answered: (response) => this.#keepVersion(response) });
  }

  #keepVersion(response: Response): void {
    this.#version = response.headers.get('ETag') ?? this.#version;
  }

  #read(): Promise<WireLayout> {
    return send<WireLayout>('GET', this.#path, { answered: (response) => this.#keepVersion(response) });
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
      this.unread = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.unread = error;
      if (this.#shared) this.#loaded = null;
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
