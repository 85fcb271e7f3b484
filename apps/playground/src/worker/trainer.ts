// Trains the desk's run a step at a time, and shows it: progress ten times a second, and now and then attention, a sample, the held-out loss, a
// checkpoint. The rhythms depend on the clock, but nothing they do changes the run: its numbers depend on its seed alone.
import type { Point } from '../protocol.ts'
import { post } from './post.ts'
import { Rhythm } from './rhythm.ts'
import type { Run } from './run.ts'

export interface Watcher {
  readonly temperature: number
  look(run: Run): Promise<void>
  save(run: Run): Promise<void>
}

const SAMPLE_TOKENS = 48

export class Trainer {
  readonly #run: Run
  readonly #watcher: Watcher
  readonly #goal: number
  #fresh: Point[] = []
  #speed = 0
  #busy = 0
  #steps = 0
  readonly #progress = new Rhythm(100)
  readonly #attention = new Rhythm(600, 300)
  readonly #samples = new Rhythm(4000, 1500)
  readonly #evaluations = new Rhythm(4000, 2500)
  readonly #checkpoints = new Rhythm(8000, 2000)

  constructor(run: Run, watcher: Watcher) {
    this.#run = run
    this.#watcher = watcher
    // a run that is done goes on until it is paused
    this.#goal = run.step < run.parts.settings.steps ? run.parts.settings.steps : Infinity
  }

  /** One step and whatever is due after it. Whether the goal is reached. */
  async turn(): Promise<boolean> {
    const start = performance.now()
    this.#fresh.push(...(await this.#run.advance()))
    this.#count(performance.now() - start)
    if (this.#progress.due) await this.#progress.run(async () => this.#tell())
    if (this.#attention.due) await this.#attention.run(() => this.#watcher.look(this.#run))
    if (this.#samples.due) await this.#samples.run(() => this.sample())
    if (this.#evaluations.due) await this.#evaluations.run(() => this.#evaluate())
    if (this.#checkpoints.due) await this.#checkpoints.run(() => this.#save())
    return this.#run.step >= this.#goal
  }

  /** Before a pause: everything known, shown and stored. */
  async finish(): Promise<void> {
    this.#fresh.push(...(await this.#run.settle()))
    this.#tell()
    await this.#evaluate()
    await this.#watcher.look(this.#run)
    await this.#watcher.save(this.#run)
  }

  async sample(): Promise<void> {
    const { step } = this.#run
    const text = await this.#run.voice.speak({ prompt: '', temperature: this.#watcher.temperature, topK: 40, count: SAMPLE_TOKENS, seed: step + 1 })
    const sample = { step, text }
    this.#run.keepSample(sample)
    post({ kind: 'sampled', sample })
  }

  async #evaluate(): Promise<void> {
    this.#fresh.push(...(await this.#run.settle()))
    const evaluation = await this.#run.evaluate()
    if (evaluation !== null) post({ kind: 'evaluated', ...evaluation })
  }

  async #save(): Promise<void> {
    this.#fresh.push(...(await this.#run.settle()))
    await this.#watcher.save(this.#run)
  }

  /** Tokens per second of training alone, over about a second. */
  #count(milliseconds: number): void {
    this.#busy += milliseconds
    this.#steps++
    if (this.#busy < 1000 && this.#speed > 0) return
    this.#speed = (this.#steps * this.#run.tokensPerStep * 1000) / Math.max(1, this.#busy)
    this.#busy = 0
    this.#steps = 0
  }

  #tell(): void {
    if (this.#fresh.length > 0) post({ kind: 'progress', points: this.#fresh, tokensPerSecond: this.#speed })
    this.#fresh = []
  }
}
