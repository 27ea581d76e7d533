/** The real server in a folder of its own, on ports of its own: what the browser tests drive. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { components } from '../../../src/lib/api/schema';
import { Relay } from './relay';

export type Row = components['schemas']['Row'];
type Schemas = components['schemas'];

const BINARY = process.env['POSTROOM_BIN'] ?? join(import.meta.dirname, '../../../../target/debug/postroom');
const LISTENING = /listening http=(\S+:\d+)/;
export const PASSWORD = 'correct horse battery staple';

/**
 * How a server begins: with sample messages of 500 offices, with mail that stays where it is, or with further lines of
 * its file's `[delivery]` and `[[relay]]`.
 */
export type Beginning = { rows?: number; paused?: boolean; delivery?: string; relay?: string };

export class Postroom {
  readonly relay = new Relay();
  readonly #folder = mkdtempSync(join(tmpdir(), 'postroom-ui-'));
  readonly #config = join(this.#folder, 'postroom.toml');
  #listen = '127.0.0.1:0';
  #paused = false;
  #process: ChildProcess | null = null;
  #key = '';
  #cookie = '';
  /** Whether the file has the relay; without it, it is set in the System Office's settings. */
  #relayInFile = true;
  /** Further lines of `[delivery]` and of `[[relay]]`. */
  #delivery = '';
  #relayLines = '';
  #keys = new Map<string, string>();
  url = '';

  /** A server with two people: case, who administers, and front, who does not. */
  static async start({ rows = 0, paused = rows > 0, delivery = '', relay = '' }: Beginning = {}): Promise<Postroom> {
    const server = new Postroom();
    await server.relay.listen();
    server.#paused = paused;
    server.#delivery = delivery;
    server.#relayLines = relay;
    server.#configure();
    if (rows > 0) server.command(['bench-fill', '--messages', String(rows), '--days', '60']);
    server.#people(rows > 0 ? ',enterprise_view' : '');
    await server.run();
    return server;
  }

  /** A server with the same people whose SMTP settings are set on the page, and where one failure is the last. */
  static async withoutRelay(): Promise<Postroom> {
    const server = new Postroom();
    server.#relayInFile = false;
    server.#delivery = 'max_attempts = 1\n';
    await server.relay.listen();
    server.#configure();
    server.#people();
    await server.run();
    return server;
  }

  /** A server that nobody can sign in to yet. */
  static async empty(): Promise<Postroom> {
    const server = new Postroom();
    server.#relayInFile = false;
    await server.relay.listen();
    server.#configure();
    await server.run();
    return server;
  }

