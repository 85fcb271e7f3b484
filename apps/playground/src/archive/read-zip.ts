// The files of a ZIP archive: stored or deflated, checked against their checksums. Names are only names here, never paths, and the directory's sizes
// are held to: nothing is unpacked beyond them.
import { ArchiveError } from './archive-error.ts'
import { crc32 } from './crc32.ts'

export interface ReadZipOptions {
  /** All files together, unpacked. */
  mostBytes?: number
  mostFiles?: number
}

interface Entry {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly header: number
}

/** Files by name without the folders before it. @throws ArchiveError naming what is wrong with which file. */
export async function readZip(archive: Uint8Array, { mostBytes = 2 ** 30, mostFiles = 1000 }: ReadZipOptions = {}): Promise<Record<string, Uint8Array>> {
  const entries = directoryOf(archive, mostFiles)
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  if (total > mostBytes) throw new ArchiveError(`zip: the files must have at most ${mostBytes} bytes, got ${total}`)
  const files = new Map<string, Uint8Array>()
  for (const entry of entries) {
    if (entry.name.endsWith('/')) continue
    const name = entry.name.slice(entry.name.lastIndexOf('/') + 1)
    if (files.has(name)) throw new ArchiveError(`zip: file names must differ, got two ${name}`)
    files.set(name, await bytesOf(archive, entry))
  }
  return Object.fromEntries(files)
}

function directoryOf(archive: Uint8Array, mostFiles: number): Entry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength)
  const end = endOfDirectory(view)
  const count = view.getUint16(end + 10, true)
  if (count > mostFiles) throw new ArchiveError(`zip: there must be at most ${mostFiles} files, got ${count}`)
  let at = view.getUint32(end + 16, true)
  return Array.from({ length: count }, () => {
    if (at + 46 > archive.length || view.getUint32(at, true) !== 0x02014b50) throw new ArchiveError(`zip: the directory must list ${count} files, got something else at ${at}; is the file complete?`)
    const nameLength = view.getUint16(at + 28, true)
    const entry = {
      name: new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength)),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      header: view.getUint32(at + 42, true),
    }
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    return entry
  })
}

function endOfDirectory(view: DataView): number {
  // behind it there is at most a comment
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at--) if (view.getUint32(at, true) === 0x06054b50) return at
  throw new ArchiveError('zip: the file must be a ZIP archive, got something else or only a part of one')
}

async function bytesOf(archive: Uint8Array, { name, method, crc, packed, size, header }: Entry): Promise<Uint8Array> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength)
  if (header + 30 > archive.length || view.getUint32(header, true) !== 0x04034b50) throw new ArchiveError(`zip: ${name} must begin where the directory says, got something else at ${header}`)
  const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true)
  if (start + packed > archive.length) throw new ArchiveError(`zip: ${name} must lie inside the archive, got an end at ${start + packed} of ${archive.length}`)
  const stored = archive.subarray(start, start + packed)
  if (method !== 0 && method !== 8) throw new ArchiveError(`zip: ${name} must be stored or deflated, got method ${method}`)
  const bytes = method === 0 ? stored : await inflate(name, stored, size)
  if (bytes.length !== size || crc32(bytes) !== crc) throw new ArchiveError(`zip: ${name} must match its checksum, got other bytes; the file is damaged`)
  return bytes
}

async function inflate(name: string, stored: Uint8Array, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let at = 0
  const stream = new Blob([Uint8Array.from(stored)]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  const reader = stream.getReader()
  for (let turn = await reader.read(); !turn.done; turn = await reader.read()) {
    const chunk: Uint8Array = turn.value
    if (at + chunk.length > size) throw new ArchiveError(`zip: ${name} must unpack to ${size} bytes, got more`)
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
