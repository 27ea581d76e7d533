/** The mock's offices, people, proxies and keys, with the server's rules and words. */
import type { components } from '../../src/lib/api/schema';
import type { Call } from './subjects.ts';

type Schemas = components['schemas'];
type Office = Schemas['OfficeRow'];
type Named = { id: number; name: string };
type User = { id: number; login: string; name: string; email: string; office: number; rights: string[]; branches: number[] | null; disabled: boolean; version: number };
type Proxy = { id: number; assistant: number; principal: number; level: 'view' | 'manage'; from: string | null; until: string | null; version: number };
type Key = { id: number; prefix: string; label: string; office: number; user: number | null; scopes: string[]; created_at: string; ends_at?: string | null };

const SYSTEM_OFFICE = 1;
const RULES: Record<string, string> = {
  administer_office: 'this is for administrators of the office and of the System Office: ask one of them',
  administer_system: 'this is for administrators of the System Office: ask one of them',
  grant_enterprise_view: 'Enterprise View shows other offices’ mail: only System Office administrators can grant it, change it, take it away, or grant more rights to somebody who has it',
  grant_super_user: 'Super User shows all mail of the office: only administrators who are Super Users, and System Office administrators, can grant this or take it away',
  make_key: 'an office key cannot have more access than you have: only administrators who are Super Users, and System Office administrators, can grant read or manage',
  change_sign_in: 'this person has rights or proxies that you cannot grant: ask an administrator who can grant them, for example one of the System Office',
  give_proxy: 'a proxy is given by the person whose mail it shows, by an administrator of their office who is its Super User, or by an administrator of the System Office',
};
const PEOPLE_RULES: Record<string, [string, string?]> = {
  office_cycle: ['an office cannot lie below itself or below an office that lies below it: choose another parent', 'parent'],
  system_office_stays: ['the System Office is the root of the tree: it can be renamed, but neither moved nor removed'],
  office_not_empty: ['the office is not empty: it has or had people, API keys or mail, or offices below it; rename it or move it instead'],
  last_administrator: ['this is the last administrator of the System Office who can sign in: make somebody else one before'],
  proxy_across_offices: ['both people of a proxy belong to one office: for other offices’ mail there is Enterprise View', 'principal'],
  proxy_ends_first: ['a proxy’s last moment lies after its first: change one of the dates', 'until'],
  branch_outside: ['Enterprise View reaches offices below the person’s own: name branches that lie below it', 'branches'],
};

const office = (id: number, name: string, parent: number | null, security: 'on' | 'off' = 'on'): Office => ({ id, name, parent, security, allowed_sender_domains: [], version: 1 });
const user = (id: number, login: string, name: string, at: number, rights: string[] = [], branches: number[] | null = null): User => ({ id, login, name, email: `${login}@office.example.com`, office: at, rights, branches, disabled: false, version: 1 });

