/** Who is signed in. */
import { ApiError, api, unwrap, whenSignedOut } from './api/client';
import type { Session } from './api/types';
import { preferences } from './preferences.svelte';

type Phase = 'loading' | 'out' | 'in' | 'unreachable';
export type Person = Session['user'];
export type Right = 'super_user' | 'enterprise_view' | 'administrator' | 'customize_list_layout';

/** The root of the tree of offices: its administrators administer every office. */
export const SYSTEM_OFFICE = 1;

export function has(person: Person, right: Right): boolean {
  return person.rights.includes(right);
}

/** An administrator of their own office. */
export function administers(person: Person): boolean {
  return has(person, 'administrator');
}

/** An administrator of the System Office, and so of the whole server. */
export function administersServer(person: Person): boolean {
  return administers(person) && person.office.id === SYSTEM_OFFICE;
}

class SessionState {
  phase = $state<Phase>('loading');
  current = $state.raw<Session | null>(null);
  /** True after a session that was open has ended by itself: the sign-in page says so. */
  ended = $state(false);
  readonly brand = $derived(this.current?.brand ?? 'Postroom');
  readonly person = $derived<Person | null>(this.current?.user ?? null);
  /** Whether they administer the whole server. */
  readonly systemAdministrator = $derived(this.current?.system_administrator ?? false);
  readonly administrator = $derived(this.person !== null && administers(this.person));

  constructor() {
    whenSignedOut(() => {
      if (this.phase === 'in') this.ended = true;
      this.#leave();
    });
  }

  /** Whether the person has a right. */
  may(right: Right): boolean {
    return this.person !== null && has(this.person, right);
  }

  /** Whether they see all mail of an office as its Super User, or may give that right anyway: what they may let others see of it. */
  oversees(office: number): boolean {
    return this.systemAdministrator || (this.may('super_user') && this.person?.office.id === office);
  }

  /** Whether an administrator may give a right to people of an office, or take it from them: none that shows mail which they do not see themself. */
  mayGive(right: Right, office: number): boolean {
    if (right === 'enterprise_view') return this.systemAdministrator;
    return right !== 'super_user' || this.oversees(office);
  }

  /** Asks the server who this is. */
  async load(): Promise<void> {
    try {
      this.#enter(await unwrap(api.GET('/api/v1/session')));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#leave();
      else this.phase = 'unreachable';
    }
  }

  /** Signs in. Throws `ApiError`: `invalid_credentials`, `too_many_attempts` … */
  async signIn(login: string, password: string): Promise<void> {
    this.#enter(await unwrap(api.POST('/api/v1/session', { body: { login, password } })));
  }

  async signOut(): Promise<void> {
    await unwrap(api.DELETE('/api/v1/session'));
    this.#leave();
  }

  #enter(session: Session): void {
    preferences.load(session.user.id);
    this.current = session;
    this.ended = false;
    this.phase = 'in';
  }

  #leave(): void {
    this.current = null;
    this.phase = 'out';
  }
}

export const session = new SessionState();
