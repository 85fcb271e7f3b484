// Supervised fine-tuning in a run's folder: demonstrations in, a model that answers and stops.
import { linearSchedule } from '@abovo/autograd'
import { encodeDemonstration, SftTrainer, type Demonstration } from '@abovo/rlhf-ppo'
import type { Session } from '../session.js'
import type { RunFolder } from '../storage/run-folder.js'
import { percent } from '../terminal/figures.js'
import { fitting } from './answer-format.js'
import { runStepwise } from './stepwise-run.js'
import { modelFiles, type TrainedModel } from './trained-model.js'

export interface SftSettings {
  readonly seed: number
  readonly steps: number
  readonly batchSize: number
  readonly lr: number
  readonly checkpointEvery: number
}

/** Trains the model in place. */
export async function runSft(trained: TrainedModel, rows: readonly Demonstration[], { run, settings, session, endToken }: { run: RunFolder; settings: SftSettings; session: Session; endToken: number }): Promise<void> {
  const { seed, steps, batchSize, lr, checkpointEvery } = settings
  const all = rows.map(row => encodeDemonstration(row, { tokenizer: trained.tokenizer, endToken }))
  const examples = fitting(all, ({ prompt, completion }) => prompt.length + completion.length, { context: trained.model.contextLength, terminal: session.terminal })
  const trainer = new SftTrainer(trained.model, { batchSize, learningRate: linearSchedule({ lr, steps }), seed })
  await runStepwise({
    run, session, steps, checkpointEvery, trainer,
    files: () => modelFiles(trained),
    reports: async function* () {
      for await (const { step, ...metrics } of trainer.train({ examples, steps }))
        yield { step, metrics, figures: `loss ${metrics.loss.toFixed(3)}  tokens guessed ${percent(metrics.mean_token_accuracy)}` }
    },
  })
}
