/** The list's filters, and how they stand in the address bar. */
import type { components } from '../lib/api/schema';
import { nextDay, startOfDay } from '../lib/format';
import type { State } from '../lib/api/types';

export type Type = 'all' | 'failed' | 'outbox' | 'sent';
export type Source = 'all' | 'mine_sent' | 'notifications';
export type Kind = components['schemas']['KindName'];
export const SORTS = ['date', 'sent_on', 'from', 'subject', 'user', 'size', 'status', 'send_attempts', 'next_attempt'] as const;
export type SortKey = (typeof SORTS)[number];
export type Order = 'ascending' | 'descending';

export type Filters = {
  type: Type;
  source: Source;
  q: string;
  /** A person's id. */
  sender?: number;
  /** An office's id. */
  office?: number;
  kind?: Kind;
  state?: State;
  /** First and last day, `2026-11-23`, as days of the person's own time zone. */
  from?: string;
  to?: string;
  /** Only one's own mail. */
  mine?: true;
  sort?: SortKey;
  order?: Order;
};

/** The filters behind the Filters button. */
export const FOLDED = ['sender', 'office', 'kind', 'state', 'from', 'to', 'mine'] as const;

/** The Types in the order and the words of the page. */
export const TYPES: { value: Type; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'failed', label: 'Failed' },
  { value: 'outbox', label: 'Outbox' },
  { value: 'sent', label: 'Sent' },
];

/** The kinds in a person's words. */
export const KINDS: Record<Kind, string> = {
  intra_office: 'Intra-office e-mail',
  form_letter: 'Form letter',
  direct: 'Direct e-mail',
  account_created: 'Account created',
  password_reset: 'Password reset',
  sign_in_failed: 'Unsuccessful sign-in',
  activity_created: 'Activity created',
  record_shared: 'Record shared',
  alert: 'Alert',
};
const USER_KINDS: Kind[] = ['direct', 'intra_office', 'form_letter'];

/** The states that a row of a Type can have. */
export function states(type: Type): State[] {
  const outbox: State[] = ['queued', 'scheduled', 'held', 'sending', 'deferred'];
  return { all: [...outbox, 'sent', 'failed'] as State[], outbox, sent: ['sent'] as State[], failed: ['failed'] as State[] }[type];
}

/** The kinds that a person may choose: notifications are for administrators alone (V5). */
export function kinds(administrator: boolean): Kind[] {
  return administrator ? [...USER_KINDS, ...(Object.keys(KINDS) as Kind[]).filter((kind) => !USER_KINDS.includes(kind))] : USER_KINDS;
}

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
  const filters: Filters = {
    type: oneOf(params.get('type'), ['failed', 'outbox', 'sent']) ?? 'all',
    source: oneOf(params.get('source'), ['mine_sent', 'notifications']) ?? 'all',
    q: (params.get('q') ?? '').trim(),
  };
  const sender = numberOf(params.get('sender'));
  const office = numberOf(params.get('office'));
  const kind = oneOf(params.get('kind'), Object.keys(KINDS) as Kind[]);
  const state = oneOf(params.get('state'), states(filters.type));
  const [from, to] = [dayOf(params.get('from')), dayOf(params.get('to'))];
  const sort = oneOf(params.get('sort'), [...SORTS]);
  if (sender !== undefined) filters.sender = sender;
  if (office !== undefined) filters.office = office;
  if (kind) filters.kind = kind;
  if (state) filters.state = state;
  if (from) filters.from = from;
  if (to) filters.to = to;
  if (params.get('mine') === 'true') filters.mine = true;
  if (sort) filters.sort = sort;
  if (sort) filters.order = oneOf(params.get('order'), ['ascending', 'descending']) ?? 'descending';
  return filters;
}

export type ListQuery = Partial<Omit<Filters, 'mine'> & { mine: boolean }>;

/** The filters as the API's query: what is not set is left out, days become the moments at which they begin and end. */
export function toQuery(filters: Filters): ListQuery {
  const { sort, order, ...rest } = filters;
  return {
    ...narrowing(rest),
    ...(filters.from && { from: startOfDay(filters.from) }),
    ...(filters.to && { to: startOfDay(nextDay(filters.to)) }),
    ...(sort && !(sort === 'date' && order === 'descending') && { sort, order }),
  };
}

/** The address of the queue page with these filters. */
export function toAddress(filters: Filters): string {
  const params = new URLSearchParams();
  const { sort, order, ...rest } = filters;
  for (const [name, value] of Object.entries({ ...narrowing(rest), ...(sort && { sort, order }) })) params.set(name, String(value));
  return params.size > 0 ? `/queue?${params}` : '/queue';
}

/** Whether anything narrows the list. */
export function narrowed(filters: Filters): boolean {
  const { sort: _, order: __, ...rest } = filters;
  return Object.keys(narrowing(rest)).length > 0;
}

/** How many of the folded filters are set; two dates count once. */
export function foldedCount(filters: Filters): number {
  const set = FOLDED.filter((name) => filters[name] !== undefined);
  return set.length - (filters.from && filters.to ? 1 : 0);
}

/** These filters with everything that narrows taken away. */
export function unnarrowed(filters: Filters): Filters {
  return { type: 'all', source: 'all', q: '', ...(filters.sort && { sort: filters.sort, order: filters.order }) };
}

function narrowing(filters: Omit<Filters, 'sort' | 'order'>): ListQuery {
  const { type, source, q, ...folded } = filters;
  return {
    ...(type !== 'all' && { type }),
    ...(source !== 'all' && { source }),
    ...(q !== '' && { q }),
    ...Object.fromEntries(Object.entries(folded).filter(([name, value]) => value !== undefined && value !== '' && (name !== 'state' || states(type).includes(value as State)))),
  };
}

function oneOf<T extends string>(value: string | null, allowed: readonly T[]): T | undefined {
  return allowed.find((one) => one === value);
}

function numberOf(value: string | null): number | undefined {
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function dayOf(value: string | null): string | undefined {
  return value !== null && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined;
}
