import { describe, expect, test } from 'vitest'
import { FunctionBuilder } from '../../src/devices/wasm/emit/function-builder.js'
import { call, ModuleBuilder } from '../../src/devices/wasm/emit/module-builder.js'
import { i32 } from '../../src/devices/wasm/emit/scalar.js'
import { f32x4, v128 } from '../../src/devices/wasm/emit/simd.js'
import { signed, unsigned } from '../../src/devices/wasm/emit/value.js'

const limits = { initial: 1, maximum: 1, shared: false }

function instantiate(builder: ModuleBuilder): { readonly exports: WebAssembly.Exports; readonly memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.encode(limits)), { host: { memory } })
  return { exports, memory }
}

describe('LEB128', () => {
  test('unsigned', () => {
    expect(unsigned(0)).toEqual([0])
    expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26])
    expect(unsigned(2 ** 32 - 1)).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f])
  })
  test('signed', () => {
    expect(signed(0)).toEqual([0])
    expect(signed(63)).toEqual([63])
    expect(signed(64)).toEqual([0xc0, 0])
    expect(signed(-123456)).toEqual([0xc0, 0xbb, 0x78])
    expect(signed(-(2 ** 31))).toEqual([0x80, 0x80, 0x80, 0x80, 0x78])
  })
})

describe('a module', () => {
  test('sums with a loop', () => {
    const f = new FunctionBuilder(['i32', 'i32'])
    const [to, n] = [f.param('i32', 0), f.param('i32', 1)]
    const sum = f.keep(i32.const(0))
    f.while(
      () => i32.gtS(n, i32.const(0)),
      () => {
        f.set(sum, i32.add(sum, n))
        f.set(n, i32.sub(n, i32.const(1)))
      },
    )
    f.do(i32.store(to, sum))
    const builder = new ModuleBuilder()
    builder.add(f, { exported: 'sum' })
    const { exports, memory } = instantiate(builder)
    if (typeof exports.sum !== 'function') throw new Error('no export')
    for (const [n, expected] of [[0, 0], [1, 1], [100, 5050]]) {
      exports.sum(8, n)
      expect(new Int32Array(memory.buffer)[2]).toBe(expected)
    }
  })

  test('defines a function once and calls it', () => {
    const builder = new ModuleBuilder()
    const square = () => builder.define('square', ['v128'], 'v128', f => f32x4.mul(f.param('v128', 0), f.param('v128', 0)))
    expect(square().index).toBe(square().index)
    const f = new FunctionBuilder(['i32'])
    f.do(v128.store(f.param('i32', 0), call(square(), v128.load(f.param('i32', 0)))))
    builder.add(f, { exported: 'squares' })
    const { exports, memory } = instantiate(builder)
    new Float32Array(memory.buffer).set([1, 2, 3, 4])
    if (typeof exports.squares !== 'function') throw new Error('no export')
    exports.squares(0)
    expect([...new Float32Array(memory.buffer, 0, 4)]).toEqual([1, 4, 9, 16])
  })

  test('reuses the locals of a finished scope', () => {
    const f = new FunctionBuilder([])
    const first = f.scope(() => f.local('v128').index)
    expect(f.local('v128').index).toBe(first)
    expect(f.local('v128').index).not.toBe(first)
  })

  test('takes imports before functions only', () => {
    const builder = new ModuleBuilder()
    builder.add(new FunctionBuilder([]))
    expect(() => builder.import('late', [], null)).toThrow(/before functions/)
  })
})
