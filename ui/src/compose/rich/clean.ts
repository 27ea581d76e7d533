/**
 * Pasted and copied HTML before the editor's parser sees it: only tags that a letter can have something of, and of
 * their attributes only where a link leads and where a list starts. What is left of a style is whether it is bold,
 * italic or underlined, as an attribute that the schema reads. Pure. Everything else never becomes an element at all.
 */

/** Gone with all that is in them. */
const GONE = 'head|style|script|title|template|noscript|svg|math|object|iframe|select|textarea|button|audio|video|canvas';
const WITH_CONTENT = new RegExp(`<(${GONE})\\b[\\s\\S]*?(?:</\\1\\s*>|$)`, 'gi');
const COMMENTS = /<!--[\s\S]*?(?:-->|$)|<[!?][^>]*>/g;
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s(?:"[^"]*"|'[^']*'|[^'"<>])*)?\/?)>/gi;
const KEPT = new Set(
  'a b blockquote body br center dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr html i ins li main ol p pre s section article header footer span strike strong sub sup table tbody td tfoot th thead tr u ul'.split(' '),
);
const ATTRIBUTE = /\s([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))/gi;

export function clean(html: string): string {
  const bare = html.replace(COMMENTS, '').replace(WITH_CONTENT, '');
  let [out, at] = ['', 0];
  for (const match of bare.matchAll(TAG)) {
    out += text(bare.slice(at, match.index)) + tag(match[1] ?? '', (match[2] ?? '').toLowerCase(), match[3] ?? '');
    at = match.index + match[0].length;
  }
  return out + text(bare.slice(at));
}

function tag(end: string, name: string, rest: string): string {
  if (!KEPT.has(name)) return '';
  if (end) return `</${name}>`;
  let attributes = '';
  for (const [, word = '', double, single, none] of rest.matchAll(ATTRIBUTE)) {
    attributes += attribute(name, word.toLowerCase(), (double ?? single ?? none ?? '').replaceAll('"', '&quot;'));
  }
  return `<${name}${attributes}>`;
}

function attribute(tag: string, name: string, value: string): string {
  // The editor's own mark on what it copied.
  if (name === 'data-pm-slice' || (tag === 'a' && name === 'href') || (tag === 'ol' && name === 'start')) return ` ${name}="${value}"`;
  return name === 'style' ? looks(value) : '';
}

function looks(style: string): string {
  const has = (pattern: RegExp): boolean => pattern.test(style);
  const found = [
    has(/font-weight:\s*(bold|[6-9]00)/i) && 'data-strong',
    has(/font-weight:\s*(normal|[1-4]00)/i) && 'data-light',
    has(/font-style:\s*(italic|oblique)/i) && 'data-em',
    has(/text-decoration[^:;]*:[^;]*underline/i) && 'data-underline',
    has(/text-decoration[^:;]*:[^;]*line-through/i) && 'data-strike',
  ];
  return found.map((name) => (name ? ` ${name}=""` : '')).join('');
}

/** What looks like a tag but was none of those above is words. */
const text = (words: string): string => words.replace(/<(?=[a-z/!?])/gi, '&lt;');
