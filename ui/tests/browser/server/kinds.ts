/** A server with a tree of offices, a person of each kind, and a letter of each of them: what everybody sees differs. */
import type { Cookie, Page } from '@playwright/test';
import { expect } from '@playwright/test';
import { Postroom } from './postroom';

export type Kind = 'a clerk' | 'an assistant' | 'an office’s administrator' | 'a Super User' | 'Enterprise View over a branch' | 'the System Office’s administrator';

export const PEOPLE: Record<Kind, { login: string; name: string; office: string; rights: string }> = {
  'a clerk': { login: 'desk', name: 'Lakeside Desk', office: 'Lakeside', rights: '' },
  'an assistant': { login: 'helper', name: 'Lakeside Helper', office: 'Lakeside', rights: '' },
  'an office’s administrator': { login: 'branch', name: 'Branch Manager', office: 'Lakeside', rights: 'administrator' },
  'a Super User': { login: 'reader', name: 'Lakeside Auditor', office: 'Lakeside', rights: 'super_user' },
  'Enterprise View over a branch': { login: 'watch', name: 'Regional Manager', office: 'North Office', rights: 'enterprise_view' },
  'the System Office’s administrator': { login: 'chief', name: 'Chief Administrator', office: 'System Office', rights: 'administrator' },
};
export const KINDS = Object.keys(PEOPLE) as Kind[];

/** Ids that the addresses of pages are made of. */
export type Ids = { lakeside: number; south: number; clerk: number; letter: string; elsewhere: string; invitation: string };

export class World {
  readonly #cookies = new Map<Kind, Cookie[]>();

  private constructor(
    readonly server: Postroom,
    readonly ids: Ids,
  ) {}

  /**
   * Lakeside and Quay lie below the North Office, beside it the South Office. The clerk has a letter that was sent and
   * one that failed, and the assistant sees both; somebody was invited to Lakeside and somebody to the South Office.
   */
  static async open(): Promise<World> {
    const server = await Postroom.start();
    for (const [name, below] of [['North Office'], ['Lakeside', 'North Office'], ['Quay', 'North Office'], ['South Office']] as const) server.command(['office', 'add', name ?? '', ...(below ? ['--below', below] : [])]);
    for (const { login, name, office, rights } of Object.values(PEOPLE)) server.person(login, name, { office, rights });
    server.person('quay', 'Quay Desk', { office: 'Quay' });
    server.person('south', 'South Desk', { office: 'South Office' });
    server.command(['user', 'rights', 'watch', 'enterprise_view', '--branch', 'Lakeside']);
    server.command(['proxy', 'add', '--assistant', 'helper', '--principal', 'desk']);
    const letters = new Map<string, string>();
    for (const login of [...Object.values(PEOPLE).map((one) => one.login), 'quay', 'south']) letters.set(login, await server.letter(login, `Letter of ${login}`));
    await server.letter('desk', 'Misaddressed by desk', 'fail@example.net');
    const offices = (await server.ask<{ offices: { id: number; name: string }[] }>('/api/v1/offices')).offices;
    const [lakeside = 0, south = 0] = ['Lakeside', 'South Office'].map((name) => offices.find((office) => office.name === name)?.id);
    for (const [login, office] of [['newcomer', lakeside], ['stranger', south]] as const) await server.api('POST', '/api/v1/users', { login, name: `New ${login}`, email: `${login}@example.test`, office, rights: [] });
    const users = (await server.ask<{ users: { id: number; login: string }[] }>('/api/v1/users')).users;
    await expect.poll(async () => (await server.counts('source=notifications')).states.sent, { timeout: 20_000 }).toBe(2);
    const invitations = (await server.page('source=notifications&q=newcomer')).rows;
    return new World(server, {
      lakeside,
      south,
      clerk: users.find((user) => user.login === 'desk')?.id ?? 0,
      letter: letters.get('desk') ?? '',
      elsewhere: letters.get('south') ?? '',
      invitation: invitations[0]?.id ?? '',
    });
  }

  /** Opens an address as somebody of a kind; who signed in once stays so for all tests. */
  async as(kind: Kind, page: Page, path: string): Promise<void> {
    const known = this.#cookies.get(kind);
    if (known) await page.context().addCookies(known);
    else await this.server.signIn(page, '/preferences', PEOPLE[kind].login);
    this.#cookies.set(kind, known ?? (await page.context().cookies()));
    await page.goto(this.server.url + path);
  }
}
