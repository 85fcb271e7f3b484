// Ctrl-C and SIGTERM: the work in progress is asked to stop at the next step and save; a second signal ends the process at once.

const exitCodeOf = { SIGINT: 130, SIGTERM: 143 } as const
type StopSignal = keyof typeof exitCodeOf

/** Thrown once the work has stopped and its checkpoint is saved. */
export class Interrupted extends Error {
  override name = 'Interrupted'
  readonly exitCode: number
  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

export class Interruption {
  readonly #controller = new AbortController()
  readonly #onSignal: (name: StopSignal) => void
  #exitCode = 130

  constructor(onFirst: () => void = () => {}) {
    this.#onSignal = name => {
      if (this.#controller.signal.aborted) process.exit(exitCodeOf[name])
      onFirst()
      this.stop(name)
    }
  }

  /** As the signal does. */
  stop(name: StopSignal): void {
    this.#exitCode = exitCodeOf[name]
    this.#controller.abort(new Interrupted(this.#exitCode, 'interrupted'))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  listen(): this {
    process.on('SIGINT', this.#onSignal).on('SIGTERM', this.#onSignal)
    return this
  }

  ignore(): void {
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal)
  }

  /** Call where nothing is left to save. */
  throwIfStopped(message: string): void {
    if (this.signal.aborted) throw new Interrupted(this.#exitCode, message)
  }
}
