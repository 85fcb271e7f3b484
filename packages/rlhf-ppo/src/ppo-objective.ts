// What one minibatch of PPO minimises: clipped policy loss, clipped value loss, and with PPO-ptx the language-model loss on other text.
import type { Gpt } from '@abovo/nn-transformer'
import type { Tensor } from '@abovo/tensor-webgpu'
import type { LossAndMetrics } from './gradient-step.js'
import type { PpoModels } from './judgement.js'
import { tokenEntropies, tokenLogProbs } from './log-probs.js'
import type { minibatchMetricNames } from './metrics.js'
import type { MinibatchTensors } from './minibatch.js'
import { policyLoss, tokenMean, valueLoss } from './ppo-loss.js'
import type { CompleteSettings } from './ppo-options.js'

type LossName = Exclude<(typeof minibatchMetricNames)[number], 'grad_norm'>

/** The loss of a minibatch or a part of it, by its tensors. */
export function ppoObjective({ policy, value }: Pick<PpoModels, 'policy' | 'value'>, { temperature, clipRange, valueClipRange, dualClip, valueWeight, pretraining }: CompleteSettings) {
  return (batch: MinibatchTensors): LossAndMetrics<LossName> => {
    const { inputs, targets, mask, oldLogProbs, oldValues, advantages, returns, count } = batch
    const logits = policy.forward(inputs)   // (B, T, V)
    const logProbs = tokenLogProbs(logits, targets, { temperature })
    const actor = policyLoss({ logProbs, oldLogProbs, advantages, mask, count, clipRange, dualClip })
    const critic = valueLoss({ values: value.forward(inputs), oldValues, returns, mask, count, clipRange: valueClipRange })
    const both = actor.loss.add(critic.loss.mul(valueWeight))   // PPO, arXiv 1707.06347, eq. 9 without its entropy bonus
    const loss = batch.pretraining.reduce((sum, rows) => sum.add(languageLoss(policy, rows).mul(pretraining?.coefficient ?? 0)), both)   // arXiv 2203.02155, eq. 2
    return {
      loss,
      metrics: {
        'loss/policy': actor.loss,
        'loss/value': critic.loss,
        'policy/approxkl': actor.approximateKl,
        'policy/clipfrac': actor.clipFraction,
        'policy/entropy': tokenMean(tokenEntropies(logits, { temperature }), mask, count),
        'val/clipfrac': critic.clipFraction,
        'val/ratio': tokenMean(actor.ratio, mask, count),
      },
    }
  }
}

const languageLoss = (policy: Gpt, { inputs, targets, mask, count }: MinibatchTensors['pretraining'][number]): Tensor => tokenMean(tokenLogProbs(policy.forward(inputs), targets).neg(), mask, count)
