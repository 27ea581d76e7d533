/** Long work that the server does: watched wherever one is, told when it ends, cancelled on demand. */
import { ApiError, send } from './api/client';
import { count, plural } from './format';
import { toasts } from './toasts.svelte';

export type Job = {
  id: number | string;
  action: string;
  state: 'running' | 'done' | 'cancelled' | 'stopped';
  total: number;
  done: number;
  skipped: number;
  refused: number;
  reason?: string | null;
};

/** A job as the page shows it. */
export type Watched = { job: Job; doing: string; done: string; cancelling: boolean };

const LOOK_EVERY_MS = 500;

class Jobs {
  list = $state<Watched[]>([]);
  /** Goes up whenever a job has ended: lists fetch anew. */
  ended = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes up one's own jobs that still run: the page was loaded anew. `words` are those of an action. */
  async resume(owner: number, words: (action: string) => { doing: string; done: string }): Promise<void> {
    try {
      const { jobs: all } = await send<{ jobs: (Job & { owner: string })[] }>('GET', '/api/v1/jobs');
      for (const job of all) {
        if (job.state !== 'running' || job.owner !== `user:${owner}`) continue;
        const { doing, done } = words(job.action);
        this.watch(job, doing, done);
      }
    } catch (error) {
      // Those that run go on all the same; the next page load asks again.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Shows a job's progress until it ends. `doing` and `done` are its words: "Deleting", "deleted". */
  watch(job: Job, doing: string, done: string): void {
    if (this.list.some((one) => one.job.id === job.id)) return;
    this.list.push({ job, doing, done, cancelling: false });
    this.#soon();
  }

  /** Asks the server to stop it; what was done stays done. */
  async cancel(id: Job['id']): Promise<void> {
    const watched = this.list.find((one) => one.job.id === id);
    if (!watched) return;
    watched.cancelling = true;
    try {
      await send('POST', `/api/v1/jobs/${id}/cancel`);
    } catch (error) {
      watched.cancelling = false;
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'job_has_ended') return;
      toasts.show({ tone: 'bad', text: `It could not be cancelled: ${error.message}` });
    }
  }

  /** Forgets all, for the next person at this screen. */
  forget(): void {
    this.list = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#look();
    }, LOOK_EVERY_MS);
  }

  async #look(): Promise<void> {
    for (const watched of [...this.list]) {
      try {
        const job = await send<Job>('GET', `/api/v1/jobs/${watched.job.id}`);
        watched.job = job;
        if (job.state !== 'running') this.#end(watched);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // A server that is away comes back and goes on with the job; one that does not know it never will.
        if (error.status === 404 || error.status === 401) this.list = this.list.filter((one) => one !== watched);
      }
    }
    if (this.list.length > 0) this.#soon();
  }

  #end(watched: Watched): void {
    const { job, done } = watched;
    this.list = this.list.filter((one) => one.job.id !== job.id);
    this.ended += 1;
    const parts = [`${plural(job.done, 'message')} ${done}`];
    if (job.skipped > 0) parts.push(`${count(job.skipped)} skipped`);
    if (job.refused > 0) parts.push(`${count(job.refused)} refused`);
    const how = { running: '', done: '', cancelled: 'Cancelled: ', stopped: 'Stopped: ' }[job.state];
    const tone = job.state === 'stopped' || job.refused > 0 ? 'bad' : job.state === 'done' ? 'good' : 'plain';
    toasts.show({ tone, text: `${how}${parts.join(' · ')}.`, details: job.reason ? [job.reason] : [] });
  }
}

export const jobs = new Jobs();
