import { describe, expect, test } from 'vitest'
import { openSafetensors, readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.js'
import type { HostTensor } from '../../src/host-tensor.js'
import { CheckpointError } from '../../src/errors.js'
import { goldenBytes } from '../golden.js'

/** A file with the given header text (or bytes) and body length. */
function file(header: string | Uint8Array, body = 0, declared?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + text.length + body)
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}
const info = (shape: string, begin: number | string, end: number | string, dtype = 'F32'): string => `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`

function refusal(bytes: Uint8Array): CheckpointError {
  try {
    readSafetensors(bytes, { where: 'a.safetensors' })
  } catch (error) {
    if (error instanceof CheckpointError) return error
    throw error
  }
  throw new Error('the file was accepted')
}

describe('reading a bad file', () => {
  const overlapping = (count: number, bytes: number): string => `{${Array.from({ length: count }, (_, i) => `"t${i}":${info('2,2', 0, bytes)}`).join()}}`
  test.each<[string, Uint8Array, string, string | null]>([
    ['that is empty', new Uint8Array(0), 'header-too-small', null],
    ['of 7 bytes', new Uint8Array(7), 'header-too-small', null],
    ['of 8 bytes that announce a header', file('', 0, 5n), 'invalid-header-length', null],
    ['whose header would be 2^40 bytes', file('{}', 1000, 2n ** 40n), 'header-too-large', null],
    ['whose header would be 2^63 bytes', file('{}', 0, 2n ** 63n), 'header-too-large', null],
    ['that begins with <, as the reference test has it', Uint8Array.of(0x3c, 0, 0, 0, 0, 0xff, 0xff, 0xff), 'header-too-large', null],
    ['whose header is longer than the file', file('{}', 0, 100n), 'invalid-header-length', null],
    ['whose header is not UTF-8', file(Uint8Array.of(0xff)), 'invalid-header', null],
    ['whose header is { only', file('{'), 'json', null],
    ['whose header is a list', file('[]'), 'invalid-header', null],
    ['whose header ends in something else', file('{}x'), 'json', null],
    ['with ten tensors on one range', file(overlapping(10, 16), 16), 'invalid-offset', 't1'],
    ['with 100 thousand overlapping tensors', file(overlapping(100_000, 160_000), 160_000), 'invalid-info', 't0'],
    ['with a hole', file(`{"a":${info('1', 0, 4)},"b":${info('1', 8, 12)}}`, 12), 'invalid-offset', 'b'],
    ['whose first tensor does not begin at 0', file(`{"a":${info('1', 4, 8)}}`, 8), 'invalid-offset', 'a'],
    ['with an end before its beginning', file(`{"a":${info('0', 0, 0)},"b":${info('1', 0, -4)}}`, 0), 'invalid-tensor', 'b'],
    ['with 4 bytes for four i32', file(`{"a":${info('2,2', 0, 4, 'I32')}}`, 4), 'invalid-info', 'a'],
    ['with extra bytes', file(`{"a":${info('1', 0, 4)}}`, 6), 'incomplete-buffer', 'a'],
    ['with 2 bytes missing', file(`{"a":${info('1', 0, 4)}}`, 2), 'incomplete-buffer', 'a'],
    ['of a shape of 2^64 − 2', file(`{"a":${info('18446744073709551614', 0, 16)}}`, 16), 'invalid-tensor', 'a'],
    ['of shapes whose product overflows', file(`{"a":${info('4503599627370496,4503599627370496', 0, 16)}}`, 16), 'overflow', 'a'],
    ['with an offset that float64 cannot hold', file(`{"a":${info('1', 0, '9007199254740993')}}`, 4), 'invalid-tensor', 'a'],
    ['with a negative size', file(`{"a":${info('-1', 0, 4)}}`, 4), 'invalid-tensor', 'a'],
    ['with half a size', file(`{"a":${info('1.5', 0, 4)}}`, 4), 'invalid-tensor', 'a'],
    ['with a type nobody knows', file(`{"a":${info('1', 0, 4, 'F33')}}`, 4), 'invalid-tensor', 'a'],
    ['with a type of Object.prototype', file(`{"a":${info('1', 0, 4, 'toString')}}`, 4), 'invalid-tensor', 'a'],
    ['with three 4-bit numbers', file(`{"a":${info('3', 0, 2, 'F4')}}`, 2), 'misaligned', 'a'],
    ['with another field', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4), 'invalid-tensor', 'a'],
    ['with one tensor twice', file(`{"a":${info('1', 0, 4)},"a":${info('1', 4, 8)}}`, 8), 'duplicate-key', null],
    ['with a tensor twice, once escaped', file(`{"a":${info('1', 0, 4)},"\\u0061":${info('1', 4, 8)}}`, 8), 'duplicate-key', null],
    ['with a tensor named __proto__', file(`{"__proto__":${info('1', 0, 4)}}`, 4), 'forbidden-key', null],
    ['with NUL in a name', file(`{"a\\u0000b":${info('1', 0, 4)}}`, 4), 'forbidden-key', null],
    ['with metadata that is no string', file('{"__metadata__":{"a":1}}'), 'invalid-metadata', null],
    ['nested too deep', file(`{"a":${'['.repeat(100)}`), 'json', null],
  ])('%s says what is wrong and where', (_, bytes, code, tensor) => {
    const error = refusal(bytes)
    expect(error.code).toBe(code)
    expect(error.tensor).toBe(tensor)
    expect(error.message).toContain('a.safetensors')
    if (tensor !== null) expect(error.message).toContain(`'${tensor}'`)
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false)
  })

  test('64-bit integers that do not fit are refused by name', () => {
    const bytes = file(`{"n":${info('1', 0, 8, 'I64')}}`, 8)
    bytes[bytes.length - 1] = 1
    expect(refusal(bytes)).toMatchObject({ code: 'value-range', tensor: 'n' })
  })
})

