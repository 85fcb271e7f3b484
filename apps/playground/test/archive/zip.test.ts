import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/archive/crc32.ts'
import { readZip } from '../../src/archive/read-zip.ts'
import { writeZip } from '../../src/archive/write-zip.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const files = { 'config.json': bytes('{"a":1}'), 'model.safetensors': Uint8Array.from({ length: 5001 }, (_, i) => i * 31), 'text.txt': bytes('알에서'), empty: new Uint8Array(0) }

describe('crc32', () => {
  test('of 123456789 is cbf43926', () => expect(crc32(bytes('123456789'))).toBe(0xcbf43926))
  test('of nothing is 0', () => expect(crc32(new Uint8Array(0))).toBe(0))
})

describe('zip', () => {
  test('gives back what was written', async () => expect(await readZip(writeZip(files))).toEqual(files))

  test('folders before a name are dropped', async () => {
    expect(Object.keys(await readZip(writeZip({ 'run/config.json': bytes('x'), '../../evil.txt': bytes('y') })))).toEqual(['config.json', 'evil.txt'])
  })

  test('a name like __proto__ is a file like any other', async () => {
    const read = await readZip(writeZip(Object.fromEntries([['__proto__', bytes('x')]])))
    expect(Object.keys(read)).toEqual(['__proto__'])
  })

  test('Python opens it and finds it whole', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ab-ovo-')), 'run.zip')
    writeFileSync(path, writeZip(files))
    const program = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(",".join(z.namelist()), z.read("text.txt").decode())'
    const answer = tryPython([program, path])
    if (answer !== null) expect(answer.trim()).toBe('config.json,model.safetensors,text.txt,empty 알에서')
  })

  test('deflated files are read', async () => {
    const text = bytes('again and again '.repeat(200))
    const packed = deflateRawSync(text)
    const archive = writeZip({ 'text.txt': new Uint8Array(packed) })
    // the same archive, told that its file is deflated
    const view = new DataView(archive.buffer)
    const directory = 30 + 8 + packed.length
    view.setUint16(directory + 10, 8, true)
    view.setUint32(directory + 16, crc32(text), true)
    view.setUint32(directory + 24, text.length, true)
    expect((await readZip(archive))['text.txt']).toEqual(text)
  })

  test.each([
    ['nothing', new Uint8Array(0), /must be a ZIP archive/],
    ['half of it', writeZip(files).subarray(0, 3000), /must be a ZIP archive/],
    ['one changed byte', changed(writeZip(files), 200), /model.safetensors must match its checksum/],
  ])('refuses %s', async (_, archive, reason) => expect(readZip(archive)).rejects.toThrow(reason))

  test('refuses more bytes than asked for before unpacking any', async () => expect(readZip(writeZip(files), { mostBytes: 100 })).rejects.toThrow(/at most 100 bytes/))
})

function changed(archive: Uint8Array, at: number): Uint8Array {
  archive[at] ^= 1
  return archive
}

function tryPython([program, path]: [string, string]): string | null {
  try {
    return execFileSync('python3', ['-c', program, path], { encoding: 'utf8', env: { ...process.env, PYTHONIOENCODING: 'utf-8' } })
  } catch (error) {
    // no Python here: the other tests stand
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
