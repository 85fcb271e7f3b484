// What a device tells a tuner, and is told by it. The code that measures and chooses is loaded on request only: tuning.ts.
import { kernelKey, type Kernel } from '../../../plan/kernel.js'
import type { GpuProgram } from '../kernels/gpu-program.js'

/** A prepared kernel and the elements that each of its bindings spans. */
export interface Prepared {
  readonly kernel: Kernel
  readonly lengths: readonly number[]
}

/** Ways of computing kernels that go before the seed tables. */
export interface Chooser {
  /** A name of the choice for a kernel; empty where there is none. */
  keyOf(kernel: Kernel): string
  programsOf(kernel: Kernel): readonly GpuProgram[] | null
}

/** Shapes that keep changing must not fill memory. */
const MOST_PREPARED = 1024

export class Tunables {
  chooser: Chooser | null = null
  /** Counts up when choices change: what was compiled before may be compiled otherwise now. */
  generation = 0
  readonly #prepared = new Map<string, { readonly prepared: Prepared; times: number }>()

  remember(prepared: Prepared): void {
    const key = kernelKey(prepared.kernel)
    const known = this.#prepared.get(key)
    if (known !== undefined) known.times++
    else if (this.#prepared.size < MOST_PREPARED) this.#prepared.set(key, { prepared, times: 1 })
  }

  /** Every kernel that was prepared, and how often. */
  get prepared(): Iterable<{ readonly prepared: Prepared; readonly times: number }> {
    return this.#prepared.values()
  }
}
