// Table of contents of @abovo/rlhf-ppo, in the order of the road.
export { DataError, OptionError, RewardError, RlhfError } from './errors.js'

// Rows: text to ids, ids to tensors.
export { encodeDemonstration, encodePreference, encodePrompt, parseDemonstrations, type Demonstration, type EncodeOptions, type Example, type RankedExample, type TextTokenizer } from './demonstration.js'
export { parsePreferences, type Preference } from './preference.js'
export { rowsOfStep, type RowSource } from './row-source.js'
export { packedBatch, packedLogits, packRows, type PackedBatch, type PackedLayout } from './packing.js'
export { paddedRows, placeOnResponses, takeResponses, tokenBatch, type TokenBatch, type TokenBatchOptions } from './token-batch.js'

// Supervised fine-tuning, and what a model finds probable.
export { SftTrainer, type SftMetrics, type SftOptions } from './sft.js'
export { responseLogProbs, type ResponseLogProbsOptions } from './response-log-probs.js'
export { tokenEntropies, tokenLogProbs } from './log-probs.js'

// Rewards.
export type { Sample } from './sample.js'
export { scoreSamples, withMissingEnd, type MissingEnd, type Reward, type RewardFunction, type Scorer } from './reward.js'
export { bestOfLoss, bradleyTerryLoss, logSigmoid, orderedPairs, plackettLuceLoss, rankingLoss, type BradleyTerryOptions } from './ranking-loss.js'
export { copyGpt, ScalarGpt, type ScalarHead } from './scalar-gpt.js'
export { RewardModel, type Normalization } from './reward-model.js'
export { RewardTrainer, type RewardMetrics, type RewardTrainerOptions } from './reward-training.js'

// PPO: sample, judge, estimate, improve.
export { Sampler, type SamplerOptions } from './rollout.js'
export { withAdvantages, type AdvantageBatch, type AdvantageOptions, type Experience, type Rollout, type ScoredBatch, type ScoredExperience } from './experience.js'
export { generalizedAdvantages, moments, whiten, type GaeOptions, type WhitenOptions } from './advantage.js'
export { initialKlCoefficient, klEstimate, klOfBestOf, klTensor, nextKlCoefficient, type KlControl, type KlEstimator } from './kl.js'
export { policyLoss, tokenMean, valueLoss, type PolicyLoss, type PolicyLossInputs, type ValueLossInputs } from './ppo-loss.js'
export { Ppo, type PpoReport } from './ppo.js'
export { completeSettings, type CompleteSettings, type PpoOptions, type PpoSettings } from './ppo-options.js'
export type { PpoModels } from './judgement.js'
export type { MinibatchMetrics, PpoMetrics } from './metrics.js'

// PPO's relatives.
export { dpoLoss, dpoPairLosses, type DpoInputs } from './dpo-loss.js'
export { DpoTrainer, type DpoMetrics, type DpoOptions } from './dpo.js'
export { groupAdvantages, leaveOneOutAdvantages } from './group-advantage.js'
export { GroupTrainer, type GroupMetrics } from './group.js'
export type { GroupOptions } from './group-objective.js'

// What every trainer shares.
export { PendingMetrics, type OptimizerSettings } from './gradient-step.js'
export type { TrainerState } from './trainer-state.js'
