// Every way to compute a matmul that a device can run, by name, the seed table's first. What a tuner measures; also what tests go through.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import type { GpuProgram } from './gpu-program.js'
import { registerMatmul, type RegisterTile } from './matmul-register.js'
import { matmulSeed } from './matmul-seed.js'
import { FEW_ROWS, fitsSliced, slicedMatmul, type SlicedTile } from './matmul-sliced.js'
import { fitsSubgroup, subgroupMatmul, type SubgroupTile } from './matmul-subgroup.js'
import { workgroupBytes, workgroupMatmul, type WorkgroupTile } from './matmul-workgroup.js'

export interface MatmulCandidate {
  readonly name: string
  /** In which order the terms of an element are added: candidates of one order give the same bits. */
  readonly order: string
  readonly program: () => GpuProgram
}

/** One accumulator an element, k ascending: what all tiles do that keep a whole contraction in one invocation. */
const ASCENDING = 'ascending'

/** Rows of an invocation: no more than there are; eight cost as little as four where a comes four rows to a load. */
const rowsOf = ({ a, batch, m }: MatmulKernel): number => (m <= FEW_ROWS ? m : m >= 8 && a.strides[batch.length] === 1 ? 8 : 4)

function registerTiles(kernel: MatmulKernel, traits: GpuTraits): (readonly [string, RegisterTile])[] {
  const rows = rowsOf(kernel)
  if (traits.software) return [['register', { rows, columns: 1, across: 8, down: 1 }]]
  if (kernel.m <= rows) return [['register', { rows, columns: 1, across: 32, down: 1 }]]
  return [['register', { rows, columns: 1, across: 8, down: 8 }], ['register wide', { rows: 4, columns: 2, across: 8, down: 8 }]]
}

/** By rows x columns of a workgroup. Accumulators of an invocation: 2, 4, 4, 8, 8 and 16 vec4s. */
const workgroupTiles: Readonly<Record<string, WorkgroupTile>> = {
  'tile 16x32': { rows: 2, columns: 1, across: 8, down: 8, depth: 16 },
  'tile 32x32': { rows: 4, columns: 1, across: 8, down: 8, depth: 16 },
  'tile 64x64': { rows: 4, columns: 1, across: 16, down: 16, depth: 16 },
  'tile 64x128': { rows: 4, columns: 2, across: 16, down: 16, depth: 8 },
  'tile 128x64': { rows: 8, columns: 1, across: 16, down: 16, depth: 8 },
  'tile 128x128': { rows: 8, columns: 2, across: 16, down: 16, depth: 8 },
}

function workgroupTilesFor({ m, n }: MatmulKernel, traits: GpuTraits): (readonly [string, WorkgroupTile])[] {
  // barriers cost software adapters what they save on GPUs: one for the record
  const names = traits.software ? ['tile 16x32'] : Object.keys(workgroupTiles)
  return names.map(name => [name, workgroupTiles[name]] as const).filter(([, { rows, columns, across, down, ...tile }], i) =>
    m > FEW_ROWS && (i === 0 || (rows * down < 2 * m && columns * 4 * across < 2 * n))
    && across * down <= traits.maxInvocations && workgroupBytes({ rows, columns, across, down, ...tile }) <= traits.maxWorkgroupBytes)
}

/** Slices get at least two steps of four each. */
function slicedTiles(kernel: MatmulKernel, traits: GpuTraits): (readonly [string, SlicedTile])[] {
  const rows = Math.min(kernel.m, FEW_ROWS)
  const inWorkgroup = [[4, 16], [8, 4], [8, 8], [16, 4], [16, 8], [32, 4]] as const
  const tiles: (readonly [string, SlicedTile])[] = [
    ...(traits.software ? [] : inWorkgroup.map(([slices, across]) => [`sliced ${slices} x ${across}`, { rows, columns: 1, slices, across, meet: 'workgroup' }] as const)),
    ['sliced subgroup', { rows, columns: 1, slices: traits.subgroupSize, across: 1, meet: 'subgroup' }],
  ]
  return tiles.filter(([, tile]) => kernel.k >= 8 * tile.slices && fitsSliced(tile, traits))
}

/**
 * Every way to compute a matmul that is not empty on a device with these traits; the seed table's first.
 *
 * The place for a new family. Subgroup matrices (a draft in gpuweb, `proposals/subgroup-matrix.md`) would be a file `matmul-subgroup-matrix.ts`
 * with a `fits…` and a program, a trait read from the device's feature and the sizes it reports, a row here, and a name in the seed table. Its
 * `order` is its own: the hardware does not say in which one it adds, so only `tune({ exact: false })` would take it up.
 */
export function matmulCandidates(kernel: MatmulKernel, traits: GpuTraits): MatmulCandidate[] {
  const subgroup: SubgroupTile = { rows: Math.min(kernel.m, 8), columns: 1, down: 1, depth: 2 }
  const all: MatmulCandidate[] = [
    ...registerTiles(kernel, traits).map(([name, tile]) => ({ name, order: ASCENDING, program: () => registerMatmul(kernel, tile, traits) })),
    ...(fitsSubgroup(kernel, subgroup, traits.subgroupSize) ? [{ name: 'subgroup', order: ASCENDING, program: () => subgroupMatmul(kernel, subgroup, traits) }] : []),
    ...workgroupTilesFor(kernel, traits).map(([name, tile]) => ({ name, order: ASCENDING, program: () => workgroupMatmul(kernel, tile, traits) })),
    ...slicedTiles(kernel, traits).map(([name, tile]) => ({ name, order: `${tile.slices} slices, ${tile.meet}`, program: () => slicedMatmul(kernel, tile, traits) })),
  ]
  const seeds = matmulSeed(kernel, traits)
  const seed = seeds.find(name => all.some(candidate => candidate.name === name)) ?? all[0].name
  return [...all.filter(({ name }) => name === seed), ...all.filter(({ name }) => name !== seed)]
}
