// The worker's desk: one thing at a time. Requests wait in line, training fills the time between them, and a lost device is replaced.
import { DeviceError, type Device } from '@abovo/tensor-webgpu'
import { BpeTokenizer } from '@abovo/tokenizer-bpe'
import { acceptText, type AcceptedText } from '../text/read-text.ts'
import type { DeviceChoice, Phase } from '../protocol.ts'
import { Keeper } from '../storage/keeper.ts'
import { openDevice, reportOf } from './compute-device.ts'
import { explain } from './failures.ts'
import { nextMessage } from './next-message.ts'
import { post } from './post.ts'
import { runFromFiles, runToFiles } from './run-files.ts'
import type { Run } from './run.ts'
import { idsOf, piecesOf, reportTokens } from './tokens.ts'
import { Trainer } from './trainer.ts'

export interface Draft {
  readonly accepted: AcceptedText
  readonly tokenizer: BpeTokenizer | null
  readonly ids: Uint32Array
}

/** Browsers block a page that loses its device again and again. */
const REPLACEMENTS = 2

export class Desk {
  readonly keeper = new Keeper()
  device: Device | null = null
  run: Run | null = null
  draft: Draft | null = null
  sentence = ''
  temperature = 0.8
  #choice: DeviceChoice = 'auto'
  #threads: number | null = null
  #trainer: Trainer | null = null
  #wanted: Phase = 'paused'
  #lost = 0
  /** The newest checkpoint, stored or not: what a lost device costs is what came after it. */
  #checkpoint: Record<string, Uint8Array> | null = null
  readonly #line: (() => Promise<void>)[] = []
  #wake: () => void = () => undefined

  /** Puts work in line, before more training. */
  ask(work: () => Promise<void>): void {
    this.#line.push(work)
    this.#wake()
  }

  /** From the next step on. */
  want(phase: 'running' | 'paused'): void {
    this.#wanted = phase
    this.#wake()
  }

  async open(choice: DeviceChoice, threads: number | null): Promise<void> {
    this.#choice = choice
    this.#threads = threads
    this.device = await openDevice(choice, threads)
    post({ kind: 'opened', ...reportOf(this.device) })
    const files = await this.keeper.open()
    if (files !== null) {
      this.#checkpoint = files
      const run = runFromFiles(files, this.device, '')
      await this.replaceRun(run)
      this.adoptText(run)
    }
  }

  /** A run that was stored or opened brings its text and tokenizer. */
  adoptText({ parts: { text, textName, tokenizer, ids } }: Run): void {
    if (text === '' || !(tokenizer instanceof BpeTokenizer)) return
    const accepted = acceptText(text, { name: textName })
    this.draft = { accepted, tokenizer, ids }
    const { text: _, ...report } = accepted
    post({ kind: 'text', stored: true, ...report })
    post({ kind: 'tokenized', ...reportTokens(tokenizer, { tokens: ids.length, characters: accepted.characters }) })
  }

  async replaceRun(run: Run | null): Promise<void> {
    await this.#rest()
    await this.run?.dispose()
    this.run = run
    if (run === null) return
    post({ kind: 'run', ...run.report() })
    post({ kind: 'phase', phase: this.#restingPhase() })
    await this.look(run)
  }

  async look(run: Run): Promise<void> {
    if (this.sentence === '') return
    const { tokenizer } = run.parts
    const ids = Int32Array.from(idsOf(tokenizer, this.sentence).subarray(0, run.attention.longest))
    if (ids.length === 0) return
    const weights = await run.attention.of(ids)
    const tokens = tokenizer instanceof BpeTokenizer ? piecesOf(tokenizer, ids) : Array.from(ids, id => ({ text: tokenizer.decode([id]) }))
    const { nLayer: layers, nHead: heads } = run.parts.model.config
    post({ kind: 'attention', step: run.step, tokens: tokens.map(({ text }) => text), layers, heads, weights }, [weights.buffer])
  }

  async save(run: Run): Promise<void> {
    this.#checkpoint = await runToFiles(run)
    if (await this.keeper.save(this.#checkpoint)) post({ kind: 'saved', step: run.step })
  }

  async forget(): Promise<void> {
    await this.replaceRun(null)
    this.#checkpoint = null
    await this.keeper.clear()
    post({ kind: 'forgotten' })
  }

  /** Never ends. */
  async work(): Promise<never> {
    for (;;) {
      const next = this.#line.shift()
      if (next !== undefined) await this.#guard(next)
      else if (this.#wanted === 'running' && this.run !== null) await this.#guard(() => this.#train())
      else if (this.#trainer !== null) await this.#guard(() => this.#rest())
      else await new Promise<void>(resolve => (this.#wake = resolve))
      await nextMessage()
    }
  }

  async #train(): Promise<void> {
    if (this.run === null) return
    if (this.#trainer === null) {
      this.#trainer = new Trainer(this.run, this)
      post({ kind: 'phase', phase: 'running' })
      if (this.run.step === 0) await this.save(this.run)
    }
    if (await this.#trainer.turn()) this.#wanted = 'paused'
  }

  async #rest(): Promise<void> {
    const trainer = this.#trainer
    this.#trainer = null
    this.#wanted = 'paused'
    if (trainer === null) return
    await trainer.finish()
    post({ kind: 'phase', phase: this.#restingPhase() })
  }

  #restingPhase(): Phase {
    return this.run !== null && this.run.step >= this.run.parts.settings.steps ? 'done' : 'paused'
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const wasRunning = this.#trainer !== null
      this.#trainer = null
      this.#wanted = 'paused'
      if (error instanceof DeviceError && error.code === 'lost' && (await this.#recover(wasRunning))) return
      post({ kind: 'failed', ...explain(error) })
      post({ kind: 'phase', phase: this.#restingPhase() })
    }
  }

  #replacement(): Promise<Device> {
    const wasm = (): Promise<Device> => openDevice('wasm', this.#threads)
    return this.#lost > REPLACEMENTS ? wasm() : openDevice(this.#choice, this.#threads).catch(wasm)
  }

  /** A new device and the newest checkpoint on it; after several losses WASM. */
  async #recover(goOn: boolean): Promise<boolean> {
    this.#lost++
    this.device?.close()
    try {
      this.device = await this.#replacement()
      post({ kind: 'opened', ...reportOf(this.device) })
      this.run = null
      if (this.#checkpoint === null) return true
      const run = runFromFiles(this.#checkpoint, this.device, '')
      await this.replaceRun(run)
      post({ kind: 'recovered', device: reportOf(this.device).device, step: run.step })
      if (goOn) this.want('running')
      return true
    } catch (error) {
      post({ kind: 'failed', code: 'lost', message: String(error) })
      return false
    }
  }
}
