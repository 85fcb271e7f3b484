// Copies of matrices with any strides into the layouts that the microkernel reads: panels of 16 columns, and rows contiguous in k.
import { PANEL } from './microkernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import type { FunctionRef } from '../emit/module-builder.js'
import { f32, i32 } from '../emit/scalar.js'
import { f32x4, v128 } from '../emit/simd.js'
import type { I32 } from '../emit/value.js'
import type { KernelModule } from './kernel-module.js'

/** Four vectors transposed as a 4 × 4 matrix. */
export function transpose4(f: FunctionBuilder, rows: readonly Local<'v128'>[]): Local<'v128'>[] {
  const [a, b, c, d] = rows
  const ab0 = f.keep(v128.shuffle32(a, b, [0, 4, 1, 5]))
  const ab1 = f.keep(v128.shuffle32(a, b, [2, 6, 3, 7]))
  const cd0 = f.keep(v128.shuffle32(c, d, [0, 4, 1, 5]))
  const cd1 = f.keep(v128.shuffle32(c, d, [2, 6, 3, 7]))
  return [
    f.keep(v128.shuffle32(ab0, cd0, [0, 1, 4, 5])),
    f.keep(v128.shuffle32(ab0, cd0, [2, 3, 6, 7])),
    f.keep(v128.shuffle32(ab1, cd1, [0, 1, 4, 5])),
    f.keep(v128.shuffle32(ab1, cd1, [2, 3, 6, 7])),
  ]
}

/** Counts `counter` from 0 to `end`. */
function count(f: FunctionBuilder, end: I32, step: number, body: (i: Local<'i32'>) => void): void {
  const i = f.keep(i32.const(0))
  f.while(
    () => i32.leS(i32.add(i, i32.const(step)), end),
    () => {
      body(i)
      f.set(i, i32.add(i, i32.const(step)))
    },
  )
}

/**
 * `(to, from, kBytes, nBytes, k, columns)`: to[k][16] = from[k · kBytes + n · nBytes] for n < columns, and 0 for the rest.
 */
export function packPanel(module: KernelModule): FunctionRef<null> {
  return module.builder.procedure('packPanel', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], f => {
    const [to, from, kBytes, nBytes, k, columns] = [0, 1, 2, 3, 4, 5].map(i => f.param('i32', i))
    const full = i32.eq(columns, i32.const(PANEL))
    const contiguous = i32.eq(nBytes, i32.const(4))
    f.if(
      i32.and(full, contiguous),
      () =>
        count(f, k, 1, () => {
          for (let j = 0; j < PANEL; j += 4) f.do(v128.store(to, v128.load(from, 4 * j), 4 * j))
          f.set(to, i32.add(to, i32.const(4 * PANEL)))
          f.set(from, i32.add(from, kBytes))
        }),
      () => packStrided(f, to, from, kBytes, nBytes, k, columns),
    )
  })
}

type Address = Local<'i32'>

function packStrided(f: FunctionBuilder, to: Address, from: Address, kBytes: Address, nBytes: Address, k: Address, columns: Address): void {
  const j = f.keep(i32.const(0))
  // four columns at a time: transposed where k is contiguous, else lane by lane
  f.while(
    () => i32.leS(i32.add(j, i32.const(4)), columns),
    () => {
      packFourColumns(f, to, from, kBytes, nBytes, k)
      f.set(to, i32.add(to, i32.const(16)))
      f.set(from, i32.add(from, i32.shl(nBytes, i32.const(2))))
      f.set(j, i32.add(j, i32.const(4)))
    },
  )
  f.while(
    () => i32.ltS(j, i32.const(PANEL)),
    () => {
      const target = f.keep(to)
      const source = f.keep(from)
      count(f, k, 1, () => {
        f.if(
          i32.ltS(j, columns),
          () => f.do(f32.store(target, f32.load(source))),
          () => f.do(f32.store(target, f32.const(0))),
        )
        f.set(target, i32.add(target, i32.const(4 * PANEL)))
        f.set(source, i32.add(source, kBytes))
      })
      f.set(to, i32.add(to, i32.const(4)))
      f.set(from, i32.add(from, nBytes))
      f.set(j, i32.add(j, i32.const(1)))
    },
  )
}

