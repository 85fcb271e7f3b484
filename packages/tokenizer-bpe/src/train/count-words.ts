// Cutting a corpus into words and counting them.
import { chunkEnd } from '../split/chunks.ts'
import type { Splitter } from '../split/splitter.ts'
import { Utf8Buffer } from '../text/utf8.ts'
import { WordCounts } from './word-counts.ts'

export class WordCounter {
  readonly counts = new WordCounts()
  readonly #splitter: Splitter
  readonly #byLine: boolean
  readonly #maxWords: number
  #words = 0
  readonly #buffer = new Utf8Buffer()

  /** @param byLine whether no word reaches over a line's end, as when Hugging Face trains from files */
  constructor(splitter: Splitter, byLine: boolean, maxWords = Infinity) {
    this.#maxWords = maxWords
    this.#splitter = splitter
    this.#byLine = byLine
  }

  add(text: string): void {
    for (let start = 0; start < text.length && this.#words < this.#maxWords;) {
      const end = this.#chunkEnd(text, start)
      this.#addChunk(start === 0 && end === text.length ? text : text.slice(start, end))
      start = end
    }
  }

  #chunkEnd(text: string, start: number): number {
    if (this.#byLine) {
      // whole lines, as many as fit
      const cut = start + CHUNK >= text.length ? -1 : text.lastIndexOf('\n', start + CHUNK)
      if (cut >= start) return cut + 1
      const line = text.indexOf('\n', start + CHUNK)
      return line < 0 ? text.length : line + 1
    }
    return this.#splitter.cuttable ? chunkEnd(text, start) : text.length
  }

  #addChunk(text: string): void {
    const buffer = this.#buffer
    buffer.write(text)
    const { bytes, words, length } = buffer
    if (this.#byLine && this.#splitter.cuttable) {
      const scan = this.#splitter.begin(text)
      for (let start = 0, lineEnd = 0; start < length;) {
        if (start >= lineEnd) {
          const newline = bytes.indexOf(10, start)
          lineEnd = newline < 0 || newline >= length ? length : newline + 1
        }
        const end = scan(bytes, start, lineEnd)
        if (++this.#words > this.#maxWords) return
        this.counts.add(bytes, words, start, end, 1)
        start = end
      }
    } else if (this.#byLine && text.indexOf('\n') < text.length - 1 && text.includes('\n')) {
      for (const line of text.split(/(?<=\n)/)) this.#addChunk(line)
    } else {
      const scan = this.#splitter.begin(text)
      for (let start = 0; start < length;) {
        const end = scan(bytes, start, length)
        if (++this.#words > this.#maxWords) return
        this.counts.add(bytes, words, start, end, 1)
        start = end
      }
    }
  }
}

/** UTF-16 units cut at a time. */
const CHUNK = 1 << 14
