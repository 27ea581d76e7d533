/** Carries out Menu's actions, by ids or on all that match, and tells how it went. */
import { send } from '../lib/api/client';
import type { ActionReport } from '../lib/api/types';
import { count, plural } from '../lib/format';
import type { Job } from '../lib/jobs.svelte';
import { toQuery, type Filters } from './filters';
import type { Tags } from './tags.svelte';

export const ACTIONS = ['requeue', 'resend', 'hold', 'release', 'delete'] as const;
export type ActionName = (typeof ACTIONS)[number];

/** Which messages: some by id, or all that match but a few. */
export type Target = { ids: string[] } | { filter: Record<string, unknown>; as_of?: string; except: string[] };

/** What became of the messages, item by item. */
export type Report = Pick<ActionReport, 'done' | 'skipped' | 'refused' | 'items'>;

/** What an action would come to, counted by the server. */
export type Forecast = { done: number; skipped: number; refused: number; as_of: string | null };

/** The most ids that one request takes. */
export const IDS_PER_REQUEST = 1_000;

/** What is tagged, as the API takes it. */
export function targetOf(tags: Tags, filters: Filters): Target {
  const all = tags.everything;
  if (!all) return { ids: tags.ids };
  const { sort: _, order: __, ...filter } = toQuery(filters);
  return { filter, ...(all.upto && { as_of: all.upto }), except: tags.except };
}

/** Counts what an action would do, and changes nothing. Throws `ApiError`. */
export async function foresee(action: ActionName, target: Target): Promise<Forecast> {
  const whole: Forecast = { done: 0, skipped: 0, refused: 0, as_of: null };
  for (const part of parts(target)) {
    const report = await post<Forecast>({ action, ...part, dry_run: true });
    whole.done += report.done;
    whole.skipped += report.skipped;
    whole.refused += report.refused;
    whole.as_of = report.as_of ?? null;
  }
  return whole;
}

/** Runs an action over ids. Throws `ApiError`. */
export async function act(action: ActionName, ids: string[]): Promise<Report> {
  const whole: Report = { done: 0, skipped: 0, refused: 0, items: [] };
  for (const part of parts({ ids })) {
    const report = await post<ActionReport>({ action, ...part, dry_run: false });
    whole.done += report.done;
    whole.skipped += report.skipped;
    whole.refused += report.refused;
    whole.items.push(...report.items);
  }
  return whole;
}

/** Starts a job that acts on all that match, up to what the forecast saw. Throws `ApiError`. */
export async function startJob(action: ActionName, target: Exclude<Target, { ids: string[] }>, forecast: Forecast): Promise<Job> {
  return post<Job>({ action, ...target, as_of: forecast.as_of ?? target.as_of, dry_run: false, background: true });
}

function post<T>(body: object): Promise<T> {
  return send<T>('POST', '/api/v1/messages/actions', { body });
}

function parts(target: Target): Target[] {
  if (!('ids' in target)) return [target];
  const list: Target[] = [];
  for (let i = 0; i < target.ids.length; i += IDS_PER_REQUEST) list.push({ ids: target.ids.slice(i, i + IDS_PER_REQUEST) });
  return list;
}

/** What each action is called and does, in the words of the page. */
export const WORDS: Record<ActionName, { menu: string; done: string; doing: string; title: (n: number) => string; text: string; go: string; danger?: boolean }> = {
  requeue: {
    menu: 'Requeue',
    done: 'back in the Outbox',
    doing: 'Requeueing',
    title: (n) => `Put ${plural(n, 'e-mail')} back in the Outbox?`,
    text: 'Each is tried anew, for those recipients that it has not reached. Date and Message-ID stay as they are.',
    go: 'Requeue',
  },
  resend: {
    menu: 'Resend',
    done: 'sent again as new mail',
    doing: 'Resending',
    title: (n) => `Send ${plural(n, 'e-mail')} again?`,
    text: 'Every recipient gets a second copy, as new mail with a date of its own. It counts against the daily limits and cannot be taken back.',
    go: 'Resend',
  },
  hold: {
    menu: 'Hold',
    done: 'held',
    doing: 'Holding',
    title: (n) => `Hold back ${plural(n, 'e-mail')}?`,
    text: 'Nothing of it is sent until somebody releases it.',
    go: 'Hold',
  },
  release: {
    menu: 'Release',
    done: 'released',
    doing: 'Releasing',
    title: (n) => `Release ${plural(n, 'e-mail')}?`,
    text: 'It goes back to the Outbox and out as soon as it is its turn.',
    go: 'Release',
  },
  delete: {
    menu: "Delete 'E-mail Queue' Record",
    done: 'deleted',
    doing: 'Deleting',
    title: (n) => (n === 1 ? 'Delete this e-mail from the queue?' : `Delete ${count(n)} e-mails from the queue?`),
    text: 'Records and what they hold will be gone for good. Mail that still waits in the Outbox will not be sent.',
    go: 'Delete',
    danger: true,
  },
};

/** A job's words by the name of its action, also of one that this page does not start. */
export function wordsOf(action: string): { doing: string; done: string } {
  return ACTIONS.includes(action as ActionName) ? WORDS[action as ActionName] : { doing: 'Working', done: 'done' };
}

/** What happened, in one sentence and one line per reason. */
export function tell(action: ActionName, report: Report): { text: string; details: string[]; good: boolean } {
  const parts = [`${plural(report.done, 'message')} ${WORDS[action].done}`];
  if (report.skipped > 0) parts.push(`${count(report.skipped)} skipped`);
  if (report.refused > 0) parts.push(`${count(report.refused)} refused`);
  const reasons = new Map<string, number>();
  for (const item of report.items) {
    if (item.outcome === 'done') continue;
    const reason = item.reason ?? (item.outcome === 'skipped' ? 'nothing to do' : 'not permitted');
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const details = [...reasons].map(([reason, n]) => `${n}: ${reason}`);
  return { text: `${parts.join(' · ')}.`, details, good: report.skipped + report.refused === 0 };
}

/** What a forecast leaves out, a line each. */
export function leftOut(forecast: Forecast): string[] {
  const lines: string[] = [];
  if (forecast.skipped > 0) lines.push(`${count(forecast.skipped)} more are tagged, but this makes no sense for them; they stay as they are.`);
  if (forecast.refused > 0) lines.push(`${count(forecast.refused)} more you may look at but not act on.`);
  return lines;
}
