/** The mock's daily limits: what was used, what is left, what a forecast says. */
import type { components } from '../../src/lib/api/schema';
import type { Call } from './subjects.ts';

type Schemas = components['schemas'];
type Limits = Schemas['LimitsAnswer'];

const TODAY = '2026-11-23';
const DAY_MS = 86_400_000;

function dayBack(n: number): string {
  return new Date(Date.parse(`${TODAY}T12:00:00Z`) - n * DAY_MS).toISOString().slice(0, 10);
}

/** Messages of a person on a day: quiet at weekends, busier towards the end of the month. */
function usedOn(person: number, back: number): number {
  const weekday = new Date(`${dayBack(back)}T12:00:00Z`).getUTCDay();
  if (weekday === 0 || weekday === 6) return person % 3 === 0 ? 12 : 0;
  return Math.round((260 + 190 * Math.sin(back * 1.7 + person)) * (1 + (30 - back) / 40) * (person === 0 ? 1.6 : 0.5 + (person % 4) * 0.35));
}

export class LimitBook {
  limits: Limits & { message_bytes_max: number } = { message_bytes_max: 26_214_400, system_daily_limit: 10_000, user_daily_limit: 2_000, time_zone: 'Europe/Berlin', set_in_configuration: [], version: 1, day: TODAY, day_ends_at: new Date(Date.now() + 5 * 3_600_000).toISOString() };
  /** What each person used today, by id; the first one's is the Compose page's. */
  today = new Map<number, number>([[1, 0], [2, 2_000], [3, 310], [4, 1_730], [6, 84], [7, 12]]);
  /** One's own that wait under a limit. */
  waiting = new Map<number, number>();

  use(person: number): { day: string; used: number }[] {
    const days = Array.from({ length: 29 }, (_, i) => ({ day: dayBack(29 - i), used: usedOn(person, 29 - i) }));
    return [...days, { day: TODAY, used: this.today.get(person) ?? 0 }].filter((one) => one.used > 0);
  }
}

/** Answers `/limits`. */
export async function limitAnswers(call: Call): Promise<boolean> {
  const book = call.mock.limits;
  // What is sent from the Compose page counts.
  book.today.set(0, call.mock.desk.used);
  const me = call.mock.people.users.find((one) => one.login === call.login);
  const administrator = call.rights.includes('administrator');
  const system = administrator && call.office?.id === 1;
  if (call.route === 'GET /limits') call.json(200, book.limits, { etag: `"${book.limits.version}"` });
  else if (call.route === 'PUT /limits') await put(call, book, system);
  else if (call.route === 'GET /limits/usage') {
    const seen = call.mock.people.users.filter((one) => system || one.office === call.office?.id);
    const users = seen.map((one) => ({ user: { id: one.id, name: one.name }, days: book.use(one.id) })).filter((one) => one.days.length > 0);
    call.json(200, { from: dayBack(29), today: TODAY, own: book.use(me?.id ?? -1), ...(system && { system: whole(users) }), ...(administrator && { users }) });
  } else if (call.route === 'GET /limits/forecast') forecast(call, book, me?.id ?? -1);
  else return false;
  return true;
}

function whole(users: { days: { day: string; used: number }[] }[]): { day: string; used: number }[] {
  const by = new Map<string, number>();
  for (const { days } of users) for (const { day, used } of days) by.set(day, (by.get(day) ?? 0) + used);
  return [...by].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, used]) => ({ day, used }));
}

async function put(call: Call, book: LimitBook, system: boolean): Promise<void> {
  const { limits } = book;
  if (!system) return call.problem(403, 'not_permitted', 'You may not do this', 'this is for administrators of the System Office: ask one of them', { rule: 'administer_system' });
  if (call.header('if-match') !== `"${limits.version}"`) return call.problem(412, 'stale', 'It was changed meanwhile', 'the limits was changed since you read it, and nothing was overwritten: read it again and repeat your change');
  const given = (await call.read()) as Partial<Limits>;
  const fixed = Object.keys(given).find((key) => limits.set_in_configuration.includes(`limits.${key}`));
  if (fixed) return call.problem(409, 'set_in_configuration', 'The configuration sets this', `limits.${fixed} is set in postroom.toml: change it there, or remove it there to set it here`, { field: fixed });
  const most = Math.max(...book.today.values());
  if (given.user_daily_limit && given.user_daily_limit < most) return call.problem(422, 'limit_below_use', 'The limit lies below today’s use', `user_daily_limit: somebody has sent ${most} messages today already: set it to ${most} or more, or wait for tomorrow`, { field: 'user_daily_limit' });
  book.limits = { ...limits, ...given, version: limits.version + 1 };
  call.json(200, book.limits, { etag: `"${book.limits.version}"` });
}

function forecast(call: Call, book: LimitBook, me: number): void {
  const count = Number(call.url.searchParams.get('count') ?? 0);
  if (!(count >= 1)) return call.problem(422, 'bad_parameter', 'A parameter cannot be used', 'count: say how many messages, 1 to 1000000000', { field: 'count' });
  const waiting = book.waiting.get(me) ?? 0;
  const limit = book.limits.user_daily_limit || Number.MAX_SAFE_INTEGER;
  const today = waiting > 0 ? 0 : Math.min(count, Math.max(0, limit - (book.today.get(me) ?? 0)));
  const later: { day: string; count: number }[] = [];
  for (let rest = count - today, n = 1; rest > 0 && n < 366; n += 1) {
    const fits = Math.min(rest, n === 1 ? limit - Math.min(waiting, limit) : limit);
    if (fits > 0) later.push({ day: dayBack(-n), count: fits });
    rest -= fits;
  }
  call.json(200, { count, today, later, beyond: count - today - later.reduce((sum, one) => sum + one.count, 0), waiting });
}
