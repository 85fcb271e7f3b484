// Every way to compute a matmul against the interpreter, also those that the seed table would not pick here; and which of them give the same bits.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { requestWebgpuDevice, type WebgpuDevice } from '../../src/devices/webgpu/index.js'
import type { GpuProgram } from '../../src/devices/webgpu/kernels/gpu-program.js'
import { matmulCandidates } from '../../src/devices/webgpu/kernels/matmul-candidates.js'
import { matmulForm } from '../../src/devices/webgpu/kernels/matmul.js'
import { fitsSliced, slicedMatmul, type SlicedTile } from '../../src/devices/webgpu/kernels/matmul-sliced.js'
import { kernelClass } from '../../src/devices/webgpu/tuning/kernel-class.js'
import type { GpuTraits } from '../../src/devices/webgpu/traits.js'
import { roundToHalf } from '../../src/dtype.js'
import type { MatmulKernel } from '../../src/plan/kernel.js'
import { interpretKernel } from '../interpret-kernel.js'
import { head, memory, product, prologueMemory, withColumnSums, withPrologue } from './matrices.js'
import { access, binding, load, randoms, runOnDevice, runProgram } from './run-kernel.js'

/** What memory holds after the kernel. */
function interpreted(kernel: MatmulKernel, data: readonly Float32Array[]): number[][] {
  const expected = data.map(values => Array.from(values))
  interpretKernel(kernel, expected)
  return expected
}

/** A GPU at the limits that WebGPU promises. */
const gpu: GpuTraits = {
  family: 'default', software: false, subgroupSize: 0, f16: true, maxStorageBuffers: 8, maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 28, maxInvocations: 256, maxWorkgroupBytes: 16384,
  maxWorkgroups: 65535, offsetAlignment: 256,
}

const form = (kernel: MatmulKernel): MatmulKernel => {
  const simple = matmulForm(kernel)
  if (simple === null) throw new Error('the product must have elements')
  return simple
}

/** What an adapter here would run if it were a GPU. */
const asGpu = (traits: GpuTraits): GpuTraits => ({ ...traits, software: false, family: 'default' })

describeOnAdapters('matmul variants', adapter => {
  let device: WebgpuDevice
  beforeAll(async () => void (device = await requestWebgpuDevice({ gpu: adapter.gpu })))
  afterAll(() => device.close())

  /** The written bindings after the program ran, compared with what they should hold. */
  async function run(kernel: MatmulKernel, program: GpuProgram, data: readonly Float32Array[], expected: readonly number[][]): Promise<Float32Array[]> {
    const got = await runProgram(device, program, data)
    return kernel.bindings.flatMap(({ written }, i) => {
      if (!written) return []
      const values = got[program.bindings.indexOf(i)]
      values.forEach((value, at) => void (Math.abs(value - expected[i][at]) > 5e-5 && expect.fail(`${program.variant}: binding ${i} element ${at}: expected ${expected[i][at]}, got ${value}\n${program.wgsl}`)))
      return [values]
    })
  }

  test.each([[72, 68, 40, false], [68, 72, 52, true], [67, 71, 131, true]] as const)('(%i x %i) over k = %i: all are right, and those of one order give equal bits', async (m, n, k, transposed) => {
    const plain = withColumnSums(product(m, n, k, { aTransposed: transposed, bTransposed: transposed }))
    const kernel = form(transposed ? withPrologue(plain) : plain)
    const data = [...memory(kernel), new Float32Array(n), ...(transposed ? prologueMemory(kernel) : [])]
    const expected = interpreted(kernel, data)
    const bits = new Map<string, string>()
    const candidates = matmulCandidates(kernel, asGpu(device.traits))
    expect(candidates.map(({ name }) => name).join()).toMatch(/(?=.*register)(?=.*tile 16x32)(?=.*tile 128x128)(?=.*sliced 4)/)
    for (const { order, program } of candidates) {
      const results = (await run(kernel, program(), data, expected)).map(values => Array.from(values).join()).join('\n')
      expect(bits.get(order) ?? results, program().variant).toBe(results)
      bits.set(order, results)
    }
  }, 120_000)

  const slicedTiles: readonly Omit<SlicedTile, 'rows'>[] = [
    { columns: 1, slices: 8, across: 4, meet: 'workgroup' }, { columns: 2, slices: 2, across: 1, meet: 'workgroup' }, { columns: 1, slices: 0, across: 1, meet: 'subgroup' },
  ]
  async function expectSliced(kernel: MatmulKernel, data: readonly Float32Array[], rows = Math.min(kernel.m, 4)): Promise<void> {
    const expected = interpreted(kernel, data)
    for (const { slices, ...rest } of slicedTiles) {
      const tile: SlicedTile = { rows, slices: slices === 0 ? device.traits.subgroupSize : slices, ...rest }
      expect(fitsSliced(tile, device.traits)).toBe(true)
      await run(kernel, slicedMatmul(kernel, tile, device.traits), data, expected)
    }
  }

  test.each([[1, 40, 64], [2, 31, 130], [3, 5, 67], [4, 128, 9], [1, 1, 257], [17, 1, 40]])('sliced (%i x %i) over k = %i, b either way', async (m, n, k) => {
    for (const bTransposed of [false, true]) {
      const kernel = form(product(m, n, k, { bTransposed }))
      await expectSliced(kernel, memory(kernel))
    }
  }, 60_000)

  test('sliced weight gradients: both operands across, column sums beside them', async () => {
    for (const [m, n, k] of [[32, 24, 200], [19, 31, 77]]) {
      const kernel = form(withColumnSums(product(m, n, k, { aTransposed: true })))
      await expectSliced(kernel, [...memory(kernel), new Float32Array(n)], m % 4 === 0 ? 8 : 4)
    }
  }, 60_000)

  test('sliced batches with an epilogue', async () => {
    const [m, n, k] = [3, 20, 48]
    const plain = product(m, n, k, { batch: [2, 3] })
    const kernel = form({
      ...plain, bindings: [...plain.bindings, binding()],
      body: [head, load(3, [0, 0, 0, 1]), { fn: 'add', args: [0, 1], dtype: 'f32' }, { fn: 'gelu', args: [2], dtype: 'f32' }], results: [{ ...plain.results[0], value: 3 }],
    })
    await expectSliced(kernel, [...memory(plain), randoms(n, 3)])
  }, 60_000)

  test('sliced operands with guards read zero outside', async () => {
    const kernel: MatmulKernel = { ...product(4, 12, 40), a: access(0, [40, 1], -40, [{ axis: 0, from: 1, to: 3 }]), b: access(1, [12, 1], 0, [{ axis: 0, from: 5, to: 33 }]) }
    await expectSliced(form(kernel), memory(kernel))
  }, 60_000)
  test('half operands give what their values give, in every variant', async () => {
    if (!device.traits.f16) return
    const plain = product(16, 20, 128)
    const kernel: MatmulKernel = { ...plain, bindings: [binding('f16'), binding('f16'), binding('f32', true)] }
    const data = memory(kernel).map(values => values.map(roundToHalf))
    const expected = interpreted(kernel, data)
    const { choices } = await device.tuning
    for (const { name } of matmulCandidates(form(kernel), device.traits)) {
      choices.set(kernelClass(kernel) ?? '', { name, exact: false, microseconds: {} })
      const [, , got] = await runOnDevice(device, kernel, data)
      expected[2].forEach((value, i) => expect(Math.abs(got[i] - value), `${name}, element ${i}`).toBeLessThan(5e-5))
    }
  }, 60_000)
})

