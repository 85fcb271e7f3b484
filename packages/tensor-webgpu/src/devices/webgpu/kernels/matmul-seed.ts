// The seed table of matmul: which candidate an adapter gets before anything was measured on it. Names are those of matmul-candidates.ts.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuFamily, GpuTraits } from '../traits.js'
import { FEW_ROWS } from './matmul-sliced.js'

interface Seed {
  /** Invocations that keep such a GPU busy, each with four by four elements: with fewer, the contraction is sliced. */
  readonly busy: number
  /** For products below and from 512 x 512 elements. */
  readonly small: string
  readonly large: string
}

// Best fixed tiles keep 80 % of each GPU's own best on average and 44 % at worst (llama.cpp PR 22241): this table is where tuning starts from.
const seeds: Readonly<Record<GpuFamily, Seed>> = {
  // Subgroup broadcasts: 19-28 GFLOP/s where registers alone give 8-15 and workgroup memory 4-8. Two cores are busy at once: never sliced.
  llvmpipe: { busy: 0, small: 'subgroup', large: 'subgroup' },
  swiftshader: { busy: 0, small: 'subgroup', large: 'subgroup' },
  // Small M1s fall from 1400 to 690 GFLOP/s above 8 accumulators (llama.cpp issue 10982): the 4 vec4s of 64x64. 1024 lanes and up.
  apple: { busy: 4096, small: 'tile 16x32', large: 'tile 64x64' },
  // 3,000 to 20,000 lanes, 255 registers for each: larger tiles halve what is read, and need many to be busy.
  nvidia: { busy: 16384, small: 'tile 32x32', large: 'tile 64x128' },
  // As many lanes in fewer, wider units: 4 accumulators leave enough waves in flight at 256 invocations a workgroup.
  amd: { busy: 8192, small: 'tile 32x32', large: 'tile 64x64' },
  // Integrated ones have some 800 lanes and registers for few accumulators a lane; discrete ones were not found measured on f32.
  intel: { busy: 4096, small: 'tile 16x32', large: 'tile 64x64' },
  // Mobile GPUs keep workgroup memory in main memory: tiles in registers, as an autotuner chose on an M1 too (jott.live, 900 GFLOP/s).
  adreno: { busy: 2048, small: 'register', large: 'register' },
  default: { busy: 4096, small: 'tile 16x32', large: 'tile 64x64' },
}

const powerOfTwoBelow = (n: number): number => 2 ** Math.floor(Math.log2(Math.max(1, n)))

/** 64 invocations a workgroup, or 128: neighbours read a line together, and partial sums fit into workgroup memory. */
const slicedName = (slices: number): string => `sliced ${slices} x ${slices === 4 ? 16 : slices === 8 ? 8 : 4}`

/** Names in order of preference; the device runs the first that it can. */
export function matmulSeed(kernel: MatmulKernel, traits: GpuTraits): string[] {
  const { m, n, k, batch, b } = kernel
  const { busy, small, large } = seeds[traits.software && traits.family === 'default' ? 'swiftshader' : traits.family]
  if (traits.software) return m >= 8 && n >= 8 ? [small, 'register'] : ['register']
  const tiles = batch.reduce((x, y) => x * y, 1) * Math.ceil(m / 4) * Math.ceil(n / 4)
  // one to four rows read each weight once: nothing is lost by slicing; elsewhere tiles share what they read, and few slices do not pay
  const few = m <= FEW_ROWS
  const slices = Math.min(32, powerOfTwoBelow(busy / tiles), powerOfTwoBelow(k / (few ? 8 : 64)))
  // weights that lie along k are read in whole lines by lanes along k, however many columns there are
  if (few && b.strides[batch.length] === 1) return ['sliced subgroup', slicedName(Math.max(8, slices)), 'register']
  if (slices >= 4) return [slicedName(slices), 'register']
  if (m < 16 || n < 16 || k < 16) return ['register']
  return [m * n >= 512 * 512 ? large : small, 'tile 16x32', 'register']
}
