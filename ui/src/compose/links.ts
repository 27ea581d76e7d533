/** Where links in a letter may lead. Pure. */

const SAFE = /^(https?:\/\/[^\s]+|mailto:[^\s]+|tel:[+\d() -]+)$/i;

/** Whether an address may stand in a link: the web, e-mail and telephone; never script or data. */
export function safeLink(href: unknown): href is string {
  return typeof href === 'string' && SAFE.test(href) && href.length <= 2_000;
}

/** The link that somebody means who typed this; null where it can be none. */
export function linkFrom(typed: string): string | null {
  const text = typed.trim();
  if (safeLink(text)) return text;
  if (/^[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+$/.test(text)) return `mailto:${text}`;
  const web = `https://${text}`;
  return /^[\w-]+(\.[\w-]+)+([/?#:].*)?$/.test(text) && safeLink(web) ? web : null;
}
