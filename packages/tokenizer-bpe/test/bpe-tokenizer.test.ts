import { describe, expect, it } from 'vitest'
import {
  BpeTokenizer, MergeHistory, TokenIdError, countUpTo, decodeStream, encodeBatch, encodeParts, encodeStream, encodeWithDropout, encodeWithOffsets,
  loadGpt2Files, loadTiktoken, openCompact, splitterOf, trainBpe, trimVocabulary, truncate, writeCompact, writeGpt2Files, writeTiktoken,
} from '../src/index.ts'
import { openCompact as openCore } from '../src/core.ts'
import { GROUP_NAMES, awkwardText, xorshift } from './awkward.ts'
import { ours } from './openai.ts'

const texts = GROUP_NAMES.flatMap((group) => Array.from({ length: 20 }, (_, seed) => awkwardText(group, seed, 50)))
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')
const tokenizer = trainBpe(texts.join('\n'), { vocabSize: 700, specialTokens: ['<|end|>', '<|end|>more'] })
const cl100k = ours('cl100k_base')
const list = (ids: ArrayLike<number>): number[] => Array.from(ids)

describe('special tokens', () => {
  it('in a text are an error by default, which names the token and the way out', () => {
    expect(() => cl100k.encode('a<|endoftext|>')).toThrowError(expect.objectContaining({ code: 'SPECIAL_TOKEN_IN_TEXT', message: expect.stringContaining('allowedSpecial: ["<|endoftext|>"]') }))
  })

  it('become their id anywhere in the text when allowed', () => {
    expect(list(cl100k.encode('a<|endoftext|>b<|endoftext|>', { allowedSpecial: 'all' }))).toEqual([64, 100257, 65, 100257])
    expect(list(cl100k.encode('<|endoftext|>', { allowedSpecial: ['<|endoftext|>'] }))).toEqual([100257])
  })

  it('are plain text when not disallowed', () => {
    expect(list(cl100k.encode('<|endoftext|>', { disallowedSpecial: [] }))).toEqual(list(cl100k.encodeOrdinary('<|endoftext|>')))
  })

  it('that are allowed do not allow the others', () => {
    expect(() => cl100k.encode('<|endoftext|><|fim_prefix|>', { allowedSpecial: ['<|endoftext|>'] })).toThrow('<|fim_prefix|>')
  })

  it('must be known', () => {
    expect(() => cl100k.encode('a', { allowedSpecial: ['<|nope|>'] })).toThrowError(expect.objectContaining({ code: 'UNKNOWN_SPECIAL_TOKEN' }))
  })

  it('are found as the longest that fits', () => {
    expect(list(tokenizer.encode('<|end|>more', { allowedSpecial: 'all' }))).toEqual([1])
  })
})

describe('decoding', () => {
  it.each([-1, 2 ** 31, Number.NaN, 1.5, Infinity, 100261])('refuses the id %d with the id and the size of the vocabulary', (id) => {
    expect(() => cl100k.decode([64, id])).toThrow(TokenIdError)
    expect(() => cl100k.decode([id])).toThrowError(expect.objectContaining({ id, vocabSize: 100277 }))
  })

  it('keeps a byte order mark', () => {
    expect(cl100k.decode(cl100k.encode('\ufeffa'))).toBe('\ufeffa')
  })

  it('keeps no state between calls', () => {
    const ids = cl100k.encode('👍🏽')
    expect(cl100k.decode(ids.subarray(0, 1))).toBe('\ufffd')
    expect(cl100k.decode(ids)).toBe('👍🏽')
  })

  it('is strict about broken characters when asked', () => {
    const ids = cl100k.encode('👍')
    expect(() => cl100k.decode(ids.subarray(0, 1), { strict: true })).toThrowError(expect.objectContaining({ code: 'INVALID_UTF8' }))
  })
})

