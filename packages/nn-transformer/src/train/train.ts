// The training loop: batches, steps, evaluations, progress, and an end: when the steps are done, when it is told to stop, or when the loss is no
// longer a number. It has no clock and writes no files: callers measure and save.
import { RandomStream } from '@abovo/tensor-webgpu'
import { warmupCosineSchedule, type LossScaleOptions } from '@abovo/autograd'
import { checkTokens } from '../data/check-tokens.js'
import { RandomWindows } from '../data/random-windows.js'
import { ConfigError, DivergenceError } from '../errors.js'
import type { StateDict } from '../host-tensor.js'
import { languageLoss, type LanguageModel } from '../models/language-model.js'
import { Evaluator, type Evaluation } from './evaluate.js'
import { nextTask } from './next-task.js'
import { requirePrecision, type Precision } from './precision.js'
import { Training, type StepResult, type TrainingOptions } from './training.js'

export interface TrainData {
  readonly train: ArrayLike<number>
  readonly validation?: ArrayLike<number>
}

export interface StepReport {
  /** Steps done with this one. */
  readonly step: number
  readonly loss: number
  /** Of the gradients, before clipping. Infinite in mixed precision where they overflowed and the step was skipped. */
  readonly gradNorm: number
  /** In mixed precision: the loss scale of the next step. */
  readonly lossScale?: number
  readonly learningRate: number
}

export interface TrainOptions {
  /** Steps in all, those of a resumed run included. */
  steps: number
  batchSize: number
  blockSize: number
  seed: number
  /** The highest learning rate, with warm-up and a cosine down to a tenth; or a schedule. */
  lr?: number | ((step: number) => number)
  /** A tenth of the steps, at most 200, by default. */
  warmupSteps?: number
  weightDecay?: number
  betas?: readonly [number, number]
  clip?: number
  /** 'mixed' computes in f16 and keeps parameters and optimizer in f32; on WebGPU where f16 works. 'f32' by default. */
  precision?: Precision
  /** Of mixed precision: where the loss scale starts and how it changes. PyTorch's defaults. */
  lossScale?: Omit<LossScaleOptions, 'device'>
  /** Evaluate on the validation tokens after every so many steps, and after the last. 0: never. */
  evaluateEvery?: number
  /** How many steps may be queued before the loss of the first is waited for. */
  readAhead?: number
  /** Turns validation tokens into text, for figures per character and byte. */
  decode?: (ids: ArrayLike<number>) => string
  onStep?: (report: StepReport) => void
  onEvaluation?: (evaluation: Evaluation & { readonly step: number }) => void | Promise<void>
  /** Called after every `checkpointEvery` steps, and at the end, with what is needed to resume. */
  onCheckpoint?: (state: TrainingState) => void | Promise<void>
  checkpointEvery?: number
  /** Stops after the step in progress; the result says so. */
  signal?: AbortSignal
  /** What an earlier run's result or checkpoint held, with the same options. The model must hold the parameters of then. */
  resume?: TrainingState
}

/** All that a run is, beside the model's parameters and the options. */
export interface TrainingState {
  readonly step: number
  /** Of the batches' random stream. */
  readonly counter: number
  readonly optimizer: StateDict
}

export interface TrainResult extends TrainingState {
  readonly finish: 'done' | 'aborted'
  /** Of the last step. */
  readonly loss: number
}

/**
 * Trains a language model on windows of a text. The same seed gives the same parameters on one device, whether or not the run was interrupted.
 *
 * @throws DivergenceError when a loss or gradient is not finite: it names the step, and the model holds the parameters from before it.
 * @example
 * const result = await train(model, splitTokens(ids), { steps: 100, batchSize: 8, blockSize: 32, seed: 1, onStep: ({ step, loss }) => show(step, loss) })
 */
