// Finds import cycles between files, type imports and import() included: in a cycle no file can be understood first.
import { resolveRelative } from './source-files.mjs'

/**
 * @param {string} root
 * @param {import('./source-files.mjs').SourceFile[]} files
 * @returns {string[]} one sentence for each cycle that the search meets
 */
export function importCycles(root, files) {
  const next = new Map(files.map((file) => [file.path, file.imports.filter((s) => s.startsWith('.')).map((s) => resolveRelative(root, file.path, s))]))
  /** @type {string[]} */
  const cycles = []
  const finished = new Set()
  /** @type {string[]} */
  const road = []

  /** @param {string} path */
  const visit = (path) => {
    if (finished.has(path)) return
    const start = road.indexOf(path)
    if (start >= 0) {
      cycles.push(`${path}: imports must not go in a circle, got ${[...road.slice(start), path].join(' → ')}`)
      return
    }
    road.push(path)
    for (const target of next.get(path) ?? []) if (target) visit(target)
    road.pop()
    finished.add(path)
  }
  for (const path of next.keys()) visit(path)
  return cycles
}