describe('a stream', () => {
  it('of ids gives the text of all, whatever the parts', () => {
    for (const text of texts) {
      const stream = decodeStream(cl100k)
      let decoded = ''
      for (const id of cl100k.encodeOrdinary(text)) decoded += stream.push(id)
      expect(decoded + stream.end()).toBe(wellFormed(text))
    }
  })

  it('of ids shares nothing with another', () => {
    const [first, second] = [decodeStream(cl100k), decodeStream(cl100k)]
    const ids = cl100k.encode('👍')
    first.push(ids.subarray(0, 1))
    expect(second.push(cl100k.encode('a'))).toBe('a')
    expect(first.push(ids.subarray(1)) + first.end()).toBe('👍')
  })

  it('of text gives the ids of the whole, whatever the parts', () => {
    const random = xorshift(5)
    for (const encoder of [cl100k, tokenizer, ours('r50k_base'), ours('o200k_base')]) {
      const [special] = encoder.specialTokens.keys()
      const text = texts.map(wellFormed).join(` ${special} and\n`)
      const stream = encodeStream(encoder, { allowedSpecial: 'all' })
      const ids: number[] = []
      for (let at = 0; at < text.length;) {
        const next = at + 1 + random() % 40
        ids.push(...stream.push(text.slice(at, next)))
        at = next
      }
      ids.push(...stream.end())
      expect(ids).toEqual(list(encoder.encode(text, { allowedSpecial: 'all' })))
    }
  })

  it('of one long word in small parts takes time that grows with its length', () => {
    const stream = encodeStream(cl100k)
    const before = process.cpuUsage()
    for (let k = 0; k < 200_000; k++) stream.push('a')
    stream.end()
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(4)
  })
})

describe('a long text', () => {
  it('has the ids of its chunks whatever they cut', () => {
    const text = Array.from({ length: 40 }, () => texts.join(' ')).join('\n')
    const parts = [...encodeParts(cl100k, wellFormed(text))]
    expect(parts.length).toBeGreaterThan(5)
    // one piece for the pattern path, which never cuts
    const whole = new BpeTokenizer({ ...cl100k, vocabulary: cl100k.vocabulary, splitter: { ...cl100k.splitter, cuttable: false } })
    expect(cl100k.encodeOrdinary(text).join()).toBe(whole.encodeOrdinary(text).join())
    expect(parts.map((part) => part.join()).join()).toBe(whole.encodeOrdinary(text).join())
  })

  it.each(['a', ' ', '\n', '-', '👨‍👩‍👧', '中', 'ab'])('of %j alone, 1 MB, is encoded in time that grows with its length', (unit) => {
    const text = unit.repeat(Math.floor(2 ** 20 / new TextEncoder().encode(unit).length))
    const before = process.cpuUsage()
    const ids = cl100k.encode(text)
    // quadratic would be minutes; the bench has the figure
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(4)
    expect(cl100k.decode(ids)).toBe(text)
  })
})

describe('offsets', () => {
  it('cover the text and name the characters of each id', () => {
    for (const text of texts) {
      const { ids, starts, ends, byteStarts, byteEnds } = encodeWithOffsets(cl100k, text, { disallowedSpecial: [] })
      const bytes = new TextEncoder().encode(text)
      expect(byteEnds[ids.length - 1]).toBe(bytes.length)
      for (let k = 0; k < ids.length; k++) {
        expect(list(cl100k.bytesOf(ids[k]))).toEqual(list(bytes.subarray(byteStarts[k], byteEnds[k])))
        const shown = cl100k.decode([ids[k]])
        if (!shown.includes('\ufffd')) expect(text.slice(starts[k], ends[k])).toBe(shown)
      }
    }
  })
})

describe('a limit', () => {
  it('is kept by countUpTo and truncate', () => {
    const text = wellFormed(texts.join(' '))
    const count = cl100k.count(text)
    expect(count).toBe(cl100k.encode(text).length)
    expect(countUpTo(cl100k, text, count)).toBe(count)
    expect(countUpTo(cl100k, text, count - 1)).toBeUndefined()
    for (const limit of [0, 1, 2, 7, 100, 1000, count, count + 1]) {
      const cut = truncate(cl100k, text, limit)
      expect(cl100k.count(cut)).toBeLessThanOrEqual(limit)
      expect(cl100k.count(cut)).toBeGreaterThan(Math.min(limit, count) - 5)
      expect(text.startsWith(cut)).toBe(true)
    }
  })
})

