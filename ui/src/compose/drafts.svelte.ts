/** One's drafts, kept on the server. */
import { ApiError, send } from '../lib/api/client';
import type { KeptDraft } from './letter';

/** A draft in the list. */
export type DraftEntry = { id: string; subject: string; to: string; updated_at: string; size: number };
/** Which draft it is, and the version of it that is known. */
export type DraftKey = { id: string; etag: string };

type Listed = Omit<DraftEntry, 'id' | 'to'> & { id: string | number; to: string | string[] | null };

class Drafts {
  list = $state.raw<DraftEntry[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  #turn = 0;
  #person: number | null = null;
  /** Those whose deletion can still be undone. */
  #hidden = new Set<string>();

  /** Fetches the list; what was shown stays until it is there. */
  async load(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const { drafts } = await send<{ drafts: Listed[] }>('GET', '/api/v1/drafts');
      if (turn !== this.#turn) return;
      const all = drafts.map((draft) => ({ ...draft, id: String(draft.id), to: Array.isArray(draft.to) ? draft.to.join(', ') : (draft.to ?? '') }));
      this.list = all.filter((draft) => !this.#hidden.has(draft.id));
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.error = error;
    }
  }

  /** A draft as it is now. Throws `ApiError`. */
  async read(id: string): Promise<{ kept: Partial<KeptDraft>; key: DraftKey }> {
    let etag = '';
    const kept = await send<Partial<KeptDraft>>('GET', pathOf(id), { answered: (response) => (etag = response.headers.get('ETag') ?? '') });
    return { kept, key: { id, etag } };
  }

  /** Keeps a draft: a new one without a key. Throws `ApiError`: 412 where somebody changed it meanwhile. */
  async write(draft: KeptDraft, key: DraftKey | null): Promise<DraftKey> {
    let etag = '';
    const answered = (response: Response): void => void (etag = response.headers.get('ETag') ?? '');
    const written = key
      ? await send<{ version?: number } | undefined>('PUT', pathOf(key.id), { body: draft, headers: { 'If-Match': key.etag }, answered })
      : await send<{ id: string | number; version?: number }>('POST', '/api/v1/drafts', { body: draft, answered });
    const id = key?.id ?? String((written as { id: string | number }).id);
    const next = { id, etag: etag || `"${written?.version ?? 0}"` };
    void this.load();
    return next;
  }

  /** Deletes a draft; one that is gone already is as good. Throws `ApiError`. */
  async remove(id: string): Promise<void> {
    try {
      await send('DELETE', pathOf(id));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    this.list = this.list?.filter((draft) => draft.id !== id) ?? null;
  }

  /** Takes it out of what is shown, while its deletion can still be undone. */
  hide(id: string): void {
    this.#hidden.add(id);
    this.list = this.list?.filter((draft) => draft.id !== id) ?? null;
  }

  /** It is not deleted after all. */
  show(id: string): void {
    this.#hidden.delete(id);
    void this.load();
  }

  /** Begins anew for another person. */
  of(person: number): void {
    if (person === this.#person) return;
    this.#person = person;
    this.#turn += 1;
    this.#hidden.clear();
    this.list = null;
    this.error = null;
  }
}

export const drafts = new Drafts();

const pathOf = (id: string): string => `/api/v1/drafts/${encodeURIComponent(id)}`;
