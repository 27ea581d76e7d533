/** One message as the page shows it: fetched, followed live, acted upon. */
import { ApiError, api, unwrap } from '../lib/api/client';
import type { Attempt, Detail } from '../lib/api/types';
import { live } from '../lib/live.svelte';

export class Message {
  detail = $state.raw<Detail | null>(null);
  attempts = $state.raw<Attempt[]>([]);
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
      const [detail, log] = await Promise.all([
        unwrap(api.GET('/api/v1/messages/{id}', params)),
        unwrap(api.GET('/api/v1/messages/{id}/attempts', params)),
      ]);
      if (turn !== this.#newest) return;
      this.detail = detail;
      this.attempts = log.attempts;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#newest) this.error = error;
    }
  }

  /** Follows the message until `live.leave()`. */
  follow(): void {
    live.watch(`/api/v1/events?visible=${this.id}`, {
      rows: (changes) => {
        const change = changes.find((one) => one.id === this.id);
        if (!change) return;
        if ('deleted' in change) this.gone = true;
        else void this.load();
      },
      gap: () => void this.load(),
    });
  }
}
