/** The mock's passwords: forgotten, chosen by a link, changed. Links carry the tokens `fresh`, `first_fresh` (an invitation) and `over`. */
import type { Call } from './subjects.ts';

const SHORTEST = 10;

export class Passwords {
  /** Links that still work. */
  tokens = new Set(['fresh', 'first_fresh']);
  /** What each password by a link said of the person's keys: `undefined` for nothing. */
  endKeys: (boolean | undefined)[] = [];
  /** Asked for, as typed. */
  asked: string[] = [];
  /** While true, every try is one too many. */
  flooded = false;
}

/** Those of people who have not signed in. */
export async function openPasswords(call: Call): Promise<boolean> {
  const { route, mock } = call;
  if (route !== 'POST /password-reset' && route !== 'POST /password-reset/confirm') return false;
  if (mock.passwords.flooded) {
    call.problem(429, 'too_many_attempts', 'Too many attempts', 'if you already have a link, use the newest one, which works for an hour; otherwise try again in 20 minutes');
    return true;
  }
  if (route === 'POST /password-reset') {
    mock.passwords.asked.push(((await call.read()) as { login: string }).login);
    call.empty(202);
    return true;
  }
  const { token, password, end_keys } = (await call.read()) as { token: string; password: string; end_keys?: boolean };
  if (short(call, password)) return true;
  if (!mock.passwords.tokens.delete(token)) {
    call.problem(409, 'token_invalid', 'The link or secret is not valid', 'this link or secret is not valid: it may have been used or have ended; ask for a new one');
  } else {
    mock.passwords.endKeys.push(end_keys);
    call.empty();
  }
  return true;
}

export async function passwords(call: Call): Promise<boolean> {
  if (call.route !== 'POST /session/password') return false;
  const { current, password } = (await call.read()) as { current: string; password: string };
  if (current !== 'correct horse') call.problem(401, 'invalid_credentials', 'The login or the password is wrong', 'check the login and the password; after ten wrong tries there is a pause');
  else if (!short(call, password)) call.empty();
  return true;
}

function short(call: Call, password: string): boolean {
  // The mock's server is stricter than the page by one word, so that its refusal can be seen.
  if (password.length >= SHORTEST && !password.includes('password')) return false;
  call.problem(422, 'bad_value', 'A value is not valid', 'password: the password is too short: it has at least 10 characters', { field: 'password' });
  return true;
}
