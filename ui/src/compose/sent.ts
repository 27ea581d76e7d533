/** After a letter was handed in: tells what becomes of it, and takes it back within a few seconds. */
import { ApiError, api, unwrap } from '../lib/api/client';
import type { components } from '../lib/api/schema';
import { fullDate } from '../lib/format';
import { router } from '../lib/router.svelte';
import { session } from '../lib/session.svelte';
import { toasts } from '../lib/toasts.svelte';
import { act } from '../queue/actions';
import { keptLetter } from './kept.svelte';
import type { Letter } from './letter';

/** Seconds in which sending can be taken back: the message is scheduled that far ahead. */
export const UNDO_S = 10;
/** After that it is decided whether a limit holds it. */
const SETTLED_MS = 3_000;

type Accepted = components['schemas']['Accepted'];

const link = (id: string): { label: string; href: string } => ({ label: 'Show', href: `/queue/${id}` });

/** Reports on a letter that the server has, and offers to take it back. */
export function tellSent(answer: Accepted, letter: Letter, person: number): void {
  const whom = namesOf(letter);
  if (answer.state === 'held') {
    toasts.show({ tone: 'plain', text: `Your e-mail to ${whom} is held.`, details: [whyHeld(answer.held?.reason ?? null, answer.held?.until ?? null)], link: link(answer.id) });
    return;
  }
  if (answer.state !== 'scheduled') {
    toasts.show({ tone: 'good', text: `Your e-mail to ${whom} is in the queue.`, link: link(answer.id) });
    return;
  }
  const text = letter.send_at ? `Your e-mail to ${whom} goes out ${fullDate(letter.send_at)}.` : `Sending your e-mail to ${whom}.`;
  let undone = false;
  const undo = (): void => {
    undone = true;
    toasts.dismiss(id);
    void takeBack(answer.id, letter, person);
  };
  const gone = (): void => {
    if (!undone && !letter.send_at) setTimeout(() => void look(answer.id, whom, person), SETTLED_MS);
  };
  const id = toasts.show({ tone: 'plain', text, action: { label: 'Undo', run: undo }, link: link(answer.id) }, UNDO_S, gone);
}

/** "client@example.com", "Case Clerk and 2 others". */
export function namesOf(letter: Letter): string {
  const all = [...letter.to, ...letter.cc, ...letter.bcc];
  const first = all[0];
  const name = first ? first.name || first.address : 'nobody';
  return all.length < 2 ? name : `${name} and ${all.length - 1} ${all.length === 2 ? 'other' : 'others'}`;
}

async function takeBack(id: string, letter: Letter, person: number): Promise<void> {
  try {
    const report = await act('delete', [id]);
    if (report.done === 0) {
      toasts.show({ tone: 'bad', text: 'It was too late to take it back: the e-mail is on its way.', link: link(id) });
      return;
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toasts.show({ tone: 'bad', text: `It could not be taken back: ${error.message}`, link: link(id) });
    return;
  }
  keptLetter.keep({ person, letter, draft: null, attempt: null, search: '', why: 'undone', leftOut: [] });
  await router.go('/compose');
}

/** Once it was due: whether it went on, or a limit or a pause holds it. */
async function look(id: string, whom: string, person: number): Promise<void> {
  if (session.person?.id !== person) return;
  try {
    const detail = await unwrap(api.GET('/api/v1/messages/{id}', { params: { path: { id } } }));
    if (detail.state === 'held') {
      toasts.show({ tone: 'plain', text: `Your e-mail to ${whom} is held.`, details: [whyHeld(detail.hold_reason, detail.held_until)], link: link(id) });
    }
  } catch (error) {
    // The queue tells of it all the same.
    if (!(error instanceof ApiError)) throw error;
  }
}

function whyHeld(reason: string | null, until: string | null): string {
  const why: Record<string, string> = {
    user_limit: 'Your daily limit has been reached.',
    system_limit: 'The daily limit of the whole system has been reached.',
    paused: 'Sending is paused by an administrator.',
    administrator: 'An administrator holds it.',
  };
  const then = until ? `It goes out by itself ${fullDate(until)}.` : 'It goes out by itself once that ends.';
  return `${why[reason ?? ''] ?? 'It waits.'} ${then}`;
}
