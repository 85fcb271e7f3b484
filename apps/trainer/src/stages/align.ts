// From a model that continues text to one whose answers are preferred: demonstrations → SFT → rankings → reward model → PPO, and a table of what each
// stage gained. The rows of each stage are written down, so that every stage can be repeated alone.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { copyGpt, parsePreferences, type Demonstration, type Preference } from '@abovo/rlhf-ppo'
import { fittingGoldReward, goldReward, type GoldReward, type GoldRewardName } from '../alignment/gold-reward.js'
import { rankAnswers } from '../alignment/rankings.js'
import { sentencesOf, spread } from '../alignment/sentences.js'
import type { Session } from '../session.js'
import { makeFolder, writeFileAtomic } from '../storage/atomic-write.js'
import type { RunFolder } from '../storage/run-folder.js'
import { openOrCreate, sha256Of } from '../storage/run-source.js'
import { percent } from '../terminal/figures.js'
import { Progress } from '../terminal/progress.js'
import { encodePlain } from '../text/corpus.js'
import { readBytes } from '../text/source-text.js'
import { compareStages, type Stage } from './compare-stages.js'
import { runPpo, type PpoSettings } from './ppo-stage.js'
import type { Pretrained } from './pretrain.js'
import { runReward, type RewardSettings } from './reward-stage.js'
import { endTokenOf } from './samples.js'
import { runSft, type SftSettings } from './sft-stage.js'
import type { TrainedModel } from './trained-model.js'

export interface Alignment {
  readonly run: RunFolder
  readonly session: Session
  readonly until: 'sft' | 'reward' | 'ppo'
  readonly preference: GoldRewardName | 'auto'
  readonly settings: { readonly sft: SftSettings; readonly reward: RewardSettings; readonly ppo: PpoSettings }
  readonly pretrainedBitsPerByte: number
}

/** Fewer sentences teach nothing but themselves. */
const FEWEST_SENTENCES = 48
/** Prompts that are answered and ranked, and answers to each. */
const RANKED_PROMPTS = 384
const ANSWERS = 4
/** Fewer say nothing about anything else. */
const FEWEST_RANKINGS = 8

export async function align(pretrained: Pretrained, alignment: Alignment): Promise<void> {
  const { run, session, until, settings, pretrainedBitsPerByte } = alignment
  const { terminal } = session
  const endToken = endTokenOf(pretrained.tokenizer) ?? 0
  const sentences = sentencesOf(pretrained.text.train).filter(row => fits(pretrained, row, settings.ppo.responseLength))
  if (sentences.length < FEWEST_SENTENCES || settings.ppo.responseLength * 2 > pretrained.model.contextLength) {
    terminal.heading(sentences.length < FEWEST_SENTENCES
      ? `The text has ${sentences.length} sentences that end and fit, and fine-tuning needs ${FEWEST_SENTENCES}: the story ends here`
      : `The context of ${pretrained.model.contextLength} tokens is too short for answers of ${settings.ppo.responseLength}: the story ends here`)
    return
  }
  const gold = alignment.preference === 'auto' ? fittingGoldReward(sentences.map(({ completion }) => completion)) : goldReward(alignment.preference)

  terminal.heading('2. Supervised fine-tuning: finish the sentence, and stop')
  const demonstrations = wanted(sentences, gold)
  terminal.line(`  ${demonstrations.length} sentences of the text with ${gold.wanted}; the first three words are the prompt`)
  const tuned: TrainedModel = { ...pretrained, model: await copyGpt(pretrained.model) }
  const demonstrationFile = await writeRows(run, 'demonstrations', demonstrations)
  await runSft(tuned, demonstrations, { run: await stageRun(run, 'sft', settings.sft, { origin: 'pretrain', ...demonstrationFile }), settings: settings.sft, session, endToken })
  const stages: Stage[] = [{ name: 'pre-trained', trained: pretrained, bitsPerByte: pretrainedBitsPerByte }, { name: 'SFT', trained: tuned, bitsPerByte: null }]
  const compare = (rewardModel: Parameters<typeof compareStages>[1]['rewardModel']): Promise<void> =>
    compareStages(stages, { session, home: run.home, gold, rewardModel, reference: tuned.model, endToken, seed: settings.ppo.seed, responseLength: settings.ppo.responseLength, text: pretrained.text.heldOut, heldOut: pretrained.tokens.heldOut })
  if (until === 'sft') return compare(null)

  terminal.heading('3. Reward model: learn what is preferred')
  const prompts = sentences.map(({ prompt }) => prompt)   // a prompt may come twice: its answers differ
  const { rows, facts } = await rankings(tuned, spread(prompts, RANKED_PROMPTS), { run, session, gold, endToken, settings: settings.ppo })
  if (rows.length < FEWEST_RANKINGS) {
    terminal.line(`  a reward model needs ${FEWEST_RANKINGS} rankings or more: this model's answers hardly differ in ${gold.name}; train it longer, or try --preference brevity`)
    return compare(null)
  }
  const rewardRun = await stageRun(run, 'reward', settings.reward, { origin: 'sft', ...facts })
  const { rewardModel, accuracy } = await runReward(tuned, rows, { run: rewardRun, settings: settings.reward, session, endToken })
  if (Number.isFinite(accuracy)) terminal.line(`  pairs it never saw in the right order: ${percent(accuracy)}`)
  if (until === 'reward') return compare(rewardModel)

  terminal.heading('4. PPO: do more of what is rewarded, and stay near the reference')
  const promptFile = await writeRows(run, 'prompts', prompts.map(prompt => ({ prompt })))
  const policy: TrainedModel = { ...tuned, model: await copyGpt(tuned.model) }
  const ppoRun = await stageRun(run, 'ppo', settings.ppo, { origin: 'sft', ...promptFile, reward: join(run.path, 'reward') })
  await runPpo(policy, rewardModel, prompts, { run: ppoRun, settings: settings.ppo, session, endToken })
  stages.push({ name: 'PPO', trained: policy, bitsPerByte: null })
  await compare(rewardModel)
}

