/** The figures of the Server status page: kept while new ones are fetched, so that nothing flickers. */
import { ApiError, api, send, unwrap } from '../lib/api/client';
import type { Hours, StatusHistory } from './history';

export class ServerFigures {
  /** Null until the first answer, and for those who may not see them. */
  history = $state.raw<StatusHistory | null>(null);
  /** The span that `history` is of. */
  shown = $state<Hours>(1);
  error = $state.raw<ApiError | null>(null);
  offices = $state.raw<ReadonlyMap<number, string>>(new Map());
  #asked = 0;

  /** Fetches a span; an answer that another question has overtaken is dropped. */
  async load(hours: Hours): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const history = await send<StatusHistory>('GET', '/api/v1/status/history', { query: { hours } });
      if (mine !== this.#asked) return;
      this.history = history;
      this.shown = hours;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === this.#asked) this.error = error;
    }
  }

  /** Fetches the names of offices; without them a relay is told by its number. */
  async loadOffices(): Promise<void> {
    try {
      const { offices } = await unwrap(api.GET('/api/v1/offices'));
      this.offices = new Map(offices.map((office) => [office.id, office.name]));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
