/** The rich editor: ProseMirror behind the few things that the form asks of it. A chunk of its own. */
import { baseKeymap, chainCommands, lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands';
import { history, redo, redoDepth, undo, undoDepth } from 'prosemirror-history';
import { ellipsis, inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules';
import { keymap } from 'prosemirror-keymap';
import { Node, type MarkType, type NodeType } from 'prosemirror-model';
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list';
import { EditorState, Plugin, TextSelection, type Command } from 'prosemirror-state';
import { Decoration, DecorationSet, EditorView } from 'prosemirror-view';
import type { DocNode } from '../body';
import { safeLink } from '../links';
import { clean } from './clean';
import { HEADINGS, schema } from './schema';

export { mailHtml } from './mail';

export type ToolName = 'strong' | 'em' | 'underline' | 'strike' | 'bullets' | 'numbers' | 'quote' | 'undo' | 'redo' | 'indent' | 'outdent';
/** `p`, or the level of a heading. */
export type BlockName = 'p' | '1' | '2' | '3';
/** What holds where the cursor is, for the toolbar. */
export type Standing = { on: Set<ToolName>; can: Set<ToolName>; block: BlockName; link: string | null };

export type Options = {
  doc: DocNode | null;
  html: string | null;
  label: string;
  placeholder: string;
  onchange: (doc: DocNode) => void;
  onstanding: (standing: Standing) => void;
  /** Files that were dropped or pasted. */
  onfiles: (files: File[]) => void;
  /** Ctrl+K. */
  onlink: () => void;
};

const { nodes, marks } = schema;
const node = (name: string): NodeType => nodes[name] as NodeType;
const mark = (name: string): MarkType => marks[name] as MarkType;

const COMMANDS: Record<ToolName, Command> = {
  strong: toggleMark(mark('strong')),
  em: toggleMark(mark('em')),
  underline: toggleMark(mark('underline')),
  strike: toggleMark(mark('strike')),
  bullets: list('bullet_list'),
  numbers: list('ordered_list'),
  quote: (state, dispatch) => (within(state, 'blockquote') ? lift(state, dispatch) : wrapIn(node('blockquote'))(state, dispatch)),
  indent: sinkListItem(node('list_item')),
  outdent: liftListItem(node('list_item')),
  undo,
  redo,
};

export class Editor {
  readonly #view: EditorView;

  constructor(place: HTMLElement, options: Options) {
    this.#view = new EditorView(place, {
      state: stateOf(read(options.doc), options),
      attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': options.label, class: 'letter' },
      dispatchTransaction: (step) => {
        this.#view.updateState(this.#view.state.apply(step));
        if (step.docChanged) options.onchange(this.doc);
        options.onstanding(this.#standing());
      },
      transformPastedHTML: clean,
      handlePaste: (_, event) => take(event.clipboardData, options.onfiles),
      handleDrop: (_, event) => take((event as DragEvent).dataTransfer, options.onfiles),
      handleDOMEvents: {
        // A link in a letter is text to edit; it leads nowhere from here.
        click: (_, event) => {
          if (event.target instanceof Element && event.target.closest('a')) event.preventDefault();
          return false;
        },
      },
    });
    if (options.html !== null) this.#readHtml(options);
    options.onstanding(this.#standing());
  }

  get doc(): DocNode {
    return this.#view.state.doc.toJSON() as DocNode;
  }

  run(tool: ToolName): void {
    COMMANDS[tool](this.#view.state, this.#view.dispatch);
    this.#view.focus();
  }

  /** Makes the paragraphs that are touched headings, or paragraphs again. */
  block(name: BlockName): void {
    const { state, dispatch } = this.#view;
    const to = name === 'p' ? setBlockType(node('paragraph')) : setBlockType(node('heading'), { level: Number(name) });
    to(state, dispatch);
    this.#view.focus();
  }

  /** The words that a link would be put on; empty where none are chosen. */
  chosen(): string {
    const { from, to } = this.#reach();
    return this.#view.state.doc.textBetween(from, to, ' ');
  }

  /** Puts a link on what is chosen, or writes it out as `text`; null takes it away. */
  link(href: string | null, text: string): void {
    const { state } = this.#view;
    const { from, to } = this.#reach();
    const step = state.tr;
    if (href === null) step.removeMark(from, to, mark('link'));
    else if (safeLink(href)) {
      const words = text.trim() || href;
      const before = state.doc.textBetween(from, to, ' ');
      if (from === to || words !== before) step.insertText(words, from, to);
      const end = words !== before ? from + words.length : to;
      step.addMark(from, end, mark('link').create({ href })).removeStoredMark(mark('link'));
      step.setSelection(TextSelection.create(step.doc, Math.min(end, step.doc.content.size)));
    }
    this.#view.dispatch(step.scrollIntoView());
    this.#view.focus();
  }

  focus(): void {
    this.#view.focus();
  }

  destroy(): void {
    this.#view.destroy();
  }

  /** By the way that pasted HTML takes: parsed where nothing runs or loads, and fitted to the schema. */
  #readHtml(options: Options): void {
    this.#view.pasteHTML(options.html ?? '');
    // What was there before is nothing that "undo" should come back to.
    this.#view.updateState(stateOf(this.#view.state.doc, options));
    options.onchange(this.doc);
  }

  /** What is chosen, or the whole link that the cursor is in. */
  #reach(): { from: number; to: number } {
    const { from, to, $from, empty } = this.#view.state.selection;
    const here = empty ? linkAt(this.#view.state) : null;
    if (here === null) return { from, to };
    const [start, end] = [$from.start(), $from.end()];
    let [left, right] = [from, to];
    this.#view.state.doc.nodesBetween(start, end, (one, at) => {
      if (!one.isText || mark('link').isInSet(one.marks)?.attrs['href'] !== here) return;
      if (at + one.nodeSize < left || at > right) return;
      left = Math.min(left, at);
      right = Math.max(right, at + one.nodeSize);
    });
    return { from: left, to: right };
  }

  #standing(): Standing {
    const { state } = this.#view;
    const on = new Set<ToolName>();
    for (const name of ['strong', 'em', 'underline', 'strike'] as const) if (marked(state, mark(name))) on.add(name);
    if (within(state, 'bullet_list')) on.add('bullets');
    if (within(state, 'ordered_list')) on.add('numbers');
    if (within(state, 'blockquote')) on.add('quote');
    const can = new Set((Object.keys(COMMANDS) as ToolName[]).filter((name) => COMMANDS[name](state)));
    if (undoDepth(state) === 0) can.delete('undo');
    if (redoDepth(state) === 0) can.delete('redo');
    const parent = state.selection.$from.parent;
    const block = parent.type === node('heading') ? (String(parent.attrs['level']) as BlockName) : 'p';
    return { on, can, block, link: linkAt(state) };
  }
}

