/** Hands the letter in, once: whatever happens to the connection, it is never sent twice. */
import { ApiError, send as request } from '../lib/api/client';
import type { components } from '../lib/api/schema';
import { asked } from '../lib/ask.svelte';
import { any, check, PARTS, placeOf, type Errors, type Part } from './check';
import type { Composer } from './composer.svelte';
import type { DocNode } from './body';
import { messageOf, type Letter } from './letter';
import { UNDO_S } from './sent';

type Accepted = components['schemas']['Accepted'];
/** Makes the HTML of a rich body; null until the editor has come. */
export type ToHtml = ((doc: DocNode, subject: string) => string) | null;

/** Before the server has said: its default. */
const BYTES_MAX = 25 * 1024 * 1024;

export class Sending {
  busy = $state(false);
  /** The letter is on its way to the server: what would be typed now would not be in it. */
  handing = $state(false);
  errors = $state.raw<Errors>({});
  /** What went wrong that belongs to no field. */
  problem = $state.raw<ApiError | null>(null);
  /** Whether it may have been taken all the same. */
  unsure = $state(false);
  bytesMax = $state(BYTES_MAX);
  /** How far the server's clock is ahead of this browser's, in milliseconds. */
  ahead = 0;
  readonly #composer: Composer;

  constructor(composer: Composer) {
    this.#composer = composer;
  }

  /** The time at the server, as far as it is known. */
  now(): Date {
    return new Date(Date.now() + this.ahead);
  }

  /** Another letter is in the form. */
  reset(): void {
    this.errors = {};
    this.problem = null;
    this.unsure = false;
  }

  /** Something was changed in a part: what was wrong with it may be mended. */
  mended(part: Part): void {
    if (this.errors[part] !== undefined) this.errors = { ...this.errors, [part]: undefined };
  }

  /** Checks and sends. The answer once the server has it; null where it was not sent, and `errors` or `problem` say why. */
  async send(toHtml: ToHtml): Promise<{ answer: Accepted; letter: Letter } | null> {
    if (this.busy) return null;
    const { letter } = this.#composer;
    this.problem = null;
    this.errors = check(letter, this.bytesMax, this.now());
    if (any(this.errors)) return null;
    this.busy = true;
    try {
      if (letter.subject.trim() === '' && !(await asked({ title: 'Send without a subject?', text: 'Many people overlook e-mails without a subject.', go: 'Send without', stay: 'Add a subject' }))) {
        return null;
      }
      return await this.#handIn(letter, toHtml);
    } finally {
      this.busy = false;
    }
  }

  /** The first part that is wrong. */
  get firstWrong(): Part | null {
    return PARTS.find((part) => this.errors[part] !== undefined) ?? null;
  }

  async #handIn(letter: Letter, toHtml: ToHtml): Promise<{ answer: Accepted; letter: Letter } | null> {
    const composer = this.#composer;
    const { mark } = composer;
    const before = composer.attempt;
    // The same words again go with the very same time: under one key only the same request is the same.
    const again = before !== null && before.mark === mark;
    const sendAt = again ? before.sendAt : (letter.send_at ?? new Date(this.now().getTime() + UNDO_S * 1_000).toISOString());
    const attempt = { key: before?.key ?? newKey(), mark, sendAt };
    const sender = composer.senders.find(({ address }) => address === letter.from) ?? { name: '', address: letter.from };
    try {
      const html = letter.format === 'rich' && letter.doc && toHtml ? toHtml(letter.doc, letter.subject.trim()) : null;
      composer.attempt = attempt;
      this.handing = true;
      const answer = await request<Accepted>('POST', '/api/v1/messages', { body: messageOf(letter, sender, html, sendAt), headers: { 'Idempotency-Key': attempt.key } });
      this.unsure = false;
      return { answer, letter };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'idempotency_key_reused') return this.#sentBefore(toHtml);
      this.#refused(error, before);
      return null;
    } finally {
      this.handing = false;
    }
  }

  /** The connection was lost, the letter was changed, and now it shows that the earlier words were taken. */
  async #sentBefore(toHtml: ToHtml): Promise<{ answer: Accepted; letter: Letter } | null> {
    this.#composer.attempt = null;
    this.unsure = false;
    const twice = await asked({
      title: 'It was sent before you changed it',
      text: 'The connection was lost while sending, but the server had the e-mail already, as it was then. Do you want to send the changed one as well?',
      go: 'Send this one too',
      stay: 'Do not send it again',
    });
    return twice ? this.#handIn(this.#composer.letter, toHtml) : null;
  }

  #refused(error: ApiError, before: Composer['attempt']): void {
    // Without a clear "no" it may have been taken; the key is kept, so that trying again cannot send it twice.
    this.unsure = error.status === 0 || (error.status >= 500 && error.code !== 'queue_disabled');
    if (!this.unsure) this.#composer.attempt = error.status === 401 ? before : null;
    const place = placeOf(error);
    if (place) this.errors = { ...this.errors, [place.part]: place.text };
    else this.problem = error;
  }
}

/** Also where the page came over plain HTTP, which has no `crypto.randomUUID`. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
