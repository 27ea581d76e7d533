/** The typed client of the public API, and the one place where its failures become words. */
import createClient from 'openapi-fetch';
import type { paths } from './schema';
import type { Problem } from './types';

export const api = createClient<paths>({ baseUrl: '' });

/** A request that did not succeed: the server's problem document, or what stands in for one. */
export class ApiError extends Error {
  readonly title: string;
  readonly code: string;
  readonly status: number;
  readonly field: string | null;
  /** The rule that forbids it, for a 403. */
  readonly rule: string | null;
  /** A line of the configuration file that would allow it. */
  readonly suggestion: string | null;
  readonly requestId: string | null;
  /** Seconds to wait before trying again, from `Retry-After`; null where the server named none. */
  readonly retryAfter: number | null;

  constructor(problem: Omit<Problem, 'type'>, retryAfter: number | null = null) {
    super(problem.detail || problem.title);
    this.title = problem.title;
    this.code = problem.code;
    this.status = problem.status;
    this.field = problem.field ?? null;
    this.rule = (problem as { rule?: string | null }).rule ?? null;
    this.suggestion = problem.suggestion ?? null;
    this.requestId = problem.request_id ?? null;
    this.retryAfter = retryAfter;
  }
}

/** The error of a server that could not be reached at all. */
export function unreachable(): ApiError {
  return new ApiError({
    code: 'unreachable',
    status: 0,
    title: 'The server cannot be reached',
    detail: 'The server cannot be reached. Check your connection; nothing you entered is lost.',
  });
}

type Answer<T> = { data?: T | undefined; error?: unknown; response: Response };

let onSignedOut: () => void = () => {};

/** Says what to do when the session has ended: called once per answer of 401 outside the sign-in page. */
export function whenSignedOut(action: () => void): void {
  onSignedOut = action;
}

/** The data of an answer. Throws `ApiError` for everything else, also when the server is away. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw unreachable();
  }
  if (answer.response.ok) return answer.data as T;
  const error = new ApiError(problemOf(answer.error, answer.response), retryAfterOf(answer.response));
  if (error.status === 401 && error.code !== 'invalid_credentials') onSignedOut();
  throw error;
}

function problemOf(body: unknown, response: Response): Omit<Problem, 'type'> {
  if (typeof body === 'object' && body !== null && 'title' in body) {
    return { code: 'error', status: response.status, ...(body as Partial<Problem>) } as Problem;
  }
  return {
    code: 'error',
    status: response.status,
    title: `The server answered ${response.status}`,
    detail: `The server answered ${response.status} without saying why. Try again; if it stays, tell your administrator.`,
  };
}

function retryAfterOf(response: Response): number | null {
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

type Sending = {
  query?: Record<string, string | number | boolean>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sees a good answer's headers, for its `ETag`. */
  answered?: (response: Response) => void;
};

/** A browser finishes a request this small even when the page is left. */
const KEPT_ALIVE_MAX = 60_000;

/** A request to a route by its path, for what the typed client does not know. Throws `ApiError` as `unwrap` does. */
export async function send<T = void>(method: string, path: string, { query, body, headers, answered }: Sending = {}): Promise<T> {
  const params = new URLSearchParams(Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]));
  const text = body === undefined ? undefined : JSON.stringify(body);
  const keepalive = method !== 'GET' && (text?.length ?? 0) < KEPT_ALIVE_MAX;
  const request = fetch(params.size > 0 ? `${path}?${params}` : path, {
    method,
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(text !== undefined && { body: text }),
    keepalive,
  });
  return unwrap<T>(
    request.then(async (response) => {
      const json = response.headers.get('Content-Type')?.includes('json') ? ((await response.json()) as unknown) : undefined;
      if (response.ok) answered?.(response);
      return response.ok ? { data: json as T, response } : { error: json, response };
    }),
  );
}
