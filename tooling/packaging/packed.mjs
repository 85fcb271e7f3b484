// Packs every public package as npm would publish it, and installs all of them into a clean folder as a user would.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspacePackages } from '../bootstrap/workspace.mjs'

/** @param {string} root */
export function publicPackages(root) {
  return workspacePackages(root).filter(({ manifest }) => !manifest['private'])
}

/**
 * @param {string} root
 * @param {string} into an empty folder
 * @returns {Map<string, string>} name → tarball
 */
export function packAll(root, into) {
  return new Map(
    publicPackages(root).map(({ name, folder }) => {
      const place = join(into, name.replace('/', '-'))
      mkdirSync(place)
      execFileSync('pnpm', ['pack', '--pack-destination', place], { cwd: folder, stdio: 'pipe' })
      return [name, join(place, readdirSync(place)[0] ?? '')]
    }),
  )
}

/**
 * Offline: nothing but our tarballs may be needed.
 * @param {string} folder
 * @param {Iterable<string>} tarballs
 */
export function installInto(folder, tarballs) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', ...tarballs], { cwd: folder, stdio: 'pipe' })
}
