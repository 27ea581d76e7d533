/** What a letter may be made of. Everything else that is pasted or copied in loses its form and keeps its words. */
import { Schema, type Attrs, type MarkSpec, type NodeSpec, type TagParseRule } from 'prosemirror-model';
import { safeLink } from '../links';

/** Levels of headings; deeper ones that are pasted become the last. */
export const HEADINGS = [1, 2, 3];

const nodes: Record<string, NodeSpec> = {
  doc: { content: 'block+' },
  paragraph: { content: 'inline*', group: 'block', parseDOM: [{ tag: 'p' }], toDOM: () => ['p', 0] },
  heading: {
    attrs: { level: { default: 2, validate: 'number' } },
    content: 'inline*',
    group: 'block',
    defining: true,
    parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level: Math.min(level, HEADINGS.length) } })),
    toDOM: (node) => [`h${levelOf(node.attrs)}`, 0],
  },
  blockquote: { content: 'block+', group: 'block', defining: true, parseDOM: [{ tag: 'blockquote' }], toDOM: () => ['blockquote', 0] },
  bullet_list: { content: 'list_item+', group: 'block', parseDOM: [{ tag: 'ul' }], toDOM: () => ['ul', 0] },
  ordered_list: {
    attrs: { order: { default: 1, validate: 'number' } },
    content: 'list_item+',
    group: 'block',
    parseDOM: [{ tag: 'ol', getAttrs: (dom) => ({ order: startOf(dom) }) }],
    toDOM: (node) => (node.attrs['order'] === 1 ? ['ol', 0] : ['ol', { start: Number(node.attrs['order']) }, 0]),
  },
  list_item: { content: 'paragraph block*', defining: true, parseDOM: [{ tag: 'li' }], toDOM: () => ['li', 0] },
  horizontal_rule: { group: 'block', parseDOM: [{ tag: 'hr' }], toDOM: () => ['hr'] },
  text: { group: 'inline' },
  hard_break: { inline: true, group: 'inline', selectable: false, linebreakReplacement: true, parseDOM: [{ tag: 'br' }], toDOM: () => ['br'] },
};

const marks: Record<string, MarkSpec> = {
  link: {
    attrs: { href: { validate: mustBeSafe } },
    inclusive: false,
    parseDOM: [{ tag: 'a[href]', getAttrs: (dom) => linkAttrs(dom) }],
    toDOM: (mark) => ['a', { href: safeLink(mark.attrs['href']) ? mark.attrs['href'] : '', rel: 'noopener noreferrer' }, 0],
  },
  strong: {
    parseDOM: [
      { tag: 'strong' },
      // Some editors wrap everything that is copied in a <b> of normal weight.
      { tag: 'b', getAttrs: (dom) => !dom.hasAttribute('data-light') && null },
      styled('strong'),
    ],
    toDOM: () => ['strong', 0],
  },
  em: { parseDOM: [{ tag: 'em' }, { tag: 'i' }, styled('em')], toDOM: () => ['em', 0] },
  underline: { parseDOM: [{ tag: 'u' }, { tag: 'ins' }, { ...styled('underline'), tag: 'span[data-underline]' }], toDOM: () => ['u', 0] },
  strike: { parseDOM: [{ tag: 's' }, { tag: 'del' }, { tag: 'strike' }, styled('strike')], toDOM: () => ['s', 0] },
};

export const schema = new Schema({ nodes, marks });

/** What `clean` made of a style; the element may be something else besides. */
function styled(name: string): TagParseRule {
  return { tag: `[data-${name}]`, consuming: false, priority: 60 };
}

export function levelOf(attrs: Attrs): number {
  return HEADINGS.includes(attrs['level'] as number) ? (attrs['level'] as number) : HEADINGS.length;
}

function startOf(dom: HTMLElement): number {
  const start = Number.parseInt(dom.getAttribute('start') ?? '1', 10);
  return Number.isInteger(start) && start > 0 ? start : 1;
}

function linkAttrs(dom: HTMLElement): { href: string } | false {
  const href = dom.getAttribute('href')?.trim();
  return safeLink(href) && { href };
}

function mustBeSafe(href: unknown): void {
  if (!safeLink(href)) throw new RangeError('a link of this kind may not stand in a letter');
}