describe('reading a good file', () => {
  test('accepts scalars, empty tensors, NaN, and white space around the header', () => {
    const bytes = file(`  {"s":${info('', 0, 4)},"e":${info('0,3', 4, 4)},"__metadata__":{"k":"v"}}  `, 4)
    bytes.fill(0xff, bytes.length - 4)
    const { tensors, metadata } = openSafetensors(bytes)
    expect([...tensors.keys()]).toEqual(['s', 'e'])
    expect(metadata.get('k')).toBe('v')
    expect(readSafetensors(bytes).get('s')!.data[0]).toBeNaN()
  })

  test('widens half precision and bfloat16 exactly', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000)   // 1, −2, 2^−24, ∞, −0
    const brains = Uint16Array.of(0x3f80, 0xc000)                            // 1, −2
    const bytes = file(`{"b":${info('2', 10, 14, 'BF16')},"h":${info('5', 0, 10, 'F16')}}`, 14)
    bytes.set(new Uint8Array(halves.buffer), bytes.length - 14)
    bytes.set(new Uint8Array(brains.buffer), bytes.length - 4)
    const state = readSafetensors(bytes)
    expect([...state.get('h')!.data]).toEqual([1, -2, 2 ** -24, Infinity, -0])
    expect([...state.get('b')!.data]).toEqual([1, -2])
  })
})

describe('writing', () => {
  test.each(['gpt2', 'bert'])('gives the bytes that transformers wrote for %s', family => {
    const bytes = goldenBytes(family, 'model.safetensors')
    const { metadata } = openSafetensors(bytes)
    const written = writeSafetensors(readSafetensors(bytes), { metadata: Object.fromEntries(metadata) })
    expect(Buffer.from(written).equals(bytes)).toBe(true)
  })

  test('puts wide types first, then names in the order of their bytes, and aligns the data', () => {
    const one = { shape: [1], data: Float32Array.of(1) }
    const bytes = writeSafetensors(new Map<string, HostTensor>([['b', one], ['\u{1f600}', one], ['\uff5e', one], ['a', { shape: [1], data: Uint8Array.of(1) }], ['z', { shape: [], data: Float64Array.of(2) }]]))
    expect([...openSafetensors(bytes).tensors.keys()]).toEqual(['z', 'b', '\uff5e', '\u{1f600}', 'a'])
    const length = new DataView(bytes.buffer).getUint32(0, true)
    expect(length % 8).toBe(0)
    expect(bytes[8]).toBe('{'.charCodeAt(0))
    expect(readSafetensors(bytes).get('z')!.data).toEqual(Float64Array.of(2))
  })

  test('refuses what readers would refuse', () => {
    expect(() => writeSafetensors(new Map([['a', { shape: [2], data: Float32Array.of(1) }]]))).toThrow(/'a' of shape \(2\) needs 2/)
    expect(() => writeSafetensors(new Map([['a\0', { shape: [1], data: Float32Array.of(1) }]]))).toThrow(CheckpointError)
    expect(() => writeSafetensors(new Map([['x'.repeat(1000), { shape: [1], data: Float32Array.of(1) }]]), { metadata: { a: 'y'.repeat(100_000_000) } })).toThrow(/at most 100000000/)
  })

  test('random contents come back, whatever their names', () => {
    let seed = 5
    const random = (n: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n
    for (let round = 0; round < 50; round++) {
      const state = new Map(Array.from({ length: random(6) }, (_, i) => {
        const shape = Array.from({ length: random(4) }, () => random(4))
        return [`${String.fromCodePoint(33 + random(0x3000))}"\\${i}`, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random(100) - 50) }]
      }))
      const again = readSafetensors(writeSafetensors(state))
      expect(again.size).toBe(state.size)
      for (const [name, value] of state) expect(again.get(name)).toEqual(value)
    }
  })

  test('no byte that is changed in the header makes the reader fail in another way than by CheckpointError', () => {
    const good = writeSafetensors(new Map([['weight', { shape: [2, 3], data: new Float32Array(6) }], ['bias', { shape: [3], data: new Float32Array(3) }]]))
    for (let at = 0; at < good.length - 36; at++)
      for (const value of [0, 0x22, 0x7b, 0x39, 0xff]) {
        const bytes = good.with(at, value)
        try {
          readSafetensors(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError)
        }
      }
  })
})
