/**
 * A form: what is typed, what the server says to it, and what somebody else changed meanwhile. What is typed is kept
 * until it is saved or thrown away (`kept.ts`), and the page is not left without a question. Made while a component is
 * set up.
 */
import { tick } from 'svelte';
import { ApiError } from './api/client';
import { asked } from './ask.svelte';
import { keepTyped, typedBefore } from './kept';
import { router } from './router.svelte';

export type Difference = { label: string; theirs: string; mine: string };

export class Form<T extends Record<string, unknown>> {
  fields = $state() as T;
  /** What the server refused it with. */
  error = $state.raw<ApiError | null>(null);
  /** What is wrong already before the server is asked, by field. */
  wrong = $state.raw<Partial<Record<keyof T, string>>>({});
  busy = $state(false);
  /** Whether it began with what was typed earlier. */
  restored = $state(false);
  readonly dirty = $derived.by(() => JSON.stringify(this.fields) !== JSON.stringify(this.#base));
  #base = $state.raw() as T;
  #name: string;

  /** `unsaved` says in the question what would be left behind. */
  constructor(name: string, base: T, unsaved = 'What you typed is not saved.') {
    this.#name = name;
    this.#base = base;
    const typed = typedBefore<T>(name);
    this.fields = { ...base, ...typed };
    this.restored = typed !== null && this.dirty;
    $effect(() => keepTyped(this.#name, this.dirty ? $state.snapshot(this.fields) as T : null));
    const leave = (): boolean | Promise<boolean> =>
      !this.dirty || asked({ title: 'Leave without saving?', text: `${unsaved} It waits here until you come back.`, go: 'Leave', stay: 'Stay here' });
    $effect(() => (this.dirty ? router.guard(leave) : undefined));
  }

  /** What is saved. */
  get base(): T {
    return this.#base;
  }

  /** What is wrong with a field, in a sentence; null where nothing is. */
  at(field: keyof T & string): string | null {
    return this.wrong[field] ?? (this.error?.field === field ? sentence(this.error) : null);
  }

  /** The server's refusal where it is about none of the fields. */
  get general(): ApiError | null {
    return this.error && !(this.error.field && this.error.field in this.fields) ? this.error : null;
  }

  /** Says what is wrong before the server is asked, and leads to it; false where nothing is. */
  faulty(wrong: Partial<Record<keyof T, string>>): boolean {
    this.error = null;
    this.wrong = wrong;
    const any = Object.keys(wrong).length > 0;
    if (any) void toWrong();
    return any;
  }

  /** Does something with what is typed. Returns the server's refusal, which stands in `error` too; null where it was done. */
  async submit(deed: (fields: T) => Promise<void>): Promise<ApiError | null> {
    this.busy = true;
    this.error = null;
    this.wrong = {};
    try {
      await deed($state.snapshot(this.fields) as T);
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
      if (this.general === null) void toWrong();
      return error;
    } finally {
      this.busy = false;
    }
  }

  /** Begins anew from what is saved now. */
  reset(base: T = this.#base): void {
    this.#base = base;
    this.fields = { ...base };
    this.error = null;
    this.wrong = {};
    this.restored = false;
    keepTyped(this.#name, null);
  }

  /** Throws away what is kept, for a form that is closed. */
  forget(): void {
    this.reset();
  }
}

/** Brings the focus to the first field that is wrong, of the dialog that is open or of the page. */
async function toWrong(): Promise<void> {
  await tick();
  const form = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
  form.querySelector<HTMLElement>('input[aria-invalid="true"], select[aria-invalid="true"], textarea[aria-invalid="true"]')?.focus();
}

/** The server's words as a sentence, without the field's name before them: it stands above. */
export function sentence(error: ApiError): string {
  let words = error.message;
  if (error.field && words.startsWith(`${error.field}: `)) words = words.slice(error.field.length + 2);
  words = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}
