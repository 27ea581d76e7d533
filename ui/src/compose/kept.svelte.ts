/**
 * A letter that no draft on the server has yet: because the connection or the session was lost, or because its sending
 * was taken back. It lives in memory, and in this tab's storage in case the page is loaded anew.
 */
import type { DraftKey } from './drafts.svelte';
import type { Letter } from './letter';

/** A try to send whose end is not known: the same key and the same words again are never sent twice. */
export type Attempt = { key: string; mark: string; sendAt: string | null };

export type Kept = {
  /** Whose letter it is. */
  person: number;
  letter: Letter;
  draft: DraftKey | null;
  attempt: Attempt | null;
  /** The page's `?…` that it was written on. */
  search: string;
  /** Not saved, its sending taken back, or brought back after it was thrown away. */
  why: 'unsaved' | 'undone' | 'restored';
  /** Files that the tab's storage had no room for. */
  leftOut: string[];
};

const NAME = 'postroom.letter';

class KeptLetter {
  #current = $state.raw<Kept | null>(null);

  constructor() {
    this.#current = stored();
  }

  /** The letter that waits for this person. */
  of(person: number | undefined): Kept | null {
    return this.#current?.person === person ? this.#current : null;
  }

  keep(kept: Kept): void {
    this.#current = kept;
    store(kept);
  }

  /** The letter is in the form again, or no longer wanted. */
  drop(): void {
    if (this.#current === null) return;
    this.#current = null;
    try {
      sessionStorage.removeItem(NAME);
    } catch {
      // A browser that keeps nothing kept nothing.
    }
  }
}

export const keptLetter = new KeptLetter();

function store(kept: Kept): void {
  const bare = { ...kept, letter: { ...kept.letter, files: [] }, leftOut: [...kept.leftOut, ...kept.letter.files.map((file) => file.filename)] };
  try {
    sessionStorage.setItem(NAME, JSON.stringify(kept));
  } catch {
    try {
      sessionStorage.setItem(NAME, JSON.stringify(bare));
    } catch {
      // No room at all: memory has it, as long as the page stays.
    }
  }
}

function stored(): Kept | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? 'null');
    return typeof kept === 'object' && kept !== null && 'letter' in kept ? (kept as Kept) : null;
  } catch {
    return null;
  }
}
