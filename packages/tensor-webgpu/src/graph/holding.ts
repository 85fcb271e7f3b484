// Ownership of a storage: shared by the nodes whose value it is, freed when none is reachable any more, or at once by `release`.
import type { Device, Storage } from '../devices/device.js'

const registry = new FinalizationRegistry<{ device: Device; storage: Storage }>(({ device, storage }) => device.free(storage))

export class Holding {
  readonly device: Device
  readonly storage: Storage
  #released = false

  constructor(device: Device, storage: Storage) {
    this.device = device
    this.storage = storage
    registry.register(this, { device, storage }, this)
  }

  get released(): boolean {
    return this.#released
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    registry.unregister(this)
    this.device.free(this.storage)
  }
}
