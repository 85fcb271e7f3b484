// BPE over characters, as in files made from SentencePiece (Llama 2, Gemma) and in older ones with word-end marks. Byte-level
// BPE is not here: it works on bytes and is faster (bpe-tokenizer.ts).
import { merge } from '../merge/merge.ts'
import type { Pairs } from '../merge/pairs.ts'
import { utf8Of } from '../text/utf8.ts'
import { type Model, Unknowns } from './model.ts'

export interface CharacterBpeOptions {
  unknownToken?: string
  fuseUnknown: boolean
  byteFallback: boolean
  /** What every character of a word but the first begins with. */
  continuingPrefix: string
  /** What the last character of a word ends with. */
  endOfWordSuffix: string
  /** Whether a piece that is a token as a whole is not merged. */
  wholePieces: boolean
}

export function characterBpe(vocab: ReadonlyMap<string, number>, pairs: Pairs, options: CharacterBpeOptions): Model {
  const { unknownToken, fuseUnknown, byteFallback, continuingPrefix, endOfWordSuffix, wholePieces } = options
  const unknowns = new Unknowns(vocab, { id: unknownToken === undefined ? undefined : vocab.get(unknownToken), fuse: fuseUnknown, byteFallback })
  let symbols = new Int32Array(256)

  /** The symbols to begin with, in `symbols`; returns how many. */
  const begin = (piece: string): number => {
    const characters = [...piece]
    let count = 0
    let afterUnknown = false
    const needed = characters.length * 4
    if (symbols.length < needed) symbols = new Int32Array(needed * 2)
    for (const [k, character] of characters.entries()) {
      const token = (k > 0 ? continuingPrefix : '') + character + (k + 1 === characters.length ? endOfWordSuffix : '')
      const id = vocab.get(token)
      if (id !== undefined) {
        symbols[count++] = id
        afterUnknown = false
        continue
      }
      const bytes = unknowns.byteIds(utf8Of(token))
      if (bytes !== undefined) {
        for (const byte of bytes) symbols[count++] = byte
        afterUnknown = false
      } else if (unknowns.id !== undefined) {
        if (!afterUnknown || !unknowns.fuse) symbols[count++] = unknowns.id
        afterUnknown = true
      }
    }
    return count
  }

  return {
    vocab,
    encode(piece, out) {
      if (wholePieces) {
        const whole = vocab.get(piece)
        if (whole !== undefined) {
          out.push(whole)
          return
        }
      }
      const begun = begin(piece)   // before `symbols` is read: it may grow
      const count = merge(symbols, begun, pairs)
      for (let k = 0; k < count; k++) out.push(symbols[k])
    },
  }
}
