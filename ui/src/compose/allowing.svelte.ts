/** What may still be sent today, asked of the server now and then. */
import { ApiError, api, unwrap } from '../lib/api/client';
import { allowance, type Allowance } from './allowance';
import type { Sending } from './sending.svelte';

export class Allowing {
  current = $state.raw<Allowance | null>(null);
  #turn = 0;

  /** Asks for somebody's mail. Where it cannot be told, nothing is: sending says so itself. */
  async load(from: string, sending: Sending): Promise<void> {
    const turn = ++this.#turn;
    try {
      const asked = Date.now();
      const answer = api.GET('/api/v1/limits');
      const [limits, usage, forecast] = await Promise.all([
        unwrap(answer),
        unwrap(api.GET('/api/v1/limits/usage', { params: { query: { days: 1 } } })),
        unwrap(api.GET('/api/v1/limits/forecast', { params: { query: { count: 1, from } } })),
      ]);
      sending.ahead = aheadOf((await answer).response, asked);
      const most = (limits as { message_bytes_max?: number }).message_bytes_max;
      if (most) sending.bytesMax = most;
      if (turn !== this.#turn) return;
      this.current = allowance(limits, usage.own.find((day) => day.day === usage.today)?.used ?? 0, forecast);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.current = null;
    }
  }
}

/** How far the server's clock is ahead: its `Date` is cut to the second, and was written between question and answer. */
function aheadOf(response: Response, asked: number): number {
  const date = Date.parse(response.headers.get('Date') ?? '');
  const ahead = date + 500 - (asked + Date.now()) / 2;
  // A second of difference is within what can be measured.
  return Number.isFinite(ahead) && Math.abs(ahead) > 1_000 ? ahead : 0;
}
