// The choices of one device: what it has prepared and could choose about, what was chosen, and where that is kept.
import { describeAdapter, type GpuTraits } from '../traits.js'
import { kernelClass } from './candidates.js'
import { Choices } from './choices.js'
import type { TuningStore } from './store.js'
import { tune, type Prepared, type TuneOptions } from './tune.js'

export class Tuning {
  readonly choices = new Choices()
  /** Counts up when choices change: what was compiled before may be compiled otherwise now. */
  generation = 0
  /** One kernel of each class that has several ways to be computed. */
  readonly #prepared = new Map<string, Prepared>()
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
    if (own !== null && !this.#prepared.has(own)) this.#prepared.set(own, prepared)
  }

  /** Takes up what was measured on this adapter before, and keeps there what will be. */
  async use(store: TuningStore): Promise<void> {
    this.#store = store
    const known = await store.load(this.#adapter)
    if (known === null) return
    this.choices.restore(known)
    this.generation++
  }

  /** Measures what was prepared and is not known yet; the choices as JSON. */
  async run(options: TuneOptions): Promise<string> {
    const measured = await tune(this.#gpu, this.#traits, this.#prepared.values(), this.choices, options)
    const text = JSON.stringify(this.choices)
    if (measured > 0) {
      this.generation++
      await this.#store?.save(this.#adapter, text)
    }
    return text
  }
}
