/** What an entry of the audit log says besides, as lines that a person can read. Pure. */
import type { AuditItem } from '../lib/api/types';
import { count, fullDate, plural } from '../lib/format';
import type { Names } from './words';

export type Fact = { label: string; value: string };

const RIGHTS: Record<string, string> = {
  super_user: 'Super User',
  enterprise_view: 'Enterprise View',
  administrator: 'Administrator',
  customize_list_layout: 'Customize List Layout',
};
const ENDED: Record<string, string> = { done: 'It ran to its end', cancelled: 'It was cancelled before its end', stopped: 'It stopped before its end' };
/** Numbers for programs. */
const SILENT = new Set(['version', 'as_of', 'action', 'assistant', 'principal', 'level']);
const LIMITS: Record<string, string> = { system_daily_limit: 'The whole server, a day', user_daily_limit: 'Each user, a day', time_zone: 'Time zone of a day' };

/** The lines of an entry, without what its sentence has said already. */
export function factsOf(item: AuditItem, names: Names): Fact[] {
  const detail = (item.detail ?? {}) as Record<string, unknown>;
  const facts: Fact[] = [];
  for (const [name, value] of Object.entries(detail)) {
    if (SILENT.has(name) || name.endsWith('_before') || value === null) continue;
    const fact = LIMITS[name] ? limitOf(name, detail) : factOf(name, value, names);
    if (fact) facts.push(fact);
  }
  return facts;
}

function limitOf(name: string, detail: Record<string, unknown>): Fact | null {
  const [before, after] = [detail[`${name}_before`], detail[name]];
  if (before === after) return null;
  const say = (value: unknown): string => (value === 0 || value === null ? 'no limit' : typeof value === 'number' ? count(value) : String(value));
  return { label: LIMITS[name] ?? name, value: before === undefined ? say(after) : `${say(before)} → ${say(after)}` };
}

function factOf(name: string, value: unknown, names: Names): Fact | null {
  switch (name) {
    case 'reason':
    case 'words':
      return { label: 'Reason', value: String(value) };
    case 'ended':
      return { label: 'How it ended', value: ENDED[String(value)] ?? String(value) };
    case 'skipped':
      return value === 0 ? null : { label: 'Left out', value: `${plural(Number(value), 'message')} that had changed meanwhile` };
    case 'refused':
      return value === 0 ? null : { label: 'Refused', value: plural(Number(value), 'message') };
    case 'rights':
      return { label: 'Rights', value: rights(value) };
    case 'before':
      return { label: 'Rights before', value: rights(value) };
    case 'branches':
      return Array.isArray(value) ? { label: 'Enterprise View reaches', value: value.map((id) => names.office(Number(id)) ?? `office ${id}`).join(', ') } : null;
    case 'parent':
      return { label: 'Below', value: names.office(Number(value)) ?? `office ${String(value)}` };
    case 'renamed':
      return value === true ? { label: 'Name', value: 'changed' } : null;
    case 'security':
      return { label: 'Office security', value: value === true || value === 'on' ? 'switched on' : 'switched off' };
    case 'allowed_sender_domains':
      return { label: 'Allowed sender domains', value: Array.isArray(value) && value.length > 0 ? value.join(', ') : 'not limited here' };
    case 'sends_locally':
      return { label: 'Send locally', value: value === true ? 'switched on' : 'switched off' };
    case 'user':
      return { label: 'Stands for', value: names.user(Number(value)) ?? `person ${String(value)}` };
    case 'scopes':
      return Array.isArray(value) && value.length > 0 ? { label: 'May', value: value.join(', ').replaceAll('_', ' ') } : null;
    case 'from':
    case 'until':
      return { label: name === 'from' ? 'From' : 'Until', value: moment(value) };
    case 'ends_at':
      return { label: 'Expires', value: moment(value) };
    case 'keys_ended':
      return { label: 'API keys revoked', value: count(Number(value)) };
    case 'keys':
      return { label: 'Settings', value: Array.isArray(value) ? value.join(', ') : String(value) };
    case 'columns':
      return { label: 'Columns', value: String(value) };
    case 'search':
      return value === true ? { label: 'Narrowed', value: 'by a search' } : null;
    default:
      return { label: name.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase()), value: typeof value === 'object' ? JSON.stringify(value) : String(value) };
  }
}

function rights(value: unknown): string {
  const list = Array.isArray(value) ? value.map(String) : typeof value === 'object' && value !== null ? Object.entries(value).filter(([, on]) => on === true).map(([name]) => name) : [];
  return list.length === 0 ? 'none' : list.map((right) => RIGHTS[right] ?? right).join(', ');
}

function moment(value: unknown): string {
  if (typeof value === 'number') return fullDate(new Date(value / 1000).toISOString());
  return fullDate(String(value)) || String(value);
}
