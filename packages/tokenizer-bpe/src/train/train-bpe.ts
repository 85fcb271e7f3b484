// Training a byte-level BPE tokenizer. With its defaults it gives what Hugging Face's BpeTrainer with a ByteLevel
// pre-tokenizer gives: the same ids for the same corpus.
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { TokenizerError } from '../errors.ts'
import { ListedPairs } from '../merge/pairs.ts'
import { gpt2Splitter } from '../split/known.ts'
import type { Splitter } from '../split/splitter.ts'
import { STAND_IN } from '../text/byte-alphabet.ts'
import { utf8Of } from '../text/utf8.ts'
import { vocabularyOf } from '../vocabulary.ts'
import { WordCounter } from './count-words.ts'
import { learnMerges } from './learn-merges.ts'
import type { PackedCounts } from './word-counts.ts'

export interface TrainBpeOptions {
  /** How many tokens, special tokens and bytes included. Fewer come out when no pair is left to merge. */
  vocabSize: number
  /** Special tokens; they get the first ids. Default none. */
  specialTokens?: readonly string[]
  /** Pairs that occur less often are not merged. Default 0. */
  minFrequency?: number
  /** The bytes that are tokens: all 256, or those of the corpus. Default 'all'. */
  alphabet?: 'all' | 'seen'
  /** Which of two equally frequent pairs merges first: the one of smaller ids (exactly as Hugging Face), or the one met first. Default 'hugging-face'. */
  ties?: 'hugging-face' | 'first-seen'
  /** How text is cut into words. Default GPT-2's pattern. */
  splitter?: Splitter
  /** Whether no word reaches over the end of a line. Default true. */
  byLine?: boolean
  /** Count only the first words met, this many. Default no limit. */
  maxWords?: number
  /** Go on from this tokenizer: its tokens and merges come first, and vocabSize counts them. Its special tokens and alphabet are kept. */
  extend?: BpeTokenizer
  /** The longest token in bytes. Default no limit. */
  maxTokenLength?: number
  /** Called as merges are learned. */
  onProgress?: (progress: TrainProgress) => void
}

export interface TrainProgress {
  /** Merges learned so far. */
  merges: number
  /** Merges wanted. */
  wanted: number
  /** How often the last merged pair occurred. */
  count: number
}

/**
 * Trains a byte-level BPE tokenizer on texts.
 *
 * @throws TokenizerError 'INVALID_OPTION'
 * @example
 * const tokenizer = trainBpe(text, { vocabSize: 1000, specialTokens: ['<|endoftext|>'] })
 */
export function trainBpe(source: string | Iterable<string>, options: TrainBpeOptions): BpeTokenizer {
  const trainer = new BpeTrainer(options)
  for (const text of typeof source === 'string' ? [source] : source) trainer.add(text)
  return trainer.train()
}

/** The same step by step: add texts, train, and go on adding if you like. */
export class BpeTrainer {
  readonly #options: TrainBpeOptions
  readonly #splitter: Splitter
  readonly #counter: WordCounter

  constructor(options: TrainBpeOptions) {
    checkOptions(options)
    this.#options = options
    this.#splitter = options.extend?.splitter ?? options.splitter ?? gpt2Splitter
    this.#counter = new WordCounter(this.#splitter, options.byLine ?? true, options.maxWords)
  }

  /** Counts the words of a text. A word never reaches from one text into the next. */
  add(text: string): void {
    this.#counter.add(text)
  }

  /** The counts so far, to store or to send. */
  counts(): PackedCounts {
    return this.#counter.counts.pack()
  }

  /** Adds counts of another trainer with the same splitter: training on parts and on the whole gives the same. */
  addCounts(counts: PackedCounts): void {
    this.#counter.counts.addPacked(counts)
  }

  train(): BpeTokenizer {
    const { extend } = this.#options
    return extend === undefined ? this.#trainNew() : this.#trainFurther(extend)
  }

