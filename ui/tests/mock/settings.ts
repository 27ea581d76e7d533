/** The mock's office settings: relays and their test, layouts, pauses, failures by cause, limits, and the first setup. */
import type { components } from '../../src/lib/api/schema';
import { idOf } from './data.ts';
import type { Mock } from './server.ts';
import type { Call, Subject } from './subjects.ts';

type Schemas = components['schemas'];
type Settings = Schemas['OfficeSettingsAnswer'];
type Edit = Schemas['OfficeSettingsEdit'];
type RelayEdit = Schemas['RelayEdit'];
type Step = Schemas['TestStepAnswer'];

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2VydGlmaWNhdGVPZkFuRXhhbXBsZQ==\n-----END CERTIFICATE-----\n';

export class SettingsState {
  settings = new Map<number, Settings>([
    [1, { ...blank(1), version: 3, time_zone: 'Europe/Berlin', retention_days: 730, content_days: 90, relays: [relay({ sender_domains: ['office.example.com'], per_minute: 120 })] }],
    [3, { ...blank(3), version: 1, relays: [relay({ host: 'smtp.lakeside.example.org', port: 465, tls: 'implicit', auth: 'xoauth2', user: 'desk@lakeside.example.org', has_secret: false, token: { url: 'https://login.example.net/oauth2/token', client_id: '7d1c-postroom', scope: 'smtp.send', grant: 'client_credentials', has_client_secret: true, has_refresh_token: false } }), relay({ host: 'backup.lakeside.example.org' })] }],
  ]);
  layouts = new Map<number, { layout: object; version: number }>();
  pauses: Schemas['PauseRow'][] = [{ id: 'user-3', user: { id: 3, name: 'Billing' }, reason: 'The address book is being corrected', since: '2026-11-23T08:12:00Z', by: 'user:0' }];
  failures: Schemas['FailureGroup'][] = [
    group('0-auth', { cause: 'auth', sentence: 'The sign-in at the SMTP server failed.', advice: 'Correct the sign-in (user name and password, or the token endpoint) in the SMTP settings.', count: 34, reply: '535 5.7.8 Authentication credentials invalid' }),
    group('0-tls', { cause: 'tls', sentence: 'A secure connection to the SMTP server could not be made.', advice: 'Check the TLS setting and the server’s certificate.', count: 1, reply: null }),
    group('0-recipient', { cause: 'recipient', place: 'message', sentence: 'The recipient’s address or mailbox was refused.', advice: 'Check the address; correct it and send the message again.', count: 211, reply: '550 5.1.1 <d.reception@harbour.test>: Recipient address rejected: User unknown' }),
    group('3-connect', { cause: 'connect', office: { id: 3, name: 'Lakeside' }, sentence: 'The SMTP server could not be reached.', advice: 'Check host and port in the SMTP settings, and that the server is running.', count: 7, reply: null }),
  ];
  /** Whether nobody can sign in yet. */
  empty = false;
}

export const SETUP_SECRET = 'qv2m-7hd0-x1kc-94rt';

function blank(office: number): Settings {
  return { office, version: 0, time_zone: null, send_locally: false, relays: [], retention_days: null, content_days: null, set_in_configuration: false, moving: false };
}

function relay(more: Partial<Schemas['RelayAnswer']>): Schemas['RelayAnswer'] {
  const usual = { host: 'smtp.office.example.com', port: 587, tls: 'required', auth: 'plain', user: 'postroom@office.example.com', has_secret: true, token: null, trust: 'system', certificate: null, sender_domains: [], connections: 10, messages_per_connection: 100, per_minute: null, per_hour: null };
  return { ...usual, ...more };
}

function group(id: string, more: Partial<Schemas['FailureGroup']>): Schemas['FailureGroup'] {
  const usual = { cause: '', sentence: '', advice: '', place: 'office_settings', office: { id: 1, name: 'System Office' }, count: 1, latest: idOf(38), latest_at: '2026-11-23T09:02:00Z', reply: null };
  return { id, ...usual, ...more };
}

const states = new WeakMap<Mock, SettingsState>();

/** What a mock keeps of this, for tests to look at and to change. */
export function settingsState(mock: Mock): SettingsState {
  const state = states.get(mock) ?? new SettingsState();
  states.set(mock, state);
  return state;
}

/** Before signing in: whether there is anybody, and the first administrator. */
export const openSetup: Subject = async (call) => {
  const state = settingsState(call.mock);
  if (call.route === 'GET /setup') return done(call.json(200, { needed: state.empty }));
  if (call.route !== 'POST /setup') return false;
  const given: { secret?: string; login?: string; email?: string } = await call.read();
  if (!state.empty) return done(call.problem(409, 'set_up_already', 'Postroom is set up already', 'Postroom is set up already: sign in, or ask an administrator'));
  if (given.secret !== SETUP_SECRET) return done(call.problem(409, 'token_invalid', 'The link is not valid', 'this link or secret is not valid: it may have been used or have ended; ask for a new one', { field: 'token' }));
  if (!/^[\w.@+-]+$/.test(given.login ?? '')) return done(call.problem(422, 'bad_value', 'A field has a value that cannot be used', 'login: has 1 to 64 letters, digits and . _ - @ +, for example "case"', { field: 'login' }));
  state.empty = false;
  // Nobody has sent anything from a server that is new.
  call.mock.limits.today.clear();
  call.mock.desk.used = 0;
  call.empty(201);
  return true;
};

