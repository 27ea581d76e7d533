/**
 * The body as HTML that mail programs show alike: ProseMirror's serialiser over tags that carry their looks with them,
 * since many mail programs drop style sheets.
 */
import { DOMSerializer, Node, type DOMOutputSpec, type Mark } from 'prosemirror-model';
import type { DocNode } from '../body';
import { levelOf, schema } from './schema';

const FONT = "font-family:Arial,'Helvetica Neue',Helvetica,sans-serif;font-size:14px;line-height:1.5;color:#1b1a18";
const SIZES: Record<number, string> = { 1: '22px', 2: '18px', 3: '15px' };

const looks: Record<string, (node: Node) => DOMOutputSpec> = {
  // An empty paragraph has no height in a mail program.
  paragraph: (node) => (node.childCount === 0 ? ['p', { style: 'margin:0 0 14px' }, ['br']] : ['p', { style: 'margin:0 0 14px' }, 0]),
  heading: (node) => [`h${levelOf(node.attrs)}`, { style: `margin:20px 0 8px;font-size:${SIZES[levelOf(node.attrs)]};line-height:1.3` }, 0],
  blockquote: () => ['blockquote', { style: 'margin:0 0 14px;padding:0 0 0 12px;border-left:3px solid #cfcbc3;color:#57534c' }, 0],
  bullet_list: () => ['ul', { style: 'margin:0 0 14px;padding:0 0 0 24px' }, 0],
  ordered_list: (node) => ['ol', { style: 'margin:0 0 14px;padding:0 0 0 24px', ...(node.attrs['order'] !== 1 && { start: Number(node.attrs['order']) }) }, 0],
  list_item: () => ['li', { style: 'margin:0 0 4px' }, 0],
  horizontal_rule: () => ['hr', { style: 'margin:20px 0;border:0;border-top:1px solid #cfcbc3' }],
};

const serializer = new DOMSerializer(
  { ...DOMSerializer.nodesFromSchema(schema), ...looks },
  { ...DOMSerializer.marksFromSchema(schema), link: (mark: Mark) => ['a', { href: String(mark.attrs['href']), style: 'color:#2c4bd1' }, 0] },
);

/** A whole HTML document of a body. The subject is its title. Throws `RangeError` for a body that is none of ours. */
export function mailHtml(body: DocNode, subject: string): string {
  const doc = Node.fromJSON(schema, body);
  doc.check();
  const paper = document.implementation.createHTMLDocument('');
  const sheet = paper.createElement('div');
  // By the property: the attribute would be inline style in the eyes of the Content-Security-Policy.
  sheet.style.cssText = FONT;
  sheet.append(serializer.serializeFragment(doc.content, { document: paper }));
  const title = paper.createElement('title');
  title.textContent = subject;
  return `<!doctype html>\n<html>\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${title.outerHTML}</head>\n<body>\n${sheet.outerHTML}\n</body>\n</html>\n`;
}
