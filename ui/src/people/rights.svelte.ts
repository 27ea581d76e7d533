/** Giving and taking rights: at once, with a way back, and with the refusal beside the box. */
import { ApiError } from '../lib/api/client';
import type { User } from '../lib/api/types';
import { asked } from '../lib/ask.svelte';
import { sentence } from '../lib/form.svelte';
import { session, type Right } from '../lib/session.svelte';
import { toasts } from '../lib/toasts.svelte';
import { mayEndKeys } from './account';
import type { People } from './people.svelte';
import { OVERSEERS_GRANT, RIGHTS, showsMore, SYSTEM_GRANTS } from './words';

const label = (right: Right): string => RIGHTS.find((one) => one.id === right)?.label ?? right;

/** Why this person may not change a box at all; null where they may. */
export function lockOf(user: Pick<User, 'office' | 'rights'>, right: Right): string | null {
  if (session.systemAdministrator) return null;
  if (!session.mayGive(right, user.office.id)) return right === 'super_user' ? OVERSEERS_GRANT : SYSTEM_GRANTS;
  // Together with Enterprise View these two reach other offices.
  const reaches = (right === 'super_user' || right === 'administrator') && user.rights?.includes('enterprise_view') && !user.rights.includes(right);
  return reaches ? SYSTEM_GRANTS : null;
}

export class Rights {
  /** Whose rights are being saved. */
  busy = $state<number | null>(null);
  #problem = $state.raw<{ user: number; right: Right; text: string } | null>(null);
  #people: People;

  constructor(people: People) {
    this.#people = people;
  }

  /** What the server said to the last change, if it was of this box. */
  problemOf(user: number, right: Right): string | null {
    return this.#problem?.user === user && this.#problem.right === right ? this.#problem.text : null;
  }

  /** Whose box has a problem. */
  get troubled(): { user: number; text: string } | null {
    return this.#problem;
  }

  /** Gives or takes a right, and offers to undo it. */
  async set(user: User, right: Right, on: boolean, undoing = false): Promise<void> {
    if (this.busy !== null) return this.#redraw(user);
    if (!(await this.#sure(user, right, on, undoing))) return this.#redraw(user);
    this.busy = user.id;
    this.#problem = null;
    try {
      const changed = await this.#people.setRight(user, right, on);
      const text = on ? `${user.name} now has ${label(right)}.` : `${user.name} no longer has ${label(right)}.`;
      toasts.show({ tone: 'good', text, action: undoing ? null : { label: 'Undo', run: () => void this.set(changed, right, !on, true) } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.#refused(user, right, error);
    } finally {
      this.busy = null;
    }
  }

  /** Asks before keys end, also by undoing that a right was taken away, and before one gives up what one cannot take back. */
  async #sure(user: User, right: Right, on: boolean, undoing: boolean): Promise<boolean> {
    const branches = user.branches?.map((one) => one.id) ?? null;
    if (on) return !showsMore(user, [...(user.rights ?? []), right], branches) || mayEndKeys(this.#people, user, `Grant ${label(right)} to ${user.name}?`, 'Grant');
    if (undoing || right !== 'administrator' || user.id !== this.#people.me) return true;
    return asked({
      title: 'Stop being an administrator?',
      text: 'You will no longer see this page as you do now, nor the settings. Another administrator has to give the right back to you.',
      go: 'Give it up',
      stay: 'Stay administrator',
      danger: true,
    });
  }

  async #refused(user: User, right: Right, error: ApiError): Promise<void> {
    const stale = error.code === 'stale';
    const text = stale ? `Somebody else changed ${user.name}’s rights meanwhile: the boxes show them as they are now. Nothing was overwritten.` : sentence(error);
    if (stale) await this.#people.again(user.id).catch(() => undefined);
    else this.#redraw(user);
    this.#problem = { user: user.id, right, text };
  }

  /** The box was clicked and is to show again what is so. */
  #redraw(user: User): void {
    this.#people.take({ ...(this.#people.user(user.id) ?? user) });
  }
}
