// How far a piece of work is: a bar, the step, figures such as the loss, speed and time left. It keeps the only clock of a run; results never
// depend on it.
import { clock, count, percent } from './figures.js'
import type { Terminal } from './terminal.js'

export interface ProgressOptions {
  /** Steps in all, and those done before (a resumed run). */
  readonly total: number
  readonly start?: number
  /** What a step is called: `step`, `update`, `merge`. */
  readonly step?: string
  /** Tokens in a step; without it no speed is shown. */
  readonly tokensPerStep?: number
}

export class Progress {
  readonly #terminal: Terminal
  readonly #options: Required<Omit<ProgressOptions, 'tokensPerStep'>> & Pick<ProgressOptions, 'tokensPerStep'>
  readonly #began = performance.now()
  /** Of the first report: what comes before it is compiling, which later steps do not do again. */
  #warm: { at: number; step: number } | null = null
  #text = ''

  constructor(terminal: Terminal, { total, start = 0, step = 'step', tokensPerStep }: ProgressOptions) {
    this.#terminal = terminal
    this.#options = { total, start, step, ...(tokensPerStep === undefined ? {} : { tokensPerStep }) }
    terminal.restart()
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  /** Seconds a step takes, or NaN before the second one. */
  get secondsPerStep(): number {
    return this.#secondsPerStep
  }
  #secondsPerStep = NaN

  get tokensPerSecond(): number {
    return (this.#options.tokensPerStep ?? NaN) / this.#secondsPerStep
  }

  update(done: number, figures = ''): void {
    const { total, step } = this.#options
    const now = performance.now()
    this.#warm ??= { at: now, step: done }
    // losses are read a few steps behind, so the first reports come in a bunch
    if (done > this.#warm.step + 3 || (done === total && done > this.#warm.step + 1)) this.#secondsPerStep = (now - this.#warm.at) / 1000 / (done - this.#warm.step)
    const speed = Number.isFinite(this.tokensPerSecond) ? `${count(this.tokensPerSecond)} tokens/s` : ''
    const left = done < total && Number.isFinite(this.#secondsPerStep) ? `${clock((total - done) * this.#secondsPerStep)} left` : ''
    const width = String(total).length
    this.#text = [`${step} ${String(done).padStart(width)}/${total}`, percent(done / total).padStart(5), figures, speed, left].filter(part => part !== '').join('  ')
    const bar = this.#terminal.isInteractive ? `${this.#bar(done / total)} ` : ''
    this.#terminal.live(`  ${bar}${this.#text}`, { last: done >= total })
  }

  /** The line stays as it is: the work stopped before its end, or has no last step. */
  stop(): void {
    if (this.#text !== '') this.#terminal.live(`  ${this.#text}`, { last: true })
  }

  #bar(part: number): string {
    const width = Math.max(8, Math.min(24, this.#terminal.columns - 78))
    const filled = Math.round(part * width)
    return `${this.#terminal.style('green', '━'.repeat(filled))}${this.#terminal.style('dim', '━'.repeat(width - filled))}`
  }
}
