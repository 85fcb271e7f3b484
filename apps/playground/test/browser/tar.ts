// Reads the plain files of a small ustar archive. No links, no long names: enough for the archive it is used on.

export interface TarFile {
  readonly name: string
  readonly bytes: Uint8Array
}

const block = 512

export function* tarFiles(archive: Uint8Array): Generator<TarFile> {
  const ascii = new TextDecoder('latin1')
  const text = (from: number, length: number) => ascii.decode(archive.subarray(from, from + length)).replace(/\0[^]*$/, '')
  let at = 0
  // a zero block ends the archive
  while (at + block <= archive.length && archive[at] !== 0) {
    const name = text(at, 100).replace(/^\.\//, '')
    const size = parseInt(text(at + 124, 12), 8)
    const kind = text(at + 156, 1)
    if (Number.isNaN(size) || at + block + size > archive.length) {
      throw new Error(`tar: entry ${name} must lie inside the archive of ${archive.length} bytes, got size ${size}`)
    }
    if (kind === '0' || kind === '') yield { name, bytes: archive.subarray(at + block, at + block + size) }
    at += block + Math.ceil(size / block) * block
  }
}
