import { describe, expect, test } from 'vitest'
import { LEAST_CHARACTERS, MOST_BYTES } from '../../src/text/limits.ts'
import { acceptText, readFile, RefusedText } from '../../src/text/read-text.ts'

const file = (content: BlobPart, name = 'a.txt'): File => new File([content], name)
const reasonOf = (read: () => unknown): unknown => Promise.resolve().then(read).then(() => 'accepted', error => (error instanceof RefusedText ? error.refusal.reason : error))
const long = 'a line of text\n'.repeat(60)

describe('a text', () => {
  test('of nothing but spaces is empty', async () => expect(await reasonOf(() => acceptText(' \n\t', { name: '' }))).toBe('empty'))
  test('of a few words is short', async () => expect(await reasonOf(() => acceptText('hello', { name: '' }))).toBe('short'))
  test('is measured in characters, not UTF-16 units', () => expect(acceptText('🥚'.repeat(LEAST_CHARACTERS), { name: '' }).characters).toBe(LEAST_CHARACTERS))
  test('with zero bytes is binary', async () => expect(await reasonOf(() => acceptText(`${long}\u0000`, { name: '' }))).toBe('binary'))
  test('beyond the limit is large', async () => expect(await reasonOf(() => acceptText('x'.repeat(MOST_BYTES + 1), { name: '' }))).toBe('large'))
  test('keeps its excerpt whole at words', () => expect(acceptText('word '.repeat(500), { name: '' }).excerpt.endsWith('word')).toBe(true))
})

describe('a file', () => {
  test('in UTF-8 is read, its mark left out', async () => expect((await readFile(file(`\ufeff${long}`), { head: false })).text).toBe(long))
  test('in UTF-16 is read by its mark', async () => {
    const units = Uint16Array.from(`\ufeff${long}`, unit => unit.charCodeAt(0))
    expect(await readFile(file(units), { head: false })).toMatchObject({ encoding: 'utf-16le', text: long })
  })
  test('of random bytes is binary', async () => expect(await reasonOf(() => readFile(file(Uint8Array.from({ length: 4000 }, (_, i) => 1 + ((i * 7919) % 255))), { head: false }))).toBe('binary'))
  test('that is large and binary is binary first of all', async () => expect(await reasonOf(() => readFile(file(new Uint8Array(MOST_BYTES + 1)), { head: false }))).toBe('binary'))
  test('that is large is cut at a line if its head is wanted, even through a character', async () => {
    const line = `${'알'.repeat(50)}\n`
    const { text, cut } = await readFile(file(line.repeat(Math.ceil((MOST_BYTES + 100) / 151))), { head: true })
    expect(cut).toBe(true)
    expect(text.length % line.length).toBe(0)
  })
})
