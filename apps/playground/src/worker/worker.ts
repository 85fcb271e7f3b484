// The worker's entry: turns the page's requests into work at the desk.
import { tensor } from '@abovo/tensor-webgpu'
import { readZip } from '../archive/read-zip.ts'
import { writeZip } from '../archive/write-zip.ts'
import type { GenerateRequest, Request, RunSettings } from '../protocol.ts'
import { acceptText, readFile, RefusedText, type AcceptedText } from '../text/read-text.ts'
import { Desk } from './desk.ts'
import { explain } from './failures.ts'
import { post } from './post.ts'
import { runFromFiles, runToFiles } from './run-files.ts'
import { Run } from './run.ts'
import { afterMerges, idsOf, newestToken, piecesOf, reportTokens, trainTokenizer } from './tokens.ts'

const desk = new Desk()
let hush = new AbortController()

/** An opened checkpoint and its text, unpacked. */
const MOST_CHECKPOINT = 2 ** 29

function receive(request: Request): void {
  if (request.kind === 'open') desk.ask(() => desk.open(request.device, request.threads))
  else if (request.kind === 'read-file') desk.ask(() => take(request.file.name, () => readFile(request.file, request)))
  else if (request.kind === 'read-text') desk.ask(() => take(request.name, async () => acceptText(request.text, request)))
  else if (request.kind === 'tokenize') desk.ask(() => tokenize(request.vocabSize))
  else if (request.kind === 'segment') desk.ask(() => segment(request.merges))
  else if (request.kind === 'begin') desk.ask(() => begin(request.settings))
  else if (request.kind === 'go') desk.want('running')
  else if (request.kind === 'pause') desk.want('paused')
  else if (request.kind === 'save') desk.ask(async () => void (desk.run !== null && (await desk.run.settle(), await desk.save(desk.run))))
  else if (request.kind === 'look') look(request.sentence)
  else if (request.kind === 'generate') desk.ask(() => speak(request))
  else if (request.kind === 'hush') hush.abort()
  else if (request.kind === 'temperature') desk.temperature = request.temperature
  else if (request.kind === 'export') desk.ask(exportRun)
  else if (request.kind === 'import') desk.ask(() => importRun(request.file))
  else if (request.kind === 'forget') desk.ask(() => desk.forget())
  else desk.ask(() => tellLogits(request))
}

async function take(name: string, read: () => Promise<AcceptedText>): Promise<void> {
  try {
    const accepted = await read()
    desk.draft = { accepted, tokenizer: null, ids: new Uint32Array(0) }
    const { text: _, ...report } = accepted
    post({ kind: 'text', stored: false, ...report })
  } catch (error) {
    if (!(error instanceof RefusedText)) throw error
    post({ kind: 'text-refused', refusal: error.refusal, name })
  }
}

async function tokenize(vocabSize: number): Promise<void> {
  if (desk.draft === null) return
  const { accepted } = desk.draft
  const tokenizer = trainTokenizer(accepted.text, vocabSize, (merges, wanted) => post({ kind: 'merging', merges, wanted }))
  const ids = idsOf(tokenizer, accepted.text)
  desk.draft = { accepted, tokenizer, ids }
  post({ kind: 'tokenized', ...reportTokens(tokenizer, { tokens: ids.length, characters: accepted.characters }) })
}

async function segment(merges: number): Promise<void> {
  const { tokenizer, accepted } = desk.draft ?? {}
  if (!tokenizer || accepted === undefined) return
  const earlier = afterMerges(tokenizer, merges)
  post({ kind: 'segmented', merges, pieces: piecesOf(earlier, idsOf(earlier, accepted.excerpt)), newest: newestToken(tokenizer, merges) })
}

async function begin(settings: RunSettings): Promise<void> {
  const { device, draft } = desk
  if (device === null || !draft?.tokenizer) return
  const { tokenizer, ids, accepted } = draft
  await desk.replaceRun(null)
  await desk.replaceRun(Run.begin({ settings: { ...settings, vocabSize: tokenizer.vocabSize }, tokenizer, ids, text: accepted.text, textName: accepted.name, device }))
  desk.want('running')
}

function look(sentence: string): void {
  desk.sentence = sentence
  desk.ask(async () => void (desk.run !== null && (await desk.look(desk.run))))
}

async function speak(request: GenerateRequest): Promise<void> {
  if (desk.run === null) return
  hush = new AbortController()
  let shown = 0
  const text = await desk.run.voice.speak(request, {
    signal: hush.signal,
    onText: soFar => {
      // a page draws 60 times a second at most
      if (performance.now() - shown < 30) return
      shown = performance.now()
      post({ kind: 'generated', text: soFar, finished: false })
    },
  })
  post({ kind: 'generated', text, finished: true })
}

async function exportRun(): Promise<void> {
  if (desk.run === null) return
  await desk.run.settle()
  const files = await runToFiles(desk.run)
  // unpacked, it is the folder that `abovo chat` takes
  const stem = desk.run.parts.textName.replace(/\.[a-z]+$/i, '').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 40) || 'run'
  const folder = `ab-ovo-${stem}-step-${desk.run.step}`
  const inFolder = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes]))
  post({ kind: 'exported', file: new Blob([writeZip(inFolder)], { type: 'application/zip' }), name: `${folder}.zip` })
}

async function importRun(file: File): Promise<void> {
  if (desk.device === null) return
  if (file.size > MOST_CHECKPOINT) throw new RangeError(`checkpoint: it must have at most ${MOST_CHECKPOINT} bytes, got ${file.size}`)
  const files = await readZip(new Uint8Array(await file.arrayBuffer()), { mostBytes: MOST_CHECKPOINT })
  const run = runFromFiles(files, desk.device, file.name)
  await desk.replaceRun(run)
  desk.adoptText(run)
  await desk.save(run)
}

/** For people at the console, and for tests: the scores of the token after a prompt. */
async function tellLogits({ id, prompt }: { id: number; prompt: string }): Promise<void> {
  if (desk.run === null) return
  const { model, tokenizer } = desk.run.parts
  const ids = Int32Array.from(idsOf(tokenizer, prompt).subarray(0, model.contextLength))
  const { device } = model.parameters()[0]
  const logits = Float32Array.from(await model.forward(tensor(ids, { shape: [1, ids.length], device })).slice([null, ids.length - 1]).data())
  post({ kind: 'logits', id, ids: [...ids], logits })
}

globalThis.addEventListener('message', (event: MessageEvent<Request>) => receive(event.data))
globalThis.addEventListener('unhandledrejection', event => post({ kind: 'failed', ...explain(event.reason) }))
void desk.work()
