/**
 * A test double of the server: docs/api.md over made-up data, for scale and for looks. Sign in as `case` (administrator),
 * `branch` (of one office), `shore` (of the same office, not its Super User) or `front` with the password `correct horse`. `/mock/*` moves it: `arrive?n=`, `change?id=&state=`, `cut`, `down`, `up`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { AlertBook } from './alerts.ts';
import { AuditLog } from './audit.ts';
import { Box, type Query } from './box.ts';
import { ComposeDesk } from './compose.ts';
import { idOf, seqOf, type State } from './data.ts';
import { attemptsOf, bodyOf, detailOf, explainOf } from './detail.ts';
import { Deeds, exported } from './deeds.ts';
import { Streams } from './events.ts';
import { LimitBook } from './limits.ts';
import { PeopleBook } from './people.ts';
import { Passwords } from './passwords.ts';
import type { Measured } from './status.ts';
import { OPEN_SUBJECTS, SUBJECTS, type Call } from './subjects.ts';

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
/** The server's own policy for the page. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html ProseMirrorClipboard default";
const BODY_CSP = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'";
/** `case` administers the System Office and so everything, `branch` an office below it, `shore` the same without seeing its mail; `front` nothing. */
export const people: Record<string, { id: number; name: string; rights: string[]; office?: { id: number; name: string } }> = {
  case: { id: 0, name: 'Case Clerk', rights: ['super_user', 'enterprise_view', 'administrator', 'customize_list_layout'] },
  front: { id: 1, name: 'Front Desk', rights: [] },
  branch: { id: 6, name: 'Branch Manager', rights: ['administrator', 'super_user'], office: { id: 3, name: 'Lakeside' } },
  shore: { id: 8, name: 'Shore Claims', rights: ['administrator', 'customize_list_layout'], office: { id: 3, name: 'Lakeside' } },
};

const SYSTEM_OFFICE = { id: 1, name: 'System Office' };

type Kept = { columns: { column: string; width_px: number }[]; sort: { column: string; order: string }; version?: number };

const NO_LIMITS = { connections: null, recipients: null, messages: null, per_minute: null, paused_until: null };

export class Mock {
  readonly box: Box;
  readonly streams: Streams;
  readonly deeds: Deeds;
  readonly alerts = new AlertBook();
  readonly audit = new AuditLog();
  readonly passwords = new Passwords();
  readonly desk = new ComposeDesk();
  readonly people = new PeopleBook();
  readonly limits = new LimitBook();
  /** The layout that each person keeps. */
  layouts = new Map<string, Kept>();
  /** New addresses of recipients, by `id/index`. */
  readdressed = new Map<string, string>();
  /** What is said on every page besides. */
  banners: { kind: string; text: string }[] = [];
  /** Relays besides the server's, as `GET /status` tells of them. */
  moreRelays: object[] = [];
  /** What the server has measured of itself. */
  measured: Measured = 'busy';
  #failures = 0;
  #down = false;
  #relay: { state: string; last_error: string | null } = { state: 'up', last_error: null };

  constructor(rows: number) {
    this.box = new Box(rows);
    this.streams = new Streams(this.box);
    this.deeds = new Deeds(this.box, (ids) => this.streams.changed(ids));
  }

  /** Answers an API or `/mock` request; false for everything else. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const url = new URL(req.url ?? '/', 'http://mock');
    if (url.pathname.startsWith('/mock/')) this.#control(url, res);
    else if (url.pathname.startsWith('/api/v1/')) void this.#api(req, res, url);
    else return false;
    return true;
  }

  /** Lets mail come in and go out, as a busy server would. */
  flow(everyMs: number): NodeJS.Timeout {
    const recent: string[] = [];
    return setInterval(() => {
      const next: Record<string, State> = { queued: 'sending', sending: 'sent', deferred: 'sending' };
      const moving = recent.splice(0, Math.max(0, recent.length - 6));
      for (const id of moving) {
        const to = next[this.box.find(id)?.state ?? ''];
        if (to) this.box.set(id, to);
        if (to === 'sending') recent.push(id);
      }
      recent.push(idOf(this.box.arrive()));
      this.streams.changed(moving);
      this.streams.arrived(1);
    }, everyMs);
  }

