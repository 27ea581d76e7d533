/** Where the browser downloads a list from, as CSV. */
import { toQuery } from './filters';
import type { Queue } from './queue.svelte';

/** As many as an address can name; more are exported as all that match. */
export const IDS_MAX = 1_000;

/** The address of the file: the tagged rows, or all that match. */
export function exportAddress(queue: Queue): string {
  const { tags } = queue;
  if (!tags.everything && tags.size > 0) return `/api/v1/messages/export?bom=true&ids=${tags.ids.slice(0, IDS_MAX).join(',')}`;
  const { sort: _, order: __, ...narrowing } = toQuery(queue.filters);
  const params = new URLSearchParams(Object.entries(narrowing).map(([name, value]) => [name, String(value)]));
  if (tags.except.length > 0) params.set('except', tags.except.join(','));
  params.set('bom', 'true');
  return `/api/v1/messages/export?${params}`;
}
