/** Offices as a tree. Pure. */
import type { Office } from '../lib/api/types';

export type Branch = { office: Office; below: Branch[] };

/** The tree of the offices that one knows of; an office whose parent one does not know of stands at the top. */
export function treeOf(offices: Office[]): Branch[] {
  const known = new Set(offices.map((office) => office.id));
  const below = new Map<number, Office[]>();
  for (const office of offices) {
    const parent = office.parent !== null && office.parent !== undefined && known.has(office.parent) ? office.parent : 0;
    below.set(parent, [...(below.get(parent) ?? []), office]);
  }
  const grow = (id: number): Branch[] =>
    (below.get(id) ?? []).toSorted((a, b) => a.name.localeCompare(b.name)).map((office) => ({ office, below: grow(office.id) }));
  return grow(0);
}

/** An office and all that lie below it, by id. */
export function withBelow(id: number, offices: Office[]): Set<number> {
  const found = new Set([id]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const office of offices) {
      if (office.parent === null || office.parent === undefined || found.has(office.id) || !found.has(office.parent)) continue;
      found.add(office.id);
      grown = true;
    }
  }
  return found;
}

/** The tree with its depth, for a drop-down: names indented, in the order of the tree. */
export function indented(tree: Branch[], depth = 0): { office: Office; depth: number }[] {
  return tree.flatMap(({ office, below }) => [{ office, depth }, ...indented(below, depth + 1)]);
}

/** The options of a drop-down of offices, the tree shown by indentation. */
export function officeOptions(offices: Office[], without: Set<number> = new Set()): { value: string; label: string }[] {
  return indented(treeOf(offices))
    .filter(({ office }) => !without.has(office.id))
    .map(({ office, depth }) => ({ value: String(office.id), label: `${'\u2003'.repeat(depth)}${office.name}` }));
}

/** Only the branches whose name holds the words, with what leads there. */
export function matching(tree: Branch[], words: string): Branch[] {
  if (words === '') return tree;
  return tree.flatMap(({ office, below }) => {
    const kept = matching(below, words);
    return kept.length > 0 || office.name.toLowerCase().includes(words.toLowerCase()) ? [{ office, below: kept }] : [];
  });
}