  #control(url: URL, res: ServerResponse): void {
    const say = url.pathname.slice('/mock/'.length);
    const id = url.searchParams.get('id') ?? '';
    if (say === 'arrive') {
      const n = Number(url.searchParams.get('n') ?? 1);
      for (let i = 0; i < n; i += 1) this.box.arrive();
      this.streams.arrived(n);
    } else if (say === 'change') {
      this.box.set(id, url.searchParams.get('state') as State);
      this.streams.changed([id]);
    } else if (say === 'cut') this.streams.cut();
    else if (say === 'down' || say === 'up') {
      this.#down = say === 'down';
      if (this.#down) this.streams.cut();
    } else if (say === 'relay') {
      const state = url.searchParams.get('state') ?? 'up';
      this.#relay = { state, last_error: state === 'up' ? null : 'connection refused' };
      this.streams.status(this.#status());
    }
    else if (say === 'alert') {
      const login = url.searchParams.get('login') ?? 'case';
      this.alerts.raise(login, url.searchParams.get('say') ?? '');
      this.streams.tell(login, 'alerts', this.alerts.unread(login));
    } else if (say === 'banner') {
      this.banners = url.searchParams.has('kind') ? [{ kind: url.searchParams.get('kind') ?? '', text: url.searchParams.get('text') ?? '' }] : [];
      this.streams.status(this.#status());
    }
    json(res, 200, { streams: this.streams.size });
  }

  async #api(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.slice('/api/v1'.length);
    const route = `${req.method} ${path}`;
    if (this.#down) return void res.destroy();
    if (route === 'POST /session') return this.#signIn(await body(req), res);
    const login = /mock=(\w+)/.exec(req.headers.cookie ?? '')?.[1];
    const person = login ? people[login] : undefined;
    const call: Call = {
      mock: this,
      route,
      path,
      url,
      login: person ? (login ?? '') : '',
      rights: person?.rights ?? [],
      office: person ? (person.office ?? SYSTEM_OFFICE) : null,
      header: (name) => String(req.headers[name] ?? ''),
      read: () => body(req),
      json: (status, data, headers) => json(res, status, data, headers),
      empty: (status = 204) => void res.writeHead(status).end(),
      problem: (status, code, title, detail, more) => problem(res, status, code, title, detail, {}, more),
    };
    for (const subject of OPEN_SUBJECTS) if (await subject(call)) return;
    if (!person) return problem(res, 401, 'not_signed_in', 'Sign in first');
    if (route === 'GET /session') return json(res, 200, sessionOf(login ?? ''));
    if (route === 'DELETE /session') return void res.writeHead(204, { 'set-cookie': 'mock=; Path=/; Max-Age=0' }).end();
    const query = queryOf(url);
    if (route === 'GET /status') return json(res, 200, this.#status());
    if (route === 'GET /events') return this.streams.add(res, login ?? '', query, (url.searchParams.get('visible') ?? '').split(','), this.alerts.unread(login ?? ''));
    if (route === 'GET /messages/counts') return json(res, 200, this.box.counts(query));
    if (route === 'GET /messages') return this.#list(url, query, res);
    if (route === 'GET /messages/export') return exported(this.box, query, (url.searchParams.get('ids') ?? '').split(',').filter(Boolean), res);
    if (route === 'POST /messages/actions') return this.deeds.act(await body(req), `user:${person.id}`, (status, data) => json(res, status, data));
    if (route === 'GET /jobs') return json(res, 200, { jobs: this.deeds.jobs });
    if (path.startsWith('/jobs/')) return this.#job(route, path, res);
    if (path === '/layout') return this.#layout(req, res, login ?? '');
    if (/^POST \/messages\/\w+\/recipients\/\d+$/.test(route)) return this.#readdress(path, await body(req), res);
    for (const subject of SUBJECTS) if (await subject(call)) return;
    return this.#message(path, url, res);
  }

  #job(route: string, path: string, res: ServerResponse): void {
    const id = Number(path.split('/')[2]);
    if (route.startsWith('POST') && path.endsWith('/cancel')) this.deeds.cancel(id);
    const job = this.deeds.job(id);
    if (!job) return problem(res, 404, 'not_found', 'There is no such job');
    json(res, 200, job);
  }

  async #layout(req: IncomingMessage, res: ServerResponse, login: string): Promise<void> {
    const usual = { columns: [{ column: 'date', width_px: 150 }], sort: { column: 'date', order: 'descending' } };
    const may_change = people[login]?.rights.includes('customize_list_layout') ?? false;
    const kept = this.layouts.get(login);
    if (req.method !== 'GET' && !may_change) {
      return problem(res, 403, 'forbidden', 'You may not do this', 'Changing the columns needs the right customize_list_layout.');
    }
    if (req.method === 'PUT') {
      if (req.headers['if-match'] !== `"${kept?.version ?? 0}"`) return problem(res, 412, 'stale', 'It was changed meanwhile');
      this.layouts.set(login, { ...((await body(req)) as Kept), version: (kept?.version ?? 0) + 1 });
    }
    if (req.method === 'DELETE') {
      this.layouts.delete(login);
      return void res.writeHead(204).end();
    }
    const { version = 0, ...layout } = this.layouts.get(login) ?? { ...usual, version: 0 };
    res.setHeader('etag', `"${version}"`);
    json(res, 200, { ...layout, source: version > 0 ? 'own' : 'default', may_change });
  }

  #readdress(path: string, input: { address?: string }, res: ServerResponse): void {
    const [, , id = '', , index = ''] = path.split('/');
    if (!/^[^@\s]+@[^@\s]+$/.test(input.address ?? '')) return problem(res, 422, 'bad_address', 'An address is not valid', `address: "${input.address}" has no domain`);
    this.readdressed.set(`${id}/${index}`, input.address ?? '');
    this.box.set(id, 'queued');
    json(res, 200, { id, state: 'queued' });
    this.streams.changed([id]);
  }

