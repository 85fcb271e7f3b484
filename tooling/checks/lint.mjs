// `pnpm lint`: oxlint for what one file shows, and the checks of this folder for what only the whole workspace shows.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../bootstrap/set-up.mjs'
import { importCycles } from './import-cycles.mjs'
import { directionViolations } from './import-direction.mjs'
import { nameAndSizeViolations, sizeReport } from './names-and-sizes.mjs'
import { sourceFiles } from './source-files.mjs'

const oxlint = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--quiet', 'packages', 'apps', 'tooling'], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
})

const files = sourceFiles(root)
const violations = [...directionViolations(root, files), ...importCycles(root, files), ...nameAndSizeViolations(files)]
for (const violation of violations) console.error(violation)
console.log(`lint: ${sizeReport(files)}; ${violations.length} violations of structure`)
process.exit(oxlint.status === 0 && violations.length === 0 ? 0 : 1)
