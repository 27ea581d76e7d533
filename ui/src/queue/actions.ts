/** Carries out Menu's actions and tells how each item went. */
import { api, unwrap } from '../lib/api/client';
import type { ActionName, ActionReport } from '../lib/api/types';
import { plural } from '../lib/format';

/** The most ids that one request takes. */
const IDS_PER_REQUEST = 1_000;

/** Runs an action over any number of ids. Throws `ApiError`. */
export async function act(action: ActionName, ids: string[]): Promise<ActionReport> {
  const whole: ActionReport = { done: 0, skipped: 0, refused: 0, items: [] };
  for (let i = 0; i < ids.length; i += IDS_PER_REQUEST) {
    const body = { action, ids: ids.slice(i, i + IDS_PER_REQUEST), dry_run: false };
    const part = await unwrap(api.POST('/api/v1/messages/actions', { body }));
    whole.done += part.done;
    whole.skipped += part.skipped;
    whole.refused += part.refused;
    whole.items.push(...part.items);
  }
  return whole;
}

const DONE: Record<ActionName, string> = {
  requeue: 'back in the Outbox',
  resend: 'sent again as new mail',
  delete: 'deleted',
};

/** What happened, in one sentence and one line per reason. */
export function tell(action: ActionName, report: ActionReport): { text: string; details: string[]; good: boolean } {
  const parts = [`${plural(report.done, 'message')} ${DONE[action]}`];
  if (report.skipped > 0) parts.push(`${report.skipped} skipped`);
  if (report.refused > 0) parts.push(`${report.refused} refused`);
  const reasons = new Map<string, number>();
  for (const item of report.items) {
    if (item.outcome === 'done') continue;
    const reason = item.reason ?? (item.outcome === 'skipped' ? 'nothing to do' : 'not permitted');
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const details = [...reasons].map(([reason, n]) => `${n}: ${reason}`);
  return { text: `${parts.join(' · ')}.`, details, good: report.skipped + report.refused === 0 };
}
