/** What the People page shows: everything that the server lets this person see of people, offices, proxies and keys. */
import { ApiError, api, send, unwrap } from '../lib/api/client';
import type { ApiKey, Office, Proxy, User } from '../lib/api/types';
import { session, type Right } from '../lib/session.svelte';
import { toasts } from '../lib/toasts.svelte';
import { RIGHTS, showsMore } from './words';

export class People {
  users = $state.raw<User[]>([]);
  offices = $state.raw<Office[]>([]);
  proxies = $state.raw<Proxy[]>([]);
  keys = $state.raw<ApiKey[]>([]);
  /** Whether everything has come once. */
  ready = $state(false);
  /** Why it could not be loaded. */
  error = $state.raw<ApiError | null>(null);
  readonly me = $derived(session.person?.id ?? 0);

  /** Fetches everything anew. */
  async load(): Promise<void> {
    try {
      const [users, offices, proxies, keys] = await Promise.all([
        unwrap(api.GET('/api/v1/users')),
        unwrap(api.GET('/api/v1/offices')),
        unwrap(api.GET('/api/v1/proxies')),
        unwrap(api.GET('/api/v1/keys')),
      ]);
      this.users = users.users;
      this.offices = offices.offices;
      this.proxies = proxies.proxies;
      this.keys = keys.keys;
      this.error = null;
      this.ready = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.ready) toasts.show({ tone: 'bad', text: `The list could not be refreshed: ${error.message}` });
      else this.error = error;
    }
  }

  user(id: number): User | undefined {
    return this.users.find((one) => one.id === id);
  }

  office(id: number): Office | undefined {
    return this.offices.find((one) => one.id === id);
  }

  /** Whether this person administers an office: their own, or every one from the System Office. */
  administers(office: number): boolean {
    return session.systemAdministrator || (session.administrator && session.person?.office.id === office);
  }

  /** Whether this person gives proxies for somebody’s mail: their own, or as an administrator what they oversee. */
  givesProxies(principal: number): boolean {
    const office = this.user(principal)?.office.id;
    return principal === this.me || (office !== undefined && this.administers(office) && session.oversees(office));
  }

  /** Whether this person decides where somebody’s links go: who may give every right and every proxy that they have. */
  changesSignIn(user: User): boolean {
    const office = user.office.id;
    const rights = RIGHTS.filter((right) => user.rights?.includes(right.id));
    const proxies = this.proxies.filter((one) => one.assistant.id === user.id);
    return this.administers(office) && rights.every((right) => session.mayGive(right.id, office)) && proxies.every((one) => this.givesProxies(one.principal.id));
  }

  /** Takes in a person as the server knows them now. */
  take(user: User): void {
    const known = this.users.some((one) => one.id === user.id);
    this.users = known ? this.users.map((one) => (one.id === user.id ? user : one)) : [...this.users, user];
  }

  /** Fetches one person anew, for what somebody else has changed. */
  async again(id: number): Promise<User> {
    const user = await send<User>('GET', `/api/v1/users/${id}`);
    this.take(user);
    return user;
  }

  /** Changes name, address or whether they may sign in. Throws `ApiError`. */
  async change(user: User, change: { name?: string; email?: string; disabled?: boolean }): Promise<User> {
    const changed = await send<User>('PATCH', `/api/v1/users/${user.id}`, { body: change, headers: ifMatch(user.version) });
    this.take(changed);
    return changed;
  }

  /** Sets a person's rights, whole. Throws `ApiError`. */
  async setRights(user: User, rights: string[], branches: number[] | null): Promise<User> {
    const limited = rights.includes('enterprise_view') && branches !== null;
    const body = { rights, ...(limited && { branches }) };
    const changed = await send<User>('PUT', `/api/v1/users/${user.id}/rights`, { body, headers: ifMatch(user.version) });
    this.take(changed);
    if (user.id !== this.me && showsMore(user, rights, limited ? branches : null)) this.keys = this.keys.filter((key) => key.user?.id !== user.id);
    // What one may do oneself follows from one's own rights.
    if (user.id === this.me) await session.load();
    return changed;
  }

  /** Gives or takes one right. Throws `ApiError`. */
  async setRight(user: User, right: Right, on: boolean): Promise<User> {
    const others = (user.rights ?? []).filter((one) => one !== right);
    const branches = right === 'enterprise_view' ? null : (user.branches?.map((one) => one.id) ?? null);
    return this.setRights(user, on ? [...others, right] : others, branches);
  }
}

/** The header by which nobody's change is overwritten unseen. */
export function ifMatch(version: number | null | undefined): Record<string, string> {
  return { 'If-Match': `"${version ?? 0}"` };
}
