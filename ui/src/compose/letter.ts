/** What stands in the Compose form: as the API sends it, as a draft keeps it, and how large it is. Pure. */
import type { components } from '../lib/api/schema';
import { parseMailboxes, written, type Mailbox } from './addresses';
import { blank, docOf, plainText, type DocNode } from './body';

export type NewMessage = components['schemas']['NewMessage'];
/** What the form can fill of it. */
export type Filled = Omit<NewMessage, 'metadata'>;
export type Format = 'rich' | 'plain';
export type Role = 'to' | 'cc' | 'bcc';
export const ROLES: Role[] = ['to', 'cc', 'bcc'];

/** A file: its octets in base64, and how many they are. */
export type File64 = { filename: string; content_type: string; content: string; bytes: number };

export type Letter = {
  /** The address it is sent from. */
  from: string;
  to: Mailbox[];
  cc: Mailbox[];
  bcc: Mailbox[];
  reply_to: Mailbox[];
  /** What was typed into To, Cc and Bcc and is no address yet. */
  typed: Record<Role, string>;
  subject: string;
  format: Format;
  /** The body, while it is plain. */
  text: string;
  /** The body, while it is rich; null is empty. */
  doc: DocNode | null;
  /** A body in HTML that the editor has not read yet. */
  html: string | null;
  files: File64[];
  /** Not before this time. */
  send_at: string | null;
};

export function emptyLetter(from: string): Letter {
  const typed = { to: '', cc: '', bcc: '' };
  return { from, to: [], cc: [], bcc: [], reply_to: [], typed, subject: '', format: 'rich', text: '', doc: null, html: null, files: [], send_at: null };
}

/** Whether there is nothing in it that would be missed. */
export function isEmpty(letter: Letter): boolean {
  const named = ROLES.some((role) => letter[role].length > 0 || letter.typed[role].trim() !== '');
  const written = letter.format === 'plain' ? letter.text.trim() !== '' : !blank(letter.doc) || letter.html !== null;
  return !named && !written && letter.subject.trim() === '' && letter.files.length === 0;
}

/** One text that is the same as long as nothing was changed. Files are told apart by name and size. */
export function markOf(letter: Letter): string {
  return JSON.stringify({ ...letter, files: letter.files.map((file) => [file.filename, file.bytes]) });
}

/** A copy of a message to edit. Its hidden fields, tags and times stay behind: what is sent is what the form shows. */
export function letterOf(message: NewMessage, from: string): Letter {
  const rich = Boolean(message.html);
  return {
    ...emptyLetter(from),
    to: mailboxes(message.to),
    cc: mailboxes(message.cc),
    bcc: mailboxes(message.bcc),
    reply_to: mailboxes(message.reply_to),
    subject: message.subject ?? '',
    format: rich ? 'rich' : 'plain',
    text: message.text ?? '',
    html: rich ? (message.html ?? null) : null,
    files: files(message.attachments),
  };
}

/** The message to hand in. `html` is the rich body, made by the editor. */
export function messageOf(letter: Letter, from: Mailbox, html: string | null, sendAt: string | null): Filled {
  const rich = letter.format === 'rich';
  const text = rich ? (letter.doc ? plainText(letter.doc) : '') : letter.text;
  return {
    from: written(from),
    to: letter.to.map(written),
    cc: letter.cc.map(written),
    bcc: letter.bcc.map(written),
    reply_to: letter.reply_to.map(written),
    subject: letter.subject.trim(),
    ...(text !== '' && { text }),
    ...(rich && html !== null && !blank(letter.doc) && { html }),
    attachments: letter.files.map(({ filename, content_type, content }) => ({ filename, content_type, content })),
    ...(sendAt && { send_at: sendAt }),
  };
}

/** How a draft is kept: with the names of the API where it has them, so that lists of drafts can tell what it is. */
export type KeptDraft = {
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  reply_to: string[];
  subject: string;
  text: string;
  html: string | null;
  attachments: { filename: string; content_type: string; content: string }[];
  send_at: string | null;
  compose: { format: Format; doc: DocNode | null; typed: Record<Role, string>; left_out: string[] };
};

/** The draft of a letter; without the files' content where that is too much to keep. */
export function draftOf(letter: Letter, withFiles: 'with_files' | 'without_files' = 'with_files'): KeptDraft {
  const all = withFiles === 'with_files';
  return {
    from: letter.from,
    to: letter.to.map(written),
    cc: letter.cc.map(written),
    bcc: letter.bcc.map(written),
    reply_to: letter.reply_to.map(written),
    subject: letter.subject,
    text: letter.format === 'plain' ? letter.text : letter.doc ? plainText(letter.doc) : '',
    html: letter.html,
    attachments: all ? letter.files.map(({ filename, content_type, content }) => ({ filename, content_type, content })) : [],
    send_at: letter.send_at,
    compose: { format: letter.format, doc: letter.doc, typed: letter.typed, left_out: all ? [] : letter.files.map((file) => file.filename) },
  };
}

/** The letter of a draft, also of one that another program kept; and the files that it was too large to keep. */
export function fromDraft(kept: Partial<KeptDraft>, from: string): { letter: Letter; leftOut: string[] } {
  const { compose } = kept;
  const letter = letterOf(kept as NewMessage, from);
  const format = compose?.format ?? letter.format;
  const doc = compose?.doc ?? (format === 'rich' && !kept.html ? docOf(letter.text) : null);
  return {
    letter: {
      ...letter,
      from: kept.from ?? from,
      format,
      doc,
      text: format === 'plain' ? letter.text : '',
      typed: { ...letter.typed, ...compose?.typed },
      send_at: kept.send_at ?? null,
    },
    leftOut: compose?.left_out ?? [],
  };
}

/** Octets that files take in a message: base64 in lines of 76 characters. */
export function encodedBytes(bytes: number): number {
  return Math.ceil(Math.ceil(bytes / 3) * 4 * (78 / 76));
}

/** Octets that the message takes about, as it travels: bodies twice where there is HTML, and its header. */
export function travelBytes(letter: Letter): number {
  const body = new Blob([letter.text, letter.doc ? JSON.stringify(letter.doc) : '', letter.html ?? '']).size * 2;
  return letter.files.reduce((sum, file) => sum + encodedBytes(file.bytes) + 300, body + 4_000);
}

/** Octets that base64 stands for. */
export function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.max(0, Math.floor((base64.length * 3) / 4) - padding);
}

const mailboxes = (list: string[] | undefined): Mailbox[] => (list ?? []).flatMap(parseMailboxes);

const files = (list: NewMessage['attachments']): File64[] =>
  (list ?? []).map(({ filename, content_type, content }) => ({ filename, content_type: content_type ?? 'application/octet-stream', content, bytes: decodedBytes(content) }));
