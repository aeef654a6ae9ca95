import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm start` listens by default; another server for `vite dev` is named by MILLRUN_URL. */
const SERVER = process.env['MILLRUN_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: import.meta.dirname,
  // Below node_modules, so that a clean clone stays clean.
  cacheDir: '../node_modules/.cache/vite',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // light-dark(), :has() and nesting as they stand.
    target: ['chrome125', 'firefox128', 'safari17.5'],
    // The page's policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(['/explorer', '/v1', '/noxus', '/runflow'].map((path) => [path, SERVER])) },
});
