import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { mockApi } from './tests/mock/plugin.ts';

/** Where `npm run dev` finds the API: a running server, or the mock with `MOCK=1`. */
const backend = process.env['POSTROOM_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte(), process.env['MOCK'] ? mockApi() : []],
  server: { proxy: process.env['MOCK'] ? {} : { '/api': { target: backend } } },
  build: {
    target: 'es2022',
    // Everything is a file of its own: the server's Content-Security-Policy has no data: for scripts and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  test: { include: ['tests/unit/**/*.test.ts'], environment: 'node', testTimeout: 30_000 },
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
});
