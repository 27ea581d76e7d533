/** The mock's actions: by ids, by filter as jobs, as a dry run. */
import type { ServerResponse } from 'node:http';
import type { Box, Query } from './box.ts';
import { idOf, type State } from './data.ts';

type Body = { action: string; ids?: string[]; filter?: Record<string, unknown>; as_of?: string; except?: string[]; dry_run?: boolean };
type Item = { id: string; outcome: 'done' | 'skipped' | 'refused'; reason: string | null; new_id: string | null };
type Job = { id: number; action: string; owner: string; state: string; total: number; done: number; skipped: number; refused: number; reason: string | null; started_at: string; ended_at: string | null };

const FITS: Record<string, State[]> = {
  requeue: ['failed', 'deferred', 'held'],
  resend: ['sent'],
  hold: ['queued', 'scheduled', 'deferred'],
  release: ['held', 'scheduled'],
  delete: ['queued', 'scheduled', 'held', 'deferred', 'sent', 'failed'],
};
/** A job visits this many at a step. */
const STEP = 256;

export class Deeds {
  /** Milliseconds between the steps of a job. */
  stepMs = 20;
  #box: Box;
  #changed: (ids: string[]) => void;
  #jobs: { job: Job; ids: string[] }[] = [];

  constructor(box: Box, changed: (ids: string[]) => void) {
    this.#box = box;
    this.#changed = changed;
  }

  act(body: Body, owner: string, json: (status: number, data: unknown) => void): void {
    const ids = body.ids ?? this.#box.ids(queryOf(body.filter ?? {}), body.as_of ?? null, new Set(body.except));
    if (body.dry_run) {
      const fitting = ids.filter((id) => this.#fits(body.action, id)).length;
      return json(200, { done: fitting, skipped: ids.length - fitting, refused: 0, as_of: body.ids ? null : idOf(this.#box.size - 1), job: null, items: [] });
    }
    if (!body.ids) {
      const job: Job = { id: this.#jobs.length + 1, action: body.action, owner, state: 'running', total: ids.length, done: 0, skipped: 0, refused: 0, reason: null, started_at: new Date().toISOString(), ended_at: null };
      this.#jobs.push({ job, ids });
      this.#step(job.id);
      return json(202, job);
    }
    const items = ids.map((id) => this.#do(body.action, id));
    json(200, { ...tally(items), items, as_of: null, job: null });
    this.#changed(ids);
  }

  /** Newest first. */
  get jobs(): Job[] {
    return this.#jobs.map((entry) => entry.job).reverse();
  }

  job(id: number): Job | undefined {
    return this.#jobs[id - 1]?.job;
  }

  cancel(id: number): boolean {
    const job = this.job(id);
    if (job?.state !== 'running') return false;
    Object.assign(job, { state: 'cancelled', ended_at: new Date().toISOString() });
    return true;
  }

  #step(id: number): void {
    const entry = this.#jobs[id - 1];
    if (entry?.job.state !== 'running') return;
    const { job, ids } = entry;
    const step = ids.splice(0, STEP);
    const counts = tally(step.map((one) => this.#do(job.action, one)));
    job.done += counts.done;
    job.skipped += counts.skipped;
    if (ids.length === 0) Object.assign(job, { state: 'done', ended_at: new Date().toISOString() });
    else setTimeout(() => this.#step(id), this.stepMs);
    this.#changed(step.slice(0, 50));
  }

  #fits(action: string, id: string): boolean {
    const row = this.#box.find(id);
    return row !== null && (FITS[action] ?? []).includes(row.state);
  }

  #do(action: string, id: string): Item {
    const row = this.#box.find(id);
    const left = (outcome: 'skipped' | 'refused', reason: string): Item => ({ id, outcome, reason, new_id: null });
    if (!row) return left('refused', 'there is no such message');
    if (row.state === 'sending') return left('skipped', 'it is being sent right now');
    if (!this.#fits(action, id)) return left('skipped', `it is ${row.state}`);
    const done: Item = { id, outcome: 'done', reason: null, new_id: null };
    if (action === 'resend') return { ...done, new_id: idOf(this.#box.arrive()) };
    if (action === 'delete') this.#box.remove(id);
    else this.#box.set(id, action === 'hold' ? 'held' : 'queued');
    return done;
  }
}

function tally(items: Item[]): { done: number; skipped: number; refused: number } {
  const of = (outcome: string): number => items.filter((item) => item.outcome === outcome).length;
  return { done: of('done'), skipped: of('skipped'), refused: of('refused') };
}

function queryOf(filter: Record<string, unknown>): Query {
  return { type: 'all', source: 'all', q: '', ...filter } as Query;
}

/** Writes a CSV of what matches, at most 1,000 rows. */
export function exported(box: Box, query: Query, ids: string[], res: ServerResponse): void {
  const rows = (ids.length > 0 ? ids.map((id) => box.find(id)) : box.page(query, 0, Infinity, 1_000).rows).filter((row) => row !== null);
  const lines = rows.map((row) => [row.date, row.state, row.to, row.subject].map((value) => `"${value.replaceAll('"', '""')}"`).join(','));
  res.writeHead(200, { 'content-type': 'text/csv; charset=utf-8', 'content-disposition': 'attachment; filename="email-queue.csv"' });
  res.end(`Date,Status,To,Subject\r\n${lines.join('\r\n')}\r\n`);
}
