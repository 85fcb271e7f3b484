// What went wrong on the GPU after the call that caused it returned: validation and memory errors, and the loss of the device.
// They are kept here and thrown at the next read, the only place where the host waits.
import { DeviceError } from '../../errors.js'

export class Faults {
  readonly #device: GPUDevice
  readonly #scopes = new Set<Promise<void>>()
  /** The first error of a scope, whose cause is known; what came of it in a run is only its consequence. */
  #attributed: DeviceError | null = null
  #first: DeviceError | null = null
  #lost: DeviceError | null = null
  #closing = false

  constructor(device: GPUDevice) {
    this.#device = device
    device.addEventListener('uncapturederror', event => {
      event.preventDefault()
      this.#first ??= this.#describe('run', event.error)
    })
    void device.lost.then(info => {
      if (!this.#closing) this.#lost = new DeviceError(`webgpu: the device must stay alive, got lost (${info.reason}): ${info.message}; make a new device and load the last checkpoint`, 'lost')
    })
  }

  #describe(what: string, error: GPUError): DeviceError {
    const outOfMemory = /memory/i.test(error.constructor.name)
    return new DeviceError(`webgpu: ${what} must be valid, got ${error.message}`, outOfMemory ? 'memory' : 'validation')
  }

  /** Runs `work` so that an error it causes is attributed to `what`. For things made once, not for every dispatch. */
  attribute<T>(what: string, filter: GPUErrorFilter, work: () => T): T {
    this.#device.pushErrorScope(filter)
    try {
      return work()
    } finally {
      const scope: Promise<void> = this.#device.popErrorScope().then(
        error => {
          this.#scopes.delete(scope)
          if (error !== null) this.#attributed ??= this.#describe(what, error)
        },
        () => void this.#scopes.delete(scope),
      )
      this.#scopes.add(scope)
    }
  }

  /** Throws if the device is closed or known to be lost. */
  check(): void {
    if (this.#closing) throw new DeviceError('webgpu: the device must be open, got a closed one', 'closed')
    if (this.#lost !== null) throw this.#lost
  }

  /** Waits for the pending answers, then throws what went wrong; an error is thrown once. */
  async settle(): Promise<void> {
    if (this.#scopes.size > 0) await Promise.all(this.#scopes)
    // the event of a lost device may still be under way when a map is refused
    await Promise.resolve()
    const first = this.#attributed ?? this.#first
    this.#attributed = null
    this.#first = null
    this.check()
    if (first !== null) throw first
  }

  get lost(): Promise<DeviceError> {
    return this.#device.lost.then(info => this.#lost ?? new DeviceError(`webgpu: the device must be open, got ${info.reason}: ${info.message}`, this.#closing ? 'closed' : 'lost'))
  }

  close(): void {
    this.#closing = true
  }
}
