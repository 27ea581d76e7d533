/** The mock's names for the list's filters: those of everybody whose mail the list has. */
import type { Call } from './subjects.ts';

export function nameAnswers(call: Call): boolean {
  if (call.route !== 'GET /messages/senders') return false;
  const q = (call.url.searchParams.get('q') ?? '').toLowerCase();
  const limit = Number(call.url.searchParams.get('limit') ?? 20);
  const found = (all: { id: number; name: string }[]): { id: number; name: string }[] =>
    all.filter((one) => one.name.toLowerCase().includes(q)).map(({ id, name }) => ({ id, name })).toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, limit);
  call.json(200, { senders: found(call.mock.people.users), offices: found(call.mock.people.offices) });
  return true;
}