export async function train(model: LanguageModel, data: TrainData, options: TrainOptions): Promise<TrainResult> {
  checkOptions(model, options)
  checkTokens('train', data.train, model.vocabSize)
  const { steps, batchSize, blockSize, seed, resume, signal, readAhead = 2, checkpointEvery = Infinity } = options
  const schedule = scheduleOf(options)
  const windows = new RandomWindows(data.train, { batchSize, blockSize, stream: new RandomStream(seed, resume?.counter ?? 0) })
  const training = new Training(model, (batch, noise) => languageLoss(model, batch.inputs, batch.targets, { noise }), { ...trainingOptions(options), lr: 0, seed })
  const evaluator = data.validation === undefined ? null : new Evaluator(model, { blockSize, batchSize })
  const reading: Promise<StepReport>[] = []
  let loss = NaN
  const settle = async (most: number): Promise<void> => {
    while (reading.length > most) {
      const report = await reading.shift()
      if (report === undefined) break
      requireFinite(report)
      loss = report.loss
      options.onStep?.(report)
    }
  }
  const stateNow = async (): Promise<TrainingState> => ({ step: training.done, counter: windows.stream.counter, optimizer: await training.state() })
  try {
    if (resume !== undefined) training.load(resume.optimizer)
    while (training.done < steps && signal?.aborted !== true) {
      const learningRate = schedule(training.done)
      if (!(learningRate >= 0 && Number.isFinite(learningRate))) throw new ConfigError(`train: the learning rate must be finite and not negative, got ${learningRate} in step ${training.done + 1}`)
      training.setLearningRate(learningRate)
      const result = training.step(windows.next())
      const step = training.done
      reading.push(readReport(result, { step, learningRate }))
      await settle(readAhead)
      if (evaluator !== null && data.validation !== undefined && isDue(step, steps, options.evaluateEvery ?? 0)) {
        await settle(0)
        const evaluation = await evaluator.evaluate(data.validation, options.decode === undefined ? {} : { decode: options.decode })
        await options.onEvaluation?.({ ...evaluation, step })
      }
      if (options.onCheckpoint !== undefined && step < steps && step % checkpointEvery === 0) {
        await settle(0)
        await options.onCheckpoint(await stateNow())
      }
      await nextTask()
    }
    await settle(0)
    const state = await stateNow()
    await options.onCheckpoint?.(state)
    return { ...state, loss, finish: training.done >= steps ? 'done' : 'aborted' }
  } finally {
    // a promise that nobody awaits any more must not end the process
    await Promise.allSettled(reading)
    training.dispose()
    evaluator?.dispose()
  }
}

async function readReport({ loss, gradNorm, lossScale }: StepResult, { step, learningRate }: Pick<StepReport, 'step' | 'learningRate'>): Promise<StepReport> {
  const report = { step, learningRate, loss: await loss.item(), gradNorm: await gradNorm.item(), ...(lossScale && { lossScale: await lossScale.item() }) }
  for (const scalar of [loss, gradNorm, lossScale]) scalar?.dispose()
  return report
}

const isDue = (step: number, last: number, every: number): boolean => every > 0 && (step % every === 0 || step === last)

function requireFinite({ step, loss, gradNorm, lossScale }: StepReport): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return
  // skipped: the loss scale was too high
  if (!Number.isFinite(gradNorm) && lossScale !== undefined && lossScale >= 1) return
  const what = lossScale !== undefined && !Number.isFinite(gradNorm) ? `the gradients overflow f16 without a loss scale (the loss is ${loss})` : Number.isFinite(loss) ? `the gradient's norm is ${gradNorm}` : `the loss is ${loss}`
  const remedy = lossScale === undefined ? '' : `, or precision 'f32'`
  throw new DivergenceError(`train: loss and gradients must be finite, but in step ${step} ${what}; the model holds the parameters from before that step. Try a lower learning rate or more warm-up${remedy}`, step, loss)
}

function trainingOptions({ weightDecay = 0.1, betas = [0.9, 0.95], clip = 1, precision = 'f32', lossScale }: TrainOptions): TrainingOptions {
  return { weightDecay, betas, clip, precision, ...(lossScale && { lossScale }) }
}

function scheduleOf({ lr = 1e-3, steps, warmupSteps = Math.min(200, Math.ceil(steps / 10)) }: TrainOptions): (step: number) => number {
  return typeof lr === 'function' ? lr : warmupCosineSchedule({ lr, finalLr: lr / 10, warmupSteps: Math.min(warmupSteps, steps), steps })
}

function checkOptions(model: LanguageModel, { steps, batchSize, blockSize, lr = 1e-3, precision = 'f32' }: TrainOptions): void {
  requirePrecision('train', precision, model.parameters()[0].device)
  const complaints = Object.entries({ steps, batchSize, blockSize }).flatMap(([name, value]) => (Number.isSafeInteger(value) && value > 0 ? [] : [`${name} must be a positive integer, got ${value}`]))
  if (typeof lr === 'number' && !(lr > 0 && Number.isFinite(lr))) complaints.push(`lr must be positive, got ${lr}`)
  if (model.contextLength !== null && blockSize > model.contextLength) complaints.push(`blockSize must be at most the model's context length ${model.contextLength}, got ${blockSize}`)
  if (complaints.length > 0) throw new ConfigError(`train: ${complaints.join('; ')}`)
}
