// The workspace's own source files and what each imports: values, types and import() alike, as TypeScript's scanner sees them.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ts from 'typescript'
import { workspacePackages } from '../bootstrap/workspace.mjs'

/**
 * @typedef {{ path: string, package: import('../bootstrap/workspace.mjs').WorkspacePackage, text: string, imports: string[] }} SourceFile
 * `path` is relative to the root, with forward slashes
 */

const skipped = new Set(['node_modules', 'dist', '.turbo', '.abovo', 'coverage', 'runs', 'fixtures'])
const source = /\.(ts|mts|mjs|js|svelte)$/

/**
 * @param {string} root
 * @returns {SourceFile[]}
 */
export function sourceFiles(root) {
  const packages = workspacePackages(root)
  const homes = new Set(packages.map(({ folder }) => folder))
  return packages.flatMap((owner) =>
    [...walk(owner.folder, homes)].map((file) => {
      const text = readFileSync(file, 'utf8')
      return { path: slashes(relative(root, file)), package: owner, text, imports: importsOf(text) }
    }),
  )
}

/**
 * @param {string} folder
 * @param {Set<string>} homes of packages: a package inside another is walked on its own
 * @returns {Generator<string>}
 */
function* walk(folder, homes) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (skipped.has(name) || homes.has(path)) continue
    if (statSync(path).isDirectory()) yield* walk(path, homes)
    else if (source.test(name)) yield path
  }
}

/** @param {string} text */
function importsOf(text) {
  return ts.preProcessFile(text, true, false).importedFiles.map(({ fileName }) => fileName)
}

/**
 * The file that a relative import means.
 * @param {string} root
 * @param {string} from
 * @param {string} specifier
 */
export function resolveRelative(root, from, specifier) {
  const base = join(root, dirname(from), specifier)
  const stem = base.replace(/\.js$/, '')
  const candidates = [base, `${stem}.ts`, `${base}.ts`, `${base}.mjs`, join(base, 'index.ts')]
  const file = candidates.find((path) => existsSync(path) && statSync(path).isFile())
  return file && slashes(relative(root, file))
}

/** @param {string} path */
const slashes = (path) => path.split(sep).join('/')
