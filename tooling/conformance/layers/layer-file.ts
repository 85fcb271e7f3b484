// The cases of a folder: what layers.json says of each, and its tensors by name.
import type { StateDict } from '@abovo/nn-transformer'
import { tensor, type Device, type Tensor, type TypedArray } from '@abovo/tensor-webgpu'

export interface LayerCase {
  readonly name: string
  readonly info: Readonly<Record<string, unknown>>
  readonly names: readonly string[]
  values(name: string): TypedArray
  has(name: string): boolean
  on(device: Device, name: string): Tensor
}

export function readCases(infos: Readonly<Record<string, Record<string, unknown>>>, state: StateDict): LayerCase[] {
  return Object.entries(infos).map(([name, info]) => {
    const find = (part: string): { shape: readonly number[]; data: TypedArray } => {
      const found = state.get(`${name}/${part}`)
      if (found === undefined) throw new Error(`the file must hold ${name}/${part}, got none`)
      return found
    }
    return {
      name,
      info,
      names: [...state.keys()].flatMap(key => (key.startsWith(`${name}/`) ? key.slice(name.length + 1) : [])),
      values: part => find(part).data,
      has: part => state.has(`${name}/${part}`),
      on: (device, part) => tensor(find(part).data, { shape: find(part).shape, device }),
    }
  })
}
