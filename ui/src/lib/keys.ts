/** Whose keys are these? Letters and arrows act on a page only where nobody is writing or choosing. */
import { preferences } from './preferences.svelte';

const WRITING = 'input:not([type=checkbox], [type=radio]), textarea, [contenteditable=true], dialog, [role=menu]';

/** Whether a text is being written, or a dialog or menu has the keys. */
export function writing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest(WRITING) !== null;
}

/** Whether letters and arrows belong to what has the focus: as `writing`, and drop-downs. */
export function typing(target: EventTarget | null): boolean {
  return writing(target) || target instanceof HTMLSelectElement;
}

/** Whether a key on its own may act: the person has not turned such keys off, and nobody is writing. */
export function singleKey(event: KeyboardEvent): boolean {
  return preferences.keys && !event.ctrlKey && !event.metaKey && !event.altKey && !writing(event.target);
}
