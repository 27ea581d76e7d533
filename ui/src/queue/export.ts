/** Where the browser downloads a list from, as CSV. */
import { toQuery } from './filters';
import type { Queue } from './queue.svelte';

/** The address of the file: the tagged rows, or all that match. */
export function exportAddress(queue: Queue): string {
  const { tags } = queue;
  const params = new URLSearchParams(Object.entries(toQuery(queue.sorted)).map(([name, value]) => [name, String(value)]));
  if (!tags.everything) for (const id of tags.ids) params.append('id', id);
  for (const id of tags.except) params.append('except', id);
  return `/api/v1/messages/export?${params}`;
}