function stateOf(doc: Node | undefined, options: Options): EditorState {
  const item = node('list_item');
  const keys: Record<string, Command> = {
    'Mod-b': COMMANDS.strong,
    'Mod-i': COMMANDS.em,
    'Mod-u': COMMANDS.underline,
    'Mod-z': undo,
    'Mod-y': redo,
    'Shift-Mod-z': redo,
    'Mod-]': COMMANDS.indent,
    'Mod-[': COMMANDS.outdent,
    'Shift-Mod-7': COMMANDS.numbers,
    'Shift-Mod-8': COMMANDS.bullets,
    'Shift-Mod-9': COMMANDS.quote,
    'Mod-k': () => {
      // The editor hears of what was selected by keys just before with the next frame.
      requestAnimationFrame(() => setTimeout(options.onlink));
      return true;
    },
    'Shift-Enter': (state, dispatch) => (dispatch?.(state.tr.replaceSelectionWith(node('hard_break').create()).scrollIntoView()), true),
    Enter: chainCommands(splitListItem(item)),
    // Sends the letter; the page listens for it.
    'Mod-Enter': () => false,
  };
  for (const level of HEADINGS) keys[`Mod-Alt-${level}`] = setBlockType(node('heading'), { level });
  keys['Mod-Alt-0'] = setBlockType(node('paragraph'));
  const { 'Mod-Enter': _, ...base } = baseKeymap;
  const rules = [
    ellipsis,
    wrappingInputRule(/^\s*>\s$/, node('blockquote')),
    wrappingInputRule(/^\s*([-*])\s$/, node('bullet_list')),
    wrappingInputRule(/^(\d+)\.\s$/, node('ordered_list'), (match) => ({ order: Number(match[1]) })),
    textblockTypeInputRule(/^(#{1,3})\s$/, node('heading'), (match) => ({ level: match[1]?.length ?? 1 })),
  ];
  return EditorState.create({ schema, ...(doc && { doc }), plugins: [history(), inputRules({ rules }), keymap(keys), keymap(base), placeholder(options.placeholder)] });
}

/** The body of a draft; an empty one where it is none of ours. */
function read(json: DocNode | null): Node | undefined {
  if (json === null) return undefined;
  try {
    const doc = Node.fromJSON(schema, json);
    doc.check();
    return doc;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function list(name: string): Command {
  const other = name === 'bullet_list' ? 'ordered_list' : 'bullet_list';
  return (state, dispatch) => {
    if (within(state, name)) return liftListItem(node('list_item'))(state, dispatch);
    const at = depthOf(state, other);
    if (at === null) return wrapInList(node(name))(state, dispatch);
    // From one kind of list to the other.
    dispatch?.(state.tr.setNodeMarkup(state.selection.$from.before(at), node(name)));
    return true;
  };
}

/** How deep the innermost node of a kind around the selection lies. */
function depthOf(state: EditorState, name: string): number | null {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) if ($from.node(depth).type.name === name) return depth;
  return null;
}

const within = (state: EditorState, name: string): boolean => depthOf(state, name) !== null;

function marked(state: EditorState, type: MarkType): boolean {
  const { from, to, empty, $from } = state.selection;
  if (empty) return Boolean(type.isInSet(state.storedMarks ?? $from.marks()));
  return state.doc.rangeHasMark(from, to, type);
}

function linkAt(state: EditorState): string | null {
  const { $from, $to } = state.selection;
  const type = mark('link');
  const found = type.isInSet($from.marks()) ?? type.isInSet($from.nodeAfter?.marks ?? []) ?? type.isInSet($to.nodeBefore?.marks ?? []);
  return (found?.attrs['href'] as string | undefined) ?? null;
}

function take(data: DataTransfer | null, onfiles: (files: File[]) => void): boolean {
  const files = [...(data?.files ?? [])];
  // What a word processor or a spreadsheet copies is words first, and a picture of them.
  if (files.length === 0 || data?.types.includes('text/html') || data?.types.includes('text/plain')) return false;
  onfiles(files);
  return true;
}

/** Words in the empty letter; drawn by the style sheet from the attribute. */
function placeholder(text: string): Plugin {
  return new Plugin({
    props: {
      decorations: ({ doc }) => {
        const first = doc.firstChild;
        const empty = doc.childCount === 1 && first?.type.name === 'paragraph' && first.childCount === 0;
        return empty ? DecorationSet.create(doc, [Decoration.node(0, first.nodeSize, { class: 'hint', 'data-hint': text })]) : null;
      },
    },
  });
}
