/** Rights, scopes and proxies in plain words. Pure. */
import type { ApiKey, Office, Proxy, User } from '../lib/api/types';
import { dayWords, dayOf, nextDay, startOfDay } from '../lib/format';
import type { Right } from '../lib/session.svelte';

export const RIGHTS: { id: Right; label: string; badge: string; text: string }[] = [
  {
    id: 'super_user',
    label: 'Super User',
    badge: 'Super User',
    text: 'Sees every e-mail that people of their office sent, sends it again, deletes, holds and releases it.',
  },
  {
    id: 'enterprise_view',
    label: 'Enterprise View',
    badge: 'Enterprise View',
    text: 'Looks at the e-mail of the offices below their own: of all, or of the branches you choose. Looking only.',
  },
  {
    id: 'administrator',
    label: 'Administrator',
    badge: 'Administrator',
    text: 'Changes people and settings of their office, sees notifications, holds and releases mail. In the System Office: of every office.',
  },
  {
    id: 'customize_list_layout',
    label: 'Customize list layout',
    badge: 'Own columns',
    text: 'Chooses, orders and sizes the columns of their own E-mail Queue. Others see the office’s columns.',
  },
];

/**
 * Whether somebody may see mail with other rights and branches (`null` for all) that they do not see now. Given by
 * somebody else, that ends their API keys.
 */
export function showsMore(user: Pick<User, 'rights' | 'branches'>, rights: readonly string[], branches: readonly number[] | null): boolean {
  const gained = ['super_user', 'enterprise_view', 'administrator'].some((right) => rights.includes(right) && !user.rights?.includes(right));
  const had = user.branches?.map((one) => one.id);
  const wider = rights.includes('enterprise_view') && had !== undefined && (branches === null || branches.some((id) => !had.includes(id)));
  return gained || wider;
}

/** Who may give what shows all mail of an office. */
export const OVERSEERS_GRANT = 'Only administrators who are Super Users, and System Office administrators, can grant this.';
/** Who may give what shows other offices’ mail. */
export const SYSTEM_GRANTS = 'Only System Office administrators can grant this.';

/** Scopes of an office’s key that show the office’s mail. */
export const SHOWING_SCOPES: readonly string[] = ['read', 'manage'];
export const SCOPES: { id: string; label: string; text: string }[] = [
  { id: 'send', label: 'Send', text: 'Hands in e-mail as anybody of the office.' },
  { id: 'read', label: 'Read', text: 'Sees the e-mail that people of the office sent.' },
  { id: 'manage', label: 'Manage', text: 'Sees that e-mail, sends it again, deletes it and corrects addresses.' },
  { id: 'post_notifications', label: 'Post notifications', text: 'Hands in your software’s notifications: a new activity, a shared record.' },
];

export function scopeLabel(id: string): string {
  return SCOPES.find((one) => one.id === id)?.label ?? id;
}

export type KeyLasts = 'open' | '30' | '90' | '365' | 'day';

/** How long a new key may last. */
export const KEY_LASTS: { value: KeyLasts; label: string }[] = [
  { value: 'open', label: 'Never' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'day', label: 'On a date' },
];

/** When a key ends that is made now; null for never. A day is its last one, where the person is. */
export function keyEnd(lasts: KeyLasts, day: string, now: Date): string | null {
  if (lasts === 'open') return null;
  if (lasts === 'day') return startOfDay(nextDay(day));
  return new Date(now.getTime() + Number(lasts) * 86_400_000).toISOString();
}

/** Whether a key has ended by itself. */
export function expired(key: Pick<ApiKey, 'ends_at'>, now: Date): boolean {
  return key.ends_at ? new Date(key.ends_at) <= now : false;
}

/** A person's name; for oneself "you" or "your". */
const whose = (id: number, name: string, me: number): string => (id === me ? 'your' : `${name}’s`);

/** What a proxy means: "Front Desk may see Case Clerk’s mail until 31 Dec". */
export function proxySentence(proxy: Pick<Proxy, 'assistant' | 'principal' | 'level' | 'from' | 'until'>, me: number, now: Date): string {
  const { assistant, principal, level } = proxy;
  const subject = assistant.id === me ? 'You' : assistant.name;
  const owner = whose(principal.id, principal.name, me);
  const as = principal.id === me ? 'you' : principal.name;
  const deed = level === 'view' ? `may see ${owner} mail` : `may see and act on ${owner} mail, and send as ${as},`;
  const from = proxy.from && new Date(proxy.from) > now ? `from ${dayWords(dayOf(proxy.from), now)}` : '';
  const until = proxy.until ? `until ${dayWords(lastDay(proxy.until), now)}` : '';
  return [deed, from, until].filter(Boolean).join(' ').replace(/,$/, '').replace(/^/, `${subject} `);
}

/** The last day of what is over at a moment. */
export function lastDay(until: string): string {
  return dayOf(new Date(Date.parse(until) - 1).toISOString());
}

export type ProxyState = 'active' | 'planned' | 'ended' | 'off';

/** Whether a proxy counts now, and why not. */
export function proxyState(proxy: Proxy, now: Date): ProxyState {
  if (proxy.until && new Date(proxy.until) <= now) return 'ended';
  if (proxy.from && new Date(proxy.from) > now) return 'planned';
  return proxy.active ? 'active' : 'off';
}

export const PROXY_STATES: Record<ProxyState, { label: string; tone: 'good' | 'plan' | 'quiet' | 'hold'; hint: string }> = {
  active: { label: 'In force', tone: 'good', hint: 'It counts now.' },
  planned: { label: 'Begins later', tone: 'plan', hint: 'Its first day lies ahead.' },
  ended: { label: 'Ended', tone: 'quiet', hint: 'Its last day is over. It shows nothing any more.' },
  off: { label: 'Without effect', tone: 'hold', hint: 'Office security of the office is off, or the assistant is disabled: nothing is seen by it.' },
};

/** The offices that somebody's Enterprise View reaches, in words. */
export function viewWords(user: Pick<User, 'branches'>): string {
  const { branches } = user;
  if (!branches) return 'All offices below';
  if (branches.length === 0) return 'No branch';
  return branches.length === 1 ? (branches[0]?.name ?? '') : `${branches.length} branches`;
}

/** Whether a word or more of what is searched for are all found in a person. */
export function fits(user: User, words: string): boolean {
  const text = `${user.name} ${user.email} ${user.login ?? ''} ${user.office.name}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The path of an office from the root: "System Office › North Office". */
export function pathOf(id: number, offices: Office[]): string {
  const names: string[] = [];
  let at = offices.find((one) => one.id === id);
  for (let depth = 0; at && depth < 64; depth += 1) {
    names.unshift(at.name);
    at = offices.find((one) => one.id === at?.parent);
  }
  return names.join(' › ');
}
