/** A relay's settings as they are typed: from the API's answer to the fields, and back to what the API takes. */
import type { RelayAnswer, RelayEdit } from '../lib/api/types';

export type Tls = 'required' | 'implicit' | 'opportunistic' | 'none';
export type Auth = 'none' | 'plain' | 'login' | 'xoauth2';
export type Grant = 'client_credentials' | 'refresh_token';
export type Trust = 'system' | 'authority' | 'pinned';

/** A secret is never shown again: one that is kept stays unless it is replaced. */
export type Secret = { kept: boolean; replacing: boolean; text: string };
export type SecretName = 'secret' | 'clientSecret' | 'refreshToken';

export type RelayForm = {
  host: string;
  port: string;
  tls: Tls;
  auth: Auth;
  user: string;
  secret: Secret;
  url: string;
  clientId: string;
  scope: string;
  grant: Grant;
  clientSecret: Secret;
  refreshToken: Secret;
  trust: Trust;
  certificate: string;
  senderDomains: string;
  connections: string;
  messagesPerConnection: string;
  perMinute: string;
  perHour: string;
  /** What the kept secrets belong to: the server sends them nowhere else, nor over weaker TLS. */
  keptFor: { host: string; port: string; url: string; tls: Tls; trust: Trust; certificate: string };
};

export const TLS_WORDS: { value: Tls; label: string }[] = [
  { value: 'required', label: 'STARTTLS, certificate checked – port 587' },
  { value: 'implicit', label: 'TLS from the first byte, certificate checked – port 465' },
  { value: 'opportunistic', label: 'STARTTLS where offered, any certificate' },
  { value: 'none', label: 'No encryption' },
];

export const AUTH_WORDS: { value: Auth; label: string }[] = [
  { value: 'none', label: 'No sign-in' },
  { value: 'plain', label: 'User name and password (PLAIN)' },
  { value: 'login', label: 'User name and password, older servers (LOGIN)' },
  { value: 'xoauth2', label: 'OAuth access token (XOAUTH2)' },
];

export const GRANT_WORDS: { value: Grant; label: string }[] = [
  { value: 'client_credentials', label: 'Client id and client secret' },
  { value: 'refresh_token', label: 'Refresh token' },
];

export const TRUST_WORDS: { value: Trust; label: string }[] = [
  { value: 'system', label: 'Known authorities (usual)' },
  { value: 'authority', label: 'An authority of our own' },
  { value: 'pinned', label: 'This one certificate alone' },
];

const nothing = (kept = false): Secret => ({ kept, replacing: false, text: '' });

/** Fields of a relay that is not there yet. */
export function newRelay(): RelayForm {
  return {
    host: '',
    port: '587',
    tls: 'required',
    auth: 'plain',
    user: '',
    secret: nothing(),
    url: '',
    clientId: '',
    scope: '',
    grant: 'client_credentials',
    clientSecret: nothing(),
    refreshToken: nothing(),
    trust: 'system',
    certificate: '',
    senderDomains: '',
    connections: '10',
    messagesPerConnection: '100',
    perMinute: '',
    perHour: '',
    keptFor: { host: '', port: '', url: '', tls: 'none', trust: 'system', certificate: '' },
  };
}

/** Fields of a relay that the server has. */
export function relayForm(relay: RelayAnswer): RelayForm {
  const token = relay.token;
  return {
    host: relay.host,
    port: String(relay.port),
    tls: relay.tls as Tls,
    auth: relay.auth as Auth,
    user: relay.user,
    secret: nothing(relay.has_secret),
    url: token?.url ?? '',
    clientId: token?.client_id ?? '',
    scope: token?.scope ?? '',
    grant: (token?.grant as Grant | undefined) ?? 'client_credentials',
    clientSecret: nothing(token?.has_client_secret),
    refreshToken: nothing(token?.has_refresh_token),
    trust: relay.trust as Trust,
    certificate: relay.certificate ?? '',
    senderDomains: relay.sender_domains.join(', '),
    connections: String(relay.connections),
    messagesPerConnection: String(relay.messages_per_connection),
    perMinute: relay.per_minute === null ? '' : String(relay.per_minute),
    perHour: relay.per_hour === null ? '' : String(relay.per_hour),
    keptFor: {
      host: relay.host,
      port: String(relay.port),
      url: token?.url ?? '',
      tls: relay.tls as Tls,
      trust: relay.trust as Trust,
      certificate: relay.certificate ?? '',
    },
  };
}

/** Whether this policy looks at the certificate. */
export const verifies = (tls: Tls): boolean => tls === 'required' || tls === 'implicit';

const strength: Record<Tls, number> = { none: 0, opportunistic: 1, required: 2, implicit: 2 };

/** Whether TLS is as strong as where the kept secrets went: the server's rule. */
function asStrong(relay: RelayForm): boolean {
  const { keptFor } = relay;
  const trust = verifies(relay.tls) ? relay.trust : 'system';
  const trustsNoMore = trust === 'system' || (trust === keptFor.trust && relay.certificate === keptFor.certificate);
  return strength[relay.tls] >= strength[keptFor.tls] && (!verifies(keptFor.tls) || trustsNoMore);
}

