// Where the program speaks: lines, headings, and one live line that is redrawn on a terminal and, where output goes to a file or a log, printed
// every ten seconds instead.
import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'cyan'

export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

const SECONDS_BETWEEN_LINES = 10

export class Terminal {
  readonly #output: Output
  readonly #environment: NodeJS.ProcessEnv
  readonly #live: ReturnType<typeof createLogUpdate> | null
  #lastLive = 0
  #unfinished = false

  constructor(output: Output & NodeJS.WritableStream = process.stdout, environment: NodeJS.ProcessEnv = process.env) {
    this.#output = output
    this.#environment = environment
    const interactive = output.isTTY === true && environment['CI'] === undefined && environment['TERM'] !== 'dumb'
    this.#live = interactive ? createLogUpdate(output) : null
  }

  get isInteractive(): boolean {
    return this.#live !== null
  }
  get columns(): number {
    return this.#output.columns ?? 100
  }

  line(text = ''): void {
    this.end()
    this.#output.write(`${text}\n`)
  }

  /** What stands in the live line stays; what follows begins below it. */
  end(): void {
    if (this.#unfinished) this.#live?.done()
    this.#unfinished = false
  }

  heading(text: string): void {
    this.line()
    this.line(this.style('bold', text))
  }

  /** Text as it comes, without a line break. */
  write(text: string): void {
    this.#output.write(text)
  }

  /** @param text what stands in the live line now; `last` makes it stay. */
  live(text: string, { last = false }: { last?: boolean } = {}): void {
    const now = performance.now()
    const due = now - this.#lastLive
    if (this.#live === null) {
      if (!last && due < SECONDS_BETWEEN_LINES * 1000) return
      this.#output.write(`${text}\n`)
    } else {
      // ten times a second is as fast as anyone reads
      if (!last && due < 100) return
      this.#live(text)
      this.#unfinished = !last
      if (last) this.#live.done()
    }
    this.#lastLive = now
  }

  /** Forgets when a live line was last printed, so that the next one is: something new begins. */
  restart(): void {
    this.#lastLive = -Infinity
  }

  style(style: Style, text: string): string {
    return this.#live === null || (this.#environment['NO_COLOR'] ?? '') !== '' ? text : styleText(style, text)
  }
}
