// Attention forward and backward on both software adapters against the interpreter: every gradient, at sizes beyond one workgroup.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestWebgpuDevice, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import { attentionProgram } from '../../src/devices/webgpu/kernels/attention.js'
import { attentionBackwardPrograms } from '../../src/devices/webgpu/kernels/attention-backward.js'
import type { AttentionBackwardKernel, AttentionKernel, AttentionSizes } from '../../src/plan/kernel.js'
import { interpretKernel } from '../interpret-kernel.js'
import { access, binding, dense, expectLikeInterpreter, randoms, runProgram } from './run-kernel.js'

const sizes = (given: Partial<AttentionSizes>): AttentionSizes => {
  const all = { batch: 1, heads: 1, kvHeads: 1, queries: 8, keys: 8, headSize: 8, causal: false, ...given }
  return { scale: 1 / Math.sqrt(all.headSize), ...all }
}

type MaskKind = 'none' | 'bool' | 'float'
const maskBindings = (mask: MaskKind) => (mask === 'none' ? [] : [binding(mask === 'bool' ? 'bool' : 'f32')])
const maskAccess = (mask: MaskKind, index: number, { queries, keys }: AttentionSizes) => (mask === 'none' ? null : access(index, [queries * keys, 0, keys, 1]))

function maskData(mask: MaskKind, { batch, queries, keys }: AttentionSizes): (Float32Array | Uint8Array)[] {
  const random = randoms(batch * queries * keys, 77)
  // one row of each batch sees no key at all
  const hides = (i: number) => Math.floor(i / keys) % queries === 2 || random[i] < -0.3
  if (mask === 'bool') return [Uint8Array.from(random, (_, i) => (hides(i) ? 0 : 1))]
  return mask === 'float' ? [random.map((x, i) => (hides(i) ? -1e30 : x))] : []
}

function forward(given: AttentionSizes, mask: MaskKind): AttentionKernel {
  const { batch, heads, kvHeads, queries, keys, headSize } = given
  return {
    kind: 'attention', ...given, bindings: [binding(), binding(), binding(), binding('f32', true), binding('f32', true), ...maskBindings(mask)],
    q: access(0, dense(batch, heads, queries, headSize)), k: access(1, dense(batch, kvHeads, keys, headSize)), v: access(2, dense(batch, kvHeads, keys, headSize)),
    mask: maskAccess(mask, 5, given), lengths: null, out: access(3, dense(batch, heads, queries, headSize)), lse: access(4, dense(batch, heads, queries)),
  }
}

function memory(given: AttentionSizes, mask: MaskKind): (Float32Array | Uint8Array)[] {
  const { batch, heads, kvHeads, queries, keys, headSize } = given
  const [query, key] = [batch * heads * queries * headSize, batch * kvHeads * keys * headSize]
  return [randoms(query, 1, 3), randoms(key, 2, 3), randoms(key, 3), new Float32Array(query), new Float32Array(batch * heads * queries), ...maskData(mask, given)]
}

/** The backward kernel, and its memory with lse and delta as the interpreter's forward gives them. */
function backward(given: AttentionSizes, mask: MaskKind): { kernel: AttentionBackwardKernel; data: (Float32Array | Uint8Array)[] } {
  const { batch, heads, kvHeads, queries, keys, headSize } = given
  const before = memory(given, mask)
  const held = before.map(values => Array.from(values))
  interpretKernel(forward(given, mask), held)
  const [q, k, v] = before
  const dOut = randoms(q.length, 9)
  const delta = Float32Array.from({ length: batch * heads * queries }, (_, row) => Array.from({ length: headSize }, (_, d) => dOut[row * headSize + d] * held[3][row * headSize + d]).reduce((a, b) => a + b, 0))
  const row = dense(batch, heads, queries, headSize)
  const column = dense(batch, kvHeads, keys, headSize)
  const kernel: AttentionBackwardKernel = {
    kind: 'attentionBackward', ...given,
    bindings: [binding(), binding(), binding(), binding(), binding(), binding(), binding('f32', true), binding('f32', true), binding('f32', true), ...maskBindings(mask)],
    q: access(0, row), k: access(1, column), v: access(2, column), dOut: access(3, row), lse: access(4, dense(batch, heads, queries)), delta: access(5, dense(batch, heads, queries)),
    dq: access(6, row), dk: access(7, column), dv: access(8, column), mask: maskAccess(mask, 9, given),
  }
  return { kernel, data: [q, k, v, dOut, Float32Array.from(held[4]), delta, new Float32Array(q.length), new Float32Array(k.length), new Float32Array(v.length), ...before.slice(5)] }
}

const cases: [string, AttentionSizes, MaskKind][] = [
  ['one of everything', sizes({ queries: 1, keys: 1, headSize: 1 }), 'none'],
  ['causal beyond one workgroup', sizes({ batch: 2, heads: 3, kvHeads: 3, queries: 70, keys: 70, headSize: 32, causal: true }), 'none'],
  ['odd sizes', sizes({ heads: 2, kvHeads: 2, queries: 33, keys: 31, headSize: 5 }), 'none'],
  ['a cache: fewer queries than keys, causal', sizes({ heads: 2, kvHeads: 1, queries: 3, keys: 37, headSize: 16, causal: true }), 'none'],
  ['more queries than keys, causal', sizes({ queries: 37, keys: 5, headSize: 8, causal: true }), 'none'],
  ['grouped heads with a bool mask', sizes({ batch: 2, heads: 4, kvHeads: 2, queries: 9, keys: 17, headSize: 8 }), 'bool'],
  ['a float mask', sizes({ heads: 2, kvHeads: 2, queries: 19, keys: 18, headSize: 8, causal: true }), 'float'],
  ['a head of 256', sizes({ queries: 5, keys: 6, headSize: 256, causal: true }), 'none'],
]

