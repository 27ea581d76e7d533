/** An office's settings as they are typed: what changed, what cannot be saved, and what two people changed at once. */
import type { OfficeRow, OfficeSettingsAnswer, OfficeSettingsEdit } from '../lib/api/types';
import { AUTH_WORDS, checkRelay, domains, newRelay, relayEdit, relayForm, TLS_WORDS, type RelayForm } from './relay';

export type Form = {
  name: string;
  security: boolean;
  /** Domains that the people may send from; set by those who administer the server. */
  allowedDomains: string;
  timeZone: string;
  sendLocally: boolean;
  /** Whether mail leaves through the office's own relays. What was typed for them stays while it does not. */
  own: boolean;
  relays: RelayForm[];
  retentionDays: string;
  contentDays: string;
};

export const RELAYS_MAX = 2;

/** The fields of what the server has. */
export function formOf(office: OfficeRow, settings: OfficeSettingsAnswer): Form {
  return {
    name: office.name,
    security: office.security === 'on',
    allowedDomains: office.allowed_sender_domains.join(', '),
    timeZone: settings.time_zone ?? '',
    sendLocally: settings.send_locally,
    own: settings.relays.length > 0,
    relays: settings.relays.length > 0 ? settings.relays.map(relayForm) : [newRelay()],
    retentionDays: settings.retention_days === null ? '' : String(settings.retention_days),
    contentDays: settings.content_days === null ? '' : String(settings.content_days),
  };
}

const days = (text: string): number | null => (text.trim() === '' ? null : Number(text));

/** What `PUT /offices/{id}/settings` takes. */
export function settingsEdit(form: Form): OfficeSettingsEdit {
  return {
    time_zone: form.timeZone || null,
    send_locally: form.sendLocally,
    relays: form.own ? form.relays.map(relayEdit) : [],
    retention_days: days(form.retentionDays),
    content_days: days(form.contentDays),
  };
}

/** What `PATCH /offices/{id}` takes: what differs; null where nothing does. */
export function officeEdit(form: Form, base: Form): { name?: string; security?: 'on' | 'off'; allowed_sender_domains?: string[] } | null {
  const name = form.name.trim();
  const allowed = domains(form.allowedDomains);
  const edit = {
    ...(name !== base.name && { name }),
    ...(form.security !== base.security && { security: form.security ? ('on' as const) : ('off' as const) }),
    ...(!same(allowed, domains(base.allowedDomains)) && { allowed_sender_domains: allowed }),
  };
  return Object.keys(edit).length > 0 ? edit : null;
}

/** What cannot be saved as it is, by the API's names of fields. */
export function check(form: Form): Record<string, string> {
  const wrong: Record<string, string> = {};
  if (form.name.trim() === '') wrong['name'] = 'Enter the office’s name.';
  for (const [field, text] of [['retention_days', form.retentionDays], ['content_days', form.contentDays]] as const) {
    if (text.trim() !== '' && !/^[1-9]\d{0,5}$/.test(text.trim())) wrong[field] = 'A number of days from 1, or nothing for no end.';
  }
  if (form.own) for (const [place, relay] of form.relays.entries()) Object.assign(wrong, checkRelay(relay, `relays[${place}]`));
  return wrong;
}

/** The parts that are saved and merged as one: a host and its password do not mix with somebody else's. */
const UNITS = [
  { words: 'Name', of: (form: Form) => form.name.trim() },
  { words: 'Time zone', of: (form: Form) => form.timeZone },
  { words: 'Office security', of: (form: Form) => form.security },
  { words: 'Allowed sender domains', of: (form: Form) => domains(form.allowedDomains) },
  { words: 'Send locally', of: (form: Form) => form.sendLocally },
  { words: 'SMTP settings', of: (form: Form) => settingsEdit(form).relays },
  { words: 'Retention', of: (form: Form) => [form.retentionDays.trim(), form.contentDays.trim()] },
];

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The names of what differs: "Name", "SMTP settings". */
export function changed(form: Form, base: Form): string[] {
  return UNITS.filter((unit) => !same(unit.of(form), unit.of(base))).map((unit) => unit.words);
}

/** Mine over theirs: what I changed stays, everything else becomes as they made it. */
export function merged(mine: Form, base: Form, theirs: Form): Form {
  const keeps = new Set(changed(mine, base));
  const from = (words: string): Form => (keeps.has(words) ? mine : theirs);
  return {
    name: from('Name').name,
    timeZone: from('Time zone').timeZone,
    security: from('Office security').security,
    allowedDomains: from('Allowed sender domains').allowedDomains,
    sendLocally: from('Send locally').sendLocally,
    own: from('SMTP settings').own,
    relays: from('SMTP settings').relays,
    retentionDays: from('Retention').retentionDays,
    contentDays: from('Retention').contentDays,
  };
}

export type Difference = { what: string; theirs: string; mine: string; both: boolean };

/** What they changed since `base`, beside what I have there; `both`: I changed it too. */
export function differences(mine: Form, base: Form, theirs: Form): Difference[] {
  const before = told(base);
  const now = told(mine);
  return told(theirs).flatMap(([what, value]) => {
    const was = before.find(([name]) => name === what)?.[1] ?? '–';
    const my = now.find(([name]) => name === what)?.[1] ?? '–';
    return value === was ? [] : [{ what, theirs: value, mine: my, both: my !== was }];
  });
}

/** Every field in words, for people to compare. Secrets have none. */
function told(form: Form): [string, string][] {
  const lines: [string, string][] = [
    ['Name', form.name.trim()],
    ['Time zone', form.timeZone || 'the server’s'],
    ['Office security', form.security ? 'on' : 'off'],
    ['Allowed sender domains', domains(form.allowedDomains).join(', ') || 'not limited here'],
    ['Send locally', form.sendLocally ? 'on' : 'off'],
    ['SMTP server', form.own ? 'own' : 'the server’s'],
    ['Keep records', form.retentionDays.trim() ? `${form.retentionDays.trim()} days` : 'for ever'],
    ['Keep contents', form.contentDays.trim() ? `${form.contentDays.trim()} days` : 'as long as the record'],
  ];
  if (!form.own) return lines;
  for (const [place, relay] of form.relays.entries()) {
    const which = place === 0 ? 'SMTP' : 'Second SMTP';
    lines.push(
      [`${which} host`, `${relay.host.trim()}:${relay.port.trim()}`],
      [`${which} encryption`, TLS_WORDS.find((one) => one.value === relay.tls)?.label ?? relay.tls],
      [`${which} sign-in`, AUTH_WORDS.find((one) => one.value === relay.auth)?.label ?? relay.auth],
      [`${which} user`, relay.auth === 'none' ? '–' : relay.user.trim()],
      [`${which} sender domains`, relay.senderDomains.trim() || 'any'],
      [`${which} rates`, [relay.perMinute.trim() && `${relay.perMinute.trim()} a minute`, relay.perHour.trim() && `${relay.perHour.trim()} an hour`].filter(Boolean).join(', ') || 'no limit'],
    );
  }
  return lines;
}
