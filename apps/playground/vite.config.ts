// How the page is built: static files that work from any folder of any host, with the worker as a chunk of its own.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'
import { samples } from './serve/samples.ts'
import { policyInPage, securityHeaders } from './serve/security-headers.ts'

export default defineConfig({
  base: './',
  resolve: { conditions: ['@abovo/source', 'module', 'browser', 'import', 'default'] },
  plugins: [svelte({ configFile: false }), samples(), policyInPage()],
  worker: { format: 'es' },
  build: { outDir: 'dist/site', emptyOutDir: true, target: 'es2022', manifest: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  // development needs inline styles and a socket: the policy of the built page would break it
  server: { host: '127.0.0.1', headers: securityHeaders({ policy: false }) },
})
