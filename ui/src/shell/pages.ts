/**
 * Every page of the web UI, once: its address, who may open it, where the navigation shows it, and the chunk it is
 * loaded from. A page that stands here is reachable; one that does not, is not linked to from anywhere.
 */
import type { Component } from 'svelte';
import { alerts } from '../lib/alerts.svelte';
import type { IconName } from '../lib/ui/Icon.svelte';
import { administers, type Person } from '../lib/session.svelte';

export type Params = Record<string, string>;
/** A page takes `params`, or nothing at all. */
export type PageComponent = Component<any>;

export type PageEntry = {
  id: string;
  /** `/queue/:id`; a part that starts with a colon is handed to the page in `params`. */
  path: string;
  /** Further addresses of the same page: `/people/:tab`. It stays as it is, with what was typed, while they change. */
  also?: string[];
  title: string;
  /** The page that this one belongs under: it leads there, and the navigation marks it. */
  under?: string;
  /** Where the navigation shows it; pages without stand behind links of other pages. */
  nav?: {
    group: Group;
    icon: IconName;
    /** A number beside it, read anew whenever what it reads changes; 0 shows none. */
    badge?: () => number;
  };
  /** Who may open it; everybody where it is left out. The server has the last word. */
  may?: (person: Person) => boolean;
  /** Whether the page does its own scrolling, as the queue's grid does. */
  fills?: boolean;
  load: () => Promise<{ default: PageComponent }>;
};

/** The navigation's groups, from top to bottom. `top` and `foot` have no heading. */
export type Group = 'top' | 'utilities' | 'office' | 'server' | 'foot';
export const GROUPS: { id: Group; title: string }[] = [
  { id: 'top', title: '' },
  { id: 'utilities', title: 'Utilities' },
  { id: 'office', title: 'Office' },
  { id: 'server', title: 'Server' },
  { id: 'foot', title: '' },
];

/** In the order in which the navigation shows them. */
export const PAGES: PageEntry[] = [
  { id: 'compose', path: '/compose', title: 'Compose', nav: { group: 'top', icon: 'pen' }, load: () => import('../compose/ComposePage.svelte') },
  { id: 'queue', path: '/queue', title: 'E-mail Queue', nav: { group: 'utilities', icon: 'tray' }, fills: true, load: () => import('../queue/QueuePage.svelte') },
  { id: 'alerts', path: '/alerts', title: 'Alert Center', nav: { group: 'utilities', icon: 'bell', badge: () => alerts.unread }, load: () => import('../alerts/AlertsPage.svelte') },
  { id: 'message', path: '/queue/:id', title: 'Message', under: 'queue', load: () => import('../message/MessagePage.svelte') },
  { id: 'limits', path: '/limits', title: 'Limits and Usage', nav: { group: 'utilities', icon: 'gauge' }, load: () => import('../limits/LimitsPage.svelte') },
  { id: 'people', path: '/people', also: ['/people/:tab', '/people/:tab/:id'], title: 'People', nav: { group: 'office', icon: 'people' }, load: () => import('../people/PeoplePage.svelte') },
  { id: 'settings', path: '/office/settings', also: ['/office/settings/:id'], title: 'Office Settings', nav: { group: 'office', icon: 'office' }, may: administers, load: () => import('../settings/SettingsPage.svelte') },
  { id: 'audit', path: '/audit', title: 'Audit Log', nav: { group: 'office', icon: 'list' }, may: administers, load: () => import('../audit/AuditPage.svelte') },
  { id: 'server', path: '/server', title: 'Server status', nav: { group: 'server', icon: 'pulse' }, may: administers, load: () => import('../server/ServerPage.svelte') },
  { id: 'preferences', path: '/preferences', title: 'Preferences', nav: { group: 'foot', icon: 'sliders' }, load: () => import('../preferences/PreferencesPage.svelte') },
];

/** A page without the shell around it: for people who have not signed in, or cannot yet. */
export type OutsideEntry = { id: string; path: string; load: () => Promise<{ default: PageComponent }> };

export const OUTSIDE: OutsideEntry[] = [
  { id: 'setup', path: '/setup', load: () => import('../setup/SetupPage.svelte') },
  { id: 'forgotten', path: '/forgotten', load: () => import('../signin/ForgottenPage.svelte') },
  // Links of invitations and of forgotten passwords lead here: `office/src/notices/templates.rs` writes them.
  { id: 'reset', path: '/password', load: () => import('../signin/PasswordPage.svelte') },
];

/** The page without a shell that has this address. */
export function outsideOf(path: string): OutsideEntry | null {
  return OUTSIDE.find((page) => page.path === path.replace(/\/+$/, '')) ?? null;
}

/** The page of an id, for links to it; null where there is none, or this person may not open it. */
export function pageById(id: string, person: Person | null): PageEntry | null {
  const page = PAGES.find((one) => one.id === id);
  return page && person && permits(page, person) ? page : null;
}

export type Found = { entry: PageEntry; params: Params };

/** The page of a path; null where there is none. `/` is the queue. */
export function pageOf(path: string, pages: PageEntry[] = PAGES): Found | null {
  const parts = (path === '/' ? '/queue' : path).replace(/\/+$/, '').split('/');
  for (const entry of pages) {
    for (const path of [entry.path, ...(entry.also ?? [])]) {
      const params = match(path.split('/'), parts);
      if (params) return { entry, params };
    }
  }
  return null;
}

/** The pages that the navigation shows to this person, by group; groups without any are left out. */
export function navigation(person: Person, pages: PageEntry[] = PAGES): { id: Group; title: string; pages: PageEntry[] }[] {
  return GROUPS.map((group) => ({ ...group, pages: pages.filter((page) => page.nav?.group === group.id && permits(page, person)) })).filter(
    (group) => group.pages.length > 0,
  );
}

/** Whether this person may open a page. */
export function permits(page: PageEntry, person: Person): boolean {
  return page.may?.(person) ?? true;
}

function match(pattern: string[], parts: string[]): Params | null {
  if (pattern.length !== parts.length) return null;
  const params: Params = {};
  for (const [i, piece] of pattern.entries()) {
    const part = parts[i] ?? '';
    if (!piece.startsWith(':')) {
      if (piece !== part) return null;
    } else if (part === '') return null;
    else params[piece.slice(1)] = decode(part);
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
