// The options of pre-training, alone (`train`) and as the first stage of the story.
import { z } from 'zod'
import { Failure } from '../failure.js'
import { options } from '../settings/options.js'

export const pretrainOptions = {
  seed: options.seed,
  vocabSize: options.vocabSize,
  nLayer: options.nLayer,
  nEmbd: options.nEmbd,
  nHead: options.nHead,
  nPositions: options.nPositions,
  dropout: options.dropout,
  steps: options.steps,
  batchSize: options.batchSize,
  lr: options.lr,
  warmupSteps: options.warmupSteps,
  weightDecay: options.weightDecay,
  precision: options.precision,
  heldOut: options.heldOut,
  evaluateEvery: options.evaluateEvery,
  checkpointEvery: options.checkpointEvery,
} as const

/** What a run keeps of its settings: all that its results follow from. Device and folder are not among them. */
export const pretrainSettings = z.object(pretrainOptions)

/** What one option alone cannot show. */
export function checkPretrainSettings({ nEmbd, nHead, warmupSteps, steps }: z.output<typeof pretrainSettings>): void {
  if (nEmbd % nHead !== 0) throw new Failure('usage', `--n-embd must be a multiple of --n-head, got ${nEmbd} and ${nHead}; choose --n-embd ${Math.ceil(nEmbd / nHead) * nHead}`)
  if (warmupSteps !== undefined && warmupSteps > steps) throw new Failure('usage', `--warmup-steps must be at most --steps, got ${warmupSteps} and ${steps}`)
}
