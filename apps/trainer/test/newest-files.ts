// The bytes of a run's newest checkpoint, to compare runs by.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** In base64, by file name. */
export function newestFiles(run: string): Record<string, string> {
  const folder = join(run, 'checkpoints', readdirSync(join(run, 'checkpoints')).filter(name => name.startsWith('step-')).sort().at(-1)!)
  return Object.fromEntries(readdirSync(folder).map(name => [name, readFileSync(join(folder, name)).toString('base64')]))
}
