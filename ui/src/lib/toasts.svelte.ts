/** Short reports at the foot of the page. Bad news stays until it is dismissed. */

export type Toast = {
  id: number;
  text: string;
  details: string[];
  tone: 'good' | 'bad' | 'plain';
  /** One thing that can be done about it: "Undo", "Show". */
  action: { label: string; run: () => void } | null;
  /** Where it leads. */
  link: { label: string; href: string } | null;
  /** Seconds until it goes by itself; null for what stays. */
  left: number | null;
};

export type NewToast = { text: string; tone: Toast['tone']; details?: string[]; action?: Toast['action']; link?: Toast['link'] };

const STAYS_S = 6;
const STAYS_WITH_ACTION_S = 10;
const TICK_MS = 1_000;

class Toasts {
  list = $state<Toast[]>([]);
  /** While a pointer or the focus is on the toasts, none of them goes. */
  kept = $state(false);
  #next = 1;
  #gone = new Map<number, () => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Shows a report; `gone` is called once it goes, however it does. Returns its id. */
  show(toast: NewToast, stays: number | null = this.#stays(toast), gone?: () => void): number {
    const id = this.#next++;
    this.list.push({ details: [], action: null, link: null, ...toast, id, left: stays });
    if (gone) this.#gone.set(id, gone);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    return id;
  }

  /** Tells of something that happens only in a few seconds, unless it is taken back. True if it is to happen. */
  undoable(text: string, seconds: number): Promise<boolean> {
    return new Promise((settle) => {
      let stays = true;
      const undo = (): void => {
        stays = false;
        this.dismiss(id);
      };
      const id = this.show({ text, tone: 'plain', action: { label: 'Undo', run: undo } }, seconds, () => settle(stays));
    });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
    const gone = this.#gone.get(id);
    this.#gone.delete(id);
    gone?.();
  }

  /** What waits for its undo to run out happens now: the page is left. */
  flush(): void {
    for (const id of [...this.#gone.keys()]) this.dismiss(id);
  }

  #stays(toast: NewToast): number | null {
    if (toast.tone === 'bad') return null;
    return toast.action || toast.link ? STAYS_WITH_ACTION_S : STAYS_S;
  }

  #tick(): void {
    if (!this.kept) {
      for (const toast of this.list) if (toast.left !== null) toast.left -= 1;
      for (const toast of this.list.filter((one) => one.left !== null && one.left <= 0)) this.dismiss(toast.id);
    }
    if (this.list.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.kept = false;
  }
}

export const toasts = new Toasts();