  #list(url: URL, query: Query, res: ServerResponse): void {
    if (!query.sort || (query.sort === 'date' && query.order !== 'ascending')) return json(res, 200, this.#page(url, query));
    const limit = Number(url.searchParams.get('limit') ?? 50);
    const at = Number(url.searchParams.get('cursor')?.slice(2) ?? url.searchParams.get('at') ?? 0);
    const page = this.box.sorted(query, at, limit);
    if (!page) return problem(res, 422, 'narrow_first', 'There are too many to sort', 'More than a million e-mails match. Narrow the list by Type, dates or sender, then sort it.');
    json(res, 200, { rows: page.rows, next: page.more ? `c_${at + page.rows.length}` : null, prev: null, at, more: page.more ? 'yes' : 'no' });
  }

  #signIn(input: { login?: string; password?: string }, res: ServerResponse): void {
    if (this.#failures >= 5) {
      return problem(res, 429, 'too_many_attempts', 'Too many attempts', undefined, { 'retry-after': '30' });
    }
    if (input.password !== 'correct horse' || !people[input.login ?? '']) {
      this.#failures += 1;
      return problem(res, 401, 'invalid_credentials', 'The login or the password is wrong');
    }
    this.#failures = 0;
    res.setHeader('set-cookie', `mock=${input.login}; Path=/; HttpOnly; SameSite=Strict`);
    json(res, 200, sessionOf(input.login ?? ''));
  }

  #page(url: URL, query: Query): unknown {
    const limit = Number(url.searchParams.get('limit') ?? 50);
    const at = Number(url.searchParams.get('at') ?? 0);
    const cursor = url.searchParams.get('cursor');
    const page = cursor ? this.box.page(query, 0, Number(cursor.slice(2)), limit) : this.box.page(query, at, Infinity, limit);
    return { rows: page.rows, next: page.more ? `c_${page.last}` : null, prev: null, at: cursor ? null : at, more: page.more ? 'yes' : 'no' };
  }

  #message(path: string, url: URL, res: ServerResponse): void {
    const [, , id = '', what, part = ''] = path.split('/');
    const row = path.startsWith('/messages/') ? this.box.find(id) : null;
    if (!row) return problem(res, 404, 'not_found', 'There is no such message', 'It may have been deleted, or it is not among those you may see.');
    if (what === 'explain') return json(res, 200, explainOf(row));
    if (what === 'attempts') return json(res, 200, { attempts: attemptsOf(row) });
    if (what === 'body') {
      const remote = url.searchParams.get('images') === 'remote';
      const { type, text } = bodyOf(row, part, remote);
      const policy = remote ? BODY_CSP.replace('data:', 'data: https: http:') : BODY_CSP;
      return void res.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policy }).end(text);
    }
    if (what === 'attachments') return void res.writeHead(200, { 'content-type': 'application/pdf', 'content-disposition': 'attachment' }).end('%PDF-');
    if (what === 'raw') return void res.writeHead(200, { 'content-type': 'message/rfc822' }).end(bodyOf(row, 'source').text);
    const detail = detailOf(row);
    for (const [i, recipient] of detail.recipients_detail.entries()) recipient.address = this.readdressed.get(`${id}/${i}`) ?? recipient.address;
    json(res, 200, detail);
  }

  #status(): unknown {
    const { states } = this.box.counts({ type: 'all', source: 'all', q: '' });
    return {
      brand: 'Postroom',
      queue_enabled: true,
      relays: [{ office: null, second: false, name: 'office', host: 'smtp.office.example.com:587', since: '2026-11-23T08:00:00Z', ...this.#relay }, ...this.moreRelays].map((relay) => ({ limits: NO_LIMITS, ...relay })),
      queue: { ready: states.queued, waiting: states.deferred, held: states.held, leased: states.sending, oldest: null },
      banners: [
        ...this.banners,
        ...(this.#relay.state === 'down' ? [{ kind: 'relay_down', text: 'The e-mail server office is down: mail waits and is sent when it is back.' }] : []),
      ],
    };
  }
}

/** Serves the built UI and the mock on a free port. */
export async function startMock(options: { rows: number; dist: string; port?: number }): Promise<{ url: string; mock: Mock; close(): Promise<void> }> {
  const mock = new Mock(options.rows);
  const server: Server = createServer((req, res) => {
    if (!mock.handle(req, res)) serveFile(options.dist, req.url ?? '/', res);
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const close = (): Promise<void> => {
    mock.streams.cut();
    server.closeAllConnections();
    return new Promise((done) => server.close(() => done()));
  };
  return { url: `http://127.0.0.1:${port}`, mock, close };
}

function serveFile(dist: string, url: string, res: ServerResponse): void {
  const path = join(dist, new URL(url, 'http://mock').pathname);
  const file = existsSync(path) && statSync(path).isFile() ? path : join(dist, 'index.html');
  res.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP });
  res.end(readFileSync(file));
}

function queryOf(url: URL): Query {
  const get = (name: string, other: string): string => url.searchParams.get(name) ?? other;
  const optional = Object.fromEntries(['kind', 'state', 'from', 'to', 'sort', 'order'].flatMap((name) => (url.searchParams.has(name) ? [[name, get(name, '')]] : [])));
  const numbers = Object.fromEntries(['sender', 'office'].flatMap((name) => (url.searchParams.has(name) ? [[name, Number(get(name, ''))]] : [])));
  return { type: get('type', 'all'), source: get('source', 'all'), q: get('q', ''), ...optional, ...numbers };
}

/** Whose mail the front desk sees: it may also send as the one, and only look at the other's. */
const PROXIED = [
  { id: 0, name: 'Case Clerk', email: 'case@office.example.com', level: 'manage' },
  { id: 6, name: 'Branch Manager', email: 'branch@office.example.com', level: 'view' },
];

function sessionOf(login: string): unknown {
  const person = people[login];
  const office = person?.office ?? SYSTEM_OFFICE;
  const system_administrator = office.id === SYSTEM_OFFICE.id && (person?.rights.includes('administrator') ?? false);
  return { user: { ...person, login, email: `${login}@office.example.com`, office }, proxies_for: login === 'front' ? PROXIED : [], system_administrator, brand: 'Postroom' };
}

async function body(req: IncomingMessage): Promise<never> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as never;
}

function json(res: ServerResponse, status: number, data: unknown, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(data));
}

function problem(res: ServerResponse, status: number, code: string, title: string, detail?: string, headers: Record<string, string> = {}, more: object = {}): void {
  res.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  res.end(JSON.stringify({ type: `urn:postroom:problem:${code}`, title, status, detail, code, ...more }));
}

export { seqOf };
