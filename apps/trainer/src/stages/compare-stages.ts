// What each stage gained, in one table, and the same prompts answered by each.
import type { Gpt } from '@abovo/nn-transformer'
import type { RewardModel } from '@abovo/rlhf-ppo'
import type { GoldReward } from '../alignment/gold-reward.js'
import { judgeAnswers } from '../alignment/judged-answers.js'
import { sentencesOf, spread } from '../alignment/sentences.js'
import type { Session } from '../session.js'
import { decimals, percent, signed } from '../terminal/figures.js'
import { printable } from '../terminal/printable.js'
import { table } from '../terminal/table.js'
import { evaluateHeldOut } from './pretrain.js'
import { continuations } from './samples.js'
import type { TrainedModel } from './trained-model.js'

export interface Stage {
  readonly name: string
  readonly trained: TrainedModel
  /** On held-out text; null if not known yet. */
  readonly bitsPerByte: number | null
}

export interface Comparison {
  readonly session: Session
  /** The story's folder, for what to type next. */
  readonly home: string
  readonly gold: GoldReward
  readonly rewardModel: RewardModel | null
  readonly reference: Gpt
  readonly endToken: number
  readonly responseLength: number
  readonly seed: number
  /** Prompts come from the held-out part: no stage has seen them. */
  readonly text: string
  readonly heldOut: ArrayLike<number>
}

const JUDGED_PROMPTS = 128
const SHOWN_PROMPTS = 2

export async function compareStages(stages: readonly Stage[], comparison: Comparison): Promise<void> {
  const { session, home, gold, text, heldOut, seed, responseLength } = comparison
  const { terminal } = session
  const prompts = spread([...new Set(sentencesOf(text).map(({ prompt }) => prompt))], JUDGED_PROMPTS)
  if (prompts.length === 0) return
  terminal.heading('What each stage gained')
  const rows: string[][] = []
  for (const { name, trained, bitsPerByte } of stages) {
    session.interruption.throwIfStopped(`all stages are saved; go on with: ${session.command('resume', home)}`)
    const judged = await judgeAnswers(trained, prompts, comparison)
    const bits = bitsPerByte ?? (await evaluateHeldOut(trained, heldOut)).bitsPerByte
    rows.push([name, decimals(bits), signed(judged.gold), signed(judged.score), decimals(judged.kl, 2), percent(judged.ended)])
  }
  for (const line of table(['', 'bits per byte', 'gold reward', 'reward model', 'KL from SFT', 'answers that end'], rows)) terminal.line(`  ${line}`)
  terminal.line(terminal.style('dim', `  on held-out text, and ${prompts.length} prompts from it; gold reward: ${gold.wanted}`))

  terminal.heading('The same prompt, answered by each stage')
  const width = Math.max(...stages.map(({ name }) => name.length))
  for (const prompt of spread(prompts, SHOWN_PROMPTS)) {
    terminal.line(`  ${terminal.style('bold', prompt)}`)
    for (const { name, trained } of stages) {
      const [answer] = await continuations(trained, [prompt], { tokens: responseLength, temperature: 0.8, seed })
      terminal.line(`    ${name.padEnd(width)}  …${printable(answer.replace(/\s+/g, ' '))}`)
    }
  }
}
