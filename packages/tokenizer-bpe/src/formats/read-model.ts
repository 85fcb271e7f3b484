// The `model` of a tokenizer.json.
import { TokenizerError } from '../errors.ts'
import { ListedPairs } from '../merge/pairs.ts'
import { characterBpe } from '../models/character-bpe.ts'
import type { Model } from '../models/model.ts'
import { unigram } from '../models/unigram.ts'
import { wordLevel } from '../models/word-level.ts'
import { wordPiece } from '../models/word-piece.ts'
import { unsupported } from '../pipeline/unsupported.ts'
import { unspell } from '../text/byte-alphabet.ts'
import { type Vocabulary, vocabularyOf } from '../vocabulary.ts'
import { type JsonObject, entriesOf, fieldOf, flagField, listOf, objectOf } from './json.ts'

/** What all of the package's readers need of a BPE model. */
export interface ModelEntries {
  type: string
  vocab: ReadonlyMap<string, number>
  /** Left id, right id and merged id of every merge. */
  merges: Int32Array
  wholePieces: boolean
  unknownToken: string | undefined
  continuingPrefix: string
  endOfWordSuffix: string
  fuseUnknown: boolean
  byteFallback: boolean
}

/** Which of the four models it is; older files do not say. */
export function modelTypeOf(model: JsonObject): string {
  const type = fieldOf(model, 'type')
  if (typeof type === 'string') return type
  if (fieldOf(model, 'merges') !== undefined) return 'BPE'
  if (Array.isArray(fieldOf(model, 'vocab'))) return 'Unigram'
  return fieldOf(model, 'continuing_subword_prefix') !== undefined ? 'WordPiece' : 'WordLevel'
}

export function modelEntriesOf(model: JsonObject): ModelEntries {
  const type = modelTypeOf(model)
  if (type === 'Unigram') return { ...EMPTY, type, vocab: new Map(unigramTokensOf(model).map(([token], id) => [token, id])) }
  const vocab = new Map(entriesOf(objectOf(fieldOf(model, 'vocab'), 'model.vocab'), 'model.vocab'))
  if (type !== 'BPE') return { ...EMPTY, type, vocab }
  const continuingPrefix = textOr(model, 'continuing_subword_prefix') ?? ''
  return {
    type, vocab, continuingPrefix,
    merges: mergesOf(listOf(fieldOf(model, 'merges'), 'model.merges'), vocab, continuingPrefix),
    wholePieces: flagField(model, 'ignore_merges', false),
    unknownToken: textOr(model, 'unk_token'),
    endOfWordSuffix: textOr(model, 'end_of_word_suffix') ?? '',
    fuseUnknown: flagField(model, 'fuse_unk', false),
    byteFallback: flagField(model, 'byte_fallback', false),
  }
}

const EMPTY = { merges: new Int32Array(0), wholePieces: false, unknownToken: undefined, continuingPrefix: '', endOfWordSuffix: '', fuseUnknown: false, byteFallback: false }

function mergesOf(list: unknown[], vocab: ReadonlyMap<string, number>, prefix: string): Int32Array {
  const merges = new Int32Array(list.length * 3)
  for (const [k, merge] of list.entries()) {
    const parts: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    const [left, right] = parts
    if (parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string' || left === '' || right === '') {
      throw new TokenizerError('INVALID_MERGES', `model.merges: merge ${k + 1} must be two tokens, got ${JSON.stringify(merge)}`)
    }
    const merged = left + (prefix !== '' && right.startsWith(prefix) ? right.slice(prefix.length) : right)
    for (const [j, token] of [left, right, merged].entries()) {
      const id = vocab.get(token)
      if (id === undefined) throw new TokenizerError('INVALID_MERGES', `model.merges: merge ${k + 1} must be of tokens in the vocabulary, got ${JSON.stringify(merge)} without ${JSON.stringify(token)}`)
      merges[k * 3 + j] = id
    }
  }
  return merges
}

/** Whether a model is byte-level BPE: its tokens are spelled in the byte alphabet and nothing marks the parts of a word. */
export function spellsBytes({ type, vocab, continuingPrefix, endOfWordSuffix, byteFallback }: ModelEntries): boolean {
  if (type !== 'BPE' || continuingPrefix !== '' || endOfWordSuffix !== '' || byteFallback) return false
  let bytes = 0
  for (const token of vocab.keys()) if (token.length === 1 && unspell(token) !== undefined) bytes++
  return bytes === 256
}

/** The parts of byte-level BPE; tokens that are not spelled in the byte alphabet cannot come out of a text and are left out. */
export function byteLevelPartsOf({ vocab, merges, wholePieces }: ModelEntries): { vocabulary: Vocabulary; pairs: ListedPairs; wholePieces: boolean } {
  const tokens: (Uint8Array | undefined)[] = []
  for (const [token, id] of vocab) {
    const bytes = unspell(token)
    if (bytes === undefined || bytes.length === 0) continue
    while (tokens.length <= id) tokens.push(undefined)
    tokens[id] = bytes
  }
  return { vocabulary: vocabularyOf(tokens), pairs: new ListedPairs(merges), wholePieces }
}

/** Any model that works on characters. Throws TokenizerError 'UNSUPPORTED_COMPONENT'. */
export function characterModelOf(model: JsonObject): Model {
  const entries = modelEntriesOf(model)
  switch (entries.type) {
    case 'BPE': return characterBpe(entries.vocab, new ListedPairs(entries.merges), entries)
    case 'WordPiece': {
      const limit = fieldOf(model, 'max_input_chars_per_word')
      return wordPiece(entries.vocab, {
        unknownToken: textOr(model, 'unk_token') ?? '[UNK]',
        prefix: textOr(model, 'continuing_subword_prefix') ?? '##',
        maxCharacters: typeof limit === 'number' ? limit : 100,
      })
    }
    case 'WordLevel': return wordLevel(entries.vocab, textOr(model, 'unk_token') ?? '<unk>')
    case 'Unigram': {
      const unknown = fieldOf(model, 'unk_id')
      return unigram(unigramTokensOf(model), { unknownId: typeof unknown === 'number' ? unknown : undefined, byteFallback: flagField(model, 'byte_fallback', false) })
    }
    default: throw unsupported('model.type', entries.type)
  }
}

function unigramTokensOf(model: JsonObject): [string, number][] {
  return listOf(fieldOf(model, 'vocab'), 'model.vocab').map((entry, id) => {
    const [token, score]: unknown[] = Array.isArray(entry) ? entry : []
    if (typeof token !== 'string' || typeof score !== 'number') throw new TokenizerError('INVALID_FORMAT', `model.vocab[${id}]: must be a token and its score, got ${JSON.stringify(entry)}`)
    return [token, score]
  })
}

function textOr(model: JsonObject, key: string): string | undefined {
  const value = fieldOf(model, key)
  return typeof value === 'string' ? value : undefined
}
