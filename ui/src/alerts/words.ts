/** How an alert reads: its look, when it happened, and where its link leads. Pure: "now" comes in. */
import type { Alert, AlertKind } from '../lib/api/types';
import { clockTime, dayName, plural, relative } from '../lib/format';
import { readFilters, toAddress } from '../queue/filters';
import type { IconName } from '../lib/ui/Icon.svelte';

export type Look = { icon: IconName; tone: 'bad' | 'hold' | 'good' | 'wait' };

const LOOKS: Record<AlertKind, Look> = {
  smtp_failed: { icon: 'relay', tone: 'bad' },
  server_down: { icon: 'alert', tone: 'bad' },
  server_up: { icon: 'check', tone: 'good' },
  limit_reached: { icon: 'pause', tone: 'hold' },
  undeliverable: { icon: 'envelope', tone: 'bad' },
  damaged: { icon: 'alert', tone: 'bad' },
  server_trouble: { icon: 'alert', tone: 'bad' },
};

/** How a kind of alert looks; one that a newer server knows looks like a warning. */
export function lookOf(kind: AlertKind): Look {
  return LOOKS[kind] ?? { icon: 'alert', tone: 'hold' };
}

/** The kinds in a person's words, for choosing which come by e-mail. */
export const KINDS: { kind: AlertKind; label: string; hint: string }[] = [
  { kind: 'undeliverable', label: 'You have undeliverable e-mail', hint: 'A message of yours could not be delivered, and is not tried any more.' },
  { kind: 'smtp_failed', label: 'E-mail was not sent because of the SMTP settings', hint: 'The e-mail server refused the sign-in, the sender, or the encrypted connection.' },
  { kind: 'server_down', label: 'The e-mail server is down', hint: 'It cannot be reached. This e-mail itself may arrive only once the server is back.' },
  { kind: 'server_up', label: 'The e-mail server is back online', hint: 'What waited is being sent.' },
  { kind: 'damaged', label: 'Stored e-mail is damaged', hint: 'For administrators of the System Office: the server’s disk or memory may be failing.' },
  { kind: 'server_trouble', label: 'The server needs attention', hint: 'For administrators of the System Office: its clock was changed, or its database lost work.' },
  { kind: 'limit_reached', label: 'A daily limit has been reached', hint: 'E-mail over the limit is held, and is sent the following day.' },
];

/**
 * When it happened, under the heading of its last day: "10:42, 4 min ago"; of what recurred: "3 times since 09:12, last at
 * 10:42, 4 min ago".
 */
export function whenWords(alert: Pick<Alert, 'count' | 'first_at' | 'last_at'>, now: Date): string {
  const last = `${clockTime(alert.last_at)}, ${relative(alert.last_at, now)}`;
  if (alert.count <= 1) return last;
  const [firstDay, lastDay] = [dayName(alert.first_at, now), dayName(alert.last_at, now)];
  const first = firstDay === lastDay ? clockTime(alert.first_at) : `${firstDay === 'Yesterday' ? 'yesterday' : firstDay} ${clockTime(alert.first_at)}`;
  return `${plural(alert.count, 'time')} since ${first}, last at ${last}`;
}

/** Alerts under the days on which they happened last, in their order. */
export function byDay<T extends Pick<Alert, 'last_at'>>(alerts: T[], now: Date): { day: string; alerts: T[] }[] {
  const groups: { day: string; alerts: T[] }[] = [];
  for (const alert of alerts) {
    const day = dayName(alert.last_at, now);
    const group = groups.at(-1);
    if (group?.day === day) group.alerts.push(alert);
    else groups.push({ day, alerts: [alert] });
  }
  return groups;
}

/** Where an alert leads: one of our pages, or a setting that stands in a file. */
export type Way = { href: string; label: string; key?: string } | { key: string };

/** The way to what the alert is about; null where this person has no page for it. `may` says which pages they have. */
export function wayOf(link: Alert['link'], may: (page: string) => boolean): Way | null {
  switch (link.to) {
    case 'queue': {
      const filters = readFilters(`?${link.query}`);
      const held = new URLSearchParams(link.query).get('state') === 'held';
      const label = held ? 'Show held e-mail' : { failed: 'Show failed e-mail', outbox: 'Show the Outbox', sent: 'Show sent e-mail', all: 'Show the E-mail Queue' }[filters.type];
      return { href: toAddress(filters), label };
    }
    case 'office_settings':
      return may('settings') ? { href: `/office/settings/${link.office}#smtp`, label: 'Open the SMTP settings' } : null;
    case 'limits':
      return may('limits') ? { href: '/limits', label: 'Open the daily limits' } : null;
    case 'server_status':
      return may('server') ? { href: '/server', label: 'Show the server’s status' } : null;
    case 'server_configuration':
      return may('server') ? { key: link.key, href: '/server', label: 'Show the server’s status' } : { key: link.key };
  }
}
