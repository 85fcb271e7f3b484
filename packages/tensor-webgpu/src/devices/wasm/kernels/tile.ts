// C (rows × columns) = or += A · B by microkernels: rows of A in memory, B as packed panels, C a piece of scratch.
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { callEffect } from '../emit/module-builder.js'
import { i32 } from '../emit/scalar.js'
import type { I32 } from '../emit/value.js'
import type { KernelModule } from './kernel-module.js'
import { microkernel, PANEL } from './microkernel.js'

export interface TileProduct {
  /** First row of A, contiguous along k; the next row is `aRowBytes` further. */
  readonly a: I32
  readonly aRowBytes: number
  /** Rows to compute; C must have room for one more where this is odd. */
  readonly rows: I32
  /** First step of the first panel; the next panel is `panelBytes` further. */
  readonly panels: I32
  readonly panelBytes: number
  readonly columns: I32
  readonly c: I32
  readonly cRowBytes: number
  /** At least 1. */
  readonly k: I32
  readonly accumulate: I32
}

export function tileProduct(f: FunctionBuilder, module: KernelModule, product: TileProduct): void {
  f.scope(() => {
    const { aRowBytes, panelBytes, cRowBytes } = product
    const rows = f.keep(product.rows)
    const columns = f.keep(product.columns)
    const k = f.keep(product.k)
    const accumulate = f.keep(product.accumulate)
    const aFirst = f.keep(product.a)
    const panel = f.keep(product.panels)
    const cFirst = f.keep(product.c)
    const column = f.keep(i32.const(0))
    const [row, a, c]: Local<'i32'>[] = [f.local('i32'), f.local('i32'), f.local('i32')]
    f.repeat(
      () => {
        f.set(row, i32.const(0))
        f.set(a, aFirst)
        f.set(c, cFirst)
        f.repeat(
          () => {
            // a last single row is its own partner: the second result is never read
            const partner = i32.select(i32.ltS(i32.add(row, i32.const(1)), rows), i32.const(aRowBytes), i32.const(0))
            f.do(callEffect(microkernel(module), a, partner, panel, c, i32.const(cRowBytes), k, accumulate))
            f.set(row, i32.add(row, i32.const(2)))
            f.set(a, i32.add(a, i32.const(2 * aRowBytes)))
            f.set(c, i32.add(c, i32.const(2 * cRowBytes)))
          },
          () => i32.ltS(row, rows),
        )
        f.set(column, i32.add(column, i32.const(PANEL)))
        f.set(panel, i32.add(panel, i32.const(panelBytes)))
        f.set(cFirst, i32.add(cFirst, i32.const(4 * PANEL)))
      },
      () => i32.ltS(column, columns),
    )
  })
}
