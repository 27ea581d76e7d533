/** One office's settings while they are looked at and changed; what is not saved outlives an ended session. */
import { ApiError, send } from '../lib/api/client';
import type { OfficeEdited, OfficeRow, OfficeSettingsAnswer } from '../lib/api/types';
import { serverStatus } from '../lib/status.svelte';
import { changed, check, differences, formOf, merged, officeEdit, settingsEdit, type Difference, type Form } from './form';
import { newRelay } from './relay';

/** A line of the configuration file that would allow what a field says. */
export type NetworkProposal = { field: string; line: string };

type Loaded = { office: OfficeRow; settings: OfficeSettingsAnswer };

export class OfficeSettings {
  readonly id: number;
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** Why it could not be loaded. */
  failure = $state.raw<ApiError | null>(null);
  loaded = $state.raw<Loaded | null>(null);
  form = $state<Form | null>(null);
  /** As the server has it. */
  base = $state.raw<Form | null>(null);
  /** What is wrong, by the API's names of fields. */
  errors = $state.raw<Record<string, string>>({});
  /** What the server proposes for the configuration file, and for which field. */
  proposal = $state.raw<NetworkProposal | null>(null);
  /** What is wrong and belongs to no field. */
  problem = $state.raw<ApiError | null>(null);
  /** What somebody else saved meanwhile, until it is dealt with. */
  theirs = $state.raw<{ form: Form; loaded: Loaded; differences: Difference[] } | null>(null);
  saving = $state(false);
  /** Goes up with each save of SMTP settings: failed mail may go now. */
  mended = $state(0);
  /** How many people cannot send from their own address since what was saved, until that is shown. */
  refused = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** The names of what is not saved yet. */
  get changes(): string[] {
    return this.form && this.base ? changed(this.form, this.base) : [];
  }

  /** The relays stand in the configuration file: here they can be looked at alone. */
  get pinned(): boolean {
    return this.loaded?.settings.set_in_configuration ?? false;
  }

  /** Fetches it; an error is kept in `failure`. */
  async load(): Promise<void> {
    this.phase = 'loading';
    try {
      this.#take(await this.#fetch());
      this.phase = 'ready';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
      this.phase = 'failed';
    }
  }

  /** Back to what the server has. */
  discard(): void {
    if (this.loaded) this.#take(this.loaded);
  }

  addSecond(): void {
    this.form?.relays.push(newRelay());
  }

  /** Takes a relay away; the second becomes the first. */
  remove(place: number): void {
    this.form?.relays.splice(place, 1);
    this.errors = {};
    this.proposal = null;
  }

  /** Saves what was changed. True once all of it is; else `errors`, `problem` or `theirs` says why not. */
  async save(): Promise<boolean> {
    if (!this.form || !this.base || !this.loaded || this.saving) return false;
    this.problem = null;
    this.proposal = null;
    this.errors = check(this.form);
    if (Object.keys(this.errors).length > 0) return false;
    this.saving = true;
    try {
      await this.#put(this.form, this.base, this.loaded);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.#refused(error);
      return false;
    } finally {
      this.saving = false;
    }
  }

  /** Drops what was typed for what somebody else saved. */
  takeTheirs(): void {
    if (this.theirs) this.#take(this.theirs.loaded);
    this.theirs = null;
  }

  /** Saves what was typed on top of what somebody else saved. */
  async keepMine(): Promise<boolean> {
    const { theirs, form, base } = this;
    if (!theirs || !form || !base) return false;
    this.theirs = null;
    const mine = merged($state.snapshot(form) as Form, base, theirs.form);
    this.#take(theirs.loaded);
    this.form = mine;
    return this.save();
  }

  /** Shows a refusal beside its field, or above all where it has none here. `prefix` is how a test names the relay. */
  blame(error: ApiError, prefix?: { from: string; to: string }): void {
    const field = prefix && error.field?.startsWith(prefix.from) ? prefix.to + error.field.slice(prefix.from.length) : error.field;
    if (!field || !['bad_value', 'forbidden_address', 'wrong_type', 'missing_field'].includes(error.code)) this.problem = error;
    else {
      this.errors = { ...this.errors, [field]: besideField(error) };
      this.proposal = error.suggestion === null ? null : { field, line: error.suggestion };
    }
  }

  async #put(form: Form, base: Form, loaded: Loaded): Promise<void> {
    const edit = officeEdit(form, base);
    if (edit) {
      const { people_refused, ...office } = await send<OfficeEdited>('PATCH', `/api/v1/offices/${this.id}`, { body: edit, headers: { 'If-Match': `"${loaded.office.version}"` } });
      this.refused += people_refused;
      loaded = { ...loaded, office };
      this.loaded = loaded;
      this.base = { ...base, name: form.name.trim(), security: form.security, allowedDomains: form.allowedDomains };
    }
    const settings = settingsEdit(form);
    if (JSON.stringify(settings) !== JSON.stringify(settingsEdit(base))) {
      const relays = JSON.stringify(settings.relays) !== JSON.stringify(settingsEdit(base).relays);
      const answer = await send<OfficeSettingsAnswer>('PUT', `/api/v1/offices/${this.id}/settings`, { body: settings, headers: { 'If-Match': `"${loaded.settings.version}"` } });
      loaded = { ...loaded, settings: answer };
      if (relays) this.mended += 1;
      void serverStatus.load();
    }
    this.#take(loaded);
  }

  async #refused(error: ApiError): Promise<void> {
    // An ended session shows the sign-in; what was typed waits behind it.
    if (error.status === 401) return;
    if (error.code !== 'stale') return this.blame(error);
    try {
      const loaded = await this.#fetch();
      const form = formOf(loaded.office, loaded.settings);
      if (this.form && this.base) this.theirs = { form, loaded, differences: differences(this.form, this.base, form) };
    } catch (again) {
      if (!(again instanceof ApiError)) throw again;
      this.problem = again;
    }
  }

  async #fetch(): Promise<Loaded> {
    const [office, settings] = await Promise.all([
      send<OfficeRow>('GET', `/api/v1/offices/${this.id}`),
      send<OfficeSettingsAnswer>('GET', `/api/v1/offices/${this.id}/settings`),
    ]);
    return { office, settings };
  }

  #take(loaded: Loaded): void {
    this.loaded = loaded;
    this.base = formOf(loaded.office, loaded.settings);
    this.form = formOf(loaded.office, loaded.settings);
    this.errors = {};
    this.proposal = null;
    this.problem = null;
  }
}

/** The server's words without the field's name before them, which stands beside already. */
function besideField(error: ApiError): string {
  const words = error.field && error.message.startsWith(`${error.field}: `) ? error.message.slice(error.field.length + 2) : error.message;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

let kept: { person: number; settings: OfficeSettings } | null = null;

/** An office's settings for this person: with what they had typed, where their session ended before it was saved. */
export function settingsOf(person: number, id: number): OfficeSettings {
  if (kept?.person === person && kept.settings.id === id && kept.settings.changes.length > 0) return kept.settings;
  const settings = new OfficeSettings(id);
  kept = { person, settings };
  void settings.load();
  return settings;
}

/** What was typed is given up. */
export function forgetSettings(): void {
  kept = null;
}
