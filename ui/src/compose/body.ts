/** The body of a letter as ProseMirror keeps it in JSON: to plain text and back, without ProseMirror. Pure. */

export type DocNode = {
  type: string;
  text?: string;
  attrs?: Record<string, unknown>;
  marks?: { type: string; attrs?: Record<string, unknown> }[];
  content?: DocNode[];
};

const inside = (node: DocNode): DocNode[] => node.content ?? [];

/** The text of a body, for readers without HTML: lists with their signs, links with their addresses. */
export function plainText(doc: DocNode): string {
  return blocks(inside(doc)).replace(/[ \t]+$/gm, '').replace(/\n{3,}/g, '\n\n').trim();
}

/** A body of plain text: empty lines part paragraphs. */
export function docOf(text: string): DocNode {
  const paragraphs = text.replace(/\r\n?/g, '\n').split(/\n{2,}/);
  return { type: 'doc', content: paragraphs.map((paragraph) => ({ type: 'paragraph', content: lines(paragraph) })) };
}

/** What is lost when a body becomes plain text: "bold", "lists", "links" …; nothing where it is plain already. */
export function formatting(doc: DocNode): string[] {
  const found = new Set<string>();
  const look = (node: DocNode): void => {
    const block = BLOCKS[node.type];
    if (block) found.add(block);
    for (const mark of node.marks ?? []) found.add(MARKS[mark.type] ?? 'formatting');
    inside(node).forEach(look);
  };
  look(doc);
  return [...found];
}

/** Whether nothing was written yet. */
export function blank(doc: DocNode | null): boolean {
  if (doc === null) return true;
  return doc.type !== 'horizontal_rule' && (doc.text ?? '').trim() === '' && inside(doc).every(blank);
}

const BLOCKS: Record<string, string> = { heading: 'headings', bullet_list: 'lists', ordered_list: 'lists', blockquote: 'quotes', horizontal_rule: 'lines' };
const MARKS: Record<string, string> = { strong: 'bold', em: 'italics', underline: 'underlining', strike: 'strikethrough', link: 'links' };

function lines(paragraph: string): DocNode[] {
  return paragraph.split('\n').flatMap((line, i) => [...(i > 0 ? [{ type: 'hard_break' }] : []), ...(line === '' ? [] : [{ type: 'text', text: line }])]);
}

function blocks(nodes: DocNode[]): string {
  return nodes.map(block).join('\n\n');
}

function block(node: DocNode): string {
  switch (node.type) {
    case 'bullet_list':
      return inside(node).map((item) => hung('- ', item)).join('\n');
    case 'ordered_list': {
      const first = Number(node.attrs?.['order'] ?? 1);
      return inside(node).map((item, i) => hung(`${first + i}. `, item)).join('\n');
    }
    case 'blockquote':
      return blocks(inside(node)).split('\n').map((line) => `> ${line}`.trimEnd()).join('\n');
    case 'horizontal_rule':
      return '-'.repeat(40);
    default:
      return inline(inside(node));
  }
}

/** An item under its sign: further lines stand under the first. */
function hung(sign: string, item: DocNode): string {
  const [first = '', ...rest] = inside(item).map(block).join('\n').split('\n');
  return [sign + first, ...rest.map((line) => (line === '' ? '' : ' '.repeat(sign.length) + line))].join('\n');
}

function inline(nodes: DocNode[]): string {
  return nodes
    .map((node, i) => {
      if (node.type === 'hard_break') return '\n';
      const target = linkOf(node);
      // The address stands once, behind the last piece of a link.
      const goesOn = target !== null && linkOf(nodes[i + 1]) === target;
      return (node.text ?? '') + (target && !goesOn && !shows(node.text ?? '', target) ? ` <${target.replace(/^mailto:/, '')}>` : '');
    })
    .join('');
}

function linkOf(node: DocNode | undefined): string | null {
  const target = node?.marks?.find((mark) => mark.type === 'link')?.attrs?.['href'];
  return typeof target === 'string' ? target : null;
}

/** Whether the words of a link are its address already. */
function shows(text: string, target: string): boolean {
  const bare = (address: string): string => address.replace(/^(https?:\/\/|mailto:)/, '').replace(/\/$/, '');
  return bare(text.trim()) === bare(target);
}
