// The whole road with a tiny model: every stage in a run of its own, and a story that was interrupted goes on where it was.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newestFiles } from './newest-files.ts'
import { abovo, temporaryFolder, tiny, writeText } from './program-run.ts'

const short = [...tiny, '--n-positions', '48', '--steps', '20', '--response-length', '16', '--sft-steps', '6', '--reward-steps', '4', '--ppo-steps', '2', '--ppo-batch-size', '8', '--preference', 'brevity']

test('a story interrupted in every stage ends as one that was not, with a table of all stages', { timeout: 240_000 }, async () => {
  const folder = temporaryFolder()
  const text = writeText(folder)
  const whole = await abovo(['story', '--text', text, '--out', 'whole', ...short], { folder })
  expect(whole.error).toBe('')
  expect(whole.output).toMatch(/pre-trained +\d.*\n +SFT +\d.*\n +PPO +\d/)

  const stopAt = (stage: string) => {
    let reached = false
    return (line: string, interruption: { stop(name: 'SIGINT'): void }): void => {
      reached ||= line.includes(stage)
      if (reached && /(step|update|prompt) +\d+\//.test(line)) interruption.stop('SIGINT')
    }
  }
  const first = await abovo(['story', '--text', text, '--out', 'broken', ...short], { folder, onOutput: stopAt('1. Pre') })
  expect(first.exitCode).toBe(130)
  for (const stage of ['2. Sup', '3. Rew', '4. PPO']) {
    const next = await abovo(['resume', 'broken', '--device', 'wasm', '--threads', '1'], { folder, onOutput: stopAt(stage) })
    expect(next.exitCode).toBe(130)
    expect(next.error).toContain(`abovo resume ${join(folder, 'broken')}`)
  }
  const last = await abovo(['resume', 'broken', '--device', 'wasm', '--threads', '1'], { folder })
  expect(last.error).toBe('')
  for (const stage of ['pretrain', 'sft', 'reward', 'ppo']) expect(newestFiles(join(folder, 'broken', stage)), stage).toEqual(newestFiles(join(folder, 'whole', stage)))
  const tableOf = (output: string): string => output.slice(output.indexOf('What each stage gained'), output.indexOf('What next'))
  expect(tableOf(last.output)).toBe(tableOf(whole.output))

  // the stages' rows are there for the verbs that repeat a stage alone
  const again = await abovo(['ppo', 'whole/sft', '--data', 'whole/data/prompts.jsonl', '--reward', 'whole/reward', '--out', 'again', '--steps', '1', '--batch-size', '8', '--response-length', '16', '--device', 'wasm', '--threads', '1'], { folder })
  expect(again.error).toBe('')
  expect(existsSync(join(folder, 'again/checkpoints/step-000001/model.safetensors'))).toBe(true)
})