describe('half operands', () => {
  const halves = (kernel: MatmulKernel): MatmulKernel => form({ ...kernel, bindings: [binding('f16'), binding('f16'), binding('f16', true)] })

  test.each([['as they are', {}], ['both transposed', { aTransposed: true, bTransposed: true }]])('are loaded four at a time in every variant, %s', (_, layout) => {
    for (const [m, n, k] of [[128, 128, 256], [4, 128, 256]])
      for (const { name, program } of matmulCandidates(halves(product(m, n, k, layout)), { ...gpu, subgroupSize: 32 })) {
        const wanted = /var<storage, read_write> in1: array<vec4<f16>>/
        expect(program().wgsl, name).toMatch(wanted)
        // subgroups share single elements of a; a transposed needs rows by four
        if (name !== 'subgroup' && name !== 'tile 16x32') expect(program().wgsl, name).toMatch(/in0: array<vec4<f16>>/)
      }
  })
})

describe('the seed table of matmul', () => {
  const seed = (kernel: MatmulKernel, traits: GpuTraits): string => matmulCandidates(form(kernel), traits)[0].name

  test('slices what one token multiplies, and keeps whole what has columns enough', () => {
    expect(seed(product(1, 384, 384), gpu)).toBe('sliced 32 x 4')
    expect(seed(product(1, 50304, 384), gpu)).toBe('register')
  })

  test('lays lanes along k where the weights lie so', () => {
    expect(seed(product(1, 384, 384, { bTransposed: true }), { ...gpu, subgroupSize: 32 })).toBe('sliced subgroup')
    expect(seed(product(1, 50304, 384, { bTransposed: true }), gpu)).toBe('sliced 8 x 8')
  })

  test('slices a weight gradient that has few tiles, the more the larger the GPU', () => {
    const gradient = withColumnSums(product(128, 128, 1024, { aTransposed: true }))
    expect(seed(gradient, { ...gpu, family: 'apple' })).toBe('sliced 4 x 16')
    expect(seed(gradient, { ...gpu, family: 'nvidia' })).toBe('sliced 16 x 4')
    expect(seed(product(1024, 1024, 1024), { ...gpu, family: 'nvidia' })).toBe('tile 64x128')
  })

  test('never slices on software adapters', () => {
    for (const family of ['llvmpipe', 'swiftshader'] as const) expect(seed(product(1, 384, 384), { ...gpu, family, software: true, subgroupSize: 8 })).toBe('register')
  })

  test('names candidates that every limit allows', () => {
    const least = { ...gpu, maxInvocations: 128, maxWorkgroupBytes: 16384 }
    for (const family of ['apple', 'nvidia', 'amd', 'intel', 'adreno', 'default'] as const)
      for (const size of [17, 128, 1024]) expect(matmulCandidates(form(product(size, size, size)), { ...least, family })[0]).toBeDefined()
  })
})
