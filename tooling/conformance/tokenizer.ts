// Encodes a file and prints what an outside reader can check: how many ids, a hash over them, and whether they decode to the file.
//   pnpm --silent conformance tokenizer --encoding o200k_base FILE
//   pnpm --silent conformance tokenizer --tokenizer tokenizer.json [--no-special] FILE
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { BpeTokenizer, ENCODING_NAMES, encodeStream, type EncodeOptions, isEncodingName, loadTiktoken, loadTokenizer, type Tokenizer } from '@abovo/tokenizer-bpe'

const usage = `usage: pnpm --silent conformance tokenizer (--encoding ${ENCODING_NAMES.join('|')} | --tokenizer tokenizer.json) FILE`

function stop(message: string): never {
  console.error(`conformance tokenizer: ${message}`)
  process.exit(2)
}

/** One of OpenAI's encodings, its ranks from npm's `tiktoken`. */
function openEncoding(name: string): BpeTokenizer {
  if (!isEncodingName(name)) stop(`--encoding must be one of ${ENCODING_NAMES.join(', ')}, got ${name}`)
  const require = createRequire(new URL('../../packages/tokenizer-bpe/package.json', import.meta.url))
  const file = require.resolve(`tiktoken/encoders/${name === 'o200k_harmony' ? 'o200k_base' : name}.json`)
  const { bpe_ranks: ranks }: { bpe_ranks: string } = JSON.parse(readFileSync(file, 'utf8'))
  return loadTiktoken(ranks, name)
}

interface Result {
  tokens: number
  sha256: string
  /** Whether the ids decode to the text; what is not UTF-8 in the file is U+FFFD in the text. */
  roundtrip: boolean
}

/** Reads the file as a stream, of any size. */
async function encodeFile(tokenizer: BpeTokenizer, file: string, options: EncodeOptions): Promise<Result> {
  const stream = encodeStream(tokenizer, options)
  const idsHash = createHash('sha256')
  const textHash = createHash('sha256')
  const decodedHash = createHash('sha256')
  let tokens = 0
  const take = (ids: Uint32Array): void => {
    tokens += ids.length
    idsHash.update(littleEndian(ids))
    decodedHash.update(tokenizer.decodeBytes(ids))
  }
  const push = (text: string): void => {
    textHash.update(text)
    take(stream.push(text))
  }
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for await (const bytes of createReadStream(file, { highWaterMark: 1 << 20 })) push(decoder.decode(bytes, { stream: true }))
  push(decoder.decode())
  take(stream.end())
  return { tokens, sha256: idsHash.digest('hex'), roundtrip: textHash.digest('hex') === decodedHash.digest('hex') }
}

function encodeWhole(tokenizer: Tokenizer, file: string, addSpecialTokens: boolean): Result {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(readFileSync(file))
  const ids = tokenizer.encode(text, { allowedSpecial: 'all', addSpecialTokens })
  const plain = tokenizer.encode(text, { allowedSpecial: 'all', addSpecialTokens: false })
  return { tokens: ids.length, sha256: createHash('sha256').update(littleEndian(ids)).digest('hex'), roundtrip: tokenizer.decode(plain) === text }
}

function littleEndian(ids: Uint32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(ids.length * 4))
  for (const [k, id] of ids.entries()) bytes.setUint32(k * 4, id, true)
  return new Uint8Array(bytes.buffer)
}

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { encoding: { type: 'string' }, tokenizer: { type: 'string' }, 'no-special': { type: 'boolean', default: false } },
    })
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
})()
const [file] = positionals
if (file === undefined || positionals.length > 1 || (values.encoding === undefined) === (values.tokenizer === undefined)) stop(usage)

try {
  // with an encoding all text is text; with a tokenizer.json special tokens are found, as Hugging Face's encode does
  const tokenizer = values.encoding !== undefined ? openEncoding(values.encoding) : loadTokenizer(readFileSync(values.tokenizer ?? '', 'utf8'))
  const result = tokenizer instanceof BpeTokenizer
    ? await encodeFile(tokenizer, file, values.encoding !== undefined ? { disallowedSpecial: [] } : { allowedSpecial: 'all' })
    : encodeWhole(tokenizer, file, !values['no-special'])
  console.log(JSON.stringify(result))
} catch (error) {
  stop(error instanceof Error ? error.message : String(error))
}