/** For those who are signed in. */
export const settings: Subject = async (call) => {
  const [, first, id = '', what] = call.path.split('/');
  const state = settingsState(call.mock);
  // The offices themselves are the People page's.
  if (first === 'offices' && what) return office(call, state, Number(id), what);
  if (first === 'pauses') return pauses(call, state, id);
  if (first === 'failures') return failures(call, state, id);
  return false;
};

const done = (_: void): true => true;

function administers(call: Call, office: number): boolean {
  return call.rights.includes('administrator') && (call.office?.id === 1 || call.office?.id === office);
}

async function office(call: Call, state: SettingsState, id: number, what: string): Promise<boolean> {
  const found = call.mock.people.offices.find((one) => one.id === id);
  if (!found || (!administers(call, id) && call.office?.id !== id)) return done(call.problem(404, 'not_found', 'There is no such thing', 'there is no such office among those that you know of'));
  if (!administers(call, id)) return done(call.problem(403, 'not_permitted', 'You may not do this', 'Only its administrators may.', { rule: 'administer_office' }));
  if (what === 'settings') return call.path.endsWith('/test') ? tried(call, id) : officeSettings(call, state, id);
  if (what === 'layout') return layout(call, state, id);
  return false;
}

async function officeSettings(call: Call, state: SettingsState, id: number): Promise<boolean> {
  const now = state.settings.get(id) ?? blank(id);
  if (!call.route.startsWith('PUT')) return done(call.json(200, now, { etag: `"${now.version}"` }));
  if (call.header('if-match') !== `"${now.version}"`) return stale(call);
  const edit: Edit = await call.read();
  for (const [place, one] of edit.relays.entries()) {
    const at = `relays[${place}]`;
    if (now.set_in_configuration) return done(call.problem(409, 'set_in_configuration', 'It is set in the configuration file', 'the server’s relay is written in its configuration file ([[relay]])', { field: 'relays' }));
    if (one.host.startsWith('127.')) return done(call.problem(422, 'forbidden_address', 'The address is not allowed', `connections to ${one.host} are not allowed: it is this machine itself`, { field: `${at}.host`, suggestion: 'allow_relay_networks = ["127.0.0.0/24"]' }));
    if (/[^a-z0-9._-]/i.test(one.host)) return done(call.problem(422, 'bad_value', 'A field has a value that cannot be used', `${at}.host: is the name or address of the SMTP server alone, like "smtp.example.com"`, { field: `${at}.host` }));
  }
  const next = { ...now, ...edit, version: now.version + 1, relays: edit.relays.map((one, place) => shown(one, now.relays[place])) };
  state.settings.set(id, next);
  return done(call.json(200, next, { etag: `"${next.version}"` }));
}

function shown(edit: RelayEdit, before: Schemas['RelayAnswer'] | undefined): Schemas['RelayAnswer'] {
  const { secret, token, ...rest } = edit;
  const same = before?.host === edit.host && before.port === edit.port;
  const has = (given: string | null | undefined, kept: boolean | undefined): boolean => (given === undefined ? same && (kept ?? false) : given !== null);
  const { client_secret, refresh_token, ...endpoint } = token ?? {};
  return {
    ...relay({}),
    ...rest,
    has_secret: has(secret, before?.has_secret),
    token: token ? { scope: '', ...(endpoint as { url: string; client_id: string; grant: string }), has_client_secret: has(client_secret, before?.token?.has_client_secret), has_refresh_token: has(refresh_token, before?.token?.has_refresh_token) } : null,
  };
}

const ORDER = ['dns', 'tcp', 'smtp', 'tls', 'auth', 'mail_from'];
const WELL: Record<string, string> = {
  dns: 'smtp.office.example.com:587 is at 192.0.2.25.',
  tcp: 'Connected to 192.0.2.25:587.',
  smtp: 'The server speaks SMTP and offers to sign in by PLAIN, LOGIN.',
  tls: 'TLSv1.3 with TLS13_AES_256_GCM_SHA384; the certificate is good.',
  auth: 'The server took the sign-in.',
  mail_from: 'The server takes mail from postmaster@office.example.com. Nothing was sent.',
};

