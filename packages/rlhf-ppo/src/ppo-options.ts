// What PPO can be told, with its defaults and their sources. Checked once, here.
import type { Gpt } from '@abovo/nn-transformer'
import type { Example, TextTokenizer } from './demonstration.js'
import { OptionError } from './errors.js'
import type { OptimizerSettings } from './gradient-step.js'
import type { KlControl, KlEstimator } from './kl.js'
import type { MissingEnd, Reward } from './reward.js'
import type { RowSource } from './row-source.js'

export interface PpoSettings extends OptimizerSettings {
  /** Ends a response. Not the padding: a model whose end is masked never learns to stop. */
  endToken: number
  /** What stands in padded places; it changes nothing. */
  padToken?: number
  /** Tokens after which a response is cut. */
  responseLength: number
  /** Divides the logits in sampling and in every pass. */
  temperature?: number
  /** The coefficient β of the KL penalty, fixed or following a target. */
  klControl?: KlControl
  klEstimator?: KlEstimator
  /** Taken off the score, or put in its place, where a response does not end by itself. */
  missingEnd?: MissingEnd
  gamma?: number
  lambda?: number
  whitenRewards?: boolean
  whitenAdvantages?: 'biased' | 'unbiased' | 'off'
  clipRange?: number
  valueClipRange?: number
  dualClip?: number | undefined
  /** Weight of the value loss. Policy and value network share no weights, so it matters only through gradient clipping. */
  valueWeight?: number
  /** Passes over each rollout. */
  epochs?: number
  /** Updates per pass. */
  minibatches?: number
  /** Parts that each minibatch is worked through in; the gradient is the same. */
  microBatches?: number
  learningRate?: number
  /** PPO-ptx: γ times the language-model loss on these examples, `ratio` of them per response (arXiv 2203.02155, eq. 2; there γ = 27.8, ratio 8). */
  pretraining?: { examples: RowSource<Example>; coefficient: number; ratio?: number } | undefined
  seed?: number
}

export interface PpoOptions extends PpoSettings {
  /** Updated in place. */
  policy: Gpt
  reward: Reward
  tokenizer?: TextTokenizer
}

/** All of them, the defaults filled in. */
export type CompleteSettings = { readonly [K in keyof Required<PpoSettings>]: K extends 'dualClip' | 'pretraining' ? PpoSettings[K] : Required<PpoSettings>[K] }

/** @throws OptionError naming every setting that does not fit. */
export function completeSettings(settings: PpoSettings): CompleteSettings {
  const complete: CompleteSettings = {
    padToken: 0,
    temperature: 1,
    klControl: 0.05,
    klEstimator: 'k1',
    missingEnd: {},
    gamma: 1,
    lambda: 0.95,
    whitenRewards: false,
    whitenAdvantages: 'biased',
    clipRange: 0.2,
    valueClipRange: 0.2,
    dualClip: undefined,
    valueWeight: 0.1,
    epochs: 4,
    minibatches: 1,
    microBatches: 1,
    learningRate: 3e-6,
    pretraining: undefined,
    seed: 0,
    betas: [0.9, 0.999],
    eps: 1e-5,   // arXiv 2403.17031, detail 19: with 1e-8 the first steps are too long
    weightDecay: 0,
    maxGradNorm: 1,
    ...settings,
  }
  const { klControl, missingEnd } = complete
  const whole = (['responseLength', 'epochs', 'minibatches', 'microBatches'] as const).filter(name => !(Number.isSafeInteger(complete[name]) && complete[name] > 0))
  const positive = (['temperature', 'clipRange', 'valueClipRange'] as const).filter(name => !(complete[name] > 0))
  const atLeastZero = (['endToken', 'padToken', 'learningRate', 'valueWeight'] as const).filter(name => !(complete[name] >= 0 && complete[name] < Infinity))
  const shares = (['gamma', 'lambda'] as const).filter(name => !(complete[name] >= 0 && complete[name] <= 1))
  const complaints = [
    ...whole.map(name => `${name} must be a positive integer, got ${complete[name]}`),
    ...positive.map(name => `${name} must be positive, got ${complete[name]}`),
    ...atLeastZero.map(name => `${name} must be 0 or more, got ${complete[name]}`),
    ...shares.map(name => `${name} must lie in [0, 1], got ${complete[name]}`),
    ...(typeof klControl === 'number' ? [klControl] : [klControl.initial]).filter(beta => !(beta >= 0)).map(beta => `the KL coefficient must not be negative, got ${beta}`),
    ...(typeof klControl !== 'number' && !(klControl.target > 0 && klControl.horizon > 0) ? [`the KL target and horizon must be positive, got ${klControl.target} and ${klControl.horizon}`] : []),
    ...oneOf('klEstimator', complete.klEstimator, ['k1', 'k2', 'k3']),
    ...oneOf('whitenAdvantages', complete.whitenAdvantages, ['biased', 'unbiased', 'off']),
    ...(missingEnd.penalty !== undefined && missingEnd.replacement !== undefined ? ['missingEnd must be a penalty or a replacement, got both'] : []),
    ...(complete.dualClip !== undefined && !(complete.dualClip > 1) ? [`dualClip must be above 1, got ${complete.dualClip}`] : []),
  ]
  if (complaints.length > 0) throw new OptionError(`Ppo: ${complaints.join('; ')}`)
  return complete
}

const oneOf = <T>(name: string, value: T, known: readonly T[]): string[] => (known.includes(value) ? [] : [`${name} must be one of ${known.join(', ')}, got ${String(value)}`])