/** Whether a kept secret may go to the server that is typed now. */
export function usesKept(relay: RelayForm, name: SecretName): boolean {
  const { keptFor } = relay;
  const sameServer = relay.host.trim() === keptFor.host && relay.port.trim() === keptFor.port && asStrong(relay);
  return relay[name].kept && !relay[name].replacing && sameServer && (name === 'secret' || relay.url.trim() === keptFor.url);
}

/** What the API takes. Fields that do not belong to the chosen sign-in are taken away. */
export function relayEdit(relay: RelayForm): RelayEdit {
  const trust = verifies(relay.tls) ? relay.trust : 'system';
  const token = relay.auth === 'xoauth2';
  const password = relay.auth === 'plain' || relay.auth === 'login';
  return {
    host: relay.host.trim(),
    port: Number(relay.port),
    tls: relay.tls,
    auth: relay.auth,
    user: relay.auth === 'none' ? '' : relay.user.trim(),
    ...(password ? given('secret', relay, 'secret') : { secret: null }),
    token: token
      ? {
          url: relay.url.trim(),
          client_id: relay.clientId.trim(),
          scope: relay.scope.trim(),
          grant: relay.grant,
          ...given('client_secret', relay, 'clientSecret'),
          ...given('refresh_token', relay, 'refreshToken'),
        }
      : null,
    trust,
    certificate: trust === 'system' || relay.certificate.trim() === '' ? null : relay.certificate,
    sender_domains: domains(relay.senderDomains),
    connections: Number(relay.connections),
    messages_per_connection: Number(relay.messagesPerConnection),
    per_minute: optional(relay.perMinute),
    per_hour: optional(relay.perHour),
  };
}

/** A typed secret is sent, one that is kept is left out. */
function given<K extends string>(wire: K, relay: RelayForm, name: SecretName): Partial<Record<K, string>> {
  if (usesKept(relay, name) || relay[name].text === '') return {};
  return { [wire]: relay[name].text } as Record<K, string>;
}

const optional = (text: string): number | null => (text.trim() === '' ? null : Number(text));

export function domains(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}

const whole = (text: string, max: number): boolean => /^\d+$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= max;

/** What cannot be sent as it is, by the name of the API's field under `at`. The server looks at all the rest. */
export function checkRelay(relay: RelayForm, at: string): Record<string, string> {
  const wrong: Record<string, string> = {};
  const say = (field: string, words: string): void => void (wrong[`${at}.${field}`] = words);
  if (relay.host.trim() === '') say('host', 'Enter the name of the SMTP server, such as smtp.example.com.');
  if (!whole(relay.port, 65_535)) say('port', 'A port is a number from 1 to 65535, usually 587.');
  if (relay.auth !== 'none' && relay.user.trim() === '') say('user', 'Enter who signs in, often the whole e-mail address.');
  if ((relay.auth === 'plain' || relay.auth === 'login') && !usesKept(relay, 'secret') && relay.secret.text === '') say('secret', missing(relay.secret));
  if (relay.auth === 'xoauth2') checkToken(relay, say);
  if (verifies(relay.tls) && relay.trust !== 'system' && relay.certificate.trim() === '') say('certificate', 'Paste the certificate: it begins with -----BEGIN CERTIFICATE-----.');
  if (!whole(relay.connections, 200)) say('connections', 'A number from 1 to 200.');
  if (!whole(relay.messagesPerConnection, 100_000)) say('messages_per_connection', 'A number from 1 to 100,000.');
  if (relay.perMinute.trim() !== '' && !whole(relay.perMinute, 4_000_000)) say('per_minute', 'A number from 1, or nothing for no limit.');
  if (relay.perHour.trim() !== '' && !whole(relay.perHour, 4_000_000)) say('per_hour', 'A number from 1, or nothing for no limit.');
  return wrong;
}

function checkToken(relay: RelayForm, say: (field: string, words: string) => void): void {
  if (relay.url.trim() === '') say('token.url', 'Enter the address that gives access tokens; it begins with https://.');
  if (relay.clientId.trim() === '') say('token.client_id', 'Enter the client id that the provider gave you.');
  const name = relay.grant === 'refresh_token' ? 'refreshToken' : 'clientSecret';
  if (!usesKept(relay, name) && relay[name].text === '') {
    say(relay.grant === 'refresh_token' ? 'token.refresh_token' : 'token.client_secret', missing(relay[name]));
  }
}

const missing = (secret: Secret): string =>
  secret.kept && !secret.replacing ? 'Enter it: the saved one does not go to this server with these TLS settings.' : 'Enter it.';

/** The usual port of a policy, where the one that is typed is another's usual port. */
export function portFor(tls: Tls, port: string): string {
  if (tls === 'implicit') return ['587', '25', ''].includes(port.trim()) ? '465' : port;
  return port.trim() === '465' || port.trim() === '' ? '587' : port;
}
