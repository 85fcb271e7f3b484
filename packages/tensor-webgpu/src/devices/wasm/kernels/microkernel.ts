// The inner product of everything: a 2 × 16 tile of C += A · B in eight registers, from two rows of A and one packed panel of B.
// Measured best of the tiles tried on V8: 2 × 16 keeps 8 accumulators, 4 columns and 2 broadcasts within 16 registers.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import type { FunctionRef } from '../emit/module-builder.js'
import { i32 } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { KernelModule } from './kernel-module.js'

/** Columns of a packed panel: [k][16] floats, 64 bytes a step of k. */
export const PANEL = 16
const VECTORS = PANEL / 4

/**
 * `(a, rowBytes, b, c, cRowBytes, k, accumulate)`: rows of A at `a` and `a + rowBytes`, contiguous in k; the panel at `b`; C at `c` and
 * `c + cRowBytes`, 16 floats each, overwritten unless `accumulate`. k >= 1.
 */
export function microkernel(module: KernelModule): FunctionRef<null> {
  return module.builder.procedure('microkernel', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], f => {
    const [a0, rowBytes, b, c, cRowBytes, k, accumulate] = [0, 1, 2, 3, 4, 5, 6].map(i => f.param('i32', i))
    const a1 = f.keep(i32.add(a0, rowBytes))
    const sums = [0, 1].map(() => Array.from({ length: VECTORS }, () => f.keep(f32x4.const(0))))
    const end = f.keep(i32.add(b, i32.mul(k, i32.const(4 * PANEL))))
    // one step a turn: V8's code for two or four is slower by half
    f.while(
      () => i32.ne(b, end),
      () => {
        multiplyAdd(f, sums, a0, a1, b)
        f.set(a0, i32.add(a0, i32.const(4)))
        f.set(a1, i32.add(a1, i32.const(4)))
        f.set(b, i32.add(b, i32.const(4 * PANEL)))
      },
    )
    sums.forEach((row, i) => {
      const at = i === 0 ? c : f.keep(i32.add(c, cRowBytes))
      f.if(accumulate, () => row.forEach((sum, j) => f.set(sum, f32x4.add(sum, v128.load(at, 16 * j)))))
      row.forEach((sum, j) => f.do(v128.store(at, sum, 16 * j)))
    })
  })
}

function multiplyAdd(f: FunctionBuilder, sums: readonly (readonly Local<'v128'>[])[], a0: Local<'i32'>, a1: Local<'i32'>, b: Local<'i32'>): void {
  f.scope(() => {
    const columns = Array.from({ length: VECTORS }, (_, j) => f.keep(v128.load(b, 16 * j)))
    ;[a0, a1].forEach((a, i) => {
      const x = f.keep(v128.load32Splat(a))
      sums[i].forEach((sum, j) => f.set(sum, f32x4.add(sum, f32x4.mul(x, columns[j]))))
    })
  })
}
