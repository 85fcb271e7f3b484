// What the page knows and shows: the worker's reports as reactive state, and the requests that people make. It computes nothing.
import type { AttentionReport, DeviceReport, FailureCode, GenerateRequest, Phase, Piece, Point, Report, Request, RunReport, RunSettings, Sample, StorageState, TextRefusal, TextReport, TokenReport } from '../protocol.ts'
import { wishesIn, type Wishes } from './address.ts'
import { History } from './history.ts'
import { suitableVocabulary } from './presets.ts'
import { WorkerLink } from './worker-link.ts'

export interface Failure {
  readonly code: FailureCode | 'crashed'
  readonly message: string
}

interface Logits {
  readonly ids: readonly number[]
  readonly logits: Float32Array
}

export class Session {
  readonly wishes: Wishes
  device = $state.raw<DeviceReport | null>(null)
  storage = $state.raw<{ state: StorageState; detail: string } | null>(null)
  text = $state.raw<TextReport | null>(null)
  refusal = $state.raw<{ refusal: TextRefusal; name: string } | null>(null)
  merging = $state.raw<{ merges: number; wanted: number } | null>(null)
  tokens = $state.raw<TokenReport | null>(null)
  segmented = $state.raw<{ merges: number; pieces: readonly Piece[]; newest: string | null } | null>(null)
  run = $state.raw<RunReport | null>(null)
  phase = $state<Phase>('paused')
  /** Between asking for a start and the first step. */
  starting = $state(false)
  step = $state(0)
  loss = $state<number | null>(null)
  curve = $state.raw<readonly Point[]>([])
  validation = $state.raw<readonly Point[]>([])
  bitsPerByte = $state<number | null>(null)
  speed = $state<number | null>(null)
  samples = $state.raw<readonly Sample[]>([])
  attention = $state.raw<AttentionReport | null>(null)
  sentence = $state('')
  continuation = $state('')
  speaking = $state(false)
  savedStep = $state<number | null>(null)
  restoredStep = $state<number | null>(null)
  recovered = $state.raw<{ device: 'webgpu' | 'wasm'; step: number } | null>(null)
  failure = $state.raw<Failure | null>(null)
  /** What was given last, in case it is too large and its first part is wanted. */
  #file: File | null = null
  #history = new History()
  readonly #link = new WorkerLink({ report: report => this.#hear(report), crashed: detail => this.#crashed(detail) })
  readonly #asked = new Map<number, (logits: Logits) => void>()

