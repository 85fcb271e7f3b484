// Builds the page once for all tests, as `npm run playground` builds it.
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

export const home = fileURLToPath(new URL('../..', import.meta.url))
export const site = `${home}dist/test-site`

export async function setup(): Promise<void> {
  await build({ root: home, configFile: `${home}vite.config.ts`, logLevel: 'error', build: { outDir: site } })
}
