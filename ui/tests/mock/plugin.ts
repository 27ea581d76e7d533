/** Lets `MOCK=1 npm run dev` answer the API by itself. */
import type { Plugin } from 'vite';
import { Mock } from './server.ts';

export function mockApi(): Plugin {
  return {
    name: 'postroom-mock-api',
    configureServer(server) {
      const mock = new Mock(1_000_000);
      const timer = mock.flow(700);
      server.httpServer?.on('close', () => clearInterval(timer));
      server.middlewares.use((req, res, next) => {
        if (!mock.handle(req, res)) next();
      });
    },
  };
}
