// Numbers made by PyTorch and transformers (test/golden, or the folder ABOVO_GOLDEN of the same form), and how near to them is near enough.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile, tensor, type Device, type Tensor, type TypedArray } from '@abovo/tensor-webgpu'
import { expect } from 'vitest'
import { readSafetensors } from '../src/checkpoint/safetensors.js'
import type { HostTensor, StateDict } from '../src/host-tensor.js'

const folder = process.env['ABOVO_GOLDEN'] ?? join(import.meta.dirname, 'golden')

export const goldenBytes = (...path: string[]): Uint8Array => new Uint8Array(readFileSync(join(folder, ...path)))
export const goldenState = (...path: string[]): StateDict => readSafetensors(goldenBytes(...path))
export const goldenJson = (...path: string[]): Record<string, unknown> => JSON.parse(new TextDecoder().decode(goldenBytes(...path))) as Record<string, unknown>

/** The entries whose names begin with `prefix`, without it. */
export const under = (state: StateDict, prefix: string): StateDict => new Map([...state].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]))

export const toTensor = ({ shape, data }: HostTensor, device: Device): Tensor => tensor(data, { shape, device })

export interface Tolerance {
  absolute: number
  relative: number
}

/** 1e-5 absolute or 1e-4 relative, five times that on WebGPU. */
export const toleranceOn = (device: Device): Tolerance => (device.kind === 'webgpu' ? { absolute: 5e-5, relative: 5e-4 } : { absolute: 1e-5, relative: 1e-4 })

export function expectClose(name: string, got: ArrayLike<number>, wanted: ArrayLike<number>, { absolute, relative }: Tolerance): void {
  expect(got.length, `${name}: length`).toBe(wanted.length)
  let worst = -1
  let excess = 1
  for (let i = 0; i < wanted.length; i++) {
    const ratio = Math.abs(got[i] - wanted[i]) / Math.max(absolute, relative * Math.abs(wanted[i]))
    if (!(ratio <= excess)) [worst, excess] = [i, ratio]
  }
  expect(worst, `${name}: element ${worst} is ${got[worst]}, expected ${wanted[worst]}`).toBe(-1)
}

/** Reads many tensors that share their work: as one plan, not one each. */
export async function readAll(tensors: Readonly<Record<string, Tensor>>): Promise<[string, TypedArray][]> {
  const [first] = Object.values(tensors)
  const all = (anchor: Tensor): Readonly<Record<string, Tensor>> => ({ ...tensors, anchor })
  const results = compile(all)(tensor([0], { device: first.device }))
  return Promise.all(Object.keys(tensors).map(async (name): Promise<[string, TypedArray]> => [name, await results[name].data()]))
}
