import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** The part of a browser that the router talks to: Back and Forward happen later, one after another. */
class Browser extends EventTarget {
  readonly entries: { url: URL; state: unknown }[];
  at = 0;
  readonly #asked: number[] = [];

  constructor(first: string) {
    super();
    this.entries = [{ url: new URL(first, 'http://localhost'), state: null }];
  }

  get here() {
    return this.entries[this.at] as { url: URL; state: unknown };
  }

  get address(): string {
    return this.here.url.pathname + this.here.url.search + this.here.url.hash;
  }

  readonly history = {
    pushState: (state: unknown, _: string, url: string): void => {
      this.entries.splice(this.at + 1, Infinity, { url: new URL(url, this.here.url), state });
      this.at += 1;
    },
    replaceState: (state: unknown, _: string, url?: string): void => {
      this.entries[this.at] = { url: new URL(url ?? this.here.url, this.here.url), state };
    },
    go: (by: number): void => void this.#asked.push(by),
    back: (): void => void this.#asked.push(-1),
  };

  /** What the person does with the browser's buttons. */
  press(by: number): Promise<void> {
    this.#asked.push(by);
    return this.settle();
  }

  /** A link to a part of the page, which the browser follows by itself. */
  jump(hash: string): Promise<void> {
    this.entries.splice(this.at + 1, Infinity, { url: new URL(hash, this.here.url), state: null });
    this.at += 1;
    this.dispatchEvent(new Event('popstate'));
    return this.settle();
  }

  /** Until there is nothing to do any more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await new Promise((done) => setImmediate(done));
      const by = this.#asked.shift();
      if (by === undefined) continue;
      quiet = -1;
      if (by === 0 || !this.entries[this.at + by]) continue;
      this.at += by;
      this.dispatchEvent(new Event('popstate'));
    }
  }
}

let browser: Browser;
/** Has been asked so often, and answers so. */
const question = { asked: 0, answer: (_: boolean): void => {} };
const ask = (): Promise<boolean> => {
  question.asked += 1;
  return new Promise((answer) => (question.answer = answer));
};

async function made(first = '/queue') {
  browser = new Browser(first);
  vi.stubGlobal('location', new Proxy({}, { get: (_, name: keyof URL) => browser.here.url[name] }));
  vi.stubGlobal('history', { ...browser.history, get state() { return browser.here.state; } });
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
  vi.resetModules();
  return (await import('../../src/lib/router.svelte')).router;
}

beforeEach(() => void (question.asked = 0));
afterEach(() => vi.unstubAllGlobals());

describe('Back and Forward', () => {
  it('lead through the pages when everything is saved', async () => {
    const router = await made();
    await router.go('/people?office=3');
    await browser.press(-1);
    expect(router.path).toBe('/queue');
    await browser.press(1);
    expect([router.path, router.search]).toEqual(['/people', '?office=3']);
  });

  for (const [name, by, leads] of [['Back', -1, '/queue'], ['two Back', -2, '/limits'], ['Forward', 1, '/people']] as const) {
    it(`${name}: with unsaved text, the page and its address stay while it is asked`, async () => {
      const router = await made('/limits');
      await router.go('/queue');
      await router.go('/compose');
      await router.go('/people');
      await browser.press(-1);
      router.guard(ask);
      await browser.press(by);
      expect([question.asked, browser.address, router.path]).toEqual([1, '/compose', '/compose']);
      question.answer(false);
      await browser.settle();
      expect([browser.address, router.path, browser.entries.length]).toEqual(['/compose', '/compose', 4]);
      await browser.press(by);
      question.answer(true);
      await browser.settle();
      expect([question.asked, browser.address, router.path, browser.entries.length]).toEqual([2, leads, leads, 4]);
    });
  }

  it('pressed again while it is asked ask nothing more', async () => {
    const router = await made();
    await router.go('/limits');
    await router.go('/compose');
    router.guard(ask);
    await browser.press(-1);
    await browser.press(-1);
    expect([question.asked, browser.address]).toEqual([1, '/compose']);
    question.answer(true);
    await browser.settle();
    expect(browser.address).toBe('/limits');
  });

  it('pressed twice at once are both taken back', async () => {
    const router = await made();
    await router.go('/limits');
    await router.go('/compose');
    router.guard(ask);
    void browser.press(-1);
    await browser.press(-1);
    expect([question.asked, browser.address, router.path]).toEqual([1, '/compose', '/compose']);
  });

  it('within one page lose nothing and ask nothing', async () => {
    const router = await made('/office/settings');
    router.guard(ask);
    await browser.jump('#smtp');
    expect(router.hash).toBe('#smtp');
    await browser.press(-1);
    expect([question.asked, router.hash]).toEqual([0, '']);
  });

  it('ask nothing any more once all is saved', async () => {
    const router = await made();
    await router.go('/limits');
    const saved = router.guard(ask);
    saved();
    await browser.press(-1);
    expect([question.asked, router.path]).toEqual([0, '/queue']);
  });

  it('find the page again after it was loaded anew', async () => {
    let router = await made();
    await router.go('/limits');
    await router.go('/compose');
    vi.resetModules();
    ({ router } = await import('../../src/lib/router.svelte'));
    router.guard(ask);
    await browser.press(-1);
    question.answer(true);
    await browser.settle();
    expect(router.path).toBe('/limits');
  });
});

it('an address that is rewritten while the history is led back belongs to the page that asks', async () => {
  const router = await made();
  await router.go('/compose');
  router.guard(ask);
  browser.at = 0;
  browser.dispatchEvent(new Event('popstate'));
  router.replace('/compose?draft=7');
  await browser.settle();
  expect([browser.address, router.search]).toEqual(['/compose?draft=7', '?draft=7']);
  expect(browser.entries[0]?.url.pathname).toBe('/queue');
});

it('each part of a page with unsaved text is asked about, until one stays', async () => {
  const router = await made();
  let second = 0;
  router.guard(() => true);
  router.guard(() => false);
  router.guard(() => (second += 1) > 0);
  await router.go('/limits');
  expect([router.path, second]).toEqual(['/queue', 0]);
});

it('a dialog that was closed goes back unasked', async () => {
  const router = await made('/people/users');
  await router.go('/people/users/new');
  router.guard(ask);
  router.leave('/people/users/new', '/people/users');
  await browser.settle();
  expect([question.asked, router.path]).toEqual([0, '/people/users']);
});

it('back leads to the fallback where no page of ours lies behind', async () => {
  const router = await made('/queue/01k2');
  router.back('/queue');
  await browser.settle();
  expect([router.path, browser.entries.length]).toEqual(['/queue', 2]);
  // After Back and Forward, what lies behind is still known.
  await browser.press(-1);
  await browser.press(1);
  router.back('/elsewhere');
  await browser.settle();
  expect(router.path).toBe('/queue/01k2');
});
