/** The list's filters, and how they stand in the address bar. */

export type Type = 'all' | 'failed' | 'outbox' | 'sent';
export type Source = 'all' | 'mine_sent' | 'notifications';
export type Filters = { type: Type; source: Source; q: string };

/** The Types in the order and the words of the page. */
export const TYPES: { value: Type; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'failed', label: 'Failed' },
  { value: 'outbox', label: 'Outbox' },
  { value: 'sent', label: 'Sent' },
];

/** The Sources that a person may choose: notifications are for administrators alone (V5). */
export function sources(brand: string, administrator: boolean): { value: Source; label: string }[] {
  const all: { value: Source; label: string }[] = [
    { value: 'all', label: 'All' },
    { value: 'mine_sent', label: 'E-mail I Sent' },
  ];
  return administrator ? [...all, { value: 'notifications', label: `${brand} Notifications` }] : all;
}

/** The filters of an address; what is unknown there counts as not said. */
export function readFilters(search: string): Filters {
  const params = new URLSearchParams(search);
  return {
    type: oneOf(params.get('type'), ['failed', 'outbox', 'sent']) ?? 'all',
    source: oneOf(params.get('source'), ['mine_sent', 'notifications']) ?? 'all',
    q: (params.get('q') ?? '').trim(),
  };
}

/** The filters as the API's query: what is not set is left out. */
export function toQuery(filters: Filters): { type?: Type; source?: Source; q?: string } {
  return {
    ...(filters.type !== 'all' && { type: filters.type }),
    ...(filters.source !== 'all' && { source: filters.source }),
    ...(filters.q !== '' && { q: filters.q }),
  };
}

/** The address of the queue page with these filters. */
export function toAddress(filters: Filters): string {
  const params = new URLSearchParams(toQuery(filters));
  return params.size > 0 ? `/queue?${params}` : '/queue';
}

/** Whether anything narrows the list. */
export function narrowed(filters: Filters): boolean {
  return filters.type !== 'all' || filters.source !== 'all' || filters.q !== '';
}

function oneOf<T extends string>(value: string | null, allowed: T[]): T | undefined {
  return allowed.find((one) => one === value);
}
