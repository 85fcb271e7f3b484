// The workspace's packages, read from the folders that pnpm-workspace.yaml lists (needs no dependency, so it works at once).
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {{ name: string, folder: string, hasTests: boolean, manifest: Record<string, any> }} WorkspacePackage */

/**
 * @param {string} root
 * @returns {WorkspacePackage[]}
 */
export function workspacePackages(root) {
  return folderPatterns(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))
    .flatMap((pattern) => {
      if (!pattern.endsWith('/*')) return [join(root, pattern)]
      const parent = join(root, pattern.slice(0, -2))
      return existsSync(parent) ? readdirSync(parent).sort().map((name) => join(parent, name)) : []
    })
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      return { name: manifest.name, folder, hasTests: 'test' in (manifest.scripts ?? {}), manifest }
    })
}

/** @param {string} yaml the list under `packages:` */
export function folderPatterns(yaml) {
  const block = /^packages:\n((?: +- .*\n)+)/m.exec(yaml)
  return block?.[1] ? block[1].trim().split('\n').map((line) => line.replace(/^ *- */, '').trim()) : []
}
