/**
 * What was typed into a form and is not saved: it outlives an expired session, a reload and a step back, for this person
 * in this tab. Never for secrets.
 */
import { session } from './session.svelte';

const nameOf = (form: string): string => `postroom.typed.${session.person?.id ?? 0}.${form}`;

/** What was typed before; null where nothing was. */
export function typedBefore<T extends object>(form: string): Partial<T> | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(nameOf(form)) ?? 'null');
    return typeof kept === 'object' && kept !== null ? (kept as Partial<T>) : null;
  } catch {
    return null;
  }
}

/** Keeps what is typed; null forgets it. */
export function keepTyped(form: string, typed: object | null): void {
  try {
    if (typed) sessionStorage.setItem(nameOf(form), JSON.stringify(typed));
    else sessionStorage.removeItem(nameOf(form));
  } catch {
    // A browser that keeps nothing: it holds until the page is left.
  }
}
