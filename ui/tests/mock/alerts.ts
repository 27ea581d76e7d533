/** The mock's Alert Center: each person's own alerts, and which of them come by e-mail. */
import type { components } from '../../src/lib/api/schema';
import type { Call } from './subjects.ts';

type Alert = components['schemas']['Alert'];
type Kept = Alert & { dismissed: boolean };
type Words = Pick<Alert, 'kind' | 'title' | 'text' | 'advice' | 'link'>;

const NOW = Date.parse('2026-11-23T09:30:00Z');
const MINUTE = 60_000;

/** The server's own words (`crates/domain/src/alert/words.rs`), by the names that `/mock/alert?say=` takes. */
export const WORDS: Record<string, Words> = {
  undeliverable: {
    kind: 'undeliverable',
    title: 'You have undeliverable e-mail',
    text: 'Postroom could not deliver a message and tries no more. The last answer was: 550 5.1.1 <d.reception@harbour.test>: Recipient address rejected: User unknown',
    advice: 'Look at the failed messages, correct what is wrong with them (often the recipient’s address), and send them again with Resend Failed E-mail.',
    link: { to: 'queue', query: 'type=failed' },
  },
  auth: {
    kind: 'smtp_failed',
    title: 'Postroom failed to connect to the SMTP server',
    text: 'E-mail was not sent through the e-mail server of the office Lakeside: the SMTP server refused the sign-in. 535 5.7.8 Error: authentication failed',
    advice: 'Check user name and password of the SMTP settings in the Office Settings of Lakeside. Once they are right, failed messages can be sent with Resend Failed E-mail.',
    link: { to: 'office_settings', office: 3 },
  },
  configuration: {
    kind: 'smtp_failed',
    title: 'Postroom failed to connect to the SMTP server',
    text: 'E-mail was not sent through the e-mail server "office" of the system: the encrypted connection (TLS) could not be made. the certificate has ended',
    advice: 'Check TLS policy and certificate authority of the SMTP settings in the server configuration ([[relay]]). Once they are right, failed messages can be sent with Resend Failed E-mail.',
    link: { to: 'server_configuration', key: 'relay' },
  },
  waiting: {
    kind: 'server_down',
    title: 'E-mail Server for system is Down',
    text: 'The e-mail server "office" of the system cannot be reached to send e-mail. connection refused',
    advice: 'There is nothing to do: your e-mail waits, and is sent when the server is back. You will be told.',
    link: { to: 'queue', query: 'type=outbox' },
  },
  down: {
    kind: 'server_down',
    title: 'E-mail Server for system is Down',
    text: 'The e-mail server "office" of the system cannot be reached to send e-mail. connection refused',
    advice: 'Check the server and the SMTP settings in the server configuration ([[relay]]). Its e-mail waits without using up attempts, and is sent when the server is back.',
    link: { to: 'server_configuration', key: 'relay' },
  },
  up: {
    kind: 'server_up',
    title: 'The E-mail Server for your office is back online',
    text: 'The e-mail server "office" of the system is functioning properly again: Postroom can connect to send e-mail.',
    advice: 'There is nothing to do: the e-mail that waited is being sent. Messages that have failed meanwhile can be sent with Resend Failed E-mail.',
    link: { to: 'queue', query: 'type=outbox' },
  },
  limit: {
    kind: 'limit_reached',
    title: 'The daily e-mail limit of a user has been reached',
    text: 'The daily limit of 2000 messages for one user has been reached by Renewals.',
    advice: 'E-mail on hold because of the limit is sent the following day. Raising the limit sends it at once.',
    link: { to: 'limits' },
  },
};

export class AlertBook {
  byEmail = new Map<string, string[]>();
  #of = new Map<string, Kept[]>();
  #next = 400;

