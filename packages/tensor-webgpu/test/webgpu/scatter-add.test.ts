// ScatterAdd on both software adapters against the interpreter, with repeated and out-of-range indices.
import { afterAll, beforeAll, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestWebgpuDevice, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import type { ScatterAddKernel } from '../../src/plan/kernel.js'
import { RandomStream } from '../../src/random.js'
import { access, binding, dense, expectLikeInterpreter, randoms } from './run-kernel.js'

interface Sizes {
  readonly outer: number
  readonly count: number
  readonly inner: number
  readonly size: number
  /** The index is one for the whole inner axis. */
  readonly shared: boolean
  readonly part?: ScatterAddKernel['part']
  readonly continues?: true
}

const kernelOf = ({ outer, count, inner, size, shared, part, continues }: Sizes): ScatterAddKernel => ({
  kind: 'scatterAdd', bindings: [binding('i32'), binding(), binding('f32', true)], outer, count, inner, size, ...(part === undefined ? {} : { part }), ...(continues === undefined ? {} : { continues }),
  index: access(0, shared ? [count, 1, 0] : dense(outer, count, inner)), source: access(1, dense(outer, count, inner)), out: access(2, dense(outer, size, inner)),
})

describeOnAdapters('scatterAdd kernels', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  test.each([
    ['embedding gradient', { outer: 1, count: 200, inner: 12, size: 37, shared: true }],
    ['one probability per row', { outer: 70, count: 1, inner: 1, size: 33, shared: true }],
    ['own index per element, odd', { outer: 3, count: 31, inner: 5, size: 7, shared: false }],
    ['a table longer than a block', { outer: 2, count: 40, inner: 8, size: 1000, shared: true }],
    ['rows from the 300th on, of 400', { outer: 2, count: 90, inner: 8, size: 60, shared: true, part: { first: 300, of: 400 } }],
    ['the same of few sources', { outer: 2, count: 5, inner: 8, size: 60, shared: true, part: { first: 300, of: 400 } }],
    ['more of what was begun', { outer: 1, count: 6, inner: 8, size: 20, shared: true, continues: true }],
    ['no sources', { outer: 1, count: 0, inner: 4, size: 5, shared: true }],
    ['no rows', { outer: 1, count: 3, inner: 4, size: 0, shared: true }],
  ] as readonly (readonly [string, Sizes])[])('%s', async (_, sizes) => {
    const { outer, count, inner, size, shared, part: { first, of } = { first: 0, of: size } } = sizes
    const stream = new RandomStream(5)
    const index = Int32Array.from({ length: outer * count * (shared ? 1 : inner) }, () => first === 0 ? stream.integer(size + 3) - 1 : 280 + stream.integer(of - 270))
    await expectLikeInterpreter(device, kernelOf(sizes), [index, randoms(outer * count * inner, 2), new Float32Array(outer * size * inner).fill(9)])
  })
})
