// Ownership of a storage: shared by the nodes whose value it is, freed when none is reachable any more, or at once by `release`.
import type { Device, Storage } from '../devices/device.js'
import { freeStorage } from '../memory.js'

const registry = new FinalizationRegistry<{ device: Device; storage: Storage }>(({ device, storage }) => freeStorage(device, storage))
const collectors = new Set<Set<Holding>>()

/** Until the returned function is called, every new holding is put into `into`. */
export function collectHoldings(into: Set<Holding>): () => void {
  collectors.add(into)
  return () => {
    collectors.delete(into)
  }
}

export class Holding {
  readonly device: Device
  readonly storage: Storage
  /** Is it the value of a tensor that was assigned to? Then it outlives the scope it was computed in. */
  isAssigned = false
  #released = false

  constructor(device: Device, storage: Storage) {
    this.device = device
    this.storage = storage
    registry.register(this, { device, storage }, this)
    for (const collector of collectors) collector.add(this)
  }

  get released(): boolean {
    return this.#released
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    registry.unregister(this)
    freeStorage(this.device, this.storage)
  }
}
