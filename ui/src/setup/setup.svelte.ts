/** How far the setting up of a new server has come: asked from the server, so that a reload goes on where it was. */
import { ApiError, api, send, unwrap } from '../lib/api/client';
import type { Limits, Status } from '../lib/api/types';
import { session, SYSTEM_OFFICE } from '../lib/session.svelte';
import { serverStatus } from '../lib/status.svelte';
import { OfficeSettings } from '../settings/settings.svelte';

export type StepId = 'administrator' | 'office' | 'smtp' | 'limits';
export const STEPS: { id: StepId; title: string }[] = [
  { id: 'administrator', title: 'First administrator' },
  { id: 'office', title: 'Office' },
  { id: 'smtp', title: 'SMTP server' },
  { id: 'limits', title: 'Daily limits' },
];

/** What was left as it is on purpose; a browser that keeps nothing asks again. */
const SKIPPED = 'postroom.setup.skipped';

export class Setup {
  phase = $state<'loading' | 'failed' | 'sign_in' | 'not_yours' | 'ready'>('loading');
  failure = $state.raw<ApiError | null>(null);
  done = $state.raw<Record<StepId, boolean>>({ administrator: false, office: false, smtp: false, limits: false });
  skipped = $state.raw<StepId[]>(readSkipped());
  /** The step that is shown; null once all of them are behind. */
  at = $state<StepId | null>('administrator');
  office = $state.raw<OfficeSettings | null>(null);
  limits = $state.raw<Limits | null>(null);

  /** Asks the server what is done, and goes to the first step that is not. */
  async load(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // An ended session shows the sign-in by itself.
      if (error.status === 401) return;
      this.failure = error;
      this.phase = 'failed';
    }
  }

  /** Goes on to what is neither done nor skipped. */
  next(): void {
    this.at = STEPS.find(({ id }) => !this.done[id] && !this.skipped.includes(id))?.id ?? null;
  }

  /** Leaves a step as it is. */
  skip(step: StepId): void {
    this.skipped = [...this.skipped.filter((id) => id !== step), step];
    keepSkipped(this.skipped);
    this.next();
  }

  /** A step was saved. */
  finish(step: StepId): void {
    this.done = { ...this.done, [step]: true };
    this.skipped = this.skipped.filter((id) => id !== step);
    keepSkipped(this.skipped);
    this.next();
  }

  async #look(): Promise<void> {
    const { needed } = await unwrap(api.GET('/api/v1/setup'));
    if (needed) {
      this.at = 'administrator';
      this.phase = 'ready';
      return;
    }
    if (session.phase !== 'in') {
      this.phase = 'sign_in';
      return;
    }
    if (!session.systemAdministrator) {
      this.phase = 'not_yours';
      return;
    }
    const office = new OfficeSettings(SYSTEM_OFFICE);
    const [limits, status] = await Promise.all([send<Limits>('GET', '/api/v1/limits'), send<Status>('GET', '/api/v1/status'), office.load()]);
    if (office.failure) throw office.failure;
    serverStatus.current = status;
    this.office = office;
    this.limits = limits;
    this.done = {
      administrator: true,
      // A version tells that somebody has saved it, with whatever values.
      office: (office.loaded?.settings.version ?? 0) > 0,
      smtp: office.pinned || (office.loaded?.settings.relays.length ?? 0) > 0,
      limits: limits.version > 1 || limits.set_in_configuration.length === 3,
    };
    this.next();
    this.phase = 'ready';
  }
}

function readSkipped(): StepId[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(SKIPPED) ?? '[]');
    return Array.isArray(kept) ? STEPS.map(({ id }) => id).filter((id) => kept.includes(id)) : [];
  } catch {
    return [];
  }
}

function keepSkipped(skipped: StepId[]): void {
  try {
    localStorage.setItem(SKIPPED, JSON.stringify(skipped));
  } catch {
    // It is asked again after a reload.
  }
}
