import { defineConfig } from '@playwright/test';

/** Debian's Chromium without a screen (half the time of the whole one), as root and without a network of its own. */
const chromium = {
  browserName: 'chromium' as const,
  launchOptions: {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium-headless-shell',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  },
};

export default defineConfig({
  testDir: 'tests/browser',
  fullyParallel: false,
  workers: 2,
  // On a shared machine a renderer may stand still for seconds; what needed a second try is listed as flaky.
  retries: process.env.CI ? 2 : 0,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: { ...chromium, viewport: { width: 1280, height: 800 }, timezoneId: 'Europe/Berlin', locale: 'en-GB' },
  projects: [
    // The built UI over the mock: scale and looks.
    { name: 'mock', testMatch: 'mock/*.spec.ts' },
    // The built UI inside the real server: what counts.
    { name: 'server', testMatch: 'server/*.spec.ts' },
    // `npm run shots`: pictures of the main pages.
    { name: 'shots', testMatch: 'shots*.ts' },
  ],
});
