/** Names for the filters: the server's among what one may see, or those that the rows have named where it cannot say. */
import { ApiError, send } from '../lib/api/client';
import { remember, type Known } from './known.svelte';

export type Name = { id: number; name: string };
type Answer = { senders: Name[]; offices: Name[] };

const MOST = 12;

/** Up to a dozen senders or offices whose name holds what is typed. */
export async function suggest(known: Known, what: keyof Answer, q: string): Promise<Name[]> {
  try {
    const answer = await send<Answer>('GET', '/api/v1/messages/senders', { query: { q, limit: MOST } });
    for (const { id, name } of answer[what]) remember(known[what], id, name);
    return answer[what].slice(0, MOST);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const words = q.toLowerCase();
    return [...known[what]].map(([id, name]) => ({ id, name })).filter((one) => one.name.toLowerCase().includes(words)).sort((a, b) => a.name.localeCompare(b.name)).slice(0, MOST);
  }
}
