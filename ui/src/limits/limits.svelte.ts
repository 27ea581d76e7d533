/** What the Limits page shows: the limits, what was used, what waits. */
import { ApiError, api, send, unwrap } from '../lib/api/client';
import type { Counts, Limits, LimitsForecast, Page, Row, Usage } from '../lib/api/types';
import { session } from '../lib/session.svelte';
import { toasts } from '../lib/toasts.svelte';

const HELD = '/api/v1/messages';

export class LimitsState {
  limits = $state.raw<Limits | null>(null);
  usage = $state.raw<Usage | null>(null);
  /** E-mail that is held among what this person sees; the first page of it. */
  held = $state.raw<{ total: number; rows: Row[] }>({ total: 0, rows: [] });
  /** One's own e-mail that waits under a limit. */
  waiting = $state(0);
  error = $state.raw<ApiError | null>(null);

  /** Fetches everything anew. */
  async load(): Promise<void> {
    try {
      const [limits, usage, counts, page, own] = await Promise.all([
        unwrap(api.GET('/api/v1/limits')),
        unwrap(api.GET('/api/v1/limits/usage')),
        send<Counts>('GET', `${HELD}/counts`, { query: { state: 'held' } }),
        send<Page>('GET', HELD, { query: { state: 'held', type: 'outbox', limit: 200 } }),
        this.foresee(1, null),
      ]);
      this.limits = limits;
      this.usage = usage;
      this.held = { total: counts.total, rows: page.rows };
      this.waiting = own.waiting;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.limits) toasts.show({ tone: 'bad', text: `The figures could not be refreshed: ${error.message}` });
      else this.error = error;
    }
  }

  /** Asks what would become of so many messages, as oneself or as another address. Throws `ApiError`. */
  foresee(count: number, from: string | null): Promise<LimitsForecast> {
    return send<LimitsForecast>('GET', '/api/v1/limits/forecast', { query: { count, ...(from && from !== session.person?.email && { from }) } });
  }
}
