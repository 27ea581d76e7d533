/** The mock behind the built UI, one per test file. */
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { startMock } from '../../mock/server';

export type Started = Awaited<ReturnType<typeof startMock>>;

export function start(rows = 1_000_000): Promise<Started> {
  return startMock({ rows, dist: join(import.meta.dirname, '../../../dist') });
}

/** Signs in by the form and waits for the list. */
export async function signIn(page: Page, url: string, login = 'case', path = '/queue'): Promise<void> {
  await page.goto(url + path);
  await page.getByLabel('Sign-in name').fill(login);
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Sign in' }).click();
  if (path.startsWith('/queue') && !/\/queue\/./.test(path)) await page.locator('[role=row][data-id]').first().waitFor();
}

/** Opens a page as somebody who is signed in already. */
export async function openAs(page: Page, url: string, login: string, path: string): Promise<void> {
  await page.context().addCookies([{ name: 'mock', value: login, url }]);
  await page.goto(url + path);
}
