/**
 * The event stream: opened while the tab is seen, closed while it is hidden (HTTP/1.1 gives a browser six
 * connections), opened anew after a loss with growing waits, and replaced without a gap when what is watched changes.
 */
import { alerts } from './alerts.svelte';
import { api, unwrap } from './api/client';
import type { Counts, Row, Status, UnreadAlerts } from './api/types';
import { serverStatus } from './status.svelte';

const FIRST_WAIT_MS = 250;
/** A page that comes has this long to watch what it wants before the shell's own stream is opened. */
const IDLE_AFTER_MS = 400;
const WAITS_S = [1, 2, 4, 8, 15];

export type LivePhase = 'connecting' | 'live' | 'offline' | 'paused';

/** A page takes what it is interested in. `status` and `alerts` go to the shell whoever watches. */
export type LiveHandlers = {
  rows?(rows: (Row | { id: string; deleted: true })[]): void;
  counts?(counts: Counts): void;
  /** Rows that came in since `watch` was first called or `restart` last was. */
  fresh?(n: number): void;
  /** What happened while no stream was open is unknown: fetch anew. */
  gap?(): void;
};

class Live {
  phase = $state<LivePhase>('connecting');
  /** When the next try is due, while offline. */
  retryAt = $state<Date | null>(null);
  #on: LiveHandlers | null = null;
  /** Watched while no page watches anything. */
  #idle: string | null = null;
  #url: string | null = null;
  /** The open stream. */
  #source: EventSource | null = null;
  /** The stream that will take its place once it is open. */
  #pending: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #losses = 0;
  /** Newcomers that earlier streams counted. */
  #before = 0;
  #latest = 0;
  #missed = false;

  constructor() {
    document.addEventListener('visibilitychange', this.#seen);
  }

  /** Watches what this address names, in place of what was watched before. */
  watch(url: string, on: LiveHandlers): void {
    this.#on = on;
    if (url === this.#url) return;
    // The shell's own stream does not follow what the page shows.
    if (this.#url === this.#idle && this.phase === 'live') this.phase = 'connecting';
    this.#url = url;
    if (this.phase === 'paused' || this.phase === 'offline') this.#missed = true;
    else this.#open();
  }

  /** What to watch while no page does; ends with what is returned. */
  idle(url: string): () => void {
    this.#idle = url;
    this.#idleSoon();
    return () => {
      this.#idle = null;
      this.#end();
    };
  }

  /** The list was loaded anew: newcomers count from here. */
  restart(): void {
    this.#before = -this.#latest;
  }

  /** Tries at once, for the impatient. */
  retryNow(): void {
    this.#open();
  }

  /** Watches nothing any more: the page that did has gone. */
  leave(): void {
    this.#end();
    this.#idleSoon();
  }

  #idleSoon(): void {
    setTimeout(() => {
      if (this.#url === null && this.#idle !== null) this.watch(this.#idle, {});
    }, IDLE_AFTER_MS);
  }

  #end(): void {
    this.#drop();
    this.#url = null;
    this.#on = null;
    this.#before = 0;
    this.#latest = 0;
    this.#losses = 0;
    this.#missed = false;
    this.phase = document.hidden ? 'paused' : 'connecting';
  }

  #seen = (): void => {
    if (document.hidden) {
      this.#drop();
      this.#missed = true;
      this.phase = 'paused';
    } else if (this.phase === 'paused') {
      this.#losses = 0;
      this.#open();
    }
  };

  #open(): void {
    clearTimeout(this.#timer);
    this.retryAt = null;
    if (this.#url === null || document.hidden) return;
    if (this.phase !== 'live') this.phase = 'connecting';
    this.#pending?.close();
    const source = new EventSource(this.#url);
    this.#pending = source;
    source.onopen = () => this.#opened(source);
    source.onerror = () => {
      if (source === this.#source || source === this.#pending) this.#lost();
    };
    this.#listen(source);
  }

  #opened(source: EventSource): void {
    this.#source?.close();
    this.#source = source;
    this.#pending = null;
    this.#before += this.#latest;
    this.#latest = 0;
    this.#losses = 0;
    this.phase = 'live';
    if (this.#missed) this.#gap();
    this.#missed = false;
  }

  #listen(source: EventSource): void {
    const on = <T>(name: string, take: (data: T) => void): void => {
      source.addEventListener(name, (event) => {
        if (this.#source === source) take(JSON.parse((event as MessageEvent<string>).data) as T);
      });
    };
    on<{ rows: Row[] }>('rows', (data) => this.#on?.rows?.(data.rows));
    on<Counts>('counts', (data) => this.#on?.counts?.(data));
    on<Status>('status', (data) => (serverStatus.current = data));
    on<UnreadAlerts>('alerts', (data) => alerts.take(data));
    on<unknown>('resync', () => this.#gap());
    on<{ n: number }>('new', (data) => {
      this.#latest = data.n;
      this.#on?.fresh?.(Math.max(0, this.#before + this.#latest));
    });
  }

  #gap(): void {
    void serverStatus.load();
    this.#on?.gap?.();
  }

  /** The server ends a stream now and then on purpose: only when the next one fails too is this called offline. */
  #lost(): void {
    this.#drop();
    this.#missed = true;
    this.#losses += 1;
    if (this.#losses === 1) {
      this.phase = 'connecting';
      this.#timer = setTimeout(() => this.#open(), FIRST_WAIT_MS);
      return;
    }
    // A stream does not say why it was refused; an ended session shows here.
    void unwrap(api.GET('/api/v1/session')).catch(() => {});
    this.phase = 'offline';
    const wait = WAITS_S[Math.min(this.#losses - 2, WAITS_S.length - 1)] ?? 15;
    this.retryAt = new Date(Date.now() + wait * 1000);
    this.#timer = setTimeout(() => this.#open(), wait * 1000);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#pending?.close();
    this.#pending = null;
  }
}

export const live = new Live();
