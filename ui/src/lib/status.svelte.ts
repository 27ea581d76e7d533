/** How the server is: its relays, its queue, and what it wants said on every page. */
import { ApiError, api, unwrap } from './api/client';
import type { Status } from './api/types';

class ServerStatus {
  current = $state.raw<Status | null>(null);

  async load(): Promise<void> {
    try {
      this.current = await unwrap(api.GET('/api/v1/status'));
    } catch (error) {
      // The page's own requests tell of a server that is away; the strip stays as it was.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

export const serverStatus = new ServerStatus();
