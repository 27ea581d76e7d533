/** What the specs of Compose share: the parts of the form, and writing a short letter. */
import type { Locator, Page } from '@playwright/test';
import { signIn } from './start';

export const to = (page: Page): Locator => page.getByRole('combobox', { name: 'To' });
export const letter = (page: Page): Locator => page.getByRole('textbox', { name: 'Message' });
export const send = (page: Page): Locator => page.getByRole('button', { name: 'Send', exact: true });
export const saved = (page: Page): Locator => page.getByText(/^Draft saved/);
export const undo = (page: Page): Locator => page.locator('.toast').getByRole('button', { name: /^Undo/ });

/** Opens an empty form and waits for the editor. */
export async function openForm(page: Page, url: string, login = 'case', search = ''): Promise<void> {
  await signIn(page, url, login, `/compose${search}`);
  await letter(page).waitFor();
}

export async function fill(page: Page, subject = 'Your policy'): Promise<void> {
  await to(page).fill('claims@client.example');
  await page.keyboard.press('Enter');
  await page.getByLabel('Subject').fill(subject);
  await letter(page).click();
  await page.keyboard.type('Good day');
}

/** What a browser does when something is pasted into what has the focus. */
export async function paste(page: Page, data: Record<string, string>): Promise<void> {
  await page.evaluate((kinds) => {
    const clipboardData = new DataTransfer();
    for (const [kind, text] of Object.entries(kinds)) clipboardData.setData(kind, text);
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, data);
}
