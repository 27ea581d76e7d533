/** How the server is, in sentences. Pure: "now" comes in. */
import type { Status } from '../lib/api/types';
import { count, inWords, plural } from '../lib/format';
import type { StatusHistory } from './history';

export type Relay = Status['relays'][number];
export type Tone = 'good' | 'wait' | 'bad';
export type Headline = { tone: Tone; text: string; more: string };

/** Beyond this age of the oldest waiting message "everything flows" would be too much said. */
const LONG_S = 15 * 60;
/** A server that has run nearly an hour is spoken of as if it had. */
const NEARLY_S = 58 * 60;

/** How it is, in one sentence, and in a second one what that means. `history` is null for those who may not see it. */
export function headline(status: Status, history: StatusHistory | null, officeOf: (relay: Relay) => string): Headline {
  const down = status.relays.filter((relay) => relay.state !== 'up');
  const waits = waiting(history);
  if (!status.queue_enabled) {
    return { tone: 'bad', text: 'Sending is switched off in the server’s configuration.', more: 'New mail is refused. What is queued is kept and goes out once sending is switched on again.' };
  }
  if (status.relays.length === 0) {
    return { tone: 'bad', text: 'No e-mail server is set up that mail could leave through.', more: 'Mail is taken in and waits until there is one.' };
  }
  if (down.length > 0) {
    const covered = down.every((relay) => status.relays.some((other) => other.office === relay.office && other.state === 'up'));
    const names = [...new Set(down.map(officeOf))];
    if (covered) return { tone: 'wait', text: `Mail flows, but ${plural(down.length, 'e-mail server is', 'e-mail servers are')} down.`, more: 'The second e-mail server has taken over. Nothing waits because of it.' };
    return { tone: 'bad', text: `${down.length === 1 ? 'An e-mail server is' : `${count(down.length)} e-mail servers are`} down: mail of ${listed(names)} waits.`, more: `${waits ? `${capital(waits)}. ` : ''}It is tried again by itself and goes out when the server is back; no attempts are used up meanwhile.` };
  }
  const oldest = history?.points.at(-1)?.oldest_seconds ?? 0;
  const sent = flowed(history);
  if (oldest > LONG_S) return { tone: 'wait', text: `Mail flows, but ${waits ?? 'some waits'}.`, more: `${sent ? `${capital(sent)}. ` : ''}Usually the recipient’s own server has put it off; the Outbox says why.` };
  if (!history) return { tone: 'good', text: 'Mail flows: every e-mail server takes it.', more: '' };
  return { tone: 'good', text: `Everything flows: ${[sent, waits].filter(Boolean).join(', ') || 'the first figures come within ten seconds'}.`, more: '' };
}

/** "Takes at most 3 connections and 5 recipients per message": what was learnt of a relay's own limits; null for nothing. */
export function limitsOf(relay: Relay): string | null {
  if (relay.limits === null) return null;
  const { connections, recipients, messages, per_minute } = relay.limits;
  const known = [
    connections === null ? null : plural(connections, 'connection', 'connections'),
    recipients === null ? null : `${plural(recipients, 'recipient', 'recipients')} per message`,
    messages === null ? null : `${plural(messages, 'message', 'messages')} per connection`,
    per_minute === null ? null : `${plural(per_minute, 'message', 'messages')} per minute`,
  ].filter((words) => words !== null);
  return known.length === 0 ? null : `Accepts at most ${known.join(', ')}`;
}

/** "the oldest waiting message is 12 seconds old"; null where that is not known. */
function waiting(history: StatusHistory | null): string | null {
  const last = history?.points.at(-1);
  if (!last) return null;
  if (last.waiting === 0) return 'nothing waits';
  const many = last.waiting === 1 ? 'one message waits' : `${count(last.waiting)} messages wait`;
  if (last.oldest_seconds === null) return many;
  return last.waiting === 1 ? `one message waits, for ${inWords(last.oldest_seconds)}` : `the oldest of ${count(last.waiting)} waiting messages is ${inWords(last.oldest_seconds)} old`;
}

/** "1,204 sent in the last hour". */
function flowed(history: StatusHistory | null): string | null {
  const hour = history?.last_hour;
  if (!hour?.since || !history?.measured_at) return null;
  const seconds = (Date.parse(history.measured_at) - Date.parse(hour.since)) / 1000;
  const span = seconds >= NEARLY_S ? 'hour' : inWords(Math.max(10, seconds));
  const failed = hour.failed > 0 ? ` and ${count(hour.failed)} not delivered` : '';
  return `${hour.sent === 0 ? 'nothing' : count(hour.sent)} sent${failed} in the last ${span}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function listed(names: string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** What a relay's last error means, by the words of Postroom's own delivery and of SMTP (RFC 5321, RFC 3463). */
const MEANINGS: [RegExp, string][] = [
  [/has no address|unresolved/i, 'Its name is not known: check how it is written.'],
  [/connection refused/i, 'Nothing takes mail at that address and port. It may be switched off, or the port be wrong.'],
  [/unreachable|no route/i, 'It cannot be reached: a network or a firewall is in the way.'],
  [/did not answer within|timed out/i, 'It does not answer in time.'],
  [/connections to \S+ are not allowed/i, 'The server’s configuration does not allow connections to that address.'],
  [/access token/i, 'Postroom gets no access token to sign in with.'],
  [/certificate|handshake|starttls|\btls\b/i, 'No safe connection comes about: its certificate or its TLS settings do not fit.'],
  [/\bauth\b.*\b(5\d\d|4\d\d)\b|\b53[0458]\b|5\.7\.8|authentication/i, 'It refuses the sign-in: check user name and password.'],
  [/offers? no auth|does not offer auth/i, 'It offers no way to sign in that Postroom may use.'],
  [/closed the connection|reset|broken pipe/i, 'It ends the connection before it has taken anything.'],
  [/\b421\b|too many connections/i, 'It is too busy or shuts down, and asks to come back later.'],
  [/\b4\d\d\b/, 'It puts mail off for now.'],
  [/\b5\d\d\b/, 'It refuses what it is given.'],
];

export function meaningOf(error: string): string {
  return MEANINGS.find(([pattern]) => pattern.test(error))?.[1] ?? 'It does not take mail.';
}
