// The loop around a trainer of rlhf-ppo in a run's folder: go on from the newest checkpoint, log every report, save when it is due, stop when asked.
import { parseJson, readSafetensors, isJsonObject, writeSafetensors } from '@abovo/nn-transformer'
import type { TrainerState } from '@abovo/rlhf-ppo'
import { Failure } from '../failure.js'
import type { Session } from '../session.js'
import type { Checkpoint } from '../storage/checkpoints.js'
import type { Files } from '../storage/manifest.js'
import type { RunFolder } from '../storage/run-folder.js'
import { Progress } from '../terminal/progress.js'
import { inFolder } from './trained-model.js'

export interface StageReport {
  readonly step: number
  /** For the live line. */
  readonly figures: string
  readonly metrics: Readonly<Record<string, number>>
}

export interface StepwiseRun {
  readonly run: RunFolder
  readonly session: Session
  readonly steps: number
  readonly checkpointEvery: number
  /** What a step is called. */
  readonly stepName?: string
  readonly trainer: { state(): Promise<TrainerState>; restore(saved: TrainerState): void }
  /** One report a step, from where the trainer stands. */
  reports(): AsyncIterable<StageReport>
  /** The model as others read it. */
  files(): Promise<Files>
}

/** @throws Interrupted after saving, when the session was told to stop. */
export async function runStepwise({ run, session, steps, checkpointEvery, stepName = 'step', trainer, reports, files }: StepwiseRun): Promise<void> {
  const { checkpoint, skipped } = await run.checkpoints.newest()
  for (const reason of skipped) session.terminal.line(`  not used: ${reason}`)
  if (checkpoint !== null) restore(checkpoint, trainer, session)
  let done = checkpoint?.step ?? 0
  const save = async (): Promise<void> => {
    await run.checkpoints.save(done, { ...(await files()), ...stateFiles(await trainer.state()) })
  }
  await run.metrics.cutAfter(done)
  const progress = new Progress(session.terminal, { total: steps, start: done, step: stepName })
  if (done < steps && !session.interruption.signal.aborted)
    for await (const { step, figures, metrics } of reports()) {
      done = step
      run.metrics.append({ step, ...metrics, seconds: Math.round(progress.seconds * 1000) / 1000 })
      progress.update(step, figures)
      if (step % checkpointEvery === 0 && step < steps) await save()
      // signals are seen between tasks only
      await new Promise(resolve => setImmediate(resolve))
      if (session.interruption.signal.aborted) break
    }
  await save()
  if (done >= steps) return
  progress.stop()
  session.interruption.throwIfStopped(`${stepName} ${done} of ${steps} is saved; go on with: ${session.command('resume', run.home)}`)
}

function restore({ files, folder, step }: Checkpoint, trainer: StepwiseRun['trainer'], { terminal }: Session): void {
  inFolder(folder, () => trainer.restore(readState(files, folder)))
  terminal.line(`  going on from step ${step}`)
}

const NUMBERS = 'trainer.json'
const TENSORS = 'trainer.safetensors'

const stateFiles = ({ numbers, tensors }: TrainerState): Files => ({
  [NUMBERS]: new TextEncoder().encode(`${JSON.stringify({ version: 1, ...numbers }, null, 2)}\n`),
  [TENSORS]: writeSafetensors(tensors, { metadata: {} }),
})

function readState(files: Files, folder: string): TrainerState {
  for (const name of [NUMBERS, TENSORS]) if (!Object.hasOwn(files, name)) throw new Failure('input', `${folder}: a checkpoint to go on from must have ${name}, got ${Object.keys(files).join(', ')}`)
  const json = parseJson(NUMBERS, new TextDecoder().decode(files[NUMBERS]))
  const numbers = isJsonObject(json) ? [...json].flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : [])) : []
  return { numbers: Object.fromEntries(numbers), tensors: readSafetensors(files[TENSORS], { where: TENSORS }) }
}
