/** The mock's audit log: made-up entries of every action, newest first. */
import type { components } from '../../src/lib/api/schema';
import { idOf } from './data.ts';
import type { Call } from './subjects.ts';

type Item = components['schemas']['AuditItem'];
type Deed = [actor: string, action: string, subject: string, count: number, detail: Record<string, unknown> | null, office: number | null];

const ENTRIES = 640;
const NOW = Date.parse('2026-11-23T09:28:00Z');
const NAMES: Record<string, string> = { 'user:0': 'Case Clerk', 'user:1': 'Front Desk', 'user:6': 'Branch Manager' };
const off = { super_user: false, enterprise_view: false, administrator: false, customize_list_layout: false };

const DEEDS: Deed[] = [
  ['user:0', 'messages.requeue', `message ${idOf(900)}`, 1, null, 1],
  ['user:0', 'limits.change', 'limits', 1, { system_daily_limit: 0, user_daily_limit: 2500, time_zone: 'Europe/Berlin', system_daily_limit_before: 0, user_daily_limit_before: 2000, time_zone_before: 'Europe/Berlin' }, null],
  ['user:6', 'smtp.change', 'office 3 smtp', 1, { version: 12 }, 3],
  ['user:6', 'smtp.test', 'office 3 smtp', 1, null, 3],
  ['user:0', 'messages.delete', 'messages', 12, { reason: 'Sent twice by mistake' }, 1],
  ['user:0', 'messages.requeue', 'job 4', 32_417, { ended: 'done', skipped: 16, refused: 0 }, 1],
  ['user:0', 'job.start', 'job 4', 32_433, { action: 'requeue', as_of: idOf(10) }, 1],
  ['operator', 'config.reload', 'configuration', 1, { keys: ['delivery.max_attempts', 'log.level'] }, null],
  ['user:1', 'user.password', 'user 1', 1, null, 1],
  ['user:1', 'user.password_reset', 'user 1', 1, null, 1],
  ['user:0', 'user.rights', 'user 1', 1, { before: off, rights: { ...off, super_user: true, customize_list_layout: true }, branches: null }, 1],
  ['user:0', 'user.create', 'user 8', 1, { rights: off, branches: null }, 3],
  ['user:6', 'proxy.grant', 'proxy 2', 1, { assistant: 8, principal: 6, level: 'manage', from: null, until: '2026-12-24T00:00:00Z' }, 3],
  ['user:0', 'sending.pause', 'office 3', 1, { words: 'Wrong prices in the newsletter' }, 3],
  ['user:0', 'sending.resume', 'office 3', 1, null, 3],
  ['user:0', 'key.create', 'key 7', 1, { user: null, scopes: ['send', 'post_notifications'] }, 1],
  ['key:7', 'messages.resend', `message ${idOf(800)}`, 1, null, 1],
  ['user:6', 'settings.change', 'office 3 settings', 1, { sends_locally: true }, 3],
  ['user:0', 'messages.export', 'messages', 214, { columns: 9, search: true }, 1],
  ['user:0', 'message.change_recipient', `message ${idOf(905)} recipient 0`, 1, null, 1],
  ['user:0', 'messages.release_past_limit', 'messages', 3, null, 1],
  ['user:6', 'office.change', 'office 3', 1, { security: true }, 3],
  ['system', 'setup', 'user 0', 1, null, 1],
];

export class AuditLog {
  /** What a check finds wrong. */
  problems: string[] = [];
  readonly entries: Item[] = [];

  constructor() {
    for (let i = 0; i < ENTRIES; i += 1) {
      const [actor, action, subject, count, detail, office] = DEEDS[i === ENTRIES - 1 ? DEEDS.length - 1 : i % (DEEDS.length - 1)] as Deed;
      const seq = ENTRIES - i;
      const at = new Date(NOW - i * 47 * 60_000 - (i % 7) * 61_000).toISOString();
      const digest = action.startsWith('message') ? hash(seq * 7) : null;
      this.entries.push({ seq, at, actor, actor_name: NAMES[actor] ?? null, action, subject, office, count, ids_digest: digest, detail: detail as Item['detail'], hash: hash(seq) });
    }
  }
}

function hash(seed: number): string {
  let text = '';
  for (let n = seed; text.length < 64; n = (n * 2654435761 + 97) % 4294967296) text += n.toString(16).padStart(8, '0');
  return text.slice(0, 64);
}

export function audit(call: Call): boolean {
  const { route, url, mock, rights, office } = call;
  if (route !== 'GET /audit' && route !== 'GET /audit/verify') return false;
  const system = rights.includes('administrator') && office?.id === 1;
  const refuse = (rule: string, detail: string): true => {
    call.problem(403, 'forbidden', 'You may not do this', detail, { rule });
    return true;
  };
  if (route === 'GET /audit/verify') {
    if (!system) return refuse('administer_system', 'administrators of the System Office may do this');
    const remembered = url.searchParams.get('remembered');
    const head = `${mock.audit.entries[0]?.seq ?? 0}:${mock.audit.entries[0]?.hash ?? ''}`;
    const known = mock.audit.entries.some((one) => `${one.seq}:${one.hash}` === remembered);
    const problems = [...mock.audit.problems, ...(remembered && !known ? [`entry ${remembered.split(':')[0]} is not the one that was remembered: the chain was written anew`] : [])];
    call.json(200, { entries: mock.audit.entries.length, head, problems });
    return true;
  }
  if (!rights.includes('administrator')) return refuse('administer_office', 'administrators of the office may do this');
  const limit = Number(url.searchParams.get('limit') ?? 50);
  const before = Number(url.searchParams.get('before') ?? Infinity);
  const page = mock.audit.entries.filter((one) => one.seq < before && (system || one.office === office?.id)).slice(0, limit);
  call.json(200, { entries: page, next: page.length === limit ? page.at(-1)?.seq : null });
  return true;
}
