// Pre-training: a BPE vocabulary and a GPT from a text, evaluated on the part held out beside an n-gram model. New and resumed runs take the same
// road; the only difference is what the newest checkpoint holds.
import { evaluate, Gpt, loadTraining, saveTraining, train, type Evaluation, type Precision, type StepReport, type TrainingState } from '@abovo/nn-transformer'
import type { Device } from '@abovo/tensor-webgpu'
import { requirePrecision } from '../device.js'
import type { Session } from '../session.js'
import { Progress } from '../terminal/progress.js'
import { count, decimals } from '../terminal/figures.js'
import type { Metrics } from '../storage/metrics-log.js'
import type { RunFolder } from '../storage/run-folder.js'
import { encodeSplit, learnTokenizer, splitText, type SplitText, type TokenizerFile, type TokenSplit } from '../text/corpus.js'
import type { SourceText } from '../text/source-text.js'
import { inFolder, modelFiles, openModel, type TrainedModel } from './trained-model.js'

export interface PretrainSettings {
  readonly seed: number
  readonly vocabSize: number
  readonly nLayer: number
  readonly nEmbd: number
  readonly nHead: number
  readonly nPositions: number
  readonly dropout: number
  readonly steps: number
  readonly batchSize: number
  readonly lr: number
  readonly warmupSteps?: number | undefined
  readonly weightDecay: number
  readonly precision: Precision
  readonly heldOut: number
  readonly evaluateEvery: number
  readonly checkpointEvery: number
}

export interface Pretrained extends TrainedModel {
  readonly text: SplitText
  readonly tokens: TokenSplit
}

interface PretrainTask {
  readonly run: RunFolder
  readonly settings: PretrainSettings
  readonly source: SourceText
  readonly device: Device
  readonly session: Session
}

/** During training only the beginning of the held-out part is evaluated: the whole takes as long as fifty steps. */
const TOKENS_EVALUATED_DURING = 4096

/** @throws Interrupted after saving, when the session was told to stop. */
export async function pretrain(task: PretrainTask): Promise<Pretrained> {
  const { run, settings, source, device, session } = task
  requirePrecision(device, settings.precision)
  const text = splitText(source, settings.heldOut)
  const start = await startingPoint(task, text)
  const where = source.path ?? source.name
  const tokens = encodeSplit(text, start.trained.tokenizer, { nPositions: settings.nPositions, where })
  session.terminal.line(`  ${count(tokens.train.length)} tokens to learn from, ${count(tokens.heldOut.length)} held out; ${count(start.trained.model.parameterCount())} parameters`)
  await run.metrics.cutAfter(start.state?.step ?? 0)
  await learn(task, start, tokens)
  return { ...start.trained, text, tokens }
}

interface StartingPoint {
  readonly trained: TrainedModel
  /** Null: from the beginning. */
  readonly state: TrainingState | null
}

async function startingPoint({ run, settings, source, device, session }: PretrainTask, text: SplitText): Promise<StartingPoint> {
  const { checkpoint, skipped } = await run.checkpoints.newest()
  for (const reason of skipped) session.terminal.line(`  not used: ${reason}`)
  if (checkpoint !== null) {
    const state = inFolder(checkpoint.folder, () => loadTraining(checkpoint.files))
    session.terminal.line(`  going on from step ${state.step} of ${settings.steps}`)
    return { trained: openModel(checkpoint.files, { device, where: checkpoint.folder }), state }
  }
  const tokenizer = newTokenizer(text, settings, { session, where: source.path ?? source.name })
  const { nLayer, nEmbd, nHead, nPositions, dropout, seed } = settings
  const vocabSize = tokenizer.tokenizer.vocabSize
  const model = new Gpt({ vocabSize, nLayer, nEmbd, nHead, nPositions, embdPdrop: dropout, attnPdrop: dropout, residPdrop: dropout }, { seed, device })
  return { trained: { ...tokenizer, model }, state: null }
}

function newTokenizer({ train: learned }: SplitText, { vocabSize }: PretrainSettings, { session, where }: { session: Session; where: string }): TokenizerFile {
  const began = performance.now()
  const made = learnTokenizer(learned, { vocabSize })
  const size = made.tokenizer.vocabSize
  if (size < vocabSize) session.terminal.line(`  ${where} has no more pairs to merge: ${size} tokens instead of ${vocabSize}`)
  session.terminal.line(`  BPE vocabulary of ${size} tokens learned from ${count(learned.length)} characters in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return made
}

async function learn({ run, settings, session }: PretrainTask, { trained, state }: StartingPoint, tokens: TokenSplit): Promise<void> {
  const { steps, batchSize, nPositions: blockSize, seed, lr, warmupSteps, weightDecay, precision, evaluateEvery, checkpointEvery } = settings
  const { model, tokenizer } = trained
  const progress = new Progress(session.terminal, { total: steps, start: state?.step ?? 0, tokensPerStep: batchSize * blockSize })
  const averaged = new RunningMean()
  let heldOut = ''
  const result = await train(model, { train: tokens.train, validation: tokens.heldOut.subarray(0, TOKENS_EVALUATED_DURING) }, {
    steps, batchSize, blockSize, seed, lr, weightDecay, precision, evaluateEvery, checkpointEvery,
    ...(warmupSteps === undefined ? {} : { warmupSteps }),
    ...(state === null ? {} : { resume: state }),
    signal: session.interruption.signal,
    decode: ids => tokenizer.decode(ids),
    onStep: report => {
      run.metrics.append({ ...metricsOf(report), seconds: round(progress.seconds) })
      progress.update(report.step, `loss ${averaged.with(report.loss).toFixed(3)}${heldOut}`)
    },
    onEvaluation: ({ step, natsPerToken, natsPerCharacter, bitsPerByte }) => {
      run.metrics.append({ step, heldOutLoss: natsPerToken, natsPerCharacter, bitsPerByte })
      heldOut = `  held out ${decimals(natsPerToken)}`
    },
    onCheckpoint: async training => {
      await run.checkpoints.save(training.step, { ...(await modelFiles(trained)), ...saveTraining(training) })
    },
  })
  if (result.finish === 'done') return
  progress.stop()
  session.interruption.throwIfStopped(`step ${result.step} of ${steps} is saved; go on with: ${session.command('resume', run.home)}`)
}

/** JSON has no infinity: the norm of a step that was skipped, its gradients having overflowed, is left out. */
function metricsOf({ step, loss, gradNorm, learningRate, lossScale }: StepReport): Metrics {
  return { step, ...(Number.isFinite(loss) && { loss }), ...(Number.isFinite(gradNorm) && { gradNorm }), learningRate, ...(lossScale !== undefined && { lossScale }) }
}

/** Losses of single batches jump too much to read. */
class RunningMean {
  #value: number | null = null
  with(next: number): number {
    if (Number.isFinite(next)) this.#value = this.#value === null ? next : this.#value * 0.95 + next * 0.05
    return this.#value ?? next
  }
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000

/** The model on everything held out. */
export function evaluateHeldOut({ model, tokenizer }: TrainedModel, heldOut: ArrayLike<number>): Promise<Evaluation> {
  return evaluate(model, heldOut, { decode: ids => tokenizer.decode(ids), batchSize: 16 })
}
