// One run: a model, its tokenizer, its text, and all that has happened to it. It trains step by step and never by itself: the desk (desk.ts) decides
// when, and in between asks for samples, attention and checkpoints.
import { crossEntropy, RandomStream, type Device } from '@abovo/tensor-webgpu'
import { warmupCosineSchedule } from '@abovo/autograd'
import { Evaluator, Gpt, RandomWindows, splitTokens, Training, type StepResult, type TrainingState } from '@abovo/nn-transformer'
import type { Tokenizer } from '@abovo/tokenizer-bpe'
import type { Point, RunReport, RunSettings, Sample } from '../protocol.ts'
import { History } from '../run/history.ts'
import { AttentionMaps } from './attention-maps.ts'
import { Speaker } from './speaker.ts'

export interface RunParts {
  readonly model: Gpt
  readonly tokenizer: Tokenizer
  readonly settings: RunSettings
  /** Of the text, train and validation together. Too few to train on: the model can only be used. */
  readonly ids: Uint32Array
  readonly text: string
  readonly textName: string
  readonly state?: TrainingState
  readonly points?: readonly Point[]
  readonly validation?: readonly Point[]
  readonly bitsPerByte?: number | null
  readonly samples?: readonly Sample[]
}

export class Diverged extends Error {
  override name = 'Diverged'
}

/** How many steps are queued before the loss of the first is waited for: the device never idles. */
const READ_AHEAD = 2
/** Held-out tokens that are scored each time. */
const VALIDATION_TOKENS = 4096
const KEPT_SAMPLES = 30

export class Run {
  readonly parts: RunParts
  readonly voice: Speaker
  readonly attention: AttentionMaps
  readonly #history: History
  readonly #validation: Point[]
  readonly #samples: Sample[]
  readonly #schooling: Schooling | null
  #bitsPerByte: number | null
  /** Tells which steps' losses are on their way. */
  readonly #reading: Promise<Point>[] = []

  constructor(parts: RunParts) {
    this.parts = parts
    this.voice = new Speaker(parts.model, parts.tokenizer)
    this.attention = new AttentionMaps(parts.model)
    this.#history = new History(parts.points)
    this.#validation = [...(parts.validation ?? [])]
    this.#samples = [...(parts.samples ?? [])]
    this.#bitsPerByte = parts.bitsPerByte ?? null
    this.#schooling = parts.ids.length > 2 * (parts.settings.nPositions + 2) ? schoolingOf(parts) : null
  }

  static begin({ settings, tokenizer, ids, text, textName, device }: Omit<RunParts, 'model'> & { device: Device }): Run {
    const { nLayer, nHead, nEmbd, nPositions, seed } = settings
    const model = new Gpt({ vocabSize: tokenizer.vocabSize, nLayer, nHead, nEmbd, nPositions }, { seed, device })
    return new Run({ model, tokenizer, settings, ids, text, textName })
  }

  get step(): number {
    return this.#schooling?.training.done ?? this.parts.state?.step ?? 0
  }
  get trainable(): boolean {
    return this.#schooling !== null
  }
  get tokensPerStep(): number {
    return this.parts.settings.batchSize * this.parts.settings.nPositions
  }

  /** Queues one step; gives the losses that have become known meanwhile. @throws Diverged */
  async advance(): Promise<Point[]> {
    if (this.#schooling === null) return []
    const { training, windows, schedule } = this.#schooling
    training.setLearningRate(schedule(training.done))
    this.#reading.push(readPoint(training.step(windows.next()), training.done))
    return this.#settle(READ_AHEAD)
  }

  /** Waits for all queued steps. */
  settle(): Promise<Point[]> {
    return this.#settle(0)
  }

  async #settle(most: number): Promise<Point[]> {
    const points: Point[] = []
    while (this.#reading.length > most) {
      const point = await this.#reading[0]
      void this.#reading.shift()
      if (!Number.isFinite(point.loss)) throw new Diverged(`in step ${point.step} the loss is ${point.loss}`)
      this.#history.add(point)
      points.push(point)
    }
    return points
  }

  /** Held-out loss. */
  async evaluate(): Promise<{ point: Point; bitsPerByte: number } | null> {
    if (this.#schooling === null) return null
    const { natsPerToken, bitsPerByte } = await this.#schooling.evaluator.evaluate(this.#schooling.validation, { decode: ids => this.parts.tokenizer.decode(ids) })
    const point = { step: this.step, loss: natsPerToken }
    this.#validation.push(point)
    this.#bitsPerByte = bitsPerByte
    return { point, bitsPerByte }
  }

  keepSample(sample: Sample): void {
    this.#samples.push(sample)
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift()
  }

  /** Everything needed to go on exactly; null for a model alone. */
  async state(): Promise<TrainingState | null> {
    if (this.#schooling === null) return null
    const { training, windows } = this.#schooling
    return { step: training.done, counter: windows.stream.counter, optimizer: await training.state() }
  }

  report(): RunReport {
    const { settings, model, textName } = this.parts
    const parameters = model.parameters().reduce((sum, tensor) => sum + tensor.size, 0)
    return {
      settings, parameters, text: textName, step: this.step, points: this.#history.points, validation: this.#validation,
      bitsPerByte: this.#bitsPerByte, samples: this.#samples, trainable: this.trainable,
    }
  }

  async dispose(): Promise<void> {
    // a lost device answers with errors
    await Promise.allSettled(this.#reading)
    for (const part of [this.voice, this.attention, this.#schooling?.training, this.#schooling?.evaluator, this.parts.model]) part?.dispose()
  }
}

/** What training needs beside the model. */
interface Schooling {
  readonly training: Training
  readonly windows: RandomWindows
  readonly evaluator: Evaluator
  readonly validation: Int32Array
  readonly schedule: (step: number) => number
}

function schoolingOf({ model, ids, settings, state }: RunParts): Schooling {
  const { nPositions, batchSize, steps, lr, seed } = settings
  // a short text still has one window to hold out
  const part = Math.min(0.3, Math.max(0.1, (nPositions + 2) / ids.length))
  const { train, validation } = splitTokens(ids, { validation: part })
  const training = new Training(model, (batch, noise) => crossEntropy(model.forward(batch['inputs'], { noise }), batch['targets']), { lr: 0, seed, weightDecay: 0.1, betas: [0.9, 0.95] })
  if (state !== undefined) training.load(state.optimizer)
  const cosine = warmupCosineSchedule({ lr, finalLr: lr / 10, warmupSteps: Math.min(100, Math.ceil(steps / 10)), steps })
  return {
    training,
    windows: new RandomWindows(train, { batchSize, blockSize: Math.min(nPositions, train.length - 1), stream: new RandomStream(seed, state?.counter ?? 0) }),
    evaluator: new Evaluator(model, { blockSize: nPositions, batchSize: 4 }),
    validation: validation.subarray(0, VALIDATION_TOKENS),
    // beyond its last step a run goes on at the lowest rate
    schedule: step => (step < steps ? cosine(step) : lr / 10),
  }
}

async function readPoint({ loss, gradNorm }: StepResult, step: number): Promise<Point> {
  const value = await loss.item()
  loss.dispose()
  gradNorm.dispose()
  return { step, loss: value }
}
