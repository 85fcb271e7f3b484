// Trains a byte-level BPE on a file as Hugging Face's trainer does by default and writes DIR/tokenizer.json.
//   pnpm --silent conformance bpe-train FILE --vocab N --out DIR
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { trainBpeFrom } from '@abovo/tokenizer-bpe'

const usage = 'usage: pnpm --silent conformance bpe-train FILE --vocab N --out DIR'

function stop(message: string): never {
  console.error(`conformance bpe-train: ${message}`)
  process.exit(2)
}

const { values, positionals } = (() => {
  try {
    return parseArgs({ allowPositionals: true, options: { vocab: { type: 'string' }, out: { type: 'string' } } })
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
})()
const [file] = positionals
const { vocab, out } = values
if (file === undefined || positionals.length > 1 || vocab === undefined || out === undefined) stop(usage)
const vocabSize = Number(vocab)
if (!Number.isInteger(vocabSize) || vocabSize < 256) stop(`--vocab must be a whole number from 256 (one token for each byte), got ${vocab}`)

try {
  const tokenizer = await trainBpeFrom(createReadStream(file, { highWaterMark: 1 << 20 }), { vocabSize })
  mkdirSync(out, { recursive: true })
  const target = join(out, 'tokenizer.json')
  writeFileSync(target, JSON.stringify(tokenizer))
  console.log(JSON.stringify({ file: target, vocab: tokenizer.vocabSize, merges: tokenizer.pairs.list().length / 3 }))
} catch (error) {
  stop(error instanceof Error ? error.message : String(error))
}
