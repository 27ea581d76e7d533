/** Deletes records, a few seconds later than asked, so that it can be taken back. */
import { ApiError } from '../lib/api/client';
import { plural } from '../lib/format';
import { toasts } from '../lib/toasts.svelte';
import { act, tell } from './actions';
import { theQueue } from './queue.svelte';

/** Seconds in which a deletion can be taken back. */
const UNDO_S = 7;

/** Strikes the rows out at once; the server deletes them when nobody took it back, or when the page is left. */
export async function deleteSoon(ids: string[]): Promise<void> {
  const { tags, rows, view } = theQueue();
  tags.drop(ids);
  rows.mark(ids, true);
  if (!(await toasts.undoable(`${plural(ids.length, 'record')} deleted.`, UNDO_S))) {
    rows.mark(ids, false);
    return;
  }
  try {
    const report = await act('delete', ids);
    const { text, details, good } = tell('delete', report);
    if (!good) toasts.show({ tone: 'bad', text, details });
    rows.mark(ids, false);
    await rows.reload(view.first, view.last);
  } catch (error) {
    rows.mark(ids, false);
    if (!(error instanceof ApiError)) throw error;
    toasts.show({ tone: 'bad', text: `Nothing was deleted: ${error.message}` });
  }
}
