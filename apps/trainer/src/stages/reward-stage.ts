// A reward model in a run's folder: rankings in, a model that scores answers. It grows from the SFT model's body.
import { linearSchedule } from '@abovo/autograd'
import { saveModel } from '@abovo/nn-transformer'
import { encodePreference, RewardModel, RewardTrainer, type Preference, type RankedExample } from '@abovo/rlhf-ppo'
import type { Session } from '../session.js'
import type { RunFolder } from '../storage/run-folder.js'
import { percent } from '../terminal/figures.js'
import { fitting } from './answer-format.js'
import { rewardModelFiles } from './reward-model-files.js'
import { runStepwise } from './stepwise-run.js'
import type { TrainedModel } from './trained-model.js'

export interface RewardSettings {
  readonly seed: number
  readonly steps: number
  readonly batchSize: number
  readonly lr: number
  readonly checkpointEvery: number
  /** Rankings kept back, a quarter of them at most, to say how often the scores agree with preferences that were not learned. */
  readonly heldOutRankings: number
}

export interface TrainedReward {
  readonly rewardModel: RewardModel
  /** Share of held-out pairs in the right order; NaN without held-out rankings. */
  readonly accuracy: number
}

export async function runReward(origin: TrainedModel, rows: readonly Preference[], { run, settings, session, endToken }: { run: RunFolder; settings: RewardSettings; session: Session; endToken: number }): Promise<TrainedReward> {
  const { seed, steps, batchSize, lr, checkpointEvery, heldOutRankings } = settings
  const all = rows.map(row => encodePreference(row, { tokenizer: origin.tokenizer, endToken }))
  const preferences = fitting(all, ({ prompt, completions }) => prompt.length + Math.max(...completions.map(({ length }) => length)), { context: origin.model.contextLength, terminal: session.terminal })
  const border = Math.min(heldOutRankings, Math.floor(preferences.length / 4))
  const [heldOut, learned] = [preferences.slice(0, border), preferences.slice(border)]
  const rewardModel = await RewardModel.from(origin.model, { seed })
  const trainer = new RewardTrainer(rewardModel, { batchSize, learningRate: linearSchedule({ lr, steps }), seed })
  const config = (await saveModel(origin.model))['config.json']
  await runStepwise({
    run, session, steps, checkpointEvery, trainer,
    files: () => rewardModelFiles(rewardModel, { config, tokenizer: origin.bytes }),
    reports: async function* () {
      for await (const { step, ...metrics } of trainer.train({ preferences: learned, steps })) {
        // once, with the last step: the scores' zero becomes the mean over the answers that were ranked
        if (step === steps) await rewardModel.normalize(preferences.flatMap(({ prompt, completions }) => completions.map(completion => ({ prompt, completion }))), { scale: true })
        yield { step, metrics, figures: `loss ${metrics.loss.toFixed(3)}  pairs in order ${percent(metrics.accuracy)}` }
      }
    },
  })
  return { rewardModel, accuracy: await pairAccuracy(rewardModel, heldOut) }
}

async function pairAccuracy(rewardModel: RewardModel, rankings: readonly RankedExample[]): Promise<number> {
  let [right, pairs] = [0, 0]
  const scores = rankings.length === 0 ? new Float64Array() : await rewardModel.scoreExamples(rankings.flatMap(({ prompt, completions }) => completions.map(completion => ({ prompt, completion }))))
  let start = 0
  for (const { completions } of rankings) {
    for (let a = 0; a < completions.length; a++)
      for (let b = a + 1; b < completions.length; b++) {
        pairs++
        if (scores[start + a] > scores[start + b]) right++
      }
    start += completions.length
  }
  return right / pairs
}