describeOnAdapters('attention kernels', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  test.each(cases)('forward: %s', async (_, given, mask) => {
    await expectLikeInterpreter(device, forward(given, mask), memory(given, mask), { absolute: 2e-5 })
  })

  test.each(cases)('backward: %s', async (_, given, mask) => {
    const { kernel, data } = backward(given, mask)
    await expectLikeInterpreter(device, kernel, data, { absolute: 5e-5, relative: 5e-5 })
  })

  test.each(['direct', 'tile'] as const)('the %s staging computes the same', async staging => {
    const given = sizes({ batch: 1, heads: 2, kvHeads: 1, queries: 37, keys: 41, headSize: 12, causal: true })
    const before = memory(given, 'none')
    const expected = before.map(values => Array.from(values))
    interpretKernel(forward(given, 'none'), expected)
    const program = attentionProgram(forward(given, 'none'), device.traits, { group: 16, staging })
    if (program === null) return expect.fail('a program must come out')
    const got = await runProgram(device, program, before)
    got.forEach((values, slot) => values.forEach((value, j) => expect(Math.abs(value - expected[program.bindings[slot]][j])).toBeLessThan(2e-5)))
    const { kernel, data } = backward(given, 'none')
    const gradients = data.map(values => Array.from(values))
    interpretKernel(kernel, gradients)
    for (const part of attentionBackwardPrograms(kernel, device.traits, { group: 16, staging })) {
      const after = await runProgram(device, part, data)
      for (const i of part.bindings.filter(index => kernel.bindings[index].written)) after[part.bindings.indexOf(i)].forEach((value, j) => expect(Math.abs(value - gradients[i][j])).toBeLessThan(5e-5))
    }
  })

  test.each([['none', false], ['none', true], ['float', true]] as const)('queries whose keys are split among the invocations of a workgroup, mask %s, causal %s', async (mask, causal) => {
    for (const [queries, keys, headSize, group] of [[1, 70, 16, 8], [3, 33, 6, 4], [2, 5, 72, 16]]) {
      const given = sizes({ batch: 2, heads: 4, kvHeads: 2, queries, keys, headSize, causal })
      const kernel = forward(given, mask)
      const program = attentionProgram(kernel, device.traits, { group, staging: 'split' })
      if (program === null) throw new Error('there are queries')
      expect(program.variant).toBe(`attention split ${group}`)
      const data = memory(given, mask)
      const held = data.map(values => Array.from(values))
      interpretKernel(kernel, held)
      const got = await runProgram(device, program, data)
      for (const index of [3, 4]) held[index].forEach((want, i) => expect(Math.abs(want - got[program.bindings.indexOf(index)][i])).toBeLessThan(2e-5))
    }
  })

  test.each(['direct', 'tile', 'split', null] as const)('only the keys of each batch\'s length are seen: %s', async staging => {
    for (const [queries, causal, mask] of [[1, true, 'none'], [3, false, 'bool'], [37, true, 'none'], [19, true, 'float']] as const) {
      const given = sizes({ batch: 3, heads: 4, kvHeads: 2, queries, keys: 41, headSize: 12, causal })
      const before = memory(given, mask)
      const plain = forward(given, mask)
      const kernel: AttentionKernel = { ...plain, bindings: [...plain.bindings, binding('i32')], lengths: access(plain.bindings.length, [1]) }
      const data = [...before, Int32Array.of(20, 99, -1)]
      const expected = data.map(values => Array.from(values))
      interpretKernel(kernel, expected)
      const program = attentionProgram(kernel, device.traits, staging === null ? undefined : { group: 16, staging })
      if (program === null) return expect.fail('a program must come out')
      const got = await runProgram(device, program, data)
      for (const index of [3, 4]) got[program.bindings.indexOf(index)].forEach((value, j) => expect(Math.abs(value - expected[index][j]), `${staging} ${queries}`).toBeLessThan(2e-5))
    }
  })

  test('q, k and v packed in one tensor, as (B, T, 3, H, D)', async () => {
    const given = sizes({ batch: 2, heads: 2, kvHeads: 2, queries: 20, keys: 20, headSize: 8, causal: true })
    const row = 3 * 2 * 8
    const packed = (part: number) => access(0, [20 * row, 8, row, 1], part * 16)
    const kernel: AttentionKernel = { ...forward(given, 'none'), bindings: [binding(), binding('f32', true), binding('f32', true)], q: packed(0), k: packed(1), v: packed(2), out: access(1, [20 * 16, 8, 16, 1]), lse: access(2, [40, 20, 1]) }
    await expectLikeInterpreter(device, kernel, [randoms(2 * 20 * row, 1), new Float32Array(2 * 20 * 16), new Float32Array(80)])
  })

  test('on adapters with few buffers dk and dv are computed apart', async () => {
    const { kernel } = backward(cases[6][1], 'float')
    expect(attentionBackwardPrograms(kernel, { ...device.traits, maxStorageBuffers: 8 }).map(program => program.bindings.length <= 8)).toEqual([true, true, true])
  })
})
