/** Short reports at the foot of the page. Bad news stays until it is dismissed. */

export type Toast = { id: number; text: string; details: string[]; tone: 'good' | 'bad' | 'plain' };

const GOOD_NEWS_STAYS_MS = 6_000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(toast: Omit<Toast, 'id' | 'details'> & { details?: string[] }): void {
    const id = this.#next++;
    this.list.push({ details: [], ...toast, id });
    if (toast.tone !== 'bad') setTimeout(() => this.dismiss(id), GOOD_NEWS_STAYS_MS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
