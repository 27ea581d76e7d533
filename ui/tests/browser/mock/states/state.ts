/** What a row of the table of pages and states says. */
import type { Locator, Page } from '@playwright/test';
import type { Layout } from '../../looks';
import type { Started } from '../start';

export type State = {
  /** In words: what is seen. */
  name: string;
  /** Brings it about, from the state before. */
  reach: (page: Page, server: Started) => Promise<unknown>;
  /** For what closes with Escape: what has the focus again then. */
  opener?: (page: Page) => Locator;
  /** The components, under `src/`, whose dialog or menu it shows. Each one that has any has to be shown by some state. */
  shows?: string[];
  /** Where it exists in one layout alone. */
  layout?: Layout;
};

export type Place = {
  /** Its id in `src/shell/pages.ts`; `sign_in` and `none` for what has no entry there. */
  page: string;
  name: string;
  path: string | ((server: Started) => string);
  /** Who looks at it; null for nobody yet. */
  login?: string | null;
  /** What the mock has to have before the page is opened. */
  prepare?: (server: Started) => void;
  /** What is there once the page is filled. */
  ready: (page: Page) => Locator;
  states?: State[];
};

export const dialog = (page: Page, name?: string | RegExp): Locator => page.getByRole('dialog', name === undefined ? {} : { name });
export const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name });
export const link = (page: Page, name: string | RegExp): Locator => page.getByRole('link', { name });

/** The way out of a page that stands in every layout. */
export const away = (page: Page): Locator => page.getByRole('banner').getByRole('link', { name: /^Alert Center/ });

/** A click and the wait for what it opens. */
export async function opens(from: Locator, what: Locator): Promise<void> {
  await from.click();
  await what.waitFor();
}
