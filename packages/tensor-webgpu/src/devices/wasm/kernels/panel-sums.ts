// Sums of the columns of a packed panel while it is in cache: the gradient of a bias beside that of its weight.
import type { FunctionRef } from '../emit/module-builder.js'
import { f32, i32 } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { KernelModule } from './kernel-module.js'
import { PANEL } from './microkernel.js'

/** Steps summed on their own before they are added to the rest: the error grows with the block's length plus the number of blocks. */
const BLOCK = 128

/** `(to, stride, panel, k, columns, scratch)`: to[j · stride bytes] = Σ_k panel[k][j] for j < columns. Takes 64 bytes of scratch. */
export function sumPanel(module: KernelModule): FunctionRef<null> {
  return module.builder.procedure('sumPanel', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], f => {
    const [to, stride, panel, k, columns, scratch] = [0, 1, 2, 3, 4, 5].map(i => f.param('i32', i))
    const vectors = Array.from({ length: PANEL / 4 }, (_, j) => j)
    const totals = vectors.map(() => f.keep(f32x4.const(0)))
    const sums = vectors.map(() => f.local('v128'))
    const end = f.keep(i32.add(panel, i32.mul(k, i32.const(4 * PANEL))))
    f.while(
      () => i32.ltU(panel, end),
      () => {
        const next = f.keep(i32.add(panel, i32.const(BLOCK * 4 * PANEL)))
        const stop = f.keep(i32.select(i32.ltU(next, end), next, end))
        for (const sum of sums) f.set(sum, f32x4.const(0))
        f.repeat(
          () => {
            sums.forEach((sum, j) => f.set(sum, f32x4.add(sum, v128.load(panel, 16 * j))))
            f.set(panel, i32.add(panel, i32.const(4 * PANEL)))
          },
          () => i32.ltU(panel, stop),
        )
        totals.forEach((total, j) => f.set(total, f32x4.add(total, sums[j])))
      },
    )
    totals.forEach((total, j) => f.do(v128.store(scratch, total, 16 * j)))
    f.while(
      () => i32.gtS(columns, i32.const(0)),
      () => {
        f.do(f32.store(to, f32.load(scratch)))
        f.set(to, i32.add(to, stride))
        f.set(scratch, i32.add(scratch, i32.const(4)))
        f.set(columns, i32.sub(columns, i32.const(1)))
      },
    )
  })
}
