// Runs one kernel on a WebGPU device and in the interpreter on the same data, and says where they differ. Not a test itself.
import { expect } from 'vitest'
// what builds the operations of optional kernels, so that devices load them
import '../../src/graph/build.js'
import type { Dtype, TypedArray } from '../../src/dtype.js'
import type { WebgpuDevice } from '../../src/devices/webgpu/gpu-device.js'
import type { GpuProgram } from '../../src/devices/webgpu/kernels/gpu-program.js'
import type { Access, Binding, Instruction, Kernel } from '../../src/plan/kernel.js'
import type { Plan } from '../../src/plan/plan.js'
import { RandomStream } from '../../src/random.js'
import { interpretKernel } from '../interpret-kernel.js'

export const binding = (dtype: Dtype = 'f32', written = false): Binding => ({ dtype, written })
export const access = (index: number, strides: readonly number[], offset = 0, guards?: Access['guards']): Access => (guards === undefined ? { binding: index, offset, strides } : { binding: index, offset, strides, guards })
export const load = (index: number, strides: readonly number[], dtype: Dtype = 'f32', offset = 0): Instruction => ({ fn: 'load', access: access(index, strides, offset), dtype })
export const constant = (value: number, dtype: Dtype = 'f32'): Instruction => ({ fn: 'constant', value, dtype })

/** Row-major strides. */
export function dense(...shape: number[]): number[] {
  const strides: number[] = []
  shape.reduceRight((stride, n, axis) => ((strides[axis] = stride), stride * n), 1)
  return strides
}

/** Random numbers in (-range, range), rounded to f32. */
export function randoms(length: number, seed: number, range = 1): Float32Array {
  const stream = new RandomStream(seed)
  return Float32Array.from({ length }, () => (stream.uniform() * 2 - 1) * range)
}

export function planOf(kernel: Kernel, lengths: readonly number[]): Plan {
  return {
    slots: lengths.map((length, i) => ({ dtype: kernel.bindings[i].dtype, length, external: i, block: 0, arenaOffset: 0 })),
    steps: [{ kernel, regions: lengths.map((length, slot) => ({ slot, offset: 0, length })), label: kernel.kind }],
    preloads: [],
    arenaBlocks: [],
  }
}

/** The contents of every binding after the kernel ran on the device. */
export async function runOnDevice(device: WebgpuDevice, kernel: Kernel, memory: readonly TypedArray[]): Promise<TypedArray[]> {
  const storages = memory.map((data, i) => {
    const storage = device.allocate(kernel.bindings[i].dtype, data.length)
    device.write(storage, data)
    return storage
  })
  const executable = device.preparePlan(planOf(kernel, memory.map(data => data.length)))
  executable.run(storages)
  const results = await Promise.all(storages.map(storage => device.read(storage)))
  executable.dispose()
  for (const storage of storages) device.free(storage)
  return results
}

/** The bindings of a program (the written ones f32), in its own order, after it ran alone: for variants that the seed table would not pick here. */
export async function runProgram(device: WebgpuDevice, program: GpuProgram, memory: readonly TypedArray[]): Promise<Float32Array[]> {
  const { gpu } = device
  const buffers = program.bindings.map(index => {
    const buffer = gpu.createBuffer({ size: Math.max(16, Math.ceil(memory[index].length / 4) * 16), usage: 128 | 8 | 4 })
    const values = memory[index]
    gpu.queue.writeBuffer(buffer, 0, values instanceof Float32Array ? Float32Array.from(values) : Int32Array.from(values))
    return buffer
  })
  const layout = gpu.createBindGroupLayout({ entries: buffers.map((_, binding) => ({ binding, visibility: 4, buffer: { type: 'storage' } })) })
  const pipeline = gpu.createComputePipeline({ layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }), compute: { module: gpu.createShaderModule({ code: program.wgsl }) } })
  const staging = buffers.map(buffer => gpu.createBuffer({ size: buffer.size, usage: 1 | 8 }))
  const encoder = gpu.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, gpu.createBindGroup({ layout, entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })) }))
  pass.dispatchWorkgroups(program.workgroups[0], program.workgroups[1])
  pass.end()
  buffers.forEach((buffer, i) => encoder.copyBufferToBuffer(buffer, 0, staging[i], 0, buffer.size))
  gpu.queue.submit([encoder.finish()])
  return Promise.all(staging.map(async (buffer, i) => {
    await buffer.mapAsync(1)
    return new Float32Array(buffer.getMappedRange().slice(0), 0, memory[program.bindings[i]].length)
  }))
}

export interface Tolerance {
  /** Of the larger magnitude. */
  readonly relative?: number
  readonly absolute?: number
}

/** Fails with the first few elements that differ. Bindings that the kernel may not write must come back unchanged. */
export async function expectLikeInterpreter(device: WebgpuDevice, kernel: Kernel, memory: readonly TypedArray[], { relative = 2e-5, absolute = 1e-5 }: Tolerance = {}): Promise<void> {
  const expected = memory.map(data => Array.from(data))
  interpretKernel(kernel, expected)
  const got = await runOnDevice(device, kernel, memory)
  const wrong: string[] = []
  expected.forEach((values, i) => values.forEach((value, j) => {
    const want = kernel.bindings[i].dtype === 'f32' ? Math.fround(value) : value
    const have = got[i][j]
    const same = Object.is(have, want) || have === want || Math.abs(have - want) <= absolute + relative * Math.abs(want)
    if (!same) wrong.push(`binding ${i} element ${j}: expected ${want}, got ${have}`)
  }))
  if (wrong.length > 0) expect.fail(`${wrong.length} of ${expected.reduce((sum, values) => sum + values.length, 0)} elements differ\n${wrong.slice(0, 6).join('\n')}\n${device.printKernel(kernel)}`)
}
