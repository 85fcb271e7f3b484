// When something that interrupts training is due: not more often than every so many milliseconds, and never for more than a tenth of the time.

export class Rhythm {
  readonly #every: number
  #last: number
  #lasted = 0

  /** @param first milliseconds until the first time */
  constructor(every: number, first = every) {
    this.#every = every
    this.#last = performance.now() - every + first
  }

  get due(): boolean {
    return performance.now() - this.#last >= Math.max(this.#every, 10 * this.#lasted)
  }

  async run(work: () => Promise<void>): Promise<void> {
    const start = performance.now()
    await work()
    this.#last = performance.now()
    this.#lasted = this.#last - start
  }
}
