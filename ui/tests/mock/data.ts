/** A million messages that exist only as numbers: every field follows from the sequence number. */
import type { components } from '../../src/lib/api/schema';

export type Row = components['schemas']['Row'];
export type State = components['schemas']['State'];

export const STATES: State[] = ['queued', 'scheduled', 'held', 'sending', 'deferred', 'sent', 'failed'];
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const START = Date.parse('2026-11-23T09:30:00Z');
const STEP_MS = 41_000;

const people = ['Case Clerk', 'Front Desk', 'Claims Team', 'Billing', 'Renewals', 'Fleet Desk', 'Branch Manager'];
const clients = ['accounts', 'b.office', 'contact', 'd.reception', 'enquiries', 'facilities', 'g.service', 'head.office'];
const domains = ['client.example.com', 'lakeside.example.org', 'northwind.example.net', 'harbour.test'];
const subjects = [
  ['Your policy renewal for 2027', 'Please find attached the renewal papers for your household policy. The premium stays the same …'],
  ['Re: Claim 48-1120, photos received', 'Thank you for the photographs. Our adjuster will call you before Thursday to agree a time …'],
  ['Annual review – pick a time that suits you', 'It has been a year since we last sat down together. Use the link below to choose a time …'],
  ['Welcome to Lakeside Insurance', 'We are glad that you are with us. This letter tells you whom to call, and when …'],
  ['Quarterly statement, third quarter', 'Your statement for the third quarter is attached as a PDF file. Nothing is due …'],
  ['Change of address confirmed', 'We have changed your address as you asked. If this was not you, call us at once …'],
  ['Appointment on Tuesday 24 November, 10:30', 'This is a reminder of your appointment with us. Our office is on the second floor …'],
  ['Fwd: Fleet quotation, 14 vehicles', 'Here is the quotation that I mentioned on the phone. It holds until the end of the month …'],
];
const notices = [
  ['sign_in_failed', 'Unsuccessful sign-in attempts', 'There were five unsuccessful attempts to sign in to your account …'],
  ['activity_created', 'New activity: call back the harbour office', 'An activity was assigned to you for Tuesday, 24 November …'],
  ['record_shared', 'A contact was shared with you', 'Front Desk shared the contact "Harbour Logistics" with you …'],
] as const;
const faults = [
  ['451 4.3.0', '451 4.3.0 Mail server temporarily rejected message'],
  ['550 5.1.1', '550 5.1.1 <d.reception@harbour.test>: Recipient address rejected: User unknown'],
  ['421 4.7.0', '421 4.7.0 Too many connections from your address, closing'],
  ['552 5.2.2', '552 5.2.2 Mailbox full'],
] as const;

/** The 13-character id of a sequence number; ids sort as the numbers do. */
export function idOf(seq: number): string {
  let text = '';
  for (let n = seq + 1_000_000; text.length < 9; n = Math.floor(n / 32)) text = (ALPHABET[n % 32] ?? '0') + text;
  return `01k2${text}`;
}

export function seqOf(id: string): number {
  let n = 0;
  for (const letter of id.slice(4)) n = n * 32 + ALPHABET.indexOf(letter);
  return n - 1_000_000;
}

/** The state that a message starts in. */
export function firstState(seq: number, total: number): number {
  const mix = (seq * 2654435761) % 1000;
  const age = total - 1 - seq;
  if (age < 4) return STATES.indexOf('queued');
  if (age < 60 && mix < 120) return STATES.indexOf('deferred');
  if (age < 40 && mix < 180) return STATES.indexOf('sending');
  if (age < 300 && mix > 960) return STATES.indexOf('held');
  if (age < 300 && mix > 940) return STATES.indexOf('scheduled');
  return STATES.indexOf(mix % 33 === 5 ? 'failed' : 'sent');
}

export const isNotification = (seq: number): boolean => seq % 10 === 4;

/** The row of a message in a state. `total` is how many the mock began with: the newest of them is of START. */
export function rowOf(seq: number, state: State, total: number): Row {
  const date = new Date(START - (total - 1 - seq) * STEP_MS);
  const later = (ms: number): string => new Date(date.getTime() + ms).toISOString();
  const notification = isNotification(seq);
  const notice = notices[seq % notices.length] ?? notices[0];
  const [subject = '', body = ''] = notification ? [notice[1], notice[2]] : (subjects[(seq * 7) % subjects.length] ?? []);
  const sender = people[(seq * 5) % people.length] ?? '';
  const from = notification ? 'postroom@office.example.com' : `${sender.split(' ')[0]?.toLowerCase()}@office.example.com`;
  const to = `${clients[(seq * 3) % clients.length]}@${domains[seq % domains.length]}`;
  const failing = state === 'failed' || state === 'deferred';
  const [code, error] = faults[state === 'failed' ? 1 + (seq % 3) : 0] ?? faults[0];
  return {
    id: idOf(seq),
    date: date.toISOString(),
    type: state === 'sent' || state === 'failed' ? state : 'outbox',
    state,
    category: notification ? 'notification' : 'user',
    kind: notification ? notice[0] : seq % 3 === 0 ? 'form_letter' : 'direct',
    sender: { id: (seq * 5) % people.length, name: notification ? 'Postroom' : sender },
    office: { id: 1, name: 'System Office' },
    from,
    to: seq % 9 === 0 ? `${to}, accounts@${domains[(seq + 1) % 4]}` : to,
    cc: seq % 11 === 0 ? 'archive@office.example.com' : '',
    bcc: seq % 23 === 0 ? 'audit@office.example.com' : '',
    recipients: seq % 9 === 0 ? 2 : 1,
    subject,
    body,
    mime_type: seq % 4 === 0 ? 'text/plain' : 'text/html',
    size_bytes: 2_000 + ((seq * 977) % 90_000),
    attempts: state === 'failed' ? 10 : state === 'deferred' ? 1 + (seq % 6) : state === 'sent' || state === 'sending' ? 1 : 0,
    sent: state === 'sent',
    sent_on: state === 'sent' ? later(1_800) : null,
    next_attempt_at: state === 'deferred' ? new Date(Date.now() + 240_000 + (seq % 7) * 60_000).toISOString() : null,
    held_until: state === 'held' ? '2026-11-24T00:00:00Z' : null,
    hold_reason: state === 'held' ? 'user_limit' : null,
    send_at: state === 'scheduled' ? later(86_400_000) : null,
    code: failing ? code : null,
    error: failing ? error : null,
    tags: [],
    external_id: null,
  };
}
