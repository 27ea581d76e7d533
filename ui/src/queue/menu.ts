/** What Menu offers for what is tagged, each with its count. */
import { count } from '../lib/format';
import type { IconName } from '../lib/ui/Icon.svelte';
import type { ActionName, Forecast, Target } from './actions';

export type Deed = { id: string; action: ActionName; label: string; icon: IconName; danger?: boolean; onlyFailed?: boolean };

/** In the words of the seed, in its order. */
export const DEEDS: Deed[] = [
  { id: 'resend_failed', action: 'requeue', label: 'Resend Failed E-mail', icon: 'retry', onlyFailed: true },
  { id: 'resend', action: 'resend', label: 'Resend', icon: 'send' },
  { id: 'requeue', action: 'requeue', label: 'Requeue', icon: 'tray' },
  { id: 'hold', action: 'hold', label: 'Hold', icon: 'pause' },
  { id: 'release', action: 'release', label: 'Release', icon: 'play' },
  { id: 'delete', action: 'delete', label: "Delete 'E-mail Queue' Record", icon: 'trash', danger: true },
];

/** The target narrowed to failed mail, where the deed is for that alone; null where nothing can be left. */
export function narrowTo(deed: Deed, target: Target, failed: string[]): Target | null {
  if (!deed.onlyFailed) return target;
  if ('ids' in target) return failed.length > 0 ? { ids: failed } : null;
  const type = target.filter['type'];
  if (type !== undefined && type !== 'failed') return null;
  return { ...target, filter: { ...target.filter, type: 'failed' } };
}

/** The number beside a deed: what the server counted, else what this page knows, else that it is being counted. */
export function noteOf(forecast: Forecast | 'unknown' | undefined, known: number | null): string {
  if (forecast === 'unknown') return '–';
  if (forecast) return count(forecast.done);
  return known === null ? '…' : count(known);
}
