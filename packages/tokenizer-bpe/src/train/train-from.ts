// Training from sources that arrive over time: files, network, anything that iterates asynchronously.
import type { BpeTokenizer } from '../bpe-tokenizer.ts'
import { BpeTrainer, type TrainBpeOptions } from './train-bpe.ts'

/** Texts or bytes of UTF-8 in parts of any size, as one text; or a Blob, such as a File of a page or Node's `openAsBlob(path)`. */
export type AsyncTextSource = AsyncIterable<string | Uint8Array> | Blob

/**
 * Trains a byte-level BPE tokenizer on a source that is read as a stream: its size does not matter.
 *
 * @example
 * const tokenizer = await trainBpeFrom(createReadStream('corpus.txt'), { vocabSize: 32000 })
 */
export async function trainBpeFrom(source: AsyncTextSource, options: TrainBpeOptions): Promise<BpeTokenizer> {
  const trainer = new BpeTrainer(options)
  for await (const lines of wholeLines(source)) trainer.add(lines)
  return trainer.train()
}

/** The text of a source in parts that end at line ends, the last perhaps not. Every part is at least `size` units but for the last. */
export async function* wholeLines(source: AsyncTextSource, size = 1 << 20): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let parts: string[] = []
  let length = 0
  for await (const part of source instanceof Blob ? chunksOf(source) : source) {
    const text = typeof part === 'string' ? part : decoder.decode(part, { stream: true })
    const cut = length + text.length < size ? 0 : text.lastIndexOf('\n') + 1
    if (cut > 0) {
      yield parts.join('') + text.slice(0, cut)
      parts = []
      length = 0
    }
    parts.push(text.slice(cut))
    length += text.length - cut
  }
  const rest = parts.join('') + decoder.decode()
  if (rest !== '') yield rest
}

/** Parts of a Blob; its `stream()` is not iterable in every browser. */
async function* chunksOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const size = 1 << 20
  for (let start = 0; start < blob.size; start += size) yield new Uint8Array(await blob.slice(start, start + size).arrayBuffer())
}