  #trainFurther({ vocabulary, pairs, splitter, specialTokens, vocabSize: firstId, wholePieces }: BpeTokenizer): BpeTokenizer {
    const tokens: (Uint8Array | undefined)[] = Array.from({ length: firstId }, (_, id) => vocabulary.has(id) ? vocabulary.bytesOf(id) : undefined)
    const byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.find(Uint8Array.of(byte), 0, 1))
    const merges = this.#learn(byteIds, firstId, pairs.list())
    addMerged(tokens, merges)
    return new BpeTokenizer({ vocabulary: vocabularyOf(tokens), pairs: new ListedPairs(merges), splitter, specialTokens, wholePieces })
  }

  #learn(byteIds: Int32Array, firstId: number, given?: Int32Array): Int32Array {
    const { vocabSize, minFrequency = 0, ties = 'hugging-face', maxTokenLength = Infinity, onProgress } = this.#options
    if (vocabSize < firstId) {
      throw new TokenizerError('INVALID_OPTION', `trainBpe: vocabSize must hold the ${firstId} tokens that are there before any merge, got ${vocabSize}; ask for ${firstId} or more`)
    }
    const wanted = vocabSize - firstId
    return learnMerges(this.#counter.counts, {
      byteIds, firstId, vocabSize, minFrequency, maxTokenLength, ties, given,
      onMerge: onProgress && ((done, count) => onProgress({ merges: done, wanted, count })),
    })
  }

  #trainNew(): BpeTokenizer {
    const { specialTokens = [], alphabet = 'all' } = this.#options
    const { counts } = this.#counter
    const byteIds = new Int32Array(256).fill(-1)
    const tokens: (Uint8Array | undefined)[] = specialTokens.map(() => undefined)
    // Hugging Face sorts the alphabet by the characters that stand for the bytes
    const bytes = (alphabet === 'all' ? Array.from({ length: 256 }, (_, byte) => byte) : seenBytes(counts.entries()))
      .sort((a, b) => STAND_IN[a].charCodeAt(0) - STAND_IN[b].charCodeAt(0))
    for (const byte of bytes) {
      byteIds[byte] = tokens.length
      tokens.push(Uint8Array.of(byte))
    }
    const merges = this.#learn(byteIds, tokens.length)
    addMerged(tokens, merges)
    return new BpeTokenizer({
      vocabulary: vocabularyOf(tokens),
      pairs: new ListedPairs(merges),
      splitter: this.#splitter,
      specialTokens: specialTokens.map((name, id) => [name, id] as const),
    })
  }
}

function addMerged(tokens: (Uint8Array | undefined)[], merges: Int32Array): void {
  for (let k = 0; k < merges.length; k += 3) tokens[merges[k + 2]] = joined(tokens[merges[k]], tokens[merges[k + 1]])
}

function joined(left: Uint8Array = new Uint8Array(), right: Uint8Array = new Uint8Array()): Uint8Array {
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}

function seenBytes(words: Iterable<{ bytes: Uint8Array }>): number[] {
  const seen = new Set<number>()
  for (const { bytes } of words) for (const byte of bytes) seen.add(byte)
  return [...seen]
}

function checkOptions({ vocabSize, specialTokens = [], minFrequency = 0 }: TrainBpeOptions): void {
  if (!Number.isInteger(vocabSize) || vocabSize < 1) throw new TokenizerError('INVALID_OPTION', `trainBpe: vocabSize must be a whole number above 0, got ${vocabSize}`)
  if (!(minFrequency >= 0)) throw new TokenizerError('INVALID_OPTION', `trainBpe: minFrequency must be 0 or more, got ${minFrequency}`)
  if (new Set(specialTokens).size !== specialTokens.length) throw new TokenizerError('INVALID_OPTION', `trainBpe: special tokens must differ, got ${specialTokens.join(', ')}`)
  if (specialTokens.some((token) => utf8Of(token).length === 0)) throw new TokenizerError('INVALID_OPTION', "trainBpe: a special token must have a text, got ''")
}
