// What a checkpoint folder must hold, to the byte: size and SHA-256 of each file, in manifest.json. A folder that does not agree is not used.
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../failure.js'

export const MANIFEST = 'manifest.json'
export type Files = Readonly<Record<string, Uint8Array>>

const manifestSchema = z.object({ version: z.literal(1), files: z.record(z.string(), z.object({ bytes: z.number().int().nonnegative(), sha256: z.string() })) })

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** The files with their manifest. */
export function withManifest(files: Files): Files {
  const entries = Object.keys(files).sort().map(name => [name, { bytes: files[name].length, sha256: sha256(files[name]) }])
  const text = JSON.stringify({ version: 1, files: Object.fromEntries(entries) }, null, 2)
  return { ...files, [MANIFEST]: new TextEncoder().encode(`${text}\n`) }
}

/** A file or a whole folder that cannot be used; `message` is the reason, to be put behind a folder's name. */
export class Unusable extends Error {
  override name = 'Unusable'
}

/** Reads all files of a folder and compares them with its manifest. @throws Unusable naming the file. */
export async function readWithManifest(folder: string): Promise<Files> {
  const { files } = await readManifest(folder)
  const read: Record<string, Uint8Array> = {}
  for (const [name, expected] of Object.entries(files)) {
    if (/[\\/]|^\.\.?$/.test(name)) throw new Unusable(`${MANIFEST} must hold names without folders, got ${JSON.stringify(name)}`)
    const data = await readPart(folder, name)
    if (data.length !== expected.bytes) throw new Unusable(`${name} must have ${expected.bytes} bytes, got ${data.length}`)
    if (sha256(data) !== expected.sha256) throw new Unusable(`${name} must have the SHA-256 of ${MANIFEST}, got another: its bytes have changed`)
    read[name] = data
  }
  return read
}

export const hasManifest = (folder: string): Promise<boolean> => stat(join(folder, MANIFEST)).then(() => true, () => false)

async function readManifest(folder: string): Promise<z.infer<typeof manifestSchema>> {
  const text = new TextDecoder().decode(await readPart(folder, MANIFEST))
  try {
    return manifestSchema.parse(JSON.parse(text))
  } catch {
    throw new Unusable(`${MANIFEST} must list files with bytes and sha256, got something else`)
  }
}

async function readPart(folder: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, name))
  } catch (error) {
    throw new Unusable(`${name} must be readable, got ${codeOf(error) === 'ENOENT' ? 'no such file' : codeOf(error)}`)
  }
}
