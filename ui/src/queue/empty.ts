/** What an empty list says. */
import type { Filters } from './filters';

export function emptyWords(filters: Filters): { title: string; text: string } {
  if (filters.q) {
    return { title: `Nothing matches “${filters.q}”`, text: 'Search looks at subjects and addresses. Fewer or shorter words find more.' };
  }
  switch (filters.type) {
    case 'failed':
      return { title: 'No failed e-mail', text: 'Everything that was tried has gone out or is still being tried.' };
    case 'outbox':
      return { title: 'The Outbox is empty', text: 'Nothing waits to be sent.' };
    case 'sent':
      return { title: 'Nothing sent yet', text: 'E-mail appears here once the relay has accepted it.' };
    case 'all':
      return filters.source === 'all'
        ? { title: 'The queue is empty', text: 'E-mail that you send passes through here. It appears the moment it is handed in.' }
        : { title: 'No e-mail from this source', text: 'It appears here the moment it is handed in.' };
  }
}
