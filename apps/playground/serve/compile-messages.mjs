// Compiles messages/*.json with paraglide into dist/messages, if they have changed since: several tasks may ask for it at once.
import { compile } from '@inlang/paraglide-js'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(home, 'dist', 'messages.stamp')
const hash = createHash('sha256')
for (const name of readdirSync(join(home, 'messages')).sort()) hash.update(readFileSync(join(home, 'messages', name)))
hash.update(readFileSync(join(home, 'project.inlang', 'settings.json')))
const state = hash.digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== state) {
  // the page sets its language itself: no cookies, no addresses
  await compile({ project: join(home, 'project.inlang'), outdir: join(home, 'dist', 'messages'), strategy: ['globalVariable', 'baseLocale'] })
  mkdirSync(join(home, 'dist'), { recursive: true })
  writeFileSync(stamp, state)
}
