// Which way of computing a kernel was measured fastest on one adapter, by class of kernels: names, as JSON that can be kept and compared. The
// same choices give the same shaders, and so the same bits.

/** Choices made for other generators of shaders do not count. */
const GENERATOR = 2

export interface Choice {
  /** The candidate's name. */
  readonly name: string
  /** Whether only candidates that add in the seed table's order were compared. */
  readonly exact: boolean
  /** Of each candidate that was measured, by name; null for one that was abandoned. */
  readonly microseconds: Readonly<Record<string, number | null>>
}

export class Choices {
  readonly #byClass = new Map<string, Choice>()

  get isEmpty(): boolean {
    return this.#byClass.size === 0
  }

  of(kernelClass: string): Choice | null {
    return this.#byClass.get(kernelClass) ?? null
  }

  set(kernelClass: string, choice: Choice): void {
    this.#byClass.set(kernelClass, choice)
  }

  toJSON(): { generator: number; choices: Record<string, Choice> } {
    return { generator: GENERATOR, choices: Object.fromEntries([...this.#byClass].sort(([a], [b]) => (a < b ? -1 : 1))) }
  }

  /** Takes over what a JSON text holds; a text of another generator, or damaged, holds nothing. */
  restore(text: string): void {
    let stored: unknown
    try {
      stored = JSON.parse(text)
    } catch {
      return
    }
    if (!isRecord(stored) || stored['generator'] !== GENERATOR || !isRecord(stored['choices'])) return
    for (const [kernelClass, choice] of Object.entries(stored['choices'])) {
      if (!isRecord(choice) || typeof choice['name'] !== 'string' || typeof choice['exact'] !== 'boolean' || !isRecord(choice['microseconds'])) continue
      const measured = Object.entries(choice['microseconds']).map(([name, time]) => [name, typeof time === 'number' ? time : null] as const)
      this.#byClass.set(kernelClass, { name: choice['name'], exact: choice['exact'], microseconds: Object.fromEntries(measured) })
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
