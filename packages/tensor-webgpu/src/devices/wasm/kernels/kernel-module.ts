// A WebAssembly module in the making, with the host functions its kernels may call and what each kernel asks of the one who runs it.
import { ModuleBuilder, type FunctionRef } from '../emit/module-builder.js'

/** One pass over a kernel's units of work; passes run one after another, the units of a pass in any order on any thread. */
export interface Phase {
  readonly exported: string
  readonly units: number
  /** Units given to a thread at a time: fixed, so that results never depend on the number of threads. */
  readonly chunk: number
}

/** What running a kernel takes besides its bindings. */
export interface CompiledKernel {
  readonly phases: readonly Phase[]
  /** Bytes that all threads share while the kernel runs. */
  readonly sharedBytes: number
  /** Bytes that each thread has to itself. */
  readonly threadBytes: number
}

/** Every phase is `(frame, thread scratch, first unit, end unit)`; the frame holds the shared scratch's address, then one per binding. */
export const FRAME = 0
export const SCRATCH = 1
export const BEGIN = 2
export const END = 3
export const PHASE_PARAMS = ['i32', 'i32', 'i32', 'i32'] as const

export const frameBytes = (bindings: number): number => 4 * (1 + bindings)

/** Cost, in vector instructions, below which handing work to another thread takes longer than doing it. */
const CHUNK_COST = 24_000
const MAX_CHUNKS = 512

/** Splits `units` of equal cost into chunks. */
export function phase(exported: string, units: number, costPerUnit: number): Phase {
  const byCost = Math.ceil(CHUNK_COST / Math.max(costPerUnit, 1))
  const chunk = Math.max(1, Math.min(units, byCost), Math.ceil(units / MAX_CHUNKS))
  return { exported, units, chunk }
}

export class KernelModule {
  readonly builder = new ModuleBuilder()
  readonly sin: FunctionRef<'f64'> = this.builder.import('sin', ['f64'], 'f64')
  readonly cos: FunctionRef<'f64'> = this.builder.import('cos', ['f64'], 'f64')
  readonly pow: FunctionRef<'f64'> = this.builder.import('pow', ['f64', 'f64'], 'f64')
  #exports = 0

  exportName(): string {
    return `k${this.#exports++}`
  }
}
