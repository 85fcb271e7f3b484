// One measurement of `bench tokenizer` in a process of its own, so that no library warms or clutters another's. Prints one JSON line.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { BpeTrainer, isEncodingName, loadTiktoken, openCompact, writeCompact } from '@abovo/tokenizer-bpe'
import { type CorpusName, PEERS_FOLDER, corpus, trainingText } from './tokenizer-corpus.js'
import { HOSTILE_NAMES, hostileText } from './tokenizer-hostile.js'

interface Library {
  encode(text: string): ArrayLike<number>
  decode(ids: ArrayLike<number>): string
}

const DOCUMENT = 1 << 14
const STEPS = 6
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const round = (value: number): number => Math.round(value * 10) / 10
const [task, encoding, library, name, folder] = process.argv.slice(2)

function ranksOf(encodingName: string): string {
  const file = createRequire(join(PEERS_FOLDER, 'package.json')).resolve(`tiktoken/encoders/${encodingName}.json`)
  const { bpe_ranks: ranks }: { bpe_ranks: string } = JSON.parse(readFileSync(file, 'utf8'))
  return ranks
}

async function open(): Promise<Library | undefined> {
  if (library === 'abovo') {
    if (!isEncodingName(encoding)) throw new Error(`no encoding ${encoding}`)
    return loadTiktoken(ranksOf(encoding), encoding)
  }
  const { openPeer }: { openPeer(peer: string, wanted: string): Promise<Library | undefined> } = await import(join(PEERS_FOLDER, 'open-peer.mjs'))
  return openPeer(library, encoding)
}

function documents(text: string): string[] {
  const parts: string[] = []
  for (let start = 0; start < text.length; start += DOCUMENT) parts.push(text.slice(start, start + DOCUMENT))
  return parts
}

/** MB per CPU second on text never seen before: the median of the last three of six parts. */
function encodeSpeed(tokenizer: Library, text: string): object {
  for (const part of documents(corpus('english', 7_000_000, folder).slice(-1_000_000))) tokenizer.encode(part)   // compiled before it is measured
  const step = Math.ceil(text.length / STEPS)
  const speeds: number[] = []
  for (let k = 0; k < STEPS; k++) {
    const part = text.slice(k * step, (k + 1) * step)
    const parts = documents(part)
    const bytes = Buffer.byteLength(part)
    const before = cpuMs()
    for (const document of parts) tokenizer.encode(document)
    speeds.push(bytes / 1000 / (cpuMs() - before))
  }
  return { mb_per_s: round(speeds.slice(-3).sort((a, b) => a - b)[1]), first_mb_per_s: round(speeds[0]) }
}

function decodeSpeed(tokenizer: Library, text: string): object {
  const parts = documents(text).map((part) => Array.from(tokenizer.encode(part)))
  const speeds: number[] = []
  for (let k = 0; k < 5; k++) {
    const before = cpuMs()
    let length = 0
    // charCodeAt: a text that is still a tree of parts has not been decoded yet
    for (const ids of parts) length += tokenizer.decode(ids).charCodeAt(100)
    speeds.push(length > 0 ? Buffer.byteLength(text) / 1000 / (cpuMs() - before) : 0)
  }
  return { mb_per_s: round(speeds.sort((a, b) => a - b)[2]) }
}

function load(): object {
  if (!isEncodingName(encoding)) throw new Error(`no encoding ${encoding}`)
  const text = Buffer.from(ranksOf(encoding))
  const compact = library === 'compact' ? writeCompact(loadTiktoken(text, encoding)) : undefined
  // what reading and writing left behind must be gone before the baseline is taken
  globalThis.gc?.()
  globalThis.gc?.()
  const memory = (): number => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const memoryBefore = memory()
  const before = cpuMs()
  const tokenizer = compact === undefined ? loadTiktoken(text, encoding) : openCompact(compact)
  tokenizer.encode('Hello')
  const ms = cpuMs() - before
  globalThis.gc?.()
  globalThis.gc?.()
  return { ms: round(ms), mb: round((memory() - memoryBefore) / 1e6), file_bytes: (compact ?? text).length, ids: tokenizer.vocabSize }
}

function train(): object {
  const text = trainingText(Number(name) * 1e6)
  const trainer = new BpeTrainer({ vocabSize: 32768 })
  const before = cpuMs()
  trainer.add(text)
  const counted = cpuMs()
  const { vocabSize } = trainer.train()
  return { mb: round(Buffer.byteLength(text) / 1e6), vocab: vocabSize, cpu_s: (cpuMs() - before) / 1000, count_s: (counted - before) / 1000, peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1000) }
}

function hostile(tokenizer: Library, bytes: number): object {
  tokenizer.encode('Some ordinary text to begin with. '.repeat(100))
  const seconds: Record<string, number> = {}
  for (const hostileName of HOSTILE_NAMES) {
    const text = hostileText(hostileName, bytes)
    const before = cpuMs()
    tokenizer.encode(text)
    seconds[hostileName] = Math.round(cpuMs() - before) / 1000
  }
  return { bytes, cpu_s: seconds }
}

async function measure(): Promise<object | undefined> {
  if (task === 'load') return load()
  if (task === 'train') return train()
  const tokenizer = await open()
  if (tokenizer === undefined) return undefined
  if (task === 'hostile') return hostile(tokenizer, Number(name))
  const wanted: CorpusName = name === 'code' || name === 'chinese' || name === 'korean' ? name : 'english'
  const text = corpus(wanted, 6_000_000, folder)
  return task === 'decode' ? decodeSpeed(tokenizer, text.slice(0, 2_000_000)) : encodeSpeed(tokenizer, text)
}

const result = await measure()
if (result !== undefined) console.log(JSON.stringify({ measure: task, encoding, library, ...(task === 'encode' || task === 'decode' ? { corpus: name } : {}), ...result }))