async function tried(call: Call, office: number): Promise<boolean> {
  const { relay, place = 0 }: Schemas['RelayTest'] = await call.read();
  const kept = settingsState(call.mock).settings.get(office)?.relays[place];
  if (relay.auth === 'plain' && relay.secret === undefined && (kept?.host !== relay.host || !kept.has_secret)) {
    return done(call.problem(422, 'bad_value', 'A field has a value that cannot be used', 'relay.secret: has to be given: none is kept for this server, and a kept one is not sent to another', { field: 'relay.secret' }));
  }
  const fault = faultOf(relay);
  const at = fault ? ORDER.indexOf(fault.step) : ORDER.length;
  const steps = ORDER.map((step, i): Step => {
    if (fault && i === at) return fault;
    if (i > at) return { step, outcome: 'skipped', duration_ms: 0, code: 'skipped', finding: 'Not tried: an earlier step failed.', advice: null, said: null };
    if (step === 'auth' && relay.auth === 'none') return { step, outcome: 'skipped', duration_ms: 0, code: 'skipped', finding: 'The settings do without a sign-in.', advice: null, said: null };
    return { step, outcome: 'ok', duration_ms: 4 + i * 9, code: 'ok', finding: WELL[step] ?? '', advice: null, said: null };
  });
  const shows = fault?.code === 'self_signed';
  return done(call.json(200, { good: !fault, steps, certificate: shows ? CERTIFICATE : null, fingerprint: shows ? 'b1946ac92492d2347c6235b4d2611184f3e4a6c5d8b7a9c0e1f2a3b4c5d6e7f8' : null }));
}

/** What goes wrong is named by what is tried. */
function faultOf(relay: RelayEdit): Step | null {
  const failed = (step: string, code: string, finding: string, advice: string, said: string | null = null): Step => ({ step, outcome: 'failed', duration_ms: 31, code, finding, advice, said });
  if (relay.host.includes('no-such')) return failed('dns', 'no_dns', `The name ${relay.host} has no address.`, 'Look for a typing mistake in the host; if it is right, ask whoever runs the name server (DNS).');
  if (relay.host.includes('self-signed') && relay.trust !== 'pinned') return failed('tls', 'self_signed', 'TLS cannot be used: the certificate is signed by nobody but itself.', 'If it is your own server, set trust to "pinned" and give this certificate; else do not use it.');
  if (relay.secret === 'wrong') return failed('auth', 'auth_refused', 'The server refused the sign-in.', 'Check user and password; some providers want an app password, or SMTP sign-in switched on for the account.', '535 5.7.8 Authentication credentials invalid');
  return null;
}

async function layout(call: Call, state: SettingsState, id: number): Promise<boolean> {
  const kept = state.layouts.get(id);
  if (call.route.startsWith('PUT')) {
    if (call.header('if-match') !== `"${kept?.version ?? 0}"`) return stale(call);
    state.layouts.set(id, { layout: await call.read(), version: (kept?.version ?? 0) + 1 });
  }
  const now = state.layouts.get(id) ?? { layout: { columns: [{ column: 'date', width_px: 150 }], sort: { column: 'date', order: 'descending' } }, version: 0 };
  return done(call.json(200, { ...now.layout, source: now.version > 0 ? 'office' : 'default', may_change: true }, { etag: `"${now.version}"` }));
}

async function pauses(call: Call, state: SettingsState, id: string): Promise<boolean> {
  if (call.route === 'GET /pauses') return done(call.json(200, { pauses: state.pauses }));
  if (call.route === 'POST /pauses') {
    const given: { office?: number; user?: number; reason: string } = await call.read();
    const office = call.mock.people.offices.find((one) => one.id === given.office);
    const pause = { id: given.office ? `office-${given.office}` : `user-${given.user}`, office: office ? { id: office.id, name: office.name } : null, user: given.user === undefined ? null : { id: given.user, name: 'Front Desk' }, reason: given.reason, since: new Date().toISOString(), by: 'user:0' };
    state.pauses = [...state.pauses, pause];
    return done(call.json(201, pause));
  }
  if (!state.pauses.some((pause) => pause.id === id)) return done(call.problem(404, 'not_found', 'There is no such thing', 'there is no such pause among those that you may see'));
  state.pauses = state.pauses.filter((pause) => pause.id !== id);
  call.empty();
  return true;
}

async function failures(call: Call, state: SettingsState, id: string): Promise<boolean> {
  const seen = state.failures.filter((group) => call.office?.id === 1 || group.office?.id === call.office?.id);
  if (call.route === 'GET /failures') return done(call.json(200, { groups: seen }));
  const group = seen.find((one) => one.id === id);
  state.failures = state.failures.filter((one) => one.id !== id);
  return done(call.json(200, { done: group?.count ?? 0, skipped: 0, refused: 0, items: [], as_of: null, job: null }));
}

function stale(call: Call): true {
  return done(call.problem(412, 'stale', 'It was changed meanwhile', 'it was changed since you read it, and nothing was overwritten: read it again and repeat your change'));
}
