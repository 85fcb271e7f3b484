// SentencePiece's .model files (Unigram and BPE), for encoding and decoding.
import { TokenizerError } from '../errors.ts'
import { ListedPairs } from '../merge/pairs.ts'
import { characterBpe } from '../models/character-bpe.ts'
import { type Model, byteToken } from '../models/model.ts'
import { unigram } from '../models/unigram.ts'
import type { AddedToken } from '../pipeline/added-tokens.ts'
import { PipelineTokenizer } from '../pipeline/pipeline-tokenizer.ts'
import { PrecompiledRules } from '../pipeline/precompiled.ts'
import { textOf, utf8Of } from '../text/utf8.ts'
import { protoFields } from './protobuf.ts'

interface Piece {
  text: string
  score: number
  type: number
}

interface ModelFile {
  pieces: Piece[]
  isBpe: boolean
  byteFallback: boolean
  rules: PrecompiledRules | undefined
  addDummyPrefix: boolean
  removeExtraSpaces: boolean
}

const NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6
const SPACE_MARK = '\u2581'

/**
 * Opens a SentencePiece model. Texts are encoded without <s> and </s>, as SentencePiece does by default.
 *
 * @throws TokenizerError 'INVALID_FORMAT', 'UNSUPPORTED_COMPONENT'
 * @example
 * const tokenizer = loadSentencePiece(await readFile('tokenizer.model'))
 */
export function loadSentencePiece(bytes: Uint8Array): PipelineTokenizer {
  const file = readModel(bytes)
  const { pieces, isBpe, byteFallback } = file
  const vocab = new Map(pieces.map(({ text }, id) => [text, id]))
  const unknownId = pieces.findIndex(({ type }) => type === UNKNOWN)
  const model = isBpe ? bpeOf(pieces, vocab, byteFallback, pieces[unknownId]?.text) : unigramOf(pieces, byteFallback, unknownId)
  const added: AddedToken[] = []
  for (const [id, { text, type }] of pieces.entries()) {
    // control symbols are never made from text, symbols of the user's always
    if (type === CONTROL || type === USER_DEFINED) added.push({ id, content: text, special: type === CONTROL, singleWord: false, lstrip: false, rstrip: false, normalized: type === USER_DEFINED })
  }
  return new PipelineTokenizer({
    file: undefined,
    addedTokens: added,
    normalizer: undefined,
    encodeStretch: (text, first, out) => {
      const normalized = normalize(text, file, first)
      if (normalized !== '') model.encode(normalized, out)
    },
    vocab,
    postProcessors: [],
    decoder: (tokens) => [decode(tokens, file.addDummyPrefix, pieces[unknownId]?.text)],
  })
}

function readModel(bytes: Uint8Array): ModelFile {
  const file: ModelFile = { pieces: [], isBpe: false, byteFallback: false, rules: undefined, addDummyPrefix: true, removeExtraSpaces: true }
  for (const { number, bytes: message } of protoFields(bytes)) {
    if (number === 1) {
      const piece = { text: '', score: 0, type: NORMAL }
      for (const field of protoFields(message)) {
        if (field.number === 1) piece.text = textOf(field.bytes)
        else if (field.number === 2) piece.score = field.value
        else if (field.number === 3) piece.type = field.value
      }
      file.pieces.push(piece)
    } else if (number === 2) {
      for (const field of protoFields(message)) {
        if (field.number === 3) {
          if (field.value !== 1 && field.value !== 2) throw new TokenizerError('UNSUPPORTED_COMPONENT', `sentencepiece model: the type must be unigram (1) or BPE (2), got ${field.value}`)
          file.isBpe = field.value === 2
        } else if (field.number === 35) file.byteFallback = field.value !== 0
      }
    } else if (number === 3) {
      for (const field of protoFields(message)) {
        if (field.number === 2 && field.bytes.length > 0) file.rules = new PrecompiledRules(field.bytes)
        else if (field.number === 3) file.addDummyPrefix = field.value !== 0
        else if (field.number === 4) file.removeExtraSpaces = field.value !== 0
      }
    }
  }
  if (file.pieces.length === 0) throw new TokenizerError('INVALID_FORMAT', 'sentencepiece model: must have pieces, got none')
  return file
}

function unigramOf(pieces: readonly Piece[], byteFallback: boolean, unknownId: number): Model {
  // only normal pieces compete; the others can never win
  const scored = pieces.map(({ text, score, type }) => [type === NORMAL ? text : '', score] as const)
  const worst = pieces.reduce((least, { score, type }) => type === NORMAL ? Math.min(least, score) : least, Infinity)
  const bytes = byteFallback ? pieces.map(({ text, type }, id) => [type === BYTE ? text : '', id] as const).filter(([text]) => text !== '') : []
  return unigram(scored, { unknownId: unknownId < 0 ? undefined : unknownId, byteFallback, worst, byteIds: new Map(bytes) })
}

function bpeOf(pieces: readonly Piece[], vocab: ReadonlyMap<string, number>, byteFallback: boolean, unknownToken: string | undefined): Model {
  const order = pieces.map((_, id) => id).filter((id) => pieces[id].type === NORMAL || pieces[id].type === UNUSED).sort((a, b) => pieces[b].score - pieces[a].score)
  const merges: number[] = []
  const ranks: number[] = []
  for (const [rank, id] of order.entries()) {
    const characters = [...pieces[id].text]
    for (let cut = 1; cut < characters.length; cut++) {
      const left = vocab.get(characters.slice(0, cut).join(''))
      const right = vocab.get(characters.slice(cut).join(''))
      if (left === undefined || right === undefined) continue
      merges.push(left, right, id)
      ranks.push(rank)
    }
  }
  return characterBpe(vocab, new ListedPairs(Int32Array.from(merges), ranks), {
    unknownToken, byteFallback, fuseUnknown: true, continuingPrefix: '', endOfWordSuffix: '', wholePieces: false,
  })
}

/** SentencePiece's own normalisation: the rules at every byte, single spaces, a mark for each space. */
function normalize(text: string, { rules, addDummyPrefix, removeExtraSpaces }: ModelFile, first: boolean): string {
  let result = text
  if (rules !== undefined) {
    const bytes = utf8Of(text)
    let from = 0
    result = ''
    for (let at = 0; at < bytes.length;) {
      const match = rules.match(bytes, at, true)
      if (match === undefined) {
        at++
        continue
      }
      result += textOf(bytes.subarray(from, at)) + match.text
      at += match.length
      from = at
    }
    result += textOf(bytes.subarray(from))
  }
  if (removeExtraSpaces) result = result.replace(/ {2,}/g, ' ').replace(first ? /^ | $/g : / $/g, '')
  if (result === '') return ''
  return ((addDummyPrefix && first ? ' ' : '') + result).replaceAll(' ', SPACE_MARK)
}

function decode(tokens: string[], addDummyPrefix: boolean, unknown: string | undefined): string {
  let text = ''
  let bytes: number[] = []
  const flush = (): void => {
    text += textOf(Uint8Array.from(bytes))
    bytes = []
  }
  for (const token of tokens) {
    const byte = BYTES.get(token)
    if (byte !== undefined) bytes.push(byte)
    else {
      flush()
      text += token === unknown ? ' \u2047 ' : token.replaceAll(SPACE_MARK, ' ')
    }
  }
  flush()
  return addDummyPrefix && text.startsWith(' ') ? text.slice(1) : text
}

const BYTES: ReadonlyMap<string, number> = new Map(Array.from({ length: 256 }, (_, byte) => [byteToken(byte), byte]))
