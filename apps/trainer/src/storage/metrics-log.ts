// metrics.jsonl: one JSON object a line, in the order things happened. A resumed run first drops what it is about to do again.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { writeFailure } from '../failure.js'
import { writeFileAtomic } from './atomic-write.js'

export type Metrics = Readonly<Record<string, number | string>> & { readonly step: number }

export class MetricsLog {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  append(metrics: Metrics): void {
    try {
      appendFileSync(this.path, `${JSON.stringify(metrics)}\n`)
    } catch (error) {
      throw writeFailure(this.path, error)
    }
  }

  /** Keeps whole lines up to a step. */
  async cutAfter(step: number): Promise<void> {
    if (!existsSync(this.path)) return
    const kept = readFileSync(this.path, 'utf8').split('\n').filter(line => stepOf(line) <= step)
    await writeFileAtomic(this.path, kept.map(line => `${line}\n`).join(''))
  }
}

/** Infinity for a line that is no metrics: one that a crash cut short. */
function stepOf(line: string): number {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null && 'step' in parsed && typeof parsed.step === 'number' ? parsed.step : Infinity
  } catch {
    return Infinity
  }
}
