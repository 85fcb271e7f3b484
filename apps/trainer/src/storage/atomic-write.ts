// Writing so that a reader, or the next start after a crash, finds the old file or the new one whole, never a part: a temporary name in the same
// folder, fsync, rename, fsync of the folder. A plain overwrite under `kill -9` left two of three files broken.
import { existsSync } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, writeFailure } from '../failure.js'

/** Names that begin so are unfinished: nobody reads them, and they may be removed. */
export const TEMPORARY = '.tmp-'

let serial = 0
export const temporaryName = (name: string): string => `${TEMPORARY}${process.pid}-${serial++}-${name}`

export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, temporaryName('file'))
  try {
    await writeDurably(temporary, data)
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true })
    throw writeFailure(path, error)
  }
}

/** A folder that appears with all its files or not at all. Throws if `path` exists and is not empty. */
export async function writeFolderAtomic(path: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const parent = dirname(path)
  const temporary = join(parent, temporaryName('folder'))
  try {
    await makeFolder(parent)
    await mkdir(temporary)
    for (const [name, data] of Object.entries(files)) await writeDurably(join(temporary, name), data)
    await syncFolder(temporary)
    await rename(temporary, path)
    await syncFolder(parent)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw writeFailure(path, error)
  }
}

/** `mkdir -p`. Node's own `recursive` says ENOENT for a read-only file system, and never returns below /proc. */
export async function makeFolder(path: string): Promise<void> {
  const parent = dirname(path)
  if (!existsSync(parent)) await makeFolder(parent)
  try {
    await mkdir(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error
  }
}

async function writeDurably(path: string, data: Uint8Array | string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a rename last over a power cut. Some systems cannot: Windows has no such call on folders. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'].includes(codeOf(error))) throw error
  }
}
