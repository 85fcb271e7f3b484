import { RandomStream } from '@abovo/tensor-webgpu'
import { expect, test } from 'vitest'
import { invalidUtf8At } from '../../src/text/invalid-utf8.ts'

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

test('the first invalid byte is where TextDecoder begins to fail', () => {
  const random = new RandomStream(7)
  const pieces = [[0x41], [0xc3, 0xa9], [0xea, 0xb0, 0x80], [0xf0, 0x9f, 0x98, 0x80], [0xc0], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff], [0x80], [0xe2, 0x82]]
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(Array.from({ length: 6 }, () => pieces[random.integer(pieces.length)]).flat())
    const at = invalidUtf8At(bytes)
    expect(at === -1).toBe(isUtf8(bytes))
    if (at >= 0) expect(isUtf8(bytes.subarray(0, at))).toBe(true)
  }
})
