/** One message as the page shows it: fetched, followed live, acted upon. */
import { ApiError, api, send, unwrap } from '../lib/api/client';
import type { Attempt, Detail, Explanation } from '../lib/api/types';
import { live } from '../lib/live.svelte';

export class Message {
  detail = $state.raw<Detail | null>(null);
  attempts = $state.raw<Attempt[]>([]);
  explanation = $state.raw<Explanation | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** It was deleted while it was looked at. */
  gone = $state(false);
  readonly id: string;
  #newest = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** Fetches the message and its attempts. The answer to the latest call counts. */
  async load(): Promise<void> {
    const turn = ++this.#newest;
    const params = { params: { path: { id: this.id } } };
    try {
      const [detail, log, explanation] = await Promise.all([
        unwrap(api.GET('/api/v1/messages/{id}', params)),
        unwrap(api.GET('/api/v1/messages/{id}/attempts', params)),
        this.#explained(),
      ]);
      if (turn !== this.#newest) return;
      this.detail = detail;
      this.attempts = log.attempts;
      this.explanation = explanation;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#newest) this.error = error;
    }
  }

  /** Gives a recipient another address and lets it be tried. Throws `ApiError`. */
  async readdress(index: number, address: string): Promise<void> {
    await send('POST', `/api/v1/messages/${this.id}/recipients/${index}`, { body: { address } });
    await this.load();
  }

  /** Follows the message until `live.leave()`. */
  follow(): void {
    live.watch(`/api/v1/events?visible=${this.id}`, {
      rows: (changes) => {
        const change = changes.find((one) => one.id === this.id);
        if (!change) return;
        if ('deleted' in change) this.gone = true;
        else if (JSON.stringify(change) !== this.#seen(change)) void this.load();
      },
      gap: () => void this.load(),
    });
  }

  /** What is known already of the fields that a change carries. */
  #seen(change: object): string {
    const detail = this.detail as Record<string, unknown> | null;
    return JSON.stringify(Object.fromEntries(Object.keys(change).map((name) => [name, detail?.[name]])));
  }

  /** An explanation is welcome but no page waits or fails for it. */
  async #explained(): Promise<Explanation | null> {
    try {
      return await unwrap(api.GET('/api/v1/messages/{id}/explain', { params: { path: { id: this.id } } }));
    } catch (error) {
      if (error instanceof ApiError) return null;
      throw error;
    }
  }
}
