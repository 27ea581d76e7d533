/** The mock's message store: a byte of state per message, scanned newest first. */
import type { components } from '../../src/lib/api/schema';
import { STATES, firstState, isNotification, rowOf, seqOf, type Row, type State } from './data.ts';

type Counts = components['schemas']['Counts'];
export type Query = {
  type: string;
  source: string;
  q: string;
  sender?: number;
  office?: number;
  kind?: string;
  state?: string;
  from?: string;
  to?: string;
  sort?: string;
  order?: string;
};
const GONE = 255;
const SEARCHED_MAX = 30_000;
/** More matches than these are not sorted. */
export const SORTED_MAX = 100_000;

export class Box {
  readonly base: number;
  #states: Uint8Array;
  size: number;

  constructor(base: number) {
    this.base = base;
    this.size = base;
    this.#states = new Uint8Array(base + 100_000);
    for (let seq = 0; seq < base; seq += 1) this.#states[seq] = firstState(seq, base);
  }

  row(seq: number): Row | null {
    const state = this.#states[seq];
    if (seq < 0 || seq >= this.size || state === undefined || state === GONE) return null;
    return rowOf(seq, STATES[state] ?? 'sent', this.base);
  }

  find(id: string): Row | null {
    return this.row(seqOf(id));
  }

  arrive(state: State = 'queued'): number {
    this.#states[this.size] = STATES.indexOf(state);
    return this.size++;
  }

  set(id: string, state: State): void {
    this.#states[seqOf(id)] = STATES.indexOf(state);
  }

  remove(id: string): void {
    this.#states[seqOf(id)] = GONE;
  }

  /** Rows in another order than newest first; null where there are too many. Positions are cursors here. */
  sorted(query: Query, at: number, limit: number): { rows: Row[]; more: boolean } | null {
    const found: Row[] = [];
    for (let seq = this.size - 1; seq >= 0; seq -= 1) {
      if (!this.#matches(seq, query)) continue;
      const row = this.row(seq);
      if (row) found.push(row);
      if (found.length > SORTED_MAX) return null;
    }
    const by = SORT_VALUES[query.sort ?? 'date'] ?? ((row: Row) => row.date);
    const sign = query.order === 'ascending' ? 1 : -1;
    found.sort((a, b) => sign * (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
    return { rows: found.slice(at, at + limit), more: at + limit < found.length };
  }

  /** The ids of all that match, newest first, up to a limit. */
  ids(query: Query, upto: string | null, except: Set<string>): string[] {
    const ids: string[] = [];
    for (let seq = this.size - 1; seq >= 0; seq -= 1) {
      if (!this.#matches(seq, query)) continue;
      const row = this.row(seq);
      if (row && (upto === null || row.id <= upto) && !except.has(row.id)) ids.push(row.id);
    }
    return ids;
  }

  /** Rows from a position on, or below a sequence number. */
  page(query: Query, at: number, below: number, limit: number): { rows: Row[]; last: number; more: boolean } {
    const rows: Row[] = [];
    let skip = at;
    let last = below;
    for (let seq = Math.min(below, this.size) - 1; seq >= 0; seq -= 1) {
      if (!this.#matches(seq, query)) continue;
      if (skip-- > 0) continue;
      if (rows.length === limit) return { rows, last, more: true };
      const row = this.row(seq);
      if (row) rows.push(row);
      last = seq;
    }
    return { rows, last, more: false };
  }

  counts(query: Query): Counts {
    const counts: Counts = {
      types: { all: 0, outbox: 0, sent: 0, failed: 0 },
      sources: { all: 0, mine_sent: 0, notifications: 0 },
      states: { queued: 0, scheduled: 0, held: 0, sending: 0, deferred: 0, sent: 0, failed: 0 },
      total: 0,
      exact: query.q === '',
    };
    for (let seq = this.size - 1, left = query.q ? SEARCHED_MAX : this.size; seq >= 0 && left > 0; seq -= 1, left -= 1) {
      const number = this.#states[seq] ?? GONE;
      if (number === GONE || !this.#found(seq, query.q) || !this.#folded(seq, query)) continue;
      const state = STATES[number] ?? 'sent';
      const type = state === 'sent' || state === 'failed' ? state : 'outbox';
      const source = isNotification(seq) ? 'notifications' : 'mine_sent';
      const ofType = query.type === 'all' || query.type === type;
      const ofSource = query.source === 'all' || query.source === source;
      if (ofSource) (counts.types[type] += 1), (counts.types.all += 1);
      if (ofType) (counts.sources[source] += 1), (counts.sources.all += 1);
      if (ofType && ofSource) (counts.states[state] += 1), (counts.total += 1);
    }
    return counts;
  }

  #matches(seq: number, query: Query): boolean {
    const number = this.#states[seq] ?? GONE;
    if (number === GONE) return false;
    if (query.type !== 'all') {
      const type = number === 5 ? 'sent' : number === 6 ? 'failed' : 'outbox';
      if (type !== query.type) return false;
    }
    if (query.source !== 'all' && (query.source === 'notifications') !== isNotification(seq)) return false;
    return this.#found(seq, query.q) && this.#folded(seq, query);
  }

  /** The filters that are needed less often. */
  #folded(seq: number, { sender, office, kind, state, from, to }: Query): boolean {
    if (state && STATES[this.#states[seq] ?? GONE] !== state) return false;
    if (sender === undefined && office === undefined && !kind && !from && !to) return true;
    const row = this.row(seq);
    if (!row) return false;
    return (
      (sender === undefined || row.sender?.id === sender) &&
      (office === undefined || row.office.id === office) &&
      (!kind || row.kind === kind) &&
      (!from || row.date >= from) &&
      (!to || row.date < to)
    );
  }

  #found(seq: number, q: string): boolean {
    if (q === '') return true;
    if (this.size - seq > SEARCHED_MAX) return false;
    const row = this.row(seq);
    return row !== null && `${row.subject} ${row.from} ${row.to}`.toLowerCase().includes(q.toLowerCase());
  }
}

const SORT_VALUES: Record<string, (row: Row) => string | number> = {
  date: (row) => row.date,
  sent_on: (row) => row.sent_on ?? '',
  from: (row) => row.from,
  subject: (row) => row.subject,
  user: (row) => row.sender?.name ?? '',
  size: (row) => row.size_bytes,
  status: (row) => STATES.indexOf(row.state),
  send_attempts: (row) => row.attempts,
  next_attempt: (row) => row.next_attempt_at ?? '',
};
