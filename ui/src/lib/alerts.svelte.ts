/** One's own alerts, as every page knows them: how many are unread, told live, and those that are being dismissed. */
import { SvelteMap } from 'svelte/reactivity';
import { ApiError, api, send, unwrap } from './api/client';
import type { Alert, UnreadAlerts } from './api/types';
import { toasts } from './toasts.svelte';

/** Seconds in which a dismissal can be taken back. */
const UNDO_S = 7;

class Alerts {
  /** Goes up whenever the server tells of a change: the Alert Center looks again. */
  changes = $state(0);
  /** The unread alert that came last. */
  newest = $state.raw<Alert | null>(null);
  /** What is gone from the page already while it can still be taken back. */
  readonly leaving = new SvelteMap<number, Alert>();
  #unread = $state(0);

  /** How many are unread, without those that are on their way out. */
  get unread(): number {
    const leaving = [...this.leaving.values()].filter((alert) => !alert.read).length;
    return Math.max(0, this.#unread - leaving);
  }

  /** Takes what the event stream or an answer told. */
  take({ unread, newest = null }: UnreadAlerts): void {
    this.#unread = unread;
    this.newest = newest;
    this.changes += 1;
  }

  /** Asks the server; a server that is away leaves the badge as it was. */
  async load(): Promise<void> {
    try {
      this.take(await unwrap(api.GET('/api/v1/alerts/unread')));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Marks one as read. Throws `ApiError`. */
  async read(alert: Alert): Promise<void> {
    await send('POST', `/api/v1/alerts/${alert.id}/read`);
    if (!alert.read) this.#unread = Math.max(0, this.#unread - 1);
  }

  /** Marks all as read, up to an id where one is given: what came after it stays unread. Throws `ApiError`. */
  async readAll(upto: number | null): Promise<void> {
    await send('POST', '/api/v1/alerts/read-all', upto === null ? {} : { body: { upto } });
    await this.load();
  }

  /** Puts one away, a few seconds later than asked, so that it can be taken back. */
  async dismissSoon(alert: Alert): Promise<void> {
    this.leaving.set(alert.id, alert);
    try {
      if (!(await toasts.undoable('Alert dismissed.', UNDO_S))) return;
      await send('POST', `/api/v1/alerts/${alert.id}/dismiss`);
      await this.load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // One that is gone already, in another window, is as it was asked for.
      if (error.status !== 404) toasts.show({ tone: 'bad', text: `The alert is still there: ${error.message}` });
    } finally {
      this.leaving.delete(alert.id);
      this.changes += 1;
    }
  }

  /** Forgets everything, for the next person at this screen. */
  forget(): void {
    this.#unread = 0;
    this.newest = null;
    this.leaving.clear();
  }
}

export const alerts = new Alerts();
