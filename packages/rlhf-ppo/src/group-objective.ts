// What GRPO and RLOO can be told, and what one minibatch of them minimises. The trainer is group.ts.
import type { Gpt } from '@abovo/nn-transformer'
import type { Tensor } from '@abovo/tensor-webgpu'
import type { TextTokenizer } from './demonstration.js'
import type { LossAndMetrics, OptimizerSettings } from './gradient-step.js'
import { klTensor } from './kl.js'
import { tokenLogProbs } from './log-probs.js'
import { policyLoss, tokenMean } from './ppo-loss.js'
import type { MissingEnd, Reward } from './reward.js'

export interface GroupOptions extends OptimizerSettings {
  /** Updated in place. */
  policy: Gpt
  reward: Reward
  tokenizer?: TextTokenizer
  method: 'grpo' | 'rloo'
  endToken: number
  padToken?: number
  responseLength: number
  /** Responses to each prompt. */
  groupSize?: number
  temperature?: number
  /** Coefficient of the KL: k3 in the loss (GRPO), k1 of the response in the reward (RLOO). */
  beta?: number
  /** GRPO: divide by the spread of the group, or only centre (arXiv 2503.20783: the spread favours prompts that are nearly solved or hopeless). */
  scaleByGroup?: boolean
  missingEnd?: MissingEnd
  clipRange?: number
  epochs?: number
  minibatches?: number
  learningRate?: number
  seed?: number
}

/** All of them, the defaults filled in. */
export type GroupSettings = Required<Omit<GroupOptions, 'policy' | 'reward' | 'tokenizer' | keyof OptimizerSettings>>

/** What the compiled update gives for each minibatch, in this order. */
export const groupMetricNames = ['loss', 'policy/approxkl', 'policy/clipfrac', 'kl'] as const
export type GroupMetricName = (typeof groupMetricNames)[number]

/** All (B, T) but `count`, the tokens of the minibatch. */
export interface GroupMinibatch {
  readonly inputs: Tensor
  readonly targets: Tensor
  readonly mask: Tensor
  readonly oldLogProbs: Tensor
  readonly referenceLogProbs: Tensor
  readonly advantages: Tensor
  readonly count: Tensor
}

export function groupLoss(policy: Gpt, { method, temperature, clipRange, beta }: GroupSettings) {
  return ({ inputs, targets, mask, oldLogProbs, referenceLogProbs, advantages, count }: GroupMinibatch): LossAndMetrics<GroupMetricName> => {
    const logProbs = tokenLogProbs(policy.forward(inputs), targets, { temperature })
    const { loss: gain, approximateKl, clipFraction } = policyLoss({ logProbs, oldLogProbs, advantages, mask, count, clipRange })
    const kl = tokenMean(klTensor(logProbs, referenceLogProbs, 'k3'), mask, count)
    const loss = method === 'grpo' ? gain.add(kl.mul(beta)) : gain   // arXiv 2402.03300, eq. 3, as a mean over tokens
    return { loss, metrics: { loss, 'policy/approxkl': approximateKl, 'policy/clipfrac': clipFraction, kl } }
  }
}
