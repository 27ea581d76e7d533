/** How hard a new password is to guess, in words. The server has the last word on its length. */

export const PASSWORD_CHARS_MIN = 10;

export type Strength = {
  /** 0 (not taken) to 4. */
  level: 0 | 1 | 2 | 3 | 4;
  words: string;
};

const COMMON = ['password', 'passwort', 'postroom', 'qwert', 'asdf', 'letmein', 'welcome', 'admin', 'iloveyou', 'abc', '123', '0000', '1111'];

/** The most that the server takes, in bytes of UTF-8. */
const PASSWORD_BYTES_MAX = 1024;

/** What keeps a new password from being sent; null where nothing does. */
export function lacking(password: string): string | null {
  const length = [...password].length;
  if (length === 0) return 'Enter the new password.';
  if (length < PASSWORD_CHARS_MIN) return `A password has at least ${PASSWORD_CHARS_MIN} characters.`;
  return new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX ? 'That is too long. Use fewer than 1,000 characters.' : null;
}

/** Judges a password; `own` are words that others know of the person: name, login, address. */
export function strength(password: string, own: string[] = []): Strength {
  const length = [...password].length;
  if (length === 0) return { level: 0, words: `At least ${PASSWORD_CHARS_MIN} characters. Four words that have nothing to do with each other are easy to remember and hard to guess.` };
  const missing = PASSWORD_CHARS_MIN - length;
  if (missing > 0) return { level: 0, words: `Too short: ${missing} more ${missing === 1 ? 'character is' : 'characters are'} needed.` };
  const small = password.toLowerCase();
  const distinct = new Set(small).size;
  if (distinct < 5) return { level: 1, words: 'Easy to guess: the same few characters again and again.' };
  const mine = own.flatMap((word) => word.toLowerCase().split(/[\s@.+_-]+/)).find((word) => word.length > 2 && small.includes(word));
  if (mine) return { level: 1, words: `Easy to guess: “${mine}” stands in your name or address.` };
  const common = COMMON.find((word) => small.includes(word));
  const rest = common ? length - common.length : length;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length;
  const worth = Math.min(rest, distinct * 1.6) + (kinds - 1) * 1.5;
  if (common && worth < 14) return { level: 1, words: `Easy to guess: “${common}” is among the first that are tried.` };
  if (worth < 12) return { level: 2, words: 'Fair. A few more characters make it strong.' };
  if (worth < 16) return { level: 3, words: 'Good.' };
  return { level: 4, words: 'Strong.' };
}
