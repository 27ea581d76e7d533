/** Letting somebody in and out: each says what it does and asks before what ends something. */
import { send } from '../lib/api/client';
import type { User } from '../lib/api/types';
import { asked } from '../lib/ask.svelte';
import { ticker } from '../lib/clock.svelte';
import { escapeHidden } from '../lib/format';
import { toasts } from '../lib/toasts.svelte';
import type { People } from './people.svelte';
import { expired } from './words';

/** What becomes of somebody’s API keys, in a sentence; null where they have none that works. */
function keysEnd(people: People, user: User): string | null {
  const keys = people.keys.filter((key) => key.user?.id === user.id && !expired(key, ticker.now)).length;
  if (keys === 0) return null;
  return `${keys === 1 ? 'Their API key ends' : `Their ${keys} API keys end`} for good; software that uses ${keys === 1 ? 'it' : 'them'} stops.`;
}

/**
 * Asks before a right that shows more ends somebody’s API keys; true where it may be given. Nobody is asked about people
 * without keys, nor about themself: what they give themself ends nothing.
 */
export async function mayEndKeys(people: People, user: User, title: string, go: string): Promise<boolean> {
  const keys = user.id === people.me ? null : keysEnd(people, user);
  if (keys === null) return true;
  return asked({
    title,
    text: `${user.name} will see more e-mail. They are signed out, and can sign in again at once.`,
    details: [keys, 'Undoing it does not bring keys back: new ones must be created.'],
    go,
    danger: true,
  });
}

/** Disables somebody, after asking. Throws `ApiError`; false where it was not wanted. */
export async function disable(people: People, user: User): Promise<boolean> {
  const yes = await asked({
    title: `Disable ${user.name}?`,
    text: `${user.name} is signed out everywhere at once and cannot sign in again until somebody enables them.`,
    details: [
      keysEnd(people, user) ?? 'API keys of theirs end for good.',
      'Links for setting a password end, too.',
      'Their mail stays: what is queued goes out, and others see it as before.',
    ],
    go: 'Disable',
    danger: true,
  });
  if (!yes) return false;
  await people.change(user, { disabled: true });
  toasts.show({ tone: 'good', text: `${user.name} is disabled: sessions and API keys have ended.` });
  void people.load();
  return true;
}

/** Enables somebody again. Throws `ApiError`. */
export async function enable(people: People, user: User): Promise<void> {
  await people.change(user, { disabled: false });
  toasts.show({ tone: 'good', text: `${user.name} may sign in again. API keys must be created again.` });
}

/** Mails a link with which somebody sets their password. Throws `ApiError`. */
export async function sendLink(user: User): Promise<void> {
  await send('POST', `/api/v1/users/${user.id}/invitation`);
  toasts.show({ tone: 'good', text: `A link to set a password is on its way to ${escapeHidden(user.email)}. It works once, for a week.` });
}