describe('a batch', () => {
  it('is padded and masked on either side', () => {
    const options = { padId: 9, padToMultipleOf: 4 }
    const { ids, attentionMask, rows, columns } = encodeBatch(cl100k, ['a', 'a b c d e'], options)
    expect([rows, columns]).toEqual([2, 8])
    expect(list(attentionMask)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
    expect(list(ids.subarray(0, 3))).toEqual([64, 9, 9])
    const left = encodeBatch(cl100k, ['a', 'a b c d e'], { ...options, paddingSide: 'left', maxLength: 3, truncationSide: 'left' })
    expect(list(left.ids)).toEqual([9, 9, 9, 64, 9, ...list(cl100k.encode(' c d e'))])
  })

  it('of rows of different lengths needs an id to pad with', () => {
    expect(() => encodeBatch(cl100k, ['a', 'a b'])).toThrow('padId')
  })
})

describe('a file format', () => {
  it('keeps the ids: compact, GPT-2, .tiktoken', () => {
    const { encoder, bpe } = writeGpt2Files(tokenizer)
    const opened = [openCompact(writeCompact(tokenizer)), openCore(writeCompact(tokenizer)), loadGpt2Files(encoder, bpe)]
    for (const text of texts) {
      const ids = tokenizer.encode(text).join()
      expect(opened.map((again) => again.encode(text).join())).toEqual([ids, ids, ids])
    }
    expect(openCompact(writeCompact(cl100k)).encode(texts.join()).join()).toBe(cl100k.encode(texts.join()).join())
    expect(loadTiktoken(writeTiktoken(cl100k), 'cl100k_base').encode(texts.join()).join()).toBe(cl100k.encode(texts.join()).join())
  })

  it('of a general pattern opens in the main entry and is refused by core', () => {
    const made = trainBpe('ab ab ab', { vocabSize: 258, splitter: splitterOf('[a-z]+|.') })
    expect(openCompact(writeCompact(made)).encode('abc').join()).toBe(made.encode('abc').join())
    expect(() => openCore(writeCompact(made))).toThrowError(expect.objectContaining({ code: 'UNSUPPORTED_PATTERN' }))
  })

  it('that is cut short is refused', () => {
    const file = writeCompact(tokenizer)
    for (const length of [0, 3, 7, 20, 200, file.length - 1]) expect(() => openCompact(file.slice(0, length))).toThrowError(expect.objectContaining({ code: 'INVALID_FORMAT' }))
  })
})

describe('the merge history', () => {
  const history = new MergeHistory(tokenizer)

  it('at no merges is bytes, at all merges what encode gives', () => {
    for (const text of texts.slice(0, 60)) {
      const bytes = new TextEncoder().encode(text)
      expect(history.segment(text, 0).map(({ start, end }) => end - start)).toEqual(list(bytes).map(() => 1))
      expect(history.segment(text, history.length).map(({ id }) => id)).toEqual(list(tokenizer.encodeOrdinary(text)))
    }
  })

  it('has for every token the tree of its bytes', () => {
    for (const { merged, left, right, text } of history) {
      const tree = history.treeOf(merged)
      expect(tree.children.map(({ id }) => id)).toEqual([left, right])
      expect(tree.text).toBe(text)
    }
  })
})

describe('dropout', () => {
  it('at 0 is encode, at 1 is bytes, between depends on the seed alone and keeps the text', () => {
    const text = wellFormed(texts[0])
    expect(encodeWithDropout(cl100k, text, { p: 0, seed: 1 }).join()).toBe(cl100k.encode(text).join())
    expect(encodeWithDropout(cl100k, text, { p: 1, seed: 1 }).length).toBe(new TextEncoder().encode(text).length)
    const half = encodeWithDropout(cl100k, text, { p: 0.5, seed: 3 })
    expect(encodeWithDropout(cl100k, text, { p: 0.5, seed: 3 }).join()).toBe(half.join())
    expect(cl100k.decode(half)).toBe(text)
  })
})

describe('a trimmed vocabulary', () => {
  it('is the one that training would have stopped at', () => {
    const corpus = texts.join('\n')
    const { tokenizer: trimmed, oldIds } = trimVocabulary(trainBpe(corpus, { vocabSize: 700 }), 500)
    expect(JSON.stringify(trimmed)).toBe(JSON.stringify(trainBpe(corpus, { vocabSize: 500 })))
    expect(oldIds.length).toBe(500)
  })
})
