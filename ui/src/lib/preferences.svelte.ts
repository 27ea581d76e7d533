/** How a person likes the pages to look and to behave. Kept in this browser, for each person who signs in here. */
import { setTimeZone } from './format';

export type Theme = 'system' | 'light' | 'dark';
export type Density = 'comfortable' | 'compact';
export type Paging = 'scroll' | 'pages';

type Kept = { theme: Theme; density: Density; keys: boolean; paging: Paging; timeZone: string; rail: boolean };

const DEFAULTS: Kept = { theme: 'system', density: 'comfortable', keys: true, paging: 'scroll', timeZone: '', rail: false };

class Preferences {
  theme = $state<Theme>(DEFAULTS.theme);
  density = $state<Density>(DEFAULTS.density);
  /** Whether keys without Ctrl or Alt do anything (WCAG 2.1.4). */
  keys = $state(DEFAULTS.keys);
  /** One long list, or pages with numbers. */
  paging = $state<Paging>(DEFAULTS.paging);
  /** The zone that times are told in; empty for the browser's. */
  timeZone = $state(DEFAULTS.timeZone);
  /** The navigation shows its icons alone. */
  rail = $state(DEFAULTS.rail);
  #name = 'postroom';

  /** Takes up what this person chose before, or the defaults. */
  load(person: number | null): void {
    this.#name = person === null ? 'postroom' : `postroom.${person}`;
    this.#take({ ...DEFAULTS, ...this.#read() });
    this.#apply();
  }

  /** Changes some of them, keeps them and shows them. */
  set(change: Partial<Kept>): void {
    this.#take({ ...this.#now(), ...change });
    this.#apply();
    try {
      localStorage.setItem(this.#name, JSON.stringify(this.#now()));
    } catch {
      // A browser that keeps nothing: they hold until the page is closed.
    }
  }

  #now(): Kept {
    const { theme, density, keys, paging, timeZone, rail } = this;
    return { theme, density, keys, paging, timeZone, rail };
  }

  #take(kept: Kept): void {
    this.theme = kept.theme;
    this.density = kept.density;
    this.keys = kept.keys;
    this.paging = kept.paging;
    this.timeZone = kept.timeZone;
    this.rail = kept.rail;
  }

  #read(): Partial<Kept> {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(this.#name) ?? '{}');
      return typeof kept === 'object' && kept !== null ? kept : {};
    } catch {
      return {};
    }
  }

  #apply(): void {
    const root = document.documentElement;
    if (this.theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = this.theme;
    root.dataset['density'] = this.density;
    setTimeZone(this.timeZone);
  }
}

export const preferences = new Preferences();