function packFourColumns(f: FunctionBuilder, to: Address, from: Address, kBytes: Address, nBytes: Address, k: Address): void {
  f.scope(() => {
    const target = f.keep(to)
    const sources = [f.keep(from)]
    for (let i = 1; i < 4; i++) sources.push(f.keep(i32.add(sources[i - 1], nBytes)))
    const left = f.keep(k)
    f.if(i32.eq(kBytes, i32.const(4)), () =>
      f.while(
        () => i32.geS(left, i32.const(4)),
        () => {
          const columns = transpose4(f, sources.map(source => f.keep(v128.load(source))))
          columns.forEach((column, i) => f.do(v128.store(target, column, 4 * PANEL * i)))
          for (const source of sources) f.set(source, i32.add(source, i32.const(16)))
          f.set(target, i32.add(target, i32.const(16 * PANEL)))
          f.set(left, i32.sub(left, i32.const(4)))
        },
      ),
    )
    f.while(
      () => i32.gtS(left, i32.const(0)),
      () => {
        const value = sources.slice(1).reduce((vector, source, i) => v128.load32Lane(source, vector, i + 1), v128.load32Zero(sources[0]))
        f.do(v128.store(target, value))
        for (const source of sources) f.set(source, i32.add(source, kBytes))
        f.set(target, i32.add(target, i32.const(4 * PANEL)))
        f.set(left, i32.sub(left, i32.const(1)))
      },
    )
  })
}

/**
 * `(to, toRowBytes, from, rowBytes, kBytes, rows, k)`: to[row][k] = from[row · rowBytes + k · kBytes]. Fast where rowBytes is 4.
 */
export function packRows(module: KernelModule): FunctionRef<null> {
  return module.builder.procedure('packRows', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], f => {
    const [to, toRowBytes, from, rowBytes, kBytes, rows, k] = [0, 1, 2, 3, 4, 5, 6].map(i => f.param('i32', i))
    const row = f.keep(i32.const(0))
    f.if(i32.eq(rowBytes, i32.const(4)), () =>
      f.while(
        () => i32.leS(i32.add(row, i32.const(4)), rows),
        () => {
          packFourRows(f, to, toRowBytes, from, kBytes, k)
          f.set(to, i32.add(to, i32.shl(toRowBytes, i32.const(2))))
          f.set(from, i32.add(from, i32.const(16)))
          f.set(row, i32.add(row, i32.const(4)))
        },
      ),
    )
    f.while(
      () => i32.ltS(row, rows),
      () => {
        const target = f.keep(to)
        const source = f.keep(from)
        count(f, k, 1, () => {
          f.do(f32.store(target, f32.load(source)))
          f.set(target, i32.add(target, i32.const(4)))
          f.set(source, i32.add(source, kBytes))
        })
        f.set(to, i32.add(to, toRowBytes))
        f.set(from, i32.add(from, rowBytes))
        f.set(row, i32.add(row, i32.const(1)))
      },
    )
  })
}

function packFourRows(f: FunctionBuilder, to: Address, toRowBytes: Address, from: Address, kBytes: Address, k: Address): void {
  f.scope(() => {
    const targets = [f.keep(to)]
    for (let i = 1; i < 4; i++) targets.push(f.keep(i32.add(targets[i - 1], toRowBytes)))
    const source = f.keep(from)
    const left = f.keep(k)
    const next = (): void => f.set(source, i32.add(source, kBytes))
    f.while(
      () => i32.geS(left, i32.const(4)),
      () => {
        const columns = [0, 1, 2, 3].map(() => {
          const column = f.keep(v128.load(source))
          next()
          return column
        })
        transpose4(f, columns).forEach((vector, i) => f.do(v128.store(targets[i], vector)))
        for (const target of targets) f.set(target, i32.add(target, i32.const(16)))
        f.set(left, i32.sub(left, i32.const(4)))
      },
    )
    f.while(
      () => i32.gtS(left, i32.const(0)),
      () => {
        const column = f.keep(v128.load(source))
        targets.forEach((target, i) => f.do(f32.store(target, f32x4.extract(column, i))))
        for (const target of targets) f.set(target, i32.add(target, i32.const(4)))
        next()
        f.set(left, i32.sub(left, i32.const(1)))
      },
    )
  })
}