export class PeopleBook {
  offices: Office[] = [office(1, 'System Office', null), office(2, 'North Office', 1), office(3, 'Lakeside', 2, 'off'), office(4, 'Hillside', 2), office(5, 'South Office', 1), office(7, 'Harbour', 5, 'off'), office(8, 'Pier', 3)];
  /** Those who sign in have the rights of `people` in `server.ts`. */
  users: User[] = [
    user(0, 'case', 'Case Clerk', 1, ['super_user', 'enterprise_view', 'administrator', 'customize_list_layout']),
    user(1, 'front', 'Front Desk', 1),
    user(2, 'claims', 'Claims Team', 1, ['super_user']),
    user(3, 'billing', 'Billing', 1, ['customize_list_layout']),
    user(4, 'renewals', 'Renewals', 1),
    user(5, 'fleet', 'Fleet Desk', 1, ['enterprise_view', 'super_user'], [2, 7]),
    user(6, 'branch', 'Branch Manager', 3, ['administrator', 'super_user']),
    user(7, 'lakeside', 'Lakeside Desk', 3),
    user(8, 'shore', 'Shore Claims', 3, ['administrator', 'customize_list_layout']),
    user(9, 'north', 'North Partner', 2, ['enterprise_view', 'administrator']),
    user(10, 'harbour', 'Harbour Desk', 7),
    { ...user(11, 'archive', 'Former Archive Desk', 1), disabled: true },
  ];
  proxies: Proxy[] = [
    { id: 1, assistant: 1, principal: 0, level: 'view', from: null, until: '2026-12-31T23:00:00Z', version: 1 },
    { id: 2, assistant: 0, principal: 2, level: 'manage', from: null, until: null, version: 1 },
    { id: 3, assistant: 4, principal: 3, level: 'view', from: '2099-01-04T23:00:00Z', until: '2099-01-31T23:00:00Z', version: 1 },
    { id: 4, assistant: 7, principal: 6, level: 'manage', from: '2026-05-01T00:00:00Z', until: '2026-06-01T00:00:00Z', version: 1 },
  ];
  keys: Key[] = [
    { id: 1, prefix: 'pk_7f3a', label: 'Scanner on the second floor', office: 1, user: 0, scopes: [], created_at: '2026-09-14T08:12:00Z' },
    { id: 2, prefix: 'pk_c01d', label: 'CRM', office: 1, user: null, scopes: ['send', 'read', 'post_notifications'], created_at: '2026-03-02T10:40:00Z' },
    { id: 3, prefix: 'pk_91be', label: 'Invoices at night', office: 3, user: null, scopes: ['send'], created_at: '2026-11-01T17:05:00Z' },
    { id: 4, prefix: 'pk_e5e5', label: 'Mail merge', office: 1, user: 3, scopes: [], created_at: '2026-10-20T07:30:00Z' },
  ];
  /** Ids of people who were sent a link. */
  invited: number[] = [];
  #next = 100;

  next(): number {
    return this.#next++;
  }

  office(id: number): Named {
    return { id, name: this.offices.find((one) => one.id === id)?.name ?? '' };
  }

  named(id: number): Named {
    return { id, name: this.users.find((one) => one.id === id)?.name ?? '' };
  }

  /** Whether an office lies below another. */
  below(id: number, top: number): boolean {
    for (let at = this.offices.find((one) => one.id === id); at; at = this.offices.find((one) => one.id === at?.parent)) if (at.id === top) return id !== top;
    return false;
  }

  /** Whether the System Office has another administrator who can sign in. */
  othersAdminister(but: number): boolean {
    return this.users.some((one) => one.id !== but && one.office === SYSTEM_OFFICE && !one.disabled && one.rights.includes('administrator'));
  }
}

type Who = { me: number; office: number; administrator: boolean; system: boolean };

function whoOf(call: Call): Who {
  const me = call.mock.people.users.find((one) => one.login === call.login);
  const administrator = call.rights.includes('administrator');
  return { me: me?.id ?? -1, office: call.office?.id ?? 0, administrator, system: administrator && call.office?.id === SYSTEM_OFFICE };
}

const administers = (who: Who, at: number): boolean => who.system || (who.administrator && who.office === at);

function forbidden(call: Call, rule: string): void {
  call.problem(403, 'not_permitted', 'You may not do this', RULES[rule], { rule });
}

function ruled(call: Call, code: string): void {
  const [words, field] = PEOPLE_RULES[code] ?? [''];
  call.problem(409, code, 'A rule of offices and people is in the way', words, field ? { field } : {});
}

const missing = (call: Call, what: string): void => call.problem(404, 'not_found', 'There is no such thing', `there is no such ${what} among those that you may see`);
const stale = (call: Call, what: string): void => call.problem(412, 'stale', 'It was changed meanwhile', `the ${what} was changed since you read it, and nothing was overwritten: read it again and repeat your change`);
const bad = (call: Call, field: string, words: string): void => call.problem(422, 'bad_value', 'A field has a value that cannot be used', `${field}: ${words}`, { field });
const fresh = (call: Call, version: number): boolean => call.header('if-match') === `"${version}"`;

/** Answers `/offices`, `/users`, `/proxies` and `/keys`. */
export async function peopleAnswers(call: Call): Promise<boolean> {
  const [, what = '', id = '', more = ''] = call.path.split('/');
  const answers = { offices, users, proxies, keys }[what];
  // An office's settings and layout are other subjects'.
  if (!answers || (what === 'offices' && more !== '')) return false;
  await answers(call, id === '' ? null : Number(id), whoOf(call));
  return true;
}