/** An answer, its end token included, within the length that PPO samples. */
function fits({ tokenizer }: TrainedModel, { completion }: Demonstration, responseLength: number): boolean {
  return encodePlain(tokenizer, completion).length < responseLength
}

/** The better part: what people would choose to demonstrate. All, if there is too little of it. */
function wanted(sentences: readonly Demonstration[], gold: GoldReward): Demonstration[] {
  const good = sentences.filter(({ completion }) => gold.score(completion) > 0)
  return good.length >= FEWEST_SENTENCES ? good : [...sentences]
}

/** A stage as the run that its own verb would make: `resume` and `eval` take it. */
function stageRun(story: RunFolder, verb: 'sft' | 'reward' | 'ppo', settings: object, { origin, ...facts }: Readonly<Record<string, string>>): Promise<RunFolder> {
  return openOrCreate(join(story.path, verb), { verb, settings: { ...settings }, facts: { origin: join(story.path, origin), ...facts, device: String(story.record.facts['device']) } }, { home: story.path })
}

type RowFacts = Readonly<Record<'data' | 'dataSha256', string>>

async function writeRows(story: RunFolder, name: string, rows: readonly object[]): Promise<RowFacts> {
  const path = join(story.path, 'data', `${name}.jsonl`)
  const text = rows.map(row => `${JSON.stringify(row)}\n`).join('')
  await makeFolder(join(story.path, 'data'))
  await writeFileAtomic(path, text)
  return { data: path, dataSha256: sha256Of(text) }
}

/** Asked for once: a resumed story finds them in its folder. */
async function rankings(tuned: TrainedModel, prompts: readonly string[], { run, session, gold, endToken, settings }: Pick<Alignment, 'run' | 'session'> & { gold: GoldReward; endToken: number; settings: PpoSettings }): Promise<{ rows: readonly Preference[]; facts: RowFacts }> {
  const path = join(run.path, 'data', 'preferences.jsonl')
  if (existsSync(path)) {
    const text = new TextDecoder().decode(await readBytes(path, 'rows'))
    return { rows: parsePreferences(text), facts: { data: path, dataSha256: sha256Of(text) } }
  }
  const progress = new Progress(session.terminal, { total: prompts.length, step: 'prompt' })
  const rows = await rankAnswers(tuned, prompts, {
    gold, answers: ANSWERS, responseLength: settings.responseLength, endToken, seed: settings.seed, signal: session.interruption.signal,
    onProgress: done => progress.update(done, `${ANSWERS} answers each, ranked by ${gold.name}`),
  })
  session.interruption.throwIfStopped(`the stages before are saved; go on with: ${session.command('resume', run.home)}`)
  session.terminal.line(`  ${rows.length} rankings of answers that differ in ${gold.name}`)
  return { rows, facts: await writeRows(run, 'preferences', rows.map(({ prompt, completions }) => ({ prompt, completions, ranks: completions.map((_, rank) => rank + 1) }))) }
}