  constructor(address: URLSearchParams) {
    this.wishes = wishesIn(address)
    this.start()
    // a tab that is put away may not come back
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden' && this.phase === 'running') this.#send({ kind: 'save' })
    })
  }

  /** A new worker, which finds the stored run. */
  start(): void {
    // a text that no run has is only with the page
    const unkept = this.run === null && this.text !== null ? this.#file : null
    const head = this.text?.cut ?? false
    this.failure = null
    this.device = null
    this.run = null
    this.text = null
    this.tokens = null
    this.segmented = null
    this.#link.start()
    this.#send({ kind: 'open', ...this.wishes })
    if (unkept !== null) this.#send({ kind: 'read-file', file: unkept, head })
    if (this.sentence !== '') this.#send({ kind: 'look', sentence: this.sentence })
  }

  takeText(text: string, name: string): void {
    this.refusal = null
    this.#file = new File([text], name)
    this.#send({ kind: 'read-text', text, name })
  }

  takeFile(file: File): void {
    this.refusal = null
    this.#file = file
    this.#send({ kind: 'read-file', file, head: false })
  }

  takeHead(): void {
    this.refusal = null
    if (this.#file !== null) this.#send({ kind: 'read-file', file: this.#file, head: true })
  }

  tokenize(vocabSize: number): void {
    this.#send({ kind: 'tokenize', vocabSize })
  }

  segment(merges: number): void {
    this.#send({ kind: 'segment', merges })
  }

  begin(settings: RunSettings): void {
    this.starting = true
    this.failure = null
    this.restoredStep = null
    this.#send({ kind: 'begin', settings })
  }

  go(): void {
    this.starting = true
    this.failure = null
    this.#send({ kind: 'go' })
  }

  pause(): void {
    this.#send({ kind: 'pause' })
  }

  look(sentence: string): void {
    this.sentence = sentence
    this.#send({ kind: 'look', sentence })
  }

  generate(request: GenerateRequest): void {
    this.continuation = ''
    this.speaking = true
    this.#send({ kind: 'temperature', temperature: request.temperature })
    this.#send({ kind: 'generate', ...request })
  }

  hush(): void {
    this.#send({ kind: 'hush' })
  }

  export(): void {
    this.#send({ kind: 'export' })
  }

  import(file: File): void {
    this.failure = null
    this.#send({ kind: 'import', file })
  }

  forget(): void {
    this.#send({ kind: 'forget' })
  }

  logits(prompt: string): Promise<Logits> {
    const id = this.#asked.size
    return new Promise(resolve => {
      this.#asked.set(id, resolve)
      this.#send({ kind: 'logits', id, prompt })
    })
  }

  #send(request: Request): void {
    this.#link.send(request)
  }

  #hear(report: Report): void {
    if (report.kind === 'opened') this.device = report
    else if (report.kind === 'storage') this.storage = report
    else if (report.kind === 'text') this.#hearText(report)
    else if (report.kind === 'text-refused') this.refusal = report
    else if (report.kind === 'merging') this.merging = report
    else if (report.kind === 'tokenized') this.#hearTokens(report)
    else if (report.kind === 'segmented') this.segmented = report
    else if (report.kind === 'run') this.#hearRun(report)
    else if (report.kind === 'phase') this.#hearPhase(report.phase)
    else if (report.kind === 'progress') this.#hearProgress(report)
    else if (report.kind === 'evaluated') this.#hearEvaluation(report)
    else if (report.kind === 'sampled') this.samples = [...this.samples.slice(-29), report.sample]
    else if (report.kind === 'attention') this.attention = report
    else if (report.kind === 'generated') this.#hearWords(report)
    else if (report.kind === 'saved') this.savedStep = report.step
    else if (report.kind === 'exported') download(report.file, report.name)
    else if (report.kind === 'forgotten') this.#hearForgotten()
    else if (report.kind === 'recovered') this.#hearRecovery(report)
    else if (report.kind === 'logits') this.#asked.get(report.id)?.(report)
    else this.#hearFailure(report)
  }

  #hearText(report: TextReport & { readonly stored: boolean }): void {
    this.text = report
    this.tokens = null
    this.segmented = null
    // a stored run brings its tokenizer
    if (!report.stored) this.tokenize(suitableVocabulary(report))
    if (this.run === null || this.sentence === '') this.look(firstSentence(report.excerpt))
  }

  #hearTokens(report: TokenReport): void {
    this.tokens = report
    this.merging = null
  }

  #hearRun(report: RunReport): void {
    this.run = report
    this.step = report.step
    this.#history = new History(report.points)
    this.curve = report.points
    this.loss = recentMean(report.points)
    this.validation = report.validation
    this.bitsPerByte = report.bitsPerByte
    this.samples = report.samples
    this.attention = null
    this.speed = null
    this.savedStep = null
    this.restoredStep = report.step > 0 ? report.step : null
  }

  #hearPhase(phase: Phase): void {
    this.phase = phase
    if (phase !== 'running') this.starting = false
  }

  #hearProgress({ points, tokensPerSecond }: { points: readonly Point[]; tokensPerSecond: number }): void {
    for (const point of points) this.#history.add(point)
    this.starting = false
    this.curve = [...this.#history.points]
    this.step = points[points.length - 1].step
    this.loss = recentMean(this.curve)
    this.speed = tokensPerSecond
  }

  #hearEvaluation({ point, bitsPerByte }: { point: Point; bitsPerByte: number }): void {
    this.validation = [...this.validation, point]
    this.bitsPerByte = bitsPerByte
  }

  #hearWords({ text, finished }: { text: string; finished: boolean }): void {
    this.continuation = text
    this.speaking = !finished
  }

  #hearRecovery(report: { device: 'webgpu' | 'wasm'; step: number }): void {
    this.recovered = report
    this.speaking = false
  }

  #hearForgotten(): void {
    this.run = null
    this.attention = null
    this.savedStep = null
    this.restoredStep = null
    this.continuation = ''
    this.phase = 'paused'
  }

  #hearFailure({ code, message }: Failure): void {
    this.failure = { code, message }
    this.starting = false
    this.speaking = false
    this.merging = null
  }

  #crashed(detail: string): void {
    this.#hearFailure({ code: 'crashed', message: detail })
    this.phase = 'paused'
    this.device = null
  }
}

/** One step's loss says little: batches differ. */
function recentMean(points: readonly Point[]): number | null {
  const recent = points.slice(-20)
  return recent.length === 0 ? null : recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length
}

/** Short enough for maps that can be read. */
function firstSentence(text: string): string {
  const sentence = /^[^.!?。\n]{20,}?[.!?。](?=\s|$)/u.exec(text.replace(/^[^\n]{0,40}\n+/, ''))?.[0] ?? text
  return [...sentence].slice(0, 60).join('').trim()
}

function download(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // the download has begun by then
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
