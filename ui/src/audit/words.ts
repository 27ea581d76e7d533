/** An entry of the audit log as a sentence: who did what to what. Pure; names and rights come in. */
import type { AuditItem } from '../lib/api/types';
import { plural } from '../lib/format';

/** A piece of a sentence; with `href` it leads to what it names. */
export type Part = { text: string; href?: string };

/** What the log's ids are called, and which pages the reader has. */
export type Names = {
  user: (id: number) => string | null;
  office: (id: number) => string | null;
  key: (id: number) => string | null;
  may: (page: string) => boolean;
};

/** What the entries are about, for choosing among them. */
export const AREAS = [
  { value: 'mail', label: 'E-mail' },
  { value: 'people', label: 'People, rights and keys' },
  { value: 'settings', label: 'Settings and limits' },
  { value: 'sending', label: 'Pauses of sending' },
] as const;
export type Area = (typeof AREAS)[number]['value'];

const AREA_OF: Record<string, Area> = {
  messages: 'mail', message: 'mail', failures: 'mail', job: 'mail',
  setup: 'people', user: 'people', proxy: 'people', key: 'people',
  office: 'settings', limits: 'settings', settings: 'settings', smtp: 'settings', layout: 'settings', config: 'settings',
  sending: 'sending',
};

/** What an action is about; null for one that a newer server knows. */
export function areaOf(action: string): Area | null {
  return AREA_OF[action.split('.')[0] ?? ''] ?? null;
}

const DOING: Record<string, string> = { requeue: 'requeueing', resend: 'resending', delete: 'deleting', hold: 'holding', release: 'releasing' };

/** Who did it, and by which way where that is known. */
export function actorOf(item: Pick<AuditItem, 'actor' | 'actor_name'>, names: Names, brand: string): { name: string; way: string | null } {
  const [kind = '', id = ''] = item.actor.split(':');
  if (kind === 'user') return { name: item.actor_name ?? names.user(Number(id)) ?? `Person ${id}`, way: null };
  if (kind === 'key') return { name: names.key(Number(id)) ?? `API key ${id}`, way: 'through the API' };
  if (kind === 'operator') return { name: 'Operator', way: 'on the server itself' };
  return { name: brand, way: 'by itself' };
}

/** What was done, as the rest of a sentence that the actor's name begins. */
export function deedOf(item: AuditItem, names: Names): Part[] {
  const on = subjectOf(item, names);
  const simple = DEEDS[item.action];
  if (simple) return sentence(simple, on);
  const fact = (name: string): unknown => (item.detail as Record<string, unknown> | null)?.[name];
  switch (item.action) {
    case 'job.start':
      return [{ text: `began ${DOING[String(fact('action'))] ?? 'working on'} ${plural(item.count, 'message')}` }];
    case 'user.password':
      return item.actor === `user:${numberIn(item.subject)}` ? [{ text: 'chose a new password' }] : sentence('set the password of ·', on);
    case 'proxy.grant':
    case 'proxy.revoke': {
      const [assistant, principal] = [personOf(fact('assistant'), names), personOf(fact('principal'), names)];
      if (item.action === 'proxy.revoke') return [{ text: 'ended that ' }, assistant, { text: ' proxies for ' }, principal];
      return [{ text: 'let ' }, assistant, { text: fact('level') === 'manage' ? ' see and manage the e-mail of ' : ' see the e-mail of ' }, principal];
    }
    default:
      return [{ text: `${item.action}: ${item.subject}` }];
  }
}

/** The dot stands for what it was done to. */
const DEEDS: Record<string, string> = {
  'messages.requeue': 'put · back in the Outbox',
  'messages.resend': 'sent · again',
  'messages.delete': 'deleted ·',
  'messages.hold': 'held ·',
  'messages.release': 'released ·',
  'messages.release_past_limit': 'released · past a daily limit',
  'message.change_recipient': 'changed a recipient of ·',
  'messages.export': 'exported a list of ·',
  'failures.requeue': 'put · that one cause had failed back in the Outbox',
  'job.cancel': 'cancelled ·',
  setup: 'set up the server, with · as its first administrator',
  'office.create': 'made the office ·',
  'office.change': 'changed the office ·',
  'office.delete': 'removed the office ·',
  'user.create': 'made an account for ·',
  'user.change': 'changed the name or the address of ·',
  'user.rights': 'changed the rights of ·',
  'user.disable': 'blocked the account of ·',
  'user.enable': 'unblocked the account of ·',
  'user.password_reset': 'asked for a link to choose a new password',
  'user.sessions_end': 'signed · out everywhere',
  'key.create': 'made ·',
  'key.revoke': 'revoked ·',
  'limits.change': 'changed ·',
  'settings.change': 'changed the settings of ·',
  'smtp.change': 'changed the SMTP settings of ·',
  'smtp.test': 'tested the SMTP settings of ·',
  'sending.pause': 'paused sending for ·',
  'sending.resume': 'resumed sending for ·',
  'layout.change': 'changed the list layout of ·',
  'config.reload': 'read the server’s configuration anew',
};

function sentence(pattern: string, on: Part): Part[] {
  const [before = '', after] = pattern.split('·');
  return after === undefined ? [{ text: before }] : [{ text: before }, on, { text: after }].filter((part) => part.text !== '');
}

function subjectOf(item: AuditItem, names: Names): Part {
  const [kind = '', id = ''] = item.subject.split(' ');
  switch (kind) {
    case 'message':
      return item.action === 'messages.delete' ? { text: 'one message' } : { text: 'one message', href: `/queue/${id}` };
    case 'messages':
      return { text: plural(item.count, 'message') };
    case 'job':
      return { text: item.action === 'job.cancel' ? 'work on many messages' : plural(item.count, 'message') };
    case 'user':
      return personOf(Number(id), names);
    case 'office': {
      const text = names.office(Number(id)) ?? `office ${id}`;
      return names.may('settings') && item.action !== 'office.delete' ? { text, href: `/office/settings/${id}` } : { text };
    }
    case 'key':
      return { text: names.key(Number(id)) ?? `API key ${id}` };
    case 'limits':
      return names.may('limits') ? { text: 'the daily limits', href: '/limits' } : { text: 'the daily limits' };
    default:
      return { text: item.subject };
  }
}

function personOf(id: unknown, names: Names): Part {
  if (typeof id !== 'number') return { text: 'somebody' };
  const text = names.user(id) ?? `person ${id}`;
  return names.may('people') ? { text, href: `/people/users/${id}` } : { text };
}

function numberIn(subject: string): string {
  return subject.split(' ')[1] ?? '';
}
