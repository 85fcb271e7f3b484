// The choices of one device: what it has prepared and could choose about, what was chosen, and where that is kept.
import { stepCost } from '../../../plan/cost.js'
import { describeAdapter, type GpuTraits } from '../traits.js'
import { Choices } from './choices.js'
import { kernelClass } from './kernel-class.js'
import type { TuningStore } from './store.js'
import { tune, type Prepared, type TuneOptions } from './tune.js'

/** In bytes: while a GPU moves one it computes some ten operations. */
function costOf({ kernel, lengths }: Prepared): number {
  const { bytes, flops } = stepCost({ kernel, regions: lengths.map((length, slot) => ({ slot, offset: 0, length })), label: '' })
  return bytes + (flops ?? 0) / 10
}

export class Tuning {
  readonly choices = new Choices()
  /** Counts up when choices change: what was compiled before may be compiled otherwise now. */
  generation = 0
  /** One kernel of each class that may have several ways to be computed, and how often the class was met. */
  readonly #prepared = new Map<string, { readonly prepared: Prepared; times: number }>()
  readonly #gpu: GPUDevice
  readonly #traits: GpuTraits
  readonly #adapter: string
  #store: TuningStore | null = null

  constructor(gpu: GPUDevice, info: GPUAdapterInfo, traits: GpuTraits) {
    this.#gpu = gpu
    this.#traits = traits
    // features and limits decide which candidates there are
    this.#adapter = [info.vendor, info.architecture, describeAdapter(info), `subgroup ${traits.subgroupSize}`].filter(word => word !== '').join(' ')
  }

  remember(prepared: Prepared): void {
    const own = kernelClass(prepared.kernel)
    if (own === null) return
    const known = this.#prepared.get(own)
    if (known === undefined) this.#prepared.set(own, { prepared, times: 1 })
    else known.times++
  }

  /** Takes up what was measured on this adapter before, and keeps there what will be. */
  async use(store: TuningStore): Promise<void> {
    this.#store = store
    const known = await store.load(this.#adapter)
    if (known === null) return
    this.choices.restore(known)
    this.generation++
  }

  /** Measures what was prepared and is not known yet, what costs most first; the choices as JSON. */
  async run(options: TuneOptions): Promise<string> {
    const byCost = [...this.#prepared.values()].map(({ prepared, times }) => ({ prepared, cost: times * costOf(prepared) })).sort((a, b) => b.cost - a.cost)
    const measured = await tune(this.#gpu, this.#traits, byCost.map(({ prepared }) => prepared), this.choices, options)
    const text = JSON.stringify(this.choices)
    if (measured > 0) {
      this.generation++
      await this.#store?.save(this.#adapter, text)
    }
    return text
  }
}
