// The gradient of a gather: rows of the source added into the rows of `out` that the indices name, in order. A unit is a strip of columns
// (or one outer index), which one thread walks from first to last, so no sum depends on timing.
import type { ScatterAddKernel } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { f32, i32, maxS, minS } from '../emit/scalar.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { I32 } from '../emit/value.js'
import { overUnits, type Bases } from './attention-layout.js'
import { phase, type CompiledKernel, type KernelModule } from './kernel-module.js'

/** Columns of a strip: two cache lines. */
const STRIP = 32

export function compileScatterAdd(module: KernelModule, kernel: ScatterAddKernel): CompiledKernel {
  const { outer, count, inner, size } = kernel
  if (kernel.part !== undefined || kernel.continues !== undefined) throw new Error('wasm: a scatterAdd must be whole, memory being one')
  if (outer * inner * size === 0) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  const strips = Math.ceil(inner / STRIP)
  const exported = overUnits(module, [outer, strips], kernel.bindings, (f, bases, index) => strip(f, bases, kernel, index))
  const cost = (count * 3 + size) * Math.ceil(Math.min(inner, STRIP) / 4)
  return { phases: [phase(exported, outer * strips, cost)], sharedBytes: 0, threadBytes: 0 }
}

function times(f: FunctionBuilder, n: number, body: () => void): void {
  if (n === 0) return
  f.scope(() => {
    const left = f.keep(i32.const(n))
    f.repeat(
      () => {
        body()
        f.set(left, i32.sub(left, i32.const(1)))
      },
      () => left,
    )
  })
}

function strip(f: FunctionBuilder, bases: Bases, kernel: ScatterAddKernel, [outer, number]: readonly Local<'i32'>[]): void {
  const { count, inner, size, index, source, out } = kernel
  const first = f.keep(i32.mul(number, i32.const(STRIP)))
  const columns = f.keep(minS(i32.const(STRIP), i32.sub(i32.const(inner), first)))
  const outAt = bases.at(out, outer, i32.const(0), first)
  const row = f.keep(outAt)
  times(f, size, () => {
    overColumns(f, columns, out.strides[2] === 1, (at, vector) => {
      const to = element(row, at, out.strides[2])
      f.do(vector ? v128.store(to, f32x4.const(0)) : f32.store(to, f32.const(0)))
    })
    f.set(row, i32.add(row, i32.const(out.strides[1] * 4)))
  })
  const indexAt = bases.at(index, outer, i32.const(0), first)
  const sourceAt = bases.at(source, outer, i32.const(0), first)
  const isFloat = kernel.bindings[out.binding].dtype === 'f32'
  const sameIndex = index.strides[2] === 0
  const rowOf = (address: I32): I32 => {
    const clamped = maxS(i32.const(0), minS(f.keep(i32.load(address)), i32.const(size - 1)))
    return i32.add(outAt, i32.mul(clamped, i32.const(out.strides[1] * 4)))
  }
  times(f, count, () => {
    if (sameIndex) f.set(row, rowOf(indexAt))
    overColumns(f, columns, sameIndex && out.strides[2] === 1 && source.strides[2] === 1, (at, vector) => {
      if (!sameIndex) f.set(row, rowOf(element(indexAt, at, index.strides[2])))
      const to = f.keep(element(row, at, out.strides[2]))
      const from = element(sourceAt, at, source.strides[2])
      if (vector) f.do(v128.store(to, (isFloat ? f32x4.add : i32x4.add)(v128.load(to), v128.load(from))))
      else f.do(isFloat ? f32.store(to, f32.add(f32.load(to), f32.load(from))) : i32.store(to, i32.add(i32.load(to), i32.load(from))))
    })
    f.set(indexAt, i32.add(indexAt, i32.const(index.strides[1] * 4)))
    f.set(sourceAt, i32.add(sourceAt, i32.const(source.strides[1] * 4)))
  })
}

const element = (start: I32, at: I32, stride: number): I32 => i32.add(start, i32.mul(at, i32.const(stride * 4)))

/** Four columns at a time where that is allowed, then one at a time. */
function overColumns(f: FunctionBuilder, columns: Local<'i32'>, vectors: boolean, body: (at: Local<'i32'>, vector: boolean) => void): void {
  f.scope(() => {
    const at = f.keep(i32.const(0))
    for (const step of vectors ? [4, 1] : [1])
      f.while(
        () => i32.leS(i32.add(at, i32.const(step)), columns),
        () => {
          f.scope(() => body(at, step === 4))
          f.set(at, i32.add(at, i32.const(step)))
        },
      )
  })
}
