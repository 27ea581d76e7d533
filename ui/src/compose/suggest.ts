/** Whom one may mean: people of one's office, and addresses that one wrote to before. */
import { ApiError, send } from '../lib/api/client';
import type { Mailbox } from './addresses';

export type Suggestion = Mailbox & { source: 'person' | 'recent' };

const SHOWN_MAX = 8;

/** Those that match; none where the server cannot be asked: suggestions are a help, nothing waits for them. */
export async function suggest(q: string): Promise<Suggestion[]> {
  try {
    const { addresses } = await send<{ addresses: { name: string | null; address: string; source: Suggestion['source'] }[] }>('GET', '/api/v1/addresses', { query: { q, limit: SHOWN_MAX } });
    return addresses.map((one) => ({ ...one, name: one.name ?? '' }));
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}
