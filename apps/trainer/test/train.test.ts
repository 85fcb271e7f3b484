// A run from text to checkpoint: the same every time, and the same when it was interrupted.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newestFiles } from './newest-files.ts'
import { abovo, temporaryFolder, tiny, writeText } from './program-run.ts'

const steps = ['--steps', '12', '--evaluate-every', '4', '--checkpoint-every', '5', '--dropout', '0.1']

/** Everything in metrics.jsonl but the clock. */
function metricsOf(run: string): object[] {
  return readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n').map(line => {
    const { seconds: _, ...rest } = JSON.parse(line)
    return rest
  })
}

test('two runs of one seed give the same losses, samples and checkpoint bytes', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const text = writeText(folder)
  const outcomes = []
  for (const out of ['a', 'b']) outcomes.push(await abovo(['train', '--text', text, '--out', out, ...tiny, ...steps], { folder }))
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0])
  const written = outcomes.map(({ output }) => output.slice(output.indexOf('It writes'), output.indexOf('Next')))
  expect(written[0].length).toBeGreaterThan(100)
  expect(written[1]).toBe(written[0])
  expect(metricsOf(join(folder, 'b'))).toEqual(metricsOf(join(folder, 'a')))
  expect(newestFiles(join(folder, 'b'))).toEqual(newestFiles(join(folder, 'a')))
})

test('a run that was stopped and resumed ends with the losses and bytes of one that was not', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const text = writeText(folder)
  await abovo(['train', '--text', text, '--out', 'whole', ...tiny, ...steps], { folder })
  // the live line comes with the first step: the run stops after it
  const stopped = await abovo(['train', '--text', text, '--out', 'broken', ...tiny, ...steps], { folder, onOutput: (line, interruption) => line.includes('step ') && interruption.stop('SIGINT') })
  expect(stopped.exitCode).toBe(130)
  expect(stopped.error).toMatch(/^step \d+ of 12 is saved; go on with: abovo resume /)
  const resumed = await abovo(['resume', 'broken', '--device', 'wasm', '--threads', '1'], { folder })
  expect(resumed.error).toBe('')
  expect(resumed.output).toContain('going on from step')
  expect(metricsOf(join(folder, 'broken'))).toEqual(metricsOf(join(folder, 'whole')))
  expect(newestFiles(join(folder, 'broken'))).toEqual(newestFiles(join(folder, 'whole')))
})

test('a run in mixed precision resumes with the same bytes, its loss scale included', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const text = writeText(folder)
  const mixed = [...tiny, ...steps, '--device', 'reference', '--precision', 'mixed']
  await abovo(['train', '--text', text, '--out', 'whole', ...mixed], { folder })
  const stopped = await abovo(['train', '--text', text, '--out', 'broken', ...mixed], { folder, onOutput: (line, interruption) => line.includes('step ') && interruption.stop('SIGINT') })
  expect(stopped.exitCode).toBe(130)
  expect((await abovo(['resume', 'broken', '--device', 'reference'], { folder })).error).toBe('')
  expect(metricsOf(join(folder, 'broken'))).toEqual(metricsOf(join(folder, 'whole')))
  expect(metricsOf(join(folder, 'whole'))[0]).toMatchObject({ lossScale: 65536 })
  expect(newestFiles(join(folder, 'broken'))).toEqual(newestFiles(join(folder, 'whole')))
})

test('mixed precision is refused on a device without f16 before anything is made', async () => {
  const folder = temporaryFolder()
  const refused = await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--precision', 'mixed'], { folder })
  expect(refused.exitCode).toBe(4)
  expect(refused.error).toMatch(/^--precision mixed needs a GPU with f16, got WASM \(.*\); leave it out, or choose another --device$/)
  expect(existsSync(join(folder, 'run'))).toBe(false)
})

test('output that is no terminal has plain lines: no escapes, no carriage returns', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const { output } = await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '3'], { folder })
  expect([...output].filter(character => character < ' ' && !'\n\t'.includes(character))).toEqual([])
  expect(output).toMatch(/step 3\/3 +100 % +loss \d\.\d+/)
})

test('sample, eval and chat read what train wrote', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '3'], { folder })
  const wasm = ['--device', 'wasm', '--threads', '1']
  const sample = await abovo(['sample', 'run', '--prompt', 'The old', '--tokens', '5', '--samples', '2', ...wasm], { folder })
  expect(sample.output.match(/^The old/gm)).toHaveLength(2)
  const chat = await abovo(['chat', 'run', '--prompt', 'The old', '--tokens', '5', ...wasm], { folder })
  expect(chat.output).toMatch(/^The old/)
  const evaluation = await abovo(['eval', 'run', ...wasm], { folder })
  expect(evaluation.output).toMatch(/GPT +\d\.\d{3} +\d\.\d{3}/)
})

test('a finished run goes on to more steps when asked', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  await abovo(['train', '--text', writeText(folder), '--out', 'run', ...tiny, '--steps', '3'], { folder })
  const more = await abovo(['resume', 'run', '--steps', '5', '--device', 'wasm', '--threads', '1'], { folder })
  expect(more.error).toBe('')
  expect(more.output).toContain('going on from step 3 of 5')
  expect(metricsOf(join(folder, 'run')).filter(row => 'gradNorm' in row)).toHaveLength(5)
})
