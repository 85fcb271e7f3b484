// Which matmul family computes a kernel, by seed table: adapter family, operand layout and size. What was
// measured on request (tuning/) comes before the table.
import type { LoopKernel, MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import type { GpuProgram } from './gpu-program.js'
import { loopProgram } from './loop.js'
import { registerMatmul } from './matmul-register.js'
import { fitsSubgroup, subgroupMatmul } from './matmul-subgroup.js'
import { workgroupBytes, workgroupMatmul } from './matmul-workgroup.js'
import { simplifyMatmul } from './simplify-matmul.js'

/** A product with a single row or column is a reduction over k, which the loop kernels do better than tiles. */
function asLoop(kernel: MatmulKernel): LoopKernel {
  const rank = kernel.batch.length
  const [a, b, product] = [0, 1, 2]
  const head = 3
  const aStrides = [...kernel.a.strides.slice(0, rank), kernel.a.strides[rank], 0, kernel.a.strides[rank + 1]]
  const bStrides = [...kernel.b.strides.slice(0, rank), 0, kernel.b.strides[rank + 1], kernel.b.strides[rank]]
  // guards number the axes of an operand: (…, m, k) for a, (…, k, n) for b
  const aGuards = (kernel.a.guards ?? []).map(guard => ({ ...guard, axis: guard.axis === rank + 1 ? rank + 2 : guard.axis }))
  const bGuards = (kernel.b.guards ?? []).map(guard => ({ ...guard, axis: guard.axis === rank ? rank + 2 : guard.axis }))
  const shift = (index: number): number => index + head + 1
  return {
    kind: 'loop', bindings: kernel.bindings, shape: [...kernel.batch, kernel.m, kernel.n, kernel.k], reduced: 1,
    body: [
      { fn: 'load', access: { ...kernel.a, strides: aStrides, guards: aGuards }, dtype: 'f32' },
      { fn: 'load', access: { ...kernel.b, strides: bStrides, guards: bGuards }, dtype: 'f32' },
      { fn: 'mul', args: [a, b], dtype: 'f32' },
      { fn: 'reduce', reduce: 'sum', args: [product], dtype: 'f32' },
      ...kernel.body.map((instruction): LoopKernel['body'][number] => {
        if (instruction.fn === 'head') return { fn: 'cast', args: [head], dtype: 'f32' }
        if (instruction.fn === 'load') return { ...instruction, access: { ...instruction.access, strides: [...instruction.access.strides, 0] } }
        if (instruction.fn === 'gather') return { ...instruction, access: { ...instruction.access, strides: [...instruction.access.strides, 0] }, args: instruction.args.map(shift) }
        return 'args' in instruction ? { ...instruction, args: instruction.args.map(shift) } : instruction
      }),
    ],
    results: kernel.results.map(result => ({ value: shift(result.value), access: { ...result.access, strides: [...result.access.strides, 0] } })),
  }
}

/** The kernel as tiles compute it, or null where it is nothing, or a reduction over k that the loop kernels do better. */
export function tiledForm(original: MatmulKernel, traits: GpuTraits): MatmulKernel | null {
  const kernel = simplifyMatmul(original)
  const { m, n, k, batch } = kernel
  const isTiled = m > 1 && n > 1 && k > 0 && !batch.includes(0)
  return isTiled && matmulCandidates(kernel, traits).length > 0 ? kernel : null
}

export function matmulProgram(original: MatmulKernel, traits: GpuTraits): GpuProgram | null {
  const kernel = simplifyMatmul(original)
  const { m, n, k, batch } = kernel
  if (m * n * batch.reduce((a, b) => a * b, 1) === 0) return null
  if (m === 1 || n === 1 || k === 0) {
    const program = loopProgram(asLoop(kernel), traits)
    return program === null ? null : { ...program, variant: `matmul as ${program.variant}` }
  }
  return matmulCandidates(kernel, traits)[0].make(kernel, traits)
}

type Variant = (kernel: MatmulKernel, traits: GpuTraits) => GpuProgram

export interface MatmulCandidate {
  readonly name: string
  readonly make: Variant
}

const subgroup = { rows: 8, columns: 1, down: 1, depth: 2 } as const
const largeTile = { rows: 4, columns: 1, across: 16, down: 16, depth: 16 } as const
const smallTile = { rows: 2, columns: 1, across: 8, down: 8, depth: 16 } as const

/** Every way to compute a matmul of at least two rows and columns that a device with these traits can run; the seed table's first. */
export function matmulCandidates(kernel: MatmulKernel, traits: GpuTraits): MatmulCandidate[] {
  const { a, batch, m } = kernel
  // a transposed comes four rows to a load, so that eight rows cost as little as four do otherwise
  const rows = m < 4 ? 2 : m >= 8 && a.strides[batch.length] === 1 ? 8 : 4
  const fits = (tile: typeof largeTile | typeof smallTile): boolean => tile.across * tile.down <= traits.maxInvocations && workgroupBytes(tile) <= traits.maxWorkgroupBytes
  const all: MatmulCandidate[] = [
    // few rows are one tile: invocations below it would compute nothing
    { name: 'register', make: (k, t) => registerMatmul(k, t.software ? { rows, columns: 1, across: 8, down: 1 } : k.m <= rows ? { rows, columns: 1, across: 32, down: 1 } : { rows, columns: 1, across: 8, down: 8 }, t) },
    ...(fitsSubgroup(kernel, subgroup, traits.subgroupSize) ? [{ name: 'subgroup', make: (k: MatmulKernel, t: GpuTraits) => subgroupMatmul(k, subgroup, t) }] : []),
    ...(fits(largeTile) ? [{ name: 'large tile', make: (k: MatmulKernel, t: GpuTraits) => workgroupMatmul(k, largeTile, t) }] : []),
    ...(fits(smallTile) ? [{ name: 'small tile', make: (k: MatmulKernel, t: GpuTraits) => workgroupMatmul(k, smallTile, t) }] : []),
  ]
  const seed = seedName(kernel, traits)
  return [...all.filter(({ name }) => name === seed), ...all.filter(({ name }) => name !== seed)]
}

export const matmulVariants = (kernel: MatmulKernel, traits: GpuTraits): Variant[] => matmulCandidates(kernel, traits).map(({ make }) => make)

/** Seed table. Software adapters: subgroup broadcasts, 20-28 GFLOP/s where registers alone give 8-15 and workgroup memory 4-8. */
function seedName({ m, n, k }: MatmulKernel, traits: GpuTraits): string {
  if (traits.software) return m >= 8 && n >= 8 ? 'subgroup' : 'register'
  // mobile GPUs keep workgroup memory in main memory
  if (traits.family === 'adreno' || m < 16 || n < 16 || k < 16) return 'register'
  return m * n >= 512 * 512 ? 'large tile' : 'small tile'
}
