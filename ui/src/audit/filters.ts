/** What narrows the audit log, and how it stands in the address bar. */
import type { AuditItem } from '../lib/api/types';
import { nextDay, startOfDay } from '../lib/format';
import { AREAS, areaOf, type Area } from './words';

export type Narrowing = {
  area: Area | '';
  /** `user:3`, `operator`, `system`. */
  actor: string;
  /** First and last day, `2026-11-23`, as days of the person's own time zone. */
  from: string;
  to: string;
};

export const WIDE: Narrowing = { area: '', actor: '', from: '', to: '' };

/** The narrowing of an address; what is unknown there counts as not said. */
export function readNarrowing(search: string): Narrowing {
  const params = new URLSearchParams(search);
  const day = (name: string): string => (/^\d{4}-\d\d-\d\d$/.test(params.get(name) ?? '') ? (params.get(name) ?? '') : '');
  const actor = params.get('who') ?? '';
  return {
    area: AREAS.find((area) => area.value === params.get('about'))?.value ?? '',
    actor: /^(user:\d+|key:\d+|operator|system)$/.test(actor) ? actor : '',
    from: day('from'),
    to: day('to'),
  };
}

export function toAddress({ area, actor, from, to }: Narrowing): string {
  const params = new URLSearchParams({ ...(area && { about: area }), ...(actor && { who: actor }), ...(from && { from }), ...(to && { to }) });
  return params.size > 0 ? `/audit?${params}` : '/audit';
}

export function narrows(narrowing: Narrowing): boolean {
  return toAddress(narrowing) !== '/audit';
}

/** Whether an entry is among what is looked for, or lies so far back that nothing after it can be. */
export function judge(item: AuditItem, { area, actor, from, to }: Narrowing): 'in' | 'out' | 'past' {
  const at = Date.parse(item.at);
  if (from && at < Date.parse(startOfDay(from))) return 'past';
  if (to && at >= Date.parse(startOfDay(nextDay(to)))) return 'out';
  if (area && areaOf(item.action) !== area) return 'out';
  return actor && item.actor !== actor ? 'out' : 'in';
}
