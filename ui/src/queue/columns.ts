/** The columns of the queue (SPEC Q2): their words, what stands in them, and which of them sort. */
import type { Row } from '../lib/api/types';
import { reply, size } from '../lib/format';
import { KINDS, type SortKey } from './filters';

export const COLUMN_IDS = [
  'status', 'to', 'subject', 'body', 'from', 'user', 'office', 'source', 'date', 'send_attempts', 'sent', 'sent_on',
  'error_message', 'code', 'next_attempt', 'held_until', 'size', 'mime_type', 'cc', 'bcc',
] as const;
export type ColumnId = (typeof COLUMN_IDS)[number];

export type Column = {
  label: string;
  /** In the head, where the whole word is too long. */
  short?: string;
  /** Pixels: as wide as this at first, and never narrower than `least`. */
  width: number;
  least: number;
  /** Its share of the room that is left over; 0 keeps its width. */
  grows: number;
  sort?: SortKey;
  number?: boolean;
};

export const COLUMNS: Record<ColumnId, Column> = {
  status: { label: 'Status', width: 104, least: 92, grows: 0, sort: 'status' },
  to: { label: 'To', width: 140, least: 80, grows: 1 },
  subject: { label: 'Subject', width: 206, least: 120, grows: 2, sort: 'subject' },
  body: { label: 'Body', width: 220, least: 80, grows: 1 },
  from: { label: 'From', width: 112, least: 70, grows: 0, sort: 'from' },
  user: { label: 'User', width: 124, least: 70, grows: 0, sort: 'user' },
  office: { label: 'Office', width: 130, least: 70, grows: 0 },
  source: { label: 'Source', width: 130, least: 70, grows: 0 },
  date: { label: 'Date', width: 98, least: 74, grows: 0, sort: 'date' },
  send_attempts: { label: 'Send Attempts', short: 'Attempts', width: 92, least: 60, grows: 0, sort: 'send_attempts', number: true },
  sent: { label: 'Sent', width: 60, least: 48, grows: 0 },
  sent_on: { label: 'Sent On', width: 98, least: 74, grows: 0, sort: 'sent_on' },
  error_message: { label: 'Error Message', width: 128, least: 80, grows: 1.2 },
  code: { label: 'Code', width: 90, least: 60, grows: 0 },
  next_attempt: { label: 'Next Attempt', width: 110, least: 74, grows: 0, sort: 'next_attempt' },
  held_until: { label: 'Held Until', width: 110, least: 74, grows: 0 },
  size: { label: 'Size', width: 76, least: 56, grows: 0, sort: 'size', number: true },
  mime_type: { label: 'Mime Type', width: 110, least: 70, grows: 0 },
  cc: { label: 'Cc', width: 150, least: 70, grows: 0.6 },
  bcc: { label: 'Bcc', width: 150, least: 70, grows: 0.6 },
};

export const COLUMN_WIDTH_MAX = 800;
export const DEFAULT_COLUMNS: ColumnId[] = ['status', 'to', 'subject', 'from', 'date', 'send_attempts', 'sent_on', 'error_message'];

/** What stands in a column of plain words; the others are drawn by the row itself. */
export function cellText(row: Row, column: ColumnId, brand: string): string {
  switch (column) {
    case 'to':
      return row.to || row.cc || row.bcc;
    case 'cc':
      return row.cc;
    case 'bcc':
      return row.bcc;
    case 'body':
      return row.body;
    case 'from':
      return row.from;
    case 'user':
      return row.sender?.name ?? '';
    case 'office':
      return row.office.name;
    case 'source':
      return row.category === 'notification' ? `${brand} Notification` : KINDS[row.kind];
    case 'sent':
      return row.sent ? 'Yes' : 'No';
    case 'code':
      return reply(row.code);
    case 'size':
      return size(row.size_bytes);
    case 'mime_type':
      return row.mime_type;
    case 'send_attempts':
      return row.attempts > 0 ? String(row.attempts) : '';
    default:
      return '';
  }
}

export type Shown = { id: ColumnId; /** Pixels; null for the usual. */ width: number | null };

/** The grid's columns for CSS: the tag column first. */
export function template(columns: Shown[]): string {
  const track = ({ id, width }: Shown): string => {
    const column = COLUMNS[id];
    if (width !== null) return `${width}px`;
    return column.grows > 0 ? `minmax(${column.width}px, ${column.grows}fr)` : `${column.width}px`;
  };
  const tracks = columns.map(track);
  // Where nothing grows, the room that is left over stands behind the last column.
  const grows = columns.some(({ id, width }) => width === null && COLUMNS[id].grows > 0);
  return ['44px', ...tracks, ...(grows ? [] : ['1fr'])].join(' ');
}

/** The least width at which all columns stand side by side, in pixels. */
export function leastWidth(columns: Shown[]): number {
  return 44 + columns.reduce((sum, { id, width }) => sum + (width ?? COLUMNS[id].width), 0) + 16;
}

export function clampWidth(id: ColumnId, width: number): number {
  return Math.round(Math.min(COLUMN_WIDTH_MAX, Math.max(COLUMNS[id].least, width)));
}

/** A column moved to another place among those shown. */
export function moved(columns: Shown[], from: number, to: number): Shown[] {
  const list = columns.slice();
  const [one] = list.splice(from, 1);
  if (!one) return columns;
  list.splice(Math.min(Math.max(to, 0), list.length), 0, one);
  return list;
}
