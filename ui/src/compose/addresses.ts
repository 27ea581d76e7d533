/** Addresses as people write and paste them, and what is wrong with those that cannot be sent to. Pure. */

/** An address and the name shown with it; the name may be empty. */
export type Mailbox = { name: string; address: string };

const LOCAL_BYTES_MAX = 64;
const BYTES_MAX = 254;
const LABEL_BYTES_MAX = 63;
/** RFC 5322 `atext` and the dot; letters outside ASCII are RFC 6531's. */
const LOCAL = /^[\w!#$%&'*+/=?^`{|}~.\u0080-\u{10ffff}-]+$/u;
const DOMAIN = /^[\w.\u0080-\u{10ffff}-]+$/u;

/** Everybody named in a text: separated by commas, semicolons, tabs or lines, with or without names. */
export function parseMailboxes(text: string): Mailbox[] {
  return split(text).flatMap((piece) => mailbox(piece) ?? []);
}

/** Whether a pasted text names more than one, so that it is taken apart at once. */
export function namesSeveral(text: string): boolean {
  return parseMailboxes(text).length > 1;
}

/** What is wrong with an address, to follow it in a sentence; null where it can be sent to. */
export function fault(address: string): string | null {
  const at = address.lastIndexOf('@');
  if (address === '') return 'is empty';
  if (at < 0) return 'has no @ sign';
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (local === '') return 'has nothing before the @ sign';
  if (domain === '') return 'has nothing after the @ sign';
  if (/\s/.test(address)) return 'has a space in it';
  if (local.startsWith('"') && local.endsWith('"') && local.length > 2) return length(local, address);
  if (local.includes('@')) return 'has two @ signs';
  if (/^\.|\.$|\.\./.test(local)) return 'has a dot too many before the @ sign';
  if (!LOCAL.test(local)) return 'has a character before the @ sign that no address has';
  return faultOfDomain(domain) ?? length(local, address);
}

/** What is unusual about an address that could be sent to: most likely a slip. */
export function doubt(address: string): string | null {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  if (domain.includes('.') || domain.startsWith('[')) return null;
  return `has no ending such as .com after “${domain}”`;
}

/** As it stands in a header field, and as the API takes it: `"Clerk, Case" <case@example.com>`. */
export function written({ name, address }: Mailbox): string {
  const plain = name.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  if (plain === '' || plain === address) return address;
  return /^[\p{L}\p{N} '!#$%&*+/=?^_`{|}~-]+$/u.test(plain) ? `${plain} <${address}>` : `"${plain.replace(/["\\]/g, '\\$&')}" <${address}>`;
}

/** The same mailbox, whatever its name and the case of its letters. */
export function same(a: Mailbox, b: Mailbox): boolean {
  return a.address.toLowerCase() === b.address.toLowerCase();
}

/** Adds those that are not there yet. */
export function added(list: Mailbox[], more: Mailbox[]): Mailbox[] {
  const all = [...list];
  for (const one of more) if (!all.some((other) => same(one, other))) all.push(one);
  return all;
}

function faultOfDomain(domain: string): string | null {
  if (/^\[[\d.]+\]$|^\[IPv6:[\da-f:.]+\]$/i.test(domain)) return null;
  if (/^\.|\.$|\.\./.test(domain)) return 'has a dot too many after the @ sign';
  if (!DOMAIN.test(domain) || domain.includes('_')) return 'has a character after the @ sign that no address has';
  const labels = domain.split('.');
  if (labels.some((label) => label.startsWith('-') || label.endsWith('-'))) return 'has a hyphen in the wrong place after the @ sign';
  if (labels.some((label) => bytes(label) > LABEL_BYTES_MAX)) return 'is too long after the @ sign';
  return null;
}

function length(local: string, address: string): string | null {
  if (bytes(local) > LOCAL_BYTES_MAX) return 'is too long before the @ sign';
  return bytes(address) > BYTES_MAX ? 'is too long' : null;
}

const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** One mailbox: `Name <address>`, `<address>`, `mailto:address` or an address; null for nothing. */
function mailbox(piece: string): Mailbox | null {
  const text = piece.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  if (text === '') return null;
  const angled = /^(.*?)\s*<\s*([^<>]*?)\s*>$/.exec(text);
  if (!angled) return { name: '', address: bare(text) };
  return { name: unquoted(angled[1] ?? ''), address: bare(angled[2] ?? '') };
}

const bare = (text: string): string => text.replace(/^mailto:/i, '').replace(/^[<'"]+(?=[^"]*$)|[>'";,.]+$/g, '');

function unquoted(name: string): string {
  const quoted = /^["'](.*)["']$/.exec(name.trim());
  return (quoted?.[1] ?? name).replace(/\\(.)/g, '$1').trim();
}

/** Cuts at what separates mailboxes, but not inside quotes or angle brackets, nor in `Clerk, Case <…>`. */
function split(text: string): string[] {
  return cut(text, ';\n\r\t').flatMap((piece) => {
    const pieces: string[] = [];
    let front = '';
    for (const part of cut(piece, ',')) {
      // A part of a name goes with the address in brackets behind it; a name alone stands for itself.
      if (/<[^<>]*@[^<>]*>\s*$/.test(part) && front !== '') {
        pieces.push(`${front},${part}`);
        front = '';
      } else if (!part.includes('@')) {
        if (front !== '') pieces.push(front);
        front = part;
      } else {
        if (front.trim() !== '') pieces.push(front);
        front = '';
        pieces.push(...spaced(part));
      }
    }
    if (front !== '') pieces.push(front);
    return pieces;
  });
}

/** Addresses with nothing but spaces between them. */
function spaced(part: string): string[] {
  const words = part.trim().split(/\s+/);
  return words.length > 1 && words.every((word) => /^[^\s<>"]+@[^\s<>"]+$/.test(word)) ? words : [part];
}

function cut(text: string, at: string): string[] {
  const pieces: string[] = [];
  let [piece, quoted, angled] = ['', false, false];
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === '<') angled = true;
    else if (letter === '>' || letter === '\n') angled = false;
    if (letter === '\n') quoted = false;
    if (at.includes(letter) && !quoted && !angled) {
      pieces.push(piece);
      piece = '';
    } else piece += letter;
  }
  return [...pieces, piece];
}
