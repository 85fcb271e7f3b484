// Files as one ZIP archive, stored without compression: weights do not compress, and every system can open it. No ZIP64.
import { ArchiveError } from './archive-error.ts'
import { crc32 } from './crc32.ts'

const UTF8 = 0x0800
const VERSION = 20
/** 1980-01-01: equal files give equal archives. */
const DATE = 0x0021

/** APPNOTE.TXT 4.3: a header and the bytes for each file, then the directory, then its end. */
export function writeZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([name, bytes]) => ({ name: new TextEncoder().encode(name), bytes, crc: crc32(bytes) }))
  const local = entries.reduce((sum, { name, bytes }) => sum + 30 + name.length + bytes.length, 0)
  const central = entries.reduce((sum, { name }) => sum + 46 + name.length, 0)
  if (local + central + 22 > 0xffff_ffff) throw new ArchiveError(`zip: an archive must be smaller than 4 GiB, got ${local} bytes of files`)
  const archive = new Uint8Array(local + central + 22)
  const view = new DataView(archive.buffer)
  let at = 0
  let directory = local
  for (const { name, bytes, crc } of entries) {
    const header = at
    view.setUint32(at, 0x04034b50, true)
    writeFacts(view, at + 4, { crc, size: bytes.length, nameLength: name.length })
    archive.set(name, at + 30)
    archive.set(bytes, at + 30 + name.length)
    at += 30 + name.length + bytes.length
    view.setUint32(directory, 0x02014b50, true)
    view.setUint16(directory + 4, VERSION, true)
    writeFacts(view, directory + 6, { crc, size: bytes.length, nameLength: name.length })
    view.setUint32(directory + 42, header, true)
    archive.set(name, directory + 46)
    directory += 46 + name.length
  }
  view.setUint32(directory, 0x06054b50, true)
  view.setUint16(directory + 8, entries.length, true)
  view.setUint16(directory + 10, entries.length, true)
  view.setUint32(directory + 12, central, true)
  view.setUint32(directory + 16, local, true)
  return archive
}

/** The part that a file's header and its line in the directory have in common. */
function writeFacts(view: DataView, at: number, { crc, size, nameLength }: { crc: number; size: number; nameLength: number }): void {
  view.setUint16(at, VERSION, true)
  view.setUint16(at + 2, UTF8, true)
  view.setUint16(at + 8, DATE, true)
  view.setUint32(at + 10, crc, true)
  view.setUint32(at + 14, size, true)
  view.setUint32(at + 18, size, true)
  view.setUint16(at + 22, nameLength, true)
}