  constructor() {
    const put = (login: string, say: string, count: number, firstMinutes: number, lastMinutes: number, read: boolean): void => {
      this.raise(login, say, { count, first_at: new Date(NOW - firstMinutes * MINUTE).toISOString(), last_at: new Date(NOW - lastMinutes * MINUTE).toISOString(), read });
    };
    const DAY = 24 * 60;
    for (let i = 40; i > 0; i -= 1) put('case', ['undeliverable', 'limit', 'up'][i % 3] ?? 'up', 1 + (i % 5), (i + 4) * DAY + 90, (i + 4) * DAY, true);
    put('case', 'up', 1, 3 * DAY + 200, 3 * DAY + 200, true);
    put('case', 'down', 1, 3 * DAY + 260, 3 * DAY + 260, true);
    put('case', 'limit', 2, DAY + 140, DAY + 20, true);
    put('case', 'configuration', 1, 400, 400, true);
    put('case', 'limit', 1, 190, 190, false);
    put('case', 'auth', 14, 260, 48, false);
    put('case', 'undeliverable', 3, 230, 6, false);
    put('front', 'waiting', 1, 95, 95, true);
    put('front', 'undeliverable', 1, 12, 12, false);
    put('branch', 'auth', 14, 260, 48, false);
  }

  /** Raises an alert, or counts up the one of the same words. */
  raise(login: string, say: string, given: Partial<Kept> = {}): void {
    const words = WORDS[say] ?? WORDS['undeliverable'];
    if (!words) return;
    const at = new Date().toISOString();
    const list = this.#of.get(login) ?? [];
    const same = given.count === undefined ? list.find((one) => one.text === words.text && one.advice === words.advice) : undefined;
    if (same) Object.assign(same, { count: same.count + 1, last_at: at, read: false, dismissed: false });
    else list.push({ id: this.#next++, count: 1, first_at: at, last_at: at, read: false, dismissed: false, ...words, ...given });
    list.sort((a, b) => (a.last_at < b.last_at ? 1 : -1));
    this.#of.set(login, list);
  }

  open(login: string): Kept[] {
    return (this.#of.get(login) ?? []).filter((one) => !one.dismissed);
  }

  clear(login: string): void {
    this.#of.delete(login);
  }

  unread(login: string): { unread: number; newest: Alert | null } {
    const unread = this.open(login).filter((one) => !one.read);
    return { unread: unread.length, newest: unread[0] ? shown(unread[0]) : null };
  }
}

function shown({ dismissed: _, ...alert }: Kept): Alert {
  return alert;
}

const KINDS = ['smtp_failed', 'server_down', 'server_up', 'limit_reached', 'undeliverable'];

export async function alerts(call: Call): Promise<boolean> {
  const { mock, route, url, login } = call;
  const book = mock.alerts;
  const changed = (): void => mock.streams.tell(login, 'alerts', book.unread(login));
  if (route === 'GET /alerts/unread') call.json(200, book.unread(login));
  else if (route === 'GET /alerts') {
    const limit = Number(url.searchParams.get('limit') ?? 50);
    const from = Number(url.searchParams.get('cursor')?.slice(2) ?? 0);
    const list = book.open(login).filter((one) => url.searchParams.get('unread') !== 'true' || !one.read);
    const page = list.slice(from, from + limit);
    call.json(200, { alerts: page.map(shown), unread: book.unread(login).unread, next: page.length === limit ? `a_${from + limit}` : null });
  } else if (route === 'POST /alerts/read-all') {
    const { upto = Infinity } = (await call.read()) as { upto?: number };
    const unread = book.open(login).filter((one) => !one.read && one.id <= upto);
    for (const one of unread) one.read = true;
    call.json(200, { read: unread.length });
    changed();
  } else if (/^POST \/alerts\/\d+\/(read|dismiss)$/.test(route)) {
    const [, , id, what] = call.path.split('/');
    const alert = book.open(login).find((one) => one.id === Number(id));
    if (!alert) call.problem(404, 'not_found', 'There is no such thing', 'you have no such alert');
    else {
      alert.read = true;
      alert.dismissed = what === 'dismiss';
      call.empty();
      changed();
    }
  } else if (route === 'GET /session/preferences') call.json(200, { alerts_by_email: book.byEmail.get(login) ?? [] });
  else if (route === 'PUT /session/preferences') {
    const { alerts_by_email } = (await call.read()) as { alerts_by_email: string[] };
    book.byEmail.set(login, KINDS.filter((kind) => alerts_by_email.includes(kind)));
    call.json(200, { alerts_by_email: book.byEmail.get(login) });
  } else return false;
  return true;
}
