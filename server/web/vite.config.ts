import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

import { mockService } from './dev/mock.ts';

// `npm run dev` shows made-up calls and needs no service;
// `CALMLINE=http://127.0.0.1:8080 npm run dev` shows those of a running one.
const service = process.env['CALMLINE'];

export default defineConfig(({ command }) => ({
  // The service has the pages at / and every other file below /static/.
  base: command === 'build' ? '/static/' : '/',
  plugins: [svelte(), ...(service === undefined ? [mockService()] : [])],
  server: {
    host: '127.0.0.1',
    ...(service === undefined
      ? {}
      : { proxy: { '/v1': { target: service, ws: true, changeOrigin: true } } }),
  },
  build: {
    outDir: '../static',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  // Vitest runs in Node, the store is the browser's.
  ...(process.env['VITEST'] === undefined ? {} : { resolve: { conditions: ['browser'] } }),
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
}));
