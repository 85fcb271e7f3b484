// After pre-training: how well the model predicts what it never saw, beside the baseline, and what it writes.
import type { Evaluation } from '@abovo/nn-transformer'
import type { Session } from '../session.js'
import type { RunFolder } from '../storage/run-folder.js'
import { decimals, signed } from '../terminal/figures.js'
import { printable } from '../terminal/printable.js'
import { table } from '../terminal/table.js'
import { BASELINE_ORDER, evaluateBaseline } from './baseline.js'
import { evaluateHeldOut, type Pretrained } from './pretrain.js'
import { continuations } from './samples.js'

export interface PretrainReport {
  readonly evaluation: Evaluation
  readonly baseline: Evaluation
  readonly prompts: readonly string[]
  readonly samples: readonly string[]
}

/** Evaluates, prints and logs. Samples continue the first words of lines of the held-out part. */
export async function reportPretrained(trained: Pretrained, { run, session, seed }: { run: RunFolder; session: Session; seed: number }): Promise<PretrainReport> {
  const { terminal } = session
  const evaluation = await evaluateHeldOut(trained, trained.tokens.heldOut)
  session.interruption.throwIfStopped(`training is done and saved; go on with: ${session.command('resume', run.home)}`)
  const baseline = evaluateBaseline(trained.text)
  const step = Number(run.record.settings['steps'])
  run.metrics.append({ step, finalHeldOutLoss: evaluation.natsPerToken, finalNatsPerCharacter: evaluation.natsPerCharacter, finalBitsPerByte: evaluation.bitsPerByte, baselineBitsPerByte: baseline.bitsPerByte })
  terminal.heading('On the held-out part')
  for (const line of evaluationTable(evaluation, baseline)) terminal.line(`  ${line}`)
  const prompts = openingWords(trained.text.heldOut, 2)
  const samples = await continuations(trained, prompts, { tokens: 100, temperature: 0.8, topP: 0.95, seed })
  terminal.heading('It writes')
  prompts.forEach((prompt, i) => printSample(session, prompt, samples[i]))
  return { evaluation, baseline, prompts, samples }
}

export function evaluationTable(model: Evaluation, baseline: Evaluation): string[] {
  const row = (name: string, { natsPerCharacter, bitsPerByte }: Evaluation): string[] => [name, decimals(natsPerCharacter), decimals(bitsPerByte)]
  return table(['', 'nats per character', 'bits per byte'], [
    row('GPT', model),
    row(`${BASELINE_ORDER}-gram (Witten-Bell)`, baseline),
    ['difference', signed(model.natsPerCharacter - baseline.natsPerCharacter, 3), signed(model.bitsPerByte - baseline.bitsPerByte, 3)],
  ])
}

export function printSample({ terminal }: Session, prompt: string, sample: string): void {
  const [first, ...rest] = printable(`${prompt}${sample}`).trimEnd().split(/\n+/)
  terminal.line(`  ${terminal.style('bold', prompt.trimEnd())}${first.slice(prompt.trimEnd().length)}`)
  for (const line of rest) terminal.line(`  ${line}`)
  terminal.line()
}

/** The first three words of lines that have more, spread over a text. */
export function openingWords(text: string, wanted: number): string[] {
  const openings = text.split('\n').flatMap(line => /^\s*(\S+\s+\S+\s+\S+)\s+\S/.exec(line)?.[1] ?? [])
  if (openings.length === 0) return Array.from({ length: wanted }, () => '\n')
  return Array.from({ length: wanted }, (_, i) => openings[Math.floor((i * openings.length) / wanted)])
}
