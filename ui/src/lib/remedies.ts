/** What a person can do about a problem, by its code; the server's `detail` has already said what happened. */
import type { ApiError } from './api/client';

const BY_CODE: Record<string, string> = {
  stale: 'Somebody else has changed this meanwhile. Load it anew to see their change, then make yours.',
  set_in_configuration: 'This value stands in the server’s configuration file; change it there and reload the server.',
  queue_disabled: 'Sending is switched off in the server’s configuration. What is queued waits and is kept.',
  too_many_attempts: 'Wait a moment, then try again.',
  too_many_views: 'Wait a moment, then try again.',
  narrow_first: 'Narrow the list with Type, Source or dates first, then sort it.',
};

/** One sentence on what to do; null where the problem says so itself. */
export function remedy(error: ApiError): string | null {
  const known = BY_CODE[error.code];
  if (known) return known;
  if (error.status === 403) return 'Ask an administrator of your office if you need this.';
  if (error.status >= 500) return 'Nothing was changed. Try again in a moment; if it stays, tell whoever runs the server.';
  return null;
}
