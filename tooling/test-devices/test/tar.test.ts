import { expect, test } from 'vitest'
import { tarFiles } from '../src/tar.ts'

function archiveOf(name: string, content: string, size = content.length): Uint8Array {
  const bytes = new Uint8Array(512 * 4)
  const put = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at)
  put(0, name)
  put(124, size.toString(8).padStart(11, '0'))
  put(156, '0')
  put(512, content)
  return bytes
}

test('a file is read back with its name', () => {
  const [file] = [...tarFiles(archiveOf('./hello.txt', 'hello'))]
  expect(file?.name).toBe('hello.txt')
  expect(new TextDecoder().decode(file?.bytes)).toBe('hello')
})

test('a size beyond the archive is refused', () => {
  expect(() => [...tarFiles(archiveOf('big', '', 1_000_000))]).toThrow('entry big must lie inside the archive')
})
