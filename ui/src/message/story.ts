/** What a message's state means, in sentences. Pure: "now" comes in. */
import type { Row } from '../lib/api/types';
import { fullDate, plural, relative, shortDate } from '../lib/format';

export const ATTEMPTS_MAX = 10;

/** Why mail is held, by the names that the API has for it. */
const HOLDS: Record<string, string> = {
  system_limit: 'the daily limit of the whole server has been reached',
  user_limit: 'the daily limit of its sender has been reached',
  administrator: 'an administrator or Super User holds it back',
  paused: 'sending is paused',
  restored: 'it came back from a backup',
};

/** Why this mail is held, in words; empty where nobody said. */
export function holdReason(row: Row): string {
  return row.hold_reason ? (HOLDS[row.hold_reason] ?? row.hold_reason) : '';
}

/** The badge's hint in the list: what happens next. */
export function rowHint(row: Row): string {
  switch (row.state) {
    case 'deferred':
      return row.next_attempt_at ? `Next try ${fullDate(row.next_attempt_at)}` : 'Waits for its next try';
    case 'held':
      return row.hold_reason ? `Held: ${holdReason(row)}` : 'Held';
    case 'scheduled':
      return row.send_at ? `Goes out ${fullDate(row.send_at)}` : 'Goes out later';
    case 'sent':
      return 'Accepted by the relay';
    case 'queued':
      return 'Due now';
    case 'sending':
      return 'Being handed to the relay';
    case 'failed':
      return 'Not delivered; it is not tried again by itself';
  }
}

/** The list's Error Message: the relay's words, or why the mail is kept back. */
export function rowTrouble(row: Row): string {
  if (row.state === 'held') {
    const until = row.held_until ? ` until ${shortDate(row.held_until, new Date())}` : '';
    return `Held${until}${row.hold_reason ? `: ${holdReason(row)}` : ''}`;
  }
  return row.state === 'sent' ? '' : (row.error ?? '');
}

/** The message page's first sentence: how things stand and what comes next. */
export function story(row: Row, now: Date): string {
  switch (row.state) {
    case 'queued':
      return row.attempts > 0 ? 'Back in the Outbox, due now.' : 'In the Outbox, due now.';
    case 'scheduled':
      return row.send_at ? `Goes out ${fullDate(row.send_at)} (${relative(row.send_at, now)}).` : 'Goes out later.';
    case 'held':
      return `Kept back${row.hold_reason ? `: ${holdReason(row)}` : ' on purpose'}.${row.held_until ? ` It is released ${fullDate(row.held_until)}.` : ''}`;
    case 'sending':
      return 'Being handed to the relay right now.';
    case 'deferred': {
      const tried = `Tried ${row.attempts} of ${ATTEMPTS_MAX} times and not delivered yet.`;
      return row.next_attempt_at ? `${tried} The next try is ${relative(row.next_attempt_at, now)}.` : `${tried} It will be tried again.`;
    }
    case 'sent':
      return `Accepted by the relay${row.sent_on ? ` on ${fullDate(row.sent_on)}` : ''}. From there on it is in the hands of the recipients’ mail servers; Postroom cannot see whether it was read or filed as spam.`;
    case 'failed':
      return `Not delivered after ${plural(row.attempts, 'attempt')}. It is not tried again unless you resend it.`;
  }
}
