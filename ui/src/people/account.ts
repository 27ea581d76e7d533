/** Letting somebody in and out: each says what it does and asks before what ends something. */
import { send } from '../lib/api/client';
import type { User } from '../lib/api/types';
import { asked } from '../lib/ask.svelte';
import { toasts } from '../lib/toasts.svelte';
import type { People } from './people.svelte';

/** Disables somebody, after asking. Throws `ApiError`; false where it was not wanted. */
export async function disable(people: People, user: User): Promise<boolean> {
  const keys = people.keys.filter((key) => key.user?.id === user.id).length;
  const yes = await asked({
    title: `Disable ${user.name}?`,
    text: `${user.name} is signed out everywhere at once and cannot sign in again until somebody enables them.`,
    details: [
      keys === 0 ? 'API keys of theirs end for good.' : `${keys === 1 ? 'Their API key ends' : `Their ${keys} API keys end`} for good; software that uses ${keys === 1 ? 'it' : 'them'} stops.`,
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
  toasts.show({ tone: 'good', text: `A link to set a password is on its way to ${user.email}. It works once, for a week.` });
}