function shown(call: Call, who: Who, one: User): unknown {
  const { people } = call.mock;
  const { login, rights, branches, disabled, version } = one;
  const full = administers(who, one.office) || who.me === one.id;
  return { id: one.id, name: one.name, email: one.email, office: people.office(one.office), ...(full && { login, rights, disabled, version, ...(branches && { branches: branches.map((id) => people.office(id)) }) }) };
}

/** Whether somebody sees all mail of an office, or gives that right anyway. */
const oversees = (call: Call, who: Who, at: number): boolean => who.system || (call.rights.includes('super_user') && at === who.office);

/** Whether somebody decides where a person's links go: who may give every right and every proxy that they have. */
function changesSignIn(call: Call, who: Who, one: User): boolean {
  const book = call.mock.people;
  const may = (right: string): boolean => who.system || (right !== 'enterprise_view' && (right !== 'super_user' || oversees(call, who, one.office)));
  const principals = book.proxies.filter((proxy) => proxy.assistant === one.id).map((proxy) => proxy.principal);
  return one.rights.every(may) && principals.every((principal) => principal === who.me || oversees(call, who, one.office));
}

async function users(call: Call, id: number | null, who: Who): Promise<void> {
  const book = call.mock.people;
  const answer = (status: number, one: User): void => call.json(status, shown(call, who, one));
  if (call.route === 'GET /users') {
    const at = call.url.searchParams.get('office');
    const known = book.users.filter((one) => (one.office === who.office || administers(who, one.office)) && (at === null || one.office === Number(at)));
    return call.json(200, { users: known.map((one) => shown(call, who, one)) });
  }
  if (call.route === 'POST /users') {
    const given = (await call.read()) as { login: string; name: string; email: string; office: number; rights: string[] };
    if (!administers(who, given.office)) return forbidden(call, 'administer_office');
    if (given.rights.includes('enterprise_view') && !who.system) return forbidden(call, 'grant_enterprise_view');
    if (given.rights.includes('super_user') && !oversees(call, who, given.office)) return forbidden(call, 'grant_super_user');
    if (!/^[\p{L}\p{N}._@+-]{1,64}$/u.test(given.login)) return bad(call, 'login', 'has 1 to 64 letters, digits and . _ - @ +, for example "case"');
    const taken = book.users.some((one) => one.login === given.login.toLowerCase()) ? given.login.toLowerCase() : book.users.some((one) => one.email === given.email) ? given.email : null;
    if (taken) return call.problem(409, 'exists', 'It exists already', `user "${taken}" exists already`, { field: 'user' });
    const made = { ...user(book.next(), given.login.toLowerCase(), given.name.trim(), given.office, given.rights), email: given.email };
    book.users.push(made);
    book.invited.push(made.id);
    return answer(201, made);
  }
  const one = book.users.find((known) => known.id === id && (known.office === who.office || administers(who, known.office)));
  if (!one) return missing(call, 'person');
  if (call.route === `GET /users/${id}`) return answer(200, one);
  if (!administers(who, one.office)) return forbidden(call, 'administer_office');
  if (call.path.endsWith('/invitation')) {
    if (!changesSignIn(call, who, one)) return forbidden(call, 'change_sign_in');
    if (one.disabled) return call.problem(409, 'person_disabled', 'A rule of offices and people is in the way', 'this person is disabled: enable them before');
    book.invited.push(one.id);
    return call.empty(202);
  }
  if (!fresh(call, one.version)) return stale(call, 'user');
  const given = (await call.read()) as { name?: string; email?: string; disabled?: boolean; rights?: string[]; branches?: number[] };
  if (call.path.endsWith('/rights')) {
    const rights = given.rights ?? [];
    const branches = given.branches ?? null;
    const differs = (right: string): boolean => rights.includes(right) !== one.rights.includes(right);
    const gains = (right: string): boolean => rights.includes(right) && differs(right);
    const view = rights.includes('enterprise_view');
    const otherView = differs('enterprise_view') || (view && JSON.stringify(one.branches) !== JSON.stringify(branches));
    if ((otherView || (view && (gains('administrator') || gains('super_user')))) && !who.system) return forbidden(call, 'grant_enterprise_view');
    if (differs('super_user') && !oversees(call, who, one.office)) return forbidden(call, 'grant_super_user');
    if (!rights.includes('administrator') && one.rights.includes('administrator') && one.office === SYSTEM_OFFICE && !book.othersAdminister(one.id)) return ruled(call, 'last_administrator');
    if (branches?.some((branch) => !book.below(branch, one.office))) return ruled(call, 'branch_outside');
    const had = one.branches;
    const wider = view && had !== null && (branches === null || branches.some((branch) => !had.includes(branch)));
    if (one.id !== who.me && (wider || ['super_user', 'enterprise_view', 'administrator'].some(gains))) book.keys = book.keys.filter((key) => key.user !== one.id);
    Object.assign(one, { rights, branches, version: one.version + 1 });
    return answer(200, one);
  }
  if (given.disabled && one.rights.includes('administrator') && one.office === SYSTEM_OFFICE && !book.othersAdminister(one.id)) return ruled(call, 'last_administrator');
  if (given.email !== undefined && given.email !== one.email && !changesSignIn(call, who, one)) return forbidden(call, 'change_sign_in');
  if (given.email !== undefined && book.users.some((other) => other.id !== one.id && other.email === given.email)) return call.problem(409, 'exists', 'It exists already', `user "${given.email}" exists already`, { field: 'user' });
  Object.assign(one, given, { version: one.version + 1 });
  if (given.disabled) book.keys = book.keys.filter((key) => key.user !== one.id);
  answer(200, one);
}