  /** What an empty server prints and keeps in its file. */
  get setupSecret(): string {
    return readFileSync(join(this.#folder, 'data/setup-secret'), 'utf8').trim();
  }

  /** Sends a request in a session of the administrator's, behind the page's back. */
  async api<T>(method: string, path: string, body?: unknown, version?: number): Promise<T> {
    this.#cookie ||= await this.#signedIn();
    const headers = { cookie: this.#cookie, 'content-type': 'application/json', ...(version !== undefined && { 'if-match': `"${version}"` }) };
    const answer = await fetch(this.url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  /** Starts the process; again after `halt`, on the same port. */
  async run(): Promise<void> {
    const log = openSync(join(this.#folder, 'serve.log'), 'a');
    const child = spawn(BINARY, ['serve', '--config', this.#config], { stdio: ['ignore', 'pipe', log] });
    this.#process = child;
    const address = await new Promise<string>((done, fail) => {
      let printed = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        const found = LISTENING.exec(printed);
        if (found?.[1]) done(found[1]);
      });
      child.on('exit', (code) => fail(new Error(`postroom ended with ${code} before it listened; see ${this.#folder}/serve.log`)));
    });
    this.url = `http://${address}`;
    this.#listen = address;
    this.#configure();
  }

  /** Ends the process and keeps its data. */
  async halt(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await gone;
  }

  async stop(): Promise<void> {
    this.relay.release();
    await this.halt();
    await this.relay.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Hands mail in; returns the ids in the same order. */
  async submit(drafts: { to: string; subject: string; text?: string; html?: string; bcc?: string[] }[]): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < drafts.length; i += 500) {
      const messages = drafts.slice(i, i + 500).map((draft) => ({ from: 'case@example.test', text: 'Good day.', ...draft, to: [draft.to] }));
      const answer = await this.#ask<{ items: { id?: string; problem?: { detail: string } }[] }>('/api/v1/messages/batch', { messages });
      for (const item of answer.items) {
        if (!item.id) throw new Error(item.problem?.detail);
        ids.push(item.id);
      }
    }
    return ids;
  }

  /** Adds somebody who can sign in, to the System Office where none is named. */
  person(login: string, name: string, { office = 'System Office', rights = '' } = {}): void {
    this.command(['user', 'add', '--login', login, '--email', `${login}@example.test`, '--name', name, '--office', office, ...(rights ? ['--rights', rights] : []), '--password-stdin']);
  }

  /** Hands in a letter of somebody's, by a key of theirs; returns its id. */
  async letter(login: string, subject: string, to = 'client@example.net'): Promise<string> {
    const key = this.#keys.get(login) ?? /pk_\S+/.exec(this.command(['key', 'add', '--user', login]))?.[0] ?? '';
    this.#keys.set(login, key);
    const answer = await fetch(`${this.url}/api/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from: `${login}@example.test`, to: [to], subject, text: 'Good day.' }),
    });
    if (answer.status !== 202) throw new Error(`${login}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { id: string }).id;
  }

  page(query: string): Promise<Schemas['Page']> {
    return this.#ask(`/api/v1/messages?${query}`);
  }

  counts(query = ''): Promise<Schemas['Counts']> {
    return this.#ask(`/api/v1/messages/counts?${query}`);
  }

  /** A message, or the status of the answer that there is none. */
  async message(id: string): Promise<Schemas['Detail'] | number> {
    const answer = await fetch(`${this.url}/api/v1/messages/${id}`, { headers: { authorization: `Bearer ${this.#key}` } });
    return answer.ok ? ((await answer.json()) as Schemas['Detail']) : answer.status;
  }

  /** Acts by the API, behind the page's back. */
  async act(action: Schemas['ActionName'], ids: string[]): Promise<void> {
    await this.#ask('/api/v1/messages/actions', { action, ids, dry_run: false });
  }

  /** Signs in by the form and waits for the page that was asked for. */
  async signIn(page: Page, path = '/queue', login = 'case', password = PASSWORD): Promise<void> {
    await page.goto(this.url + path);
    await page.getByLabel('Sign-in name').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: /Account of/ }).waitFor();
  }

  /** Asks the API as case; with a body it is a POST. */
  ask<T>(path: string, body?: unknown): Promise<T> {
    return this.#ask(path, body);
  }

  async #ask<T>(path: string, body?: unknown): Promise<T> {
    const headers = { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' };
    const answer = await fetch(this.url + path, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** The cookie of a new session of case's. */
  async #signedIn(): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.url}/api/v1/session`, { method: 'POST', headers, body: JSON.stringify({ login: 'case', password: PASSWORD }) });
    const cookie = answer.headers.get('set-cookie')?.split(';')[0];
    if (!cookie) throw new Error(`case: ${answer.status} ${await answer.text()}`);
    return cookie;
  }

  #people(more = ''): void {
    this.command(['user', 'add', '--login', 'case', '--email', 'case@example.test', '--name', 'Case Clerk', '--rights', `administrator,super_user${more}`, '--password-stdin']);
    this.command(['user', 'add', '--login', 'front', '--email', 'front@example.test', '--name', 'Front <b>Desk</b>', '--password-stdin']);
    this.#key = /pk_\S+/.exec(this.command(['key', 'add', '--user', 'case']))?.[0] ?? '';
  }

  /** Runs a command of the binary over this server's data; answers what it prints. */
  command(words: string[]): string {
    return execFileSync(BINARY, [...words, '--config', this.#config], { input: `${PASSWORD}\n`, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  }

  #configure(): void {
    writeFileSync(
      this.#config,
      `[server]
data_dir = "${this.#folder}/data"
hostname = "postroom.example.test"
[http]
listen = "${this.#listen}"
[submission]
listen = ["127.0.0.1:0"]
[delivery]
permanent_failures = "fail"
paused = ${this.#paused}
${this.#delivery}[network]
allow_relay_networks = ["127.0.0.0/8"]
${this.#relayInFile ? `[[relay]]\nname = "office"\nhost = "127.0.0.1"\nport = ${this.relay.port}\ntls = "none"\n${this.#relayLines}` : ''}[log]
format = "text"
level = "info"
`,
    );
  }
}
