/** What is wrong with a letter before it is sent, and where the server's refusals belong. Pure. */
import type { ApiError } from '../lib/api/client';
import { plural, size } from '../lib/format';
import { fault } from './addresses';
import { blank } from './body';
import { ROLES, travelBytes, type Letter, type Role } from './letter';

/** The parts of the form that an error can stand beside. */
export type Part = 'from' | Role | 'subject' | 'body' | 'files' | 'send_at';
export type Errors = Partial<Record<Part, string>>;

/** Refusals that name no field. */
const BY_CODE: Record<string, Part> = {
  too_large: 'files',
  no_recipients: 'to',
  too_many_recipients: 'to',
  from_not_permitted: 'from',
  empty_message: 'body',
  send_at_too_far: 'send_at',
};

/** In the order in which the form shows them: the first one that is wrong gets the focus. */
export const PARTS: Part[] = ['from', 'to', 'cc', 'bcc', 'subject', 'body', 'files', 'send_at'];

export function check(letter: Letter, bytesMax: number, now: Date): Errors {
  const errors: Errors = {};
  for (const role of ROLES) {
    const bad = letter[role].filter((one) => fault(one.address) !== null);
    // Beside the field stands already what is wrong with each.
    if (bad.length > 0) errors[role] = `${plural(bad.length, 'address', 'addresses')} cannot be sent to. Correct or remove ${bad.length === 1 ? 'it' : 'them'}.`;
  }
  if (ROLES.every((role) => letter[role].length === 0)) errors.to = 'Add at least one recipient.';
  if (letter.subject.trim() === '' && letter.files.length === 0 && (letter.format === 'plain' ? letter.text.trim() === '' : blank(letter.doc) && letter.html === null)) {
    errors.body = 'There is nothing in it yet: write something, or attach a file.';
  }
  const bytes = travelBytes(letter);
  if (bytes > bytesMax) errors.files = `With its attachments the e-mail is ${size(bytes)}; at most ${size(bytesMax)} can be sent. Remove some, or send a link instead.`;
  if (letter.send_at !== null && new Date(letter.send_at) <= now) errors.send_at = 'The time to send at has passed. Choose another, or send it now.';
  return errors;
}

/** Whether anything is wrong. */
export function any(errors: Errors): boolean {
  return PARTS.some((part) => errors[part] !== undefined);
}

/** Where a refusal of the server belongs; null for one that is about no part of the form. */
export function placeOf(error: ApiError): { part: Part; text: string } | null {
  const path = error.field ?? '';
  const name = path.replace(/[[.].*$/, '');
  const at = /\[(\d+)\]/.exec(path)?.[1];
  // The words begin with the field's path; the place in the form says that already.
  const text = sentence(error.message.startsWith(`${path}: `) ? error.message.slice(path.length + 2) : error.message);
  const known = BY_CODE[error.code];
  if (known) return { part: known, text };
  if (name === 'attachments') return { part: 'files', text: at ? `Attachment ${Number(at) + 1}: ${text}` : text };
  if (name === 'text' || name === 'html') return { part: 'body', text };
  return (PARTS as string[]).includes(name) ? { part: name as Part, text } : null;
}

function sentence(text: string): string {
  const words = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(words) ? words : `${words}.`;
}
