/** Names for the ids that the audit log holds; where one cannot be had, the id has to do. */
import { ApiError, api, unwrap } from '../lib/api/client';
import type { components } from '../lib/api/schema';
import { session } from '../lib/session.svelte';
import { pageById } from '../shell/pages';
import type { Names } from './words';

type KeyRow = components['schemas']['KeyRow'];

/** A key by what it is for, or else by whose it is. */
function wordsOf({ id, label, user, office }: KeyRow): string {
  if (label !== '') return `API key “${label}”`;
  return user ? `API key of ${user.name}` : `API key ${id} of ${office.name}`;
}

export class Known implements Names {
  people = $state.raw<{ id: number; name: string }[]>([]);
  #people = $derived(new Map(this.people.map(({ id, name }) => [id, name])));
  #offices = $state.raw(new Map<number, string>());
  #keys = $state.raw(new Map<number, string>());

  /** Asks for them; the log is readable without. */
  async load(): Promise<void> {
    await Promise.all([
      this.#quietly(async () => (this.people = (await unwrap(api.GET('/api/v1/users'))).users)),
      this.#quietly(async () => (this.#offices = new Map((await unwrap(api.GET('/api/v1/offices'))).offices.map(({ id, name }) => [id, name])))),
      this.#quietly(async () => (this.#keys = new Map((await unwrap(api.GET('/api/v1/keys'))).keys.map((key) => [key.id, wordsOf(key)])))),
    ]);
  }

  user = (id: number): string | null => this.#people.get(id) ?? null;
  office = (id: number): string | null => this.#offices.get(id) ?? null;
  key = (id: number): string | null => this.#keys.get(id) ?? null;
  may = (page: string): boolean => pageById(page, session.person) !== null;

  async #quietly(ask: () => Promise<unknown>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