async function offices(call: Call, id: number | null, who: Who): Promise<void> {
  const book = call.mock.people;
  const knows = (one: Office): boolean => who.system || one.id === who.office || (call.rights.includes('enterprise_view') && book.below(one.id, who.office));
  if (call.route === 'GET /offices') return call.json(200, { offices: book.offices.filter(knows).toSorted((a, b) => a.id - b.id) });
  if (call.route === 'POST /offices') {
    if (!who.system) return forbidden(call, 'administer_system');
    const given = (await call.read()) as { name: string; parent: number };
    if (book.offices.some((one) => one.parent === given.parent && one.name === given.name)) return call.problem(409, 'exists', 'It exists already', `office "${given.name}" exists already`, { field: 'office' });
    const made = office(book.next(), given.name.trim(), given.parent);
    book.offices.push(made);
    return call.json(201, made);
  }
  const one = book.offices.find((known) => known.id === id && knows(known));
  if (!one) return missing(call, 'office');
  if (call.route === `GET /offices/${id}`) return call.json(200, one);
  if (!administers(who, one.id)) return forbidden(call, 'administer_office');
  if (!fresh(call, one.version)) return stale(call, 'office');
  if (call.route.startsWith('DELETE')) {
    if (!who.system) return forbidden(call, 'administer_system');
    if (one.parent === null) return ruled(call, 'system_office_stays');
    if (book.offices.some((other) => other.parent === id) || book.users.some((person) => person.office === id) || book.keys.some((key) => key.office === id)) return ruled(call, 'office_not_empty');
    book.offices = book.offices.filter((other) => other !== one);
    return call.empty();
  }
  const given = (await call.read()) as { name?: string; parent?: number; security?: 'on' | 'off'; allowed_sender_domains?: string[] };
  if ((given.parent !== undefined || given.allowed_sender_domains !== undefined) && !who.system) return forbidden(call, 'administer_system');
  if (given.parent !== undefined && given.parent !== one.parent && one.parent === null) return ruled(call, 'system_office_stays');
  if (given.parent !== undefined && (given.parent === one.id || book.below(given.parent, one.id))) return ruled(call, 'office_cycle');
  const next = { ...one, ...given };
  if (book.offices.some((other) => other.id !== one.id && other.parent === next.parent && other.name === next.name)) return call.problem(409, 'exists', 'It exists already', `office "${next.name}" exists already`, { field: 'office' });
  Object.assign(one, given, { version: one.version + 1 });
  call.json(200, { ...one, people_refused: 0 });
}

