// Products of two matrices as kernels, in every layout, for tests of matmul kernels. Not a test itself.
import type { Access, Instruction, MatmulKernel } from '../../src/plan/kernel.js'
import { access, binding, dense, load, randoms } from './run-kernel.js'

export const head: Instruction = { fn: 'head', dtype: 'f32' }

export interface Layout {
  readonly batch?: number[]
  readonly aTransposed?: boolean
  readonly bTransposed?: boolean
  readonly outTransposed?: boolean
}

function matrix(index: number, batch: readonly number[], rows: number, columns: number, transposed = false): Access {
  const inner = transposed ? [1, rows] : [columns, 1]
  return access(index, [...dense(...batch, rows * columns).slice(0, batch.length), ...inner])
}

/** Binding 0 times binding 1 into binding 2. */
export const product = (m: number, n: number, k: number, { batch = [], aTransposed, bTransposed, outTransposed }: Layout = {}): MatmulKernel => ({
  kind: 'matmul', bindings: [binding(), binding(), binding('f32', true)], batch, m, n, k,
  a: matrix(0, batch, m, k, aTransposed), b: matrix(1, batch, k, n, bTransposed),
  body: [head], results: [{ value: 0, access: matrix(2, batch, m, n, outTransposed) }],
})

/** The same, with the sums of b's columns in binding 3. */
export const withColumnSums = (kernel: MatmulKernel): MatmulKernel => ({ ...kernel, bindings: [...kernel.bindings, binding('f32', true)], columnSums: [access(3, [1])] })

/** Operands of random numbers, and room for the product. */
export function memory({ batch, m, n, k }: MatmulKernel): Float32Array[] {
  const batches = batch.reduce((a, b) => a * b, 1)
  return [randoms(batches * m * k, 1), randoms(batches * k * n, 2), new Float32Array(batches * m * n)]
}

/** The same, with operands computed as they are read: (a − row) · column over [m, k], b² + column over [k, n]. */
export function withPrologue(plain: MatmulKernel): MatmulKernel {
  const first = plain.bindings.length
  const over = (strides: readonly [number, number]): number[] => [...plain.batch.map(() => 0), ...strides]
  return {
    ...plain, bindings: [...plain.bindings, binding(), binding(), binding()],
    prologue: {
      a: [head, load(first, over([1, 0])), { fn: 'sub', args: [0, 1], dtype: 'f32' }, load(first + 1, over([0, 1])), { fn: 'mul', args: [2, 3], dtype: 'f32' }],
      b: [head, { fn: 'mul', args: [0, 0], dtype: 'f32' }, load(first + 2, over([0, 1])), { fn: 'add', args: [1, 2], dtype: 'f32' }],
    },
  }
}

/** What the operands of `withPrologue` are computed from besides. */
export const prologueMemory = ({ m, n, k }: MatmulKernel): Float32Array[] => [randoms(m, 5), randoms(k, 6), randoms(n, 7)]
