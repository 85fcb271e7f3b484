// PPO in a run's folder: prompts in, a policy that is rewarded more and stays near the model it began as.
import { Ppo, type Reward } from '@abovo/rlhf-ppo'
import type { Session } from '../session.js'
import type { RunFolder } from '../storage/run-folder.js'
import { decimals } from '../terminal/figures.js'
import { encodePlain } from '../text/corpus.js'
import { fitting } from './answer-format.js'
import { runStepwise } from './stepwise-run.js'
import { modelFiles, type TrainedModel } from './trained-model.js'

export interface PpoSettings {
  readonly seed: number
  /** Updates. */
  readonly steps: number
  /** Answers an update. */
  readonly batchSize: number
  readonly lr: number
  readonly klCoefficient: number
  readonly epochs: number
  readonly minibatches: number
  /** Tokens of an answer at most. */
  readonly responseLength: number
  readonly checkpointEvery: number
}

/** Improves the model in place. */
export async function runPpo(trained: TrainedModel, reward: Reward, prompts: readonly string[], { run, settings, session, endToken }: { run: RunFolder; settings: PpoSettings; session: Session; endToken: number }): Promise<void> {
  const { seed, steps, batchSize, lr, klCoefficient, epochs, minibatches, responseLength, checkpointEvery } = settings
  const { model, tokenizer } = trained
  const rows = fitting(prompts.map(prompt => encodePlain(tokenizer, prompt)), ({ length }) => length + responseLength, { context: model.contextLength, terminal: session.terminal, remedy: `with ${responseLength} tokens of response; choose a smaller --response-length` })
  const ppo = await Ppo.from({
    policy: model, reward, tokenizer, endToken, responseLength, learningRate: lr, klControl: klCoefficient, epochs, minibatches, seed,
    // who does not stop has not answered: one standard deviation of the scores
    missingEnd: { penalty: 1 },
  })
  try {
    await runStepwise({
      run, session, steps, checkpointEvery, stepName: 'update', trainer: ppo,
      files: () => modelFiles(trained),
      reports: async function* () {
        for await (const { update, metrics } of ppo.train({ prompts: rows, updates: steps, batchSize }))
          yield { step: update, metrics: { ...metrics }, figures: `score ${decimals(metrics['objective/scores'], 2)}  KL ${decimals(metrics['objective/kl'], 2)}  ended ${metrics['val/num_eos_tokens']}/${batchSize}` }
      },
    })
  } finally {
    ppo.dispose()
  }
}
