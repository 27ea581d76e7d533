/** The mock's addresses, drafts and intake: what the Compose page asks for. */
import { idOf } from './data.ts';
import type { Call } from './subjects.ts';

type Draft = { id: string; login: string; version: number; body: Record<string, unknown>; updated_at: string };
/** A message that was handed in, as it came. */
export type HandedIn = { key: string; body: Record<string, unknown>; id: string };

const KNOWN = [
  { name: 'Account Manager', address: 'account.manager@office.example.com', source: 'person' },
  { name: 'Archive Assistant', address: 'archive@office.example.com', source: 'person' },
  { name: 'Front Desk', address: 'front@office.example.com', source: 'person' },
  { name: '', address: 'accounts@northwind.example', source: 'recent' },
  { name: 'Acme <img src=x onerror=alert(1)> Desk', address: 'acme@client.example', source: 'recent' },
];

export class ComposeDesk {
  drafts = new Map<string, Draft>();
  handedIn: HandedIn[] = [];
  limit = 2_000;
  used = 1_240;
  /** The next message is refused like this. */
  refuse: { status: number; code: string; title: string; detail: string; field?: string } | null = null;
  /** The session ends with the next request that would change something. */
  endSession = false;
  /** Octets of a draft at most. */
  draftMax = 40_000_000;
  /** What `GET /messages/{id}/draft` answers. */
  copy: Record<string, unknown> = {
    from: 'Case Clerk <case@office.example.com>',
    to: ['"Clerk, Claims" <claims@client.example>'],
    cc: [],
    bcc: [],
    reply_to: [],
    subject: 'Renewal of your policy',
    text: 'Dear client',
    html: '<p>Dear <b>client</b>,</p><ul><li>one</li></ul><p><a href="https://example.com/a">terms</a></p>',
    headers: {},
    attachments: [{ filename: 'terms.txt', content_type: 'text/plain', content: 'aGVsbG8=' }],
    kind: 'direct',
    send_at: null,
    tags: [],
    external_id: null,
    metadata: null,
  };
  #next = 1;

  draft(id: string, login = 'case'): Draft | undefined {
    const draft = this.drafts.get(id);
    return draft?.login === login ? draft : undefined;
  }

  add(body: Record<string, unknown>, login = 'case'): Draft {
    const draft = { id: String(this.#next++), login, version: 1, body, updated_at: new Date().toISOString() };
    this.drafts.set(draft.id, draft);
    return draft;
  }
}

export async function compose(call: Call): Promise<boolean> {
  const { route, path, json, url } = call;
  const { desk } = call.mock;
  if (desk.endSession && !route.startsWith('GET')) {
    desk.endSession = false;
    call.problem(401, 'not_signed_in', 'Sign in first');
    return true;
  }
  if (route === 'GET /addresses') {
    const q = (url.searchParams.get('q') ?? '').toLowerCase();
    json(200, { addresses: KNOWN.filter((one) => `${one.name} ${one.address}`.toLowerCase().includes(q)) });
  } else if (route === 'POST /messages') await handIn(call);
  else if (/^GET \/messages\/\w+\/draft$/.test(route)) json(200, desk.copy);
  else if (path === '/drafts' || path.startsWith('/drafts/')) await drafts(call);
  else return false;
  return true;
}

async function handIn({ mock, header, read, json, problem }: Call): Promise<void> {
  const { desk } = mock;
  const body = (await read()) as Record<string, unknown>;
  const key = header('idempotency-key');
  const before = desk.handedIn.find((one) => one.key === key);
  if (before && JSON.stringify(before.body) !== JSON.stringify(body)) {
    return problem(409, 'idempotency_key_reused', 'The Idempotency-Key was used for another request', 'the key was used for another request: use a new key');
  }
  if (desk.refuse) {
    const { status, code, title, detail, field } = desk.refuse;
    desk.refuse = null;
    return problem(status, code, title, detail, field ? { field } : {});
  }
  const scheduled = typeof body['send_at'] === 'string' && Date.parse(body['send_at']) > Date.now();
  const held = !scheduled && desk.limit > 0 && desk.used >= desk.limit;
  let id = before?.id ?? '';
  if (!before) {
    id = idOf(mock.box.arrive());
    mock.box.set(id, scheduled ? 'scheduled' : held ? 'held' : 'queued');
    desk.handedIn.push({ key, body, id });
  }
  json(202, { id, state: mock.box.find(id)?.state ?? 'queued', message_id: `<${id}@office.example.com>`, recipients: 1, held: held ? { reason: 'user_limit', until: '2026-11-23T23:00:00Z' } : null });
}

async function drafts({ mock, login, route, path, header, read, json, empty, problem }: Call): Promise<void> {
  const { desk } = mock;
  const id = path.split('/')[2] ?? '';
  if (route === 'GET /drafts') {
    const list = [...desk.drafts.values()].filter((one) => one.login === login).reverse();
    return json(200, { drafts: list.map((one) => ({ id: Number(one.id), subject: String(one.body['subject'] ?? ''), to: (one.body['to'] as string[] | undefined)?.join(', ') ?? '', updated_at: one.updated_at, size: JSON.stringify(one.body).length })) });
  }
  const body = route.startsWith('P') ? ((await read()) as Record<string, unknown>) : {};
  if (JSON.stringify(body).length > desk.draftMax) return problem(413, 'too_large', 'It is too large', `the draft is larger than ${desk.draftMax} octets`);
  if (route === 'POST /drafts') {
    const draft = desk.add(body, login);
    return json(201, { id: Number(draft.id), version: 1 }, { etag: '"1"' });
  }
  const draft = desk.draft(id, login);
  if (!draft) return problem(404, 'not_found', 'There is no such draft', 'There is no such draft; it may have been deleted.');
  if (route.startsWith('GET')) return json(200, draft.body, { etag: `"${draft.version}"` });
  if (route.startsWith('DELETE')) {
    desk.drafts.delete(id);
    return empty();
  }
  if (header('if-match') !== `"${draft.version}"`) return problem(412, 'stale', 'It was changed meanwhile', 'the draft was changed meanwhile: load it anew');
  Object.assign(draft, { body, version: draft.version + 1, updated_at: new Date().toISOString() });
  json(200, { id: Number(id), version: draft.version }, { etag: `"${draft.version}"` });
}
