/** The letter in the form: where it came from, what was changed, and that it is kept as a draft all the while. */
import { ApiError, api, unwrap } from '../lib/api/client';
import type { Session } from '../lib/api/types';
import type { Mailbox } from './addresses';
import type { DocNode } from './body';
import { drafts, type DraftKey } from './drafts.svelte';
import { keptLetter, type Attempt, type Kept } from './kept.svelte';
import { draftOf, emptyLetter, fromDraft, isEmpty, letterOf, markOf, type Letter } from './letter';

type Phase = 'loading' | 'ready' | 'failed';
/** `partly`: without its files, which are too large for a draft. */
export type Saving = 'none' | 'saving' | 'saved' | 'partly' | 'failed' | 'conflict';
/** The draft as somebody else left it: oneself in another window. */
export type Conflict = { letter: Letter; key: DraftKey };

const IDLE_MS = 1_500;
const AGAIN_MS = 10_000;
/** A draft with files is sent whole each time: the more it weighs, the more rarely. */
const IDLE_MS_PER_MEGABYTE = 1_500;
const IDLE_MS_MAX = 30_000;

export class Composer {
  phase = $state<Phase>('loading');
  error = $state.raw<ApiError | null>(null);
  letter = $state.raw<Letter>(emptyLetter(''));
  saving = $state<Saving>('none');
  savedAt = $state.raw<Date | null>(null);
  saveError = $state.raw<ApiError | null>(null);
  conflict = $state.raw<Conflict | null>(null);
  /** What is to be said about where the letter came from. */
  note = $state<string | null>(null);
  /** Files that a draft or this tab had no room for. */
  leftOut = $state.raw<string[]>([]);
  /** Counts letters, so that the editor is made anew for each. */
  turn = $state(0);
  draft = $state.raw<DraftKey | null>(null);
  /** Those that one may send as, oneself first. */
  readonly senders: Mailbox[];
  readonly person: number;
  readonly mark = $derived(markOf(this.letter));
  readonly empty = $derived(isEmpty(this.letter));
  #saved = $state('');
  readonly dirty = $derived(this.mark !== this.#saved && !(this.empty && this.draft === null));
  /** A sending whose end is not known. */
  attempt: Attempt | null = null;
  #running: Promise<boolean> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  /** Letters that need no draft any more. */
  #done = new Set<number>();

  constructor(session: Session) {
    this.person = session.user.id;
    drafts.of(this.person);
    const others = (session.proxies_for ?? []).filter((one) => one.level === 'manage');
    this.senders = [session.user, ...others].map(({ name, email }) => ({ name, address: email }));
    this.#take(emptyLetter(this.own), null);
  }

  /** One's own address. */
  get own(): string {
    return this.senders[0]?.address ?? '';
  }

  /** Shows what the page's `?…` asks for: a draft, a copy of a message, or an empty form. */
  async open(search: string): Promise<void> {
    const query = new URLSearchParams(search);
    const waits = keptLetter.of(this.person);
    if (waits && (waits.search === search || waits.why !== 'unsaved')) return this.bringBack(waits);
    const [draft, from] = [query.get('draft'), query.get('from') ?? query.get('copy')];
    this.error = null;
    if (draft === null && from === null) return this.#take(emptyLetter(this.own), null);
    this.phase = 'loading';
    const turn = ++this.turn;
    try {
      if (draft !== null) {
        const { kept, key } = await drafts.read(draft);
        if (turn !== this.turn) return;
        const { letter, leftOut } = fromDraft(kept, this.own);
        this.#take(this.#allowed(letter), key);
        this.leftOut = leftOut;
      } else {
        const message = await unwrap(api.GET('/api/v1/messages/{id}/draft', { params: { path: { id: from ?? '' } } }));
        if (turn !== this.turn) return;
        this.#take(letterOf(message, this.#senderOf(message.from ?? '')), null);
        this.note = noteOf(message.html ?? '');
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn !== this.turn) return;
      this.error = error;
      this.phase = 'failed';
    }
  }

  /** Puts a letter that was kept aside back into the form. */
  bringBack(kept: Kept): void {
    keptLetter.drop();
    this.#take(kept.letter, kept.draft);
    this.attempt = kept.attempt;
    this.leftOut = kept.leftOut;
    this.#saved = '';
    this.note = NOTES[kept.why];
    this.touched();
  }

  change(part: Partial<Letter>): void {
    this.letter = { ...this.letter, ...part };
    this.touched();
  }

  /** What the editor holds. Its first reading of HTML changes nothing that a person wrote. */
  body(doc: DocNode): void {
    const [first, clean] = [this.letter.html !== null, !this.dirty];
    this.letter = { ...this.letter, doc, html: null };
    if (first && clean) this.#saved = this.mark;
    else this.touched();
  }

  /** Keeps the draft once nothing was typed for a moment. */
  touched(): void {
    if (this.#ended || this.saving === 'conflict') return;
    clearTimeout(this.#timer);
    const megabytes = this.letter.files.reduce((sum, file) => sum + file.bytes, 0) / 1_000_000;
    this.#timer = setTimeout(() => void this.save(), Math.min(IDLE_MS_MAX, IDLE_MS + megabytes * IDLE_MS_PER_MEGABYTE));
  }

  /** Keeps the draft now. True once there is nothing left that is not kept. */
  save(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#running ??= this.#save().finally(() => (this.#running = null));
    return this.#running;
  }

  /** After a conflict: goes on with one's own words over the other's, or with the other's. */
  async settle(choice: 'mine' | 'theirs'): Promise<void> {
    const other = this.conflict;
    if (!other) return;
    this.conflict = null;
    this.saving = 'none';
    this.draft = other.key;
    if (choice === 'mine') await this.save();
    else this.#take(this.#allowed(other.letter), other.key);
  }

  /** The letter is sent or thrown away: nothing of it is kept, and an empty form takes its place. */
  clear(): void {
    this.#done.add(this.turn);
    this.#take(emptyLetter(this.own), null);
    keptLetter.drop();
  }

  /** The page is left: what is not saved is kept in this browser, and sent to the server once more. */
  end(search: string): void {
    clearTimeout(this.#timer);
    this.putAside(search);
    this.#ended = true;
  }

  /** Keeps what is not saved in this browser. */
  putAside(search: string): void {
    if (this.#ended || this.phase !== 'ready' || !this.dirty || this.empty) return;
    keptLetter.keep({ person: this.person, letter: this.letter, draft: this.draft, attempt: this.attempt, search, why: 'unsaved', leftOut: this.leftOut });
  }

  #take(letter: Letter, draft: DraftKey | null): void {
    clearTimeout(this.#timer);
    this.letter = letter;
    this.draft = draft;
    this.attempt = null;
    this.conflict = null;
    this.note = null;
    this.leftOut = [];
    this.saving = draft ? 'saved' : 'none';
    this.savedAt = null;
    this.saveError = null;
    this.#saved = this.mark;
    this.phase = 'ready';
    this.turn += 1;
  }

  async #save(): Promise<boolean> {
    while (this.dirty && !this.#ended) {
      if (this.saving === 'conflict') return false;
      const [letter, mark, turn] = [this.letter, this.mark, this.turn];
      this.saving = 'saving';
      try {
        const partly = await this.#write(letter, turn);
        if (turn !== this.turn) return true;
        this.#saved = mark;
        this.savedAt = new Date();
        this.saveError = null;
        this.saving = partly ? 'partly' : 'saved';
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (turn !== this.turn) return true;
        return this.#notSaved(error);
      }
    }
    return true;
  }

  /** True where the files had to be left out. */
  async #write(letter: Letter, turn: number, files: 'with_files' | 'without_files' = 'with_files'): Promise<boolean> {
    try {
      const key = await drafts.write(draftOf(letter, files), this.draft);
      if (turn === this.turn) this.draft = key;
      else if (this.#done.has(turn)) await drafts.remove(key.id);
      return files === 'without_files';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 413 && files === 'with_files' && letter.files.length > 0) return this.#write(letter, turn, 'without_files');
      // It was deleted in another window: what is written here is kept as a new one.
      if (error.status !== 404 || this.draft === null) throw error;
      this.draft = null;
      return this.#write(letter, turn, files);
    }
  }

  async #notSaved(error: ApiError): Promise<false> {
    this.saving = 'failed';
    this.saveError = error;
    if (error.status === 412 && this.draft) await this.#differ(this.draft.id);
    else if (error.status !== 401) this.#timer = setTimeout(() => void this.save(), AGAIN_MS);
    return false;
  }

  async #differ(id: string): Promise<void> {
    try {
      const { kept, key } = await drafts.read(id);
      this.conflict = { letter: fromDraft(kept, this.own).letter, key };
      this.saving = 'conflict';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.saveError = error;
      this.#timer = setTimeout(() => void this.save(), AGAIN_MS);
    }
  }

  /** The person that a message came from, if one may send as them; else oneself. */
  #senderOf(from: string): string {
    return this.senders.find(({ address }) => from.toLowerCase().includes(address.toLowerCase()))?.address ?? this.own;
  }

  #allowed(letter: Letter): Letter {
    return this.senders.some(({ address }) => address === letter.from) ? letter : { ...letter, from: this.own };
  }
}

const NOTES: Record<Kept['why'], string> = {
  unsaved: 'What was not saved has been brought back.',
  undone: 'The e-mail was taken back. Nothing was sent.',
  restored: 'The e-mail is back.',
};

/** Says what a copy cannot keep. */
function noteOf(html: string): string | null {
  if (!/<(table|img|style|center|font)\b/i.test(html)) return null;
  return 'This is a copy to edit. Its words, lists and links are kept; its pictures and page layout are not.';
}
