// The choices of one device: what was chosen for which kernels, and where that is kept. Loaded when a device is tuned, or given what was measured.
import { stepCost } from '../../../plan/cost.js'
import type { Kernel } from '../../../plan/kernel.js'
import type { GpuProgram } from '../kernels/gpu-program.js'
import { describeAdapter, type GpuTraits } from '../traits.js'
import { candidatesOf } from './candidates.js'
import { Choices } from './choices.js'
import { kernelClass } from './kernel-class.js'
import type { TuningStore } from './store.js'
import type { Chooser, Prepared, Tunables } from './tunables.js'
import { tune, type TuneOptions } from './tune.js'

/** In bytes: while a GPU moves one it computes some ten operations. */
function costOf({ kernel, lengths }: Prepared): number {
  const { bytes, flops } = stepCost({ kernel, regions: lengths.map((length, slot) => ({ slot, offset: 0, length })), label: '' })
  return bytes + (flops ?? 0) / 10
}

export class Tuning implements Chooser {
  readonly choices = new Choices()
  readonly #tunables: Tunables
  readonly #gpu: GPUDevice
  readonly #traits: GpuTraits
  readonly #adapter: string
  #store: TuningStore | null = null

  constructor(tunables: Tunables, gpu: GPUDevice, info: GPUAdapterInfo, traits: GpuTraits) {
    this.#tunables = tunables
    this.#gpu = gpu
    this.#traits = traits
    // features and limits decide which candidates there are
    this.#adapter = [info.vendor, info.architecture, describeAdapter(info), `subgroup ${traits.subgroupSize}`].filter(word => word !== '').join(' ')
    tunables.chooser = this
  }

  keyOf(kernel: Kernel): string {
    const own = this.choices.isEmpty ? null : kernelClass(kernel)
    const choice = own === null ? null : this.choices.of(own)
    return choice === null ? '' : `${choice.name}${choice.exact ? '' : ' in any order'}`
  }

  /** null where nothing was chosen for the kernel's class, or the choice does not fit this one of it. */
  programsOf(kernel: Kernel): readonly GpuProgram[] | null {
    const own = this.choices.isEmpty ? null : kernelClass(kernel)
    const choice = own === null ? null : this.choices.of(own)
    if (choice === null) return null
    const candidates = candidatesOf(kernel, this.#traits)
    const chosen = candidates.find(({ name }) => name === choice.name)
    // the class is wider than a candidate: what adds in the seed's order for one kernel of it may not for another
    return chosen === undefined || (choice.exact && chosen.order !== candidates[0].order) ? null : chosen.programs()
  }

  /** Takes up what was measured on this adapter before, and keeps there what will be. */
  async use(store: TuningStore): Promise<void> {
    this.#store = store
    const known = await store.load(this.#adapter)
    if (known === null) return
    this.choices.restore(known)
    this.#tunables.generation++
  }

  /** Measures what was prepared and is not known yet, what costs most first; the choices as JSON. */
  async run(options: TuneOptions): Promise<string> {
    const measured = await tune(this.#gpu, this.#traits, this.#byCost(), this.choices, options)
    const text = JSON.stringify(this.choices)
    if (measured > 0) {
      this.#tunables.generation++
      await this.#store?.save(this.#adapter, text)
    }
    return text
  }

  /** One kernel of each class that may have several ways to be computed. */
  #byCost(): Prepared[] {
    const classes = new Map<string, { readonly prepared: Prepared; cost: number }>()
    for (const { prepared, times } of this.#tunables.prepared) {
      const own = kernelClass(prepared.kernel)
      if (own === null) continue
      const known = classes.get(own)
      const cost = times * costOf(prepared)
      if (known === undefined) classes.set(own, { prepared, cost })
      else known.cost += cost
    }
    return [...classes.values()].sort((a, b) => b.cost - a.cost).map(({ prepared }) => prepared)
  }
}
