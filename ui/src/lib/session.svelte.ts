/** Who is signed in. */
import { ApiError, api, unwrap, whenSignedOut } from './api/client';
import type { Session } from './api/types';

type Phase = 'loading' | 'out' | 'in' | 'unreachable';

class SessionState {
  phase = $state<Phase>('loading');
  current = $state.raw<Session | null>(null);
  /** True after a session that was open has ended by itself: the sign-in page says so. */
  ended = $state(false);
  readonly brand = $derived(this.current?.brand ?? 'Postroom');
  readonly administrator = $derived(this.current?.user.rights.includes('administrator') ?? false);

  constructor() {
    whenSignedOut(() => {
      if (this.phase === 'in') this.ended = true;
      this.#leave();
    });
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
