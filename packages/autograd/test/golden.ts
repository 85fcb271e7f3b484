// Reads the PyTorch numbers of ../shared/golden/layers, if the folder stands beside the repository.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'

const folder = process.env.ABOVO_GOLDEN ?? fileURLToPath(new URL('../../../../shared/golden', import.meta.url))
export const layersFile = `${folder}/layers/layers.safetensors`
export const hasLayers = existsSync(layersFile)

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

export interface Golden {
  readonly cases: Record<string, Record<string, unknown>>
  /** Names of the tensors of a case. */
  names(of: string): string[]
  values(name: string): Float64Array
  tensor(name: string, device: Device): Tensor
}

export function readLayers(): Golden {
  const bytes = readFileSync(layersFile)
  const headerSize = Number(bytes.readBigUInt64LE(0))
  const header: Record<string, Entry> = JSON.parse(bytes.subarray(8, 8 + headerSize).toString())
  const typed = (name: string) => {
    const { dtype, data_offsets: [from, to] } = header[name]
    const data = bytes.buffer.slice(bytes.byteOffset + 8 + headerSize + from, bytes.byteOffset + 8 + headerSize + to)
    if (dtype === 'F32') return new Float32Array(data)
    if (dtype === 'I64') return Int32Array.from(new BigInt64Array(data), Number)
    if (dtype === 'BOOL' || dtype === 'U8') return new Uint8Array(data)
    throw new Error(`golden: dtype ${dtype} of ${name} is not read here`)
  }
  return {
    cases: JSON.parse(readFileSync(layersFile.replace('.safetensors', '.json'), 'utf8')),
    names: of => Object.keys(header).filter(name => name.startsWith(`${of}/`)).map(name => name.slice(of.length + 1)),
    values: name => Float64Array.from(typed(name)),
    tensor: (name, device) => tensor(typed(name), { shape: header[name].shape, device }),
  }
}

export const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.max(0, ...Array.from(a, (value, i) => Math.abs(value - b[i])))