async function proxies(call: Call, id: number | null, who: Who): Promise<void> {
  const book = call.mock.people;
  const officeOf = (person: number): number => book.users.find((one) => one.id === person)?.office ?? 0;
  const gave = (one: Proxy): boolean => one.principal === who.me || administers(who, officeOf(one.principal));
  const mayGive = (principal: number): boolean => principal === who.me || (administers(who, officeOf(principal)) && oversees(call, who, officeOf(principal)));
  const row = (one: Proxy): unknown => {
    const now = new Date().toISOString();
    const secure = book.offices.find((known) => known.id === officeOf(one.principal))?.security === 'on';
    const active = secure && (!one.from || one.from <= now) && (!one.until || one.until > now);
    return { ...one, assistant: book.named(one.assistant), principal: book.named(one.principal), active };
  };
  if (call.route === 'GET /proxies') return call.json(200, { proxies: book.proxies.filter((one) => gave(one) || one.assistant === who.me).map(row) });
  if (call.route === 'POST /proxies') {
    const given = (await call.read()) as Omit<Proxy, 'id' | 'version'>;
    if (!mayGive(given.principal)) return forbidden(call, 'give_proxy');
    if (officeOf(given.principal) !== officeOf(given.assistant)) return ruled(call, 'proxy_across_offices');
    if (given.from && given.until && given.until <= given.from) return ruled(call, 'proxy_ends_first');
    if (book.proxies.some((one) => one.assistant === given.assistant && one.principal === given.principal)) return call.problem(409, 'exists', 'It exists already', 'proxy "a for b" exists already', { field: 'proxy' });
    const made = { ...given, id: book.next(), version: 1 };
    book.proxies.push(made);
    return call.json(201, row(made));
  }
  const one = book.proxies.find((known) => known.id === id && (gave(known) || known.assistant === who.me));
  if (!one) return missing(call, 'proxy');
  if (call.route.startsWith('DELETE')) {
    book.proxies = book.proxies.filter((other) => other !== one);
    return call.empty();
  }
  if (!mayGive(one.principal)) return forbidden(call, 'give_proxy');
  if (!fresh(call, one.version)) return stale(call, 'proxy');
  const given = (await call.read()) as Pick<Proxy, 'level' | 'from' | 'until'>;
  if (given.from && given.until && given.until <= given.from) return ruled(call, 'proxy_ends_first');
  Object.assign(one, given, { version: one.version + 1 });
  call.json(200, row(one));
}

async function keys(call: Call, id: number | null, who: Who): Promise<void> {
  const book = call.mock.people;
  const concerns = (one: Key): boolean => administers(who, one.office) || one.user === who.me;
  const row = (one: Key): unknown => ({ ...one, office: book.office(one.office), user: one.user === null ? null : book.named(one.user) });
  if (call.route === 'GET /keys') return call.json(200, { keys: book.keys.filter(concerns).map(row) });
  if (call.route === 'POST /keys') {
    const given = (await call.read()) as { label: string; office?: number; scopes?: string[]; ends_at?: string | null };
    if (given.office !== undefined && !administers(who, given.office)) return forbidden(call, 'administer_office');
    if (given.office !== undefined && ['read', 'manage'].some((scope) => given.scopes?.includes(scope)) && !oversees(call, who, given.office)) return forbidden(call, 'make_key');
    const made: Key = { id: book.next(), prefix: 'pk_a1b2', label: given.label, office: given.office ?? who.office, user: given.office === undefined ? who.me : null, scopes: given.scopes ?? [], created_at: new Date().toISOString(), ends_at: given.ends_at ?? null };
    book.keys.push(made);
    return call.json(201, { id: made.id, secret: `pk_a1b2${'c3d4e5f6'.repeat(5)}` });
  }
  const one = book.keys.find((known) => known.id === id && concerns(known));
  if (!one) return missing(call, 'key');
  book.keys = book.keys.filter((other) => other !== one);
  call.empty();
}
