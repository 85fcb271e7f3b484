// Opening a tokenizer.json, whichever tokenizer it holds.
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { CharacterTokenizer } from '../characters.ts'
import { TokenizerError } from '../errors.ts'
import { ListedPairs } from '../merge/pairs.ts'
import { CL100K_PATTERN } from '../split/cl100k.ts'
import { cl100kSplitter, gpt2Splitter, o200kSplitter } from '../split/known.ts'
import { O200K_PATTERN } from '../split/o200k.ts'
import type { Splitter } from '../split/splitter.ts'
import { unspell } from '../text/byte-alphabet.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { Vocabulary } from '../vocabulary.ts'
import { type JsonObject, entriesOf, fieldOf, isObject, listOf, objectOf, parseJson, textField } from './json.ts'

/**
 * Opens a `tokenizer.json`: its text, or what JSON.parse made of it.
 *
 * @throws TokenizerError 'INVALID_FORMAT', 'INVALID_MERGES', 'UNSUPPORTED_COMPONENT'
 * @example
 * const tokenizer = loadTokenizer(await readFile('tokenizer.json', 'utf8'))
 */
export function loadTokenizer(json: string | object): Tokenizer {
  const file = objectOf(typeof json === 'string' ? parseJson(json, 'tokenizer.json') : json, 'tokenizer.json')
  const model = objectOf(fieldOf(file, 'model'), 'model')
  const type = fieldOf(model, 'type') ?? (fieldOf(model, 'merges') === undefined ? undefined : 'BPE')
  if (type !== 'BPE') throw unsupported('model', type)
  const special = addedTokens(file)
  const preTokenizer = fieldOf(file, 'pre_tokenizer') ?? null
  const vocab = entriesOf(objectOf(fieldOf(model, 'vocab'), 'model.vocab'), 'model.vocab').filter(([token]) => !special.has(token))
  const merges = listOf(fieldOf(model, 'merges'), 'model.merges')
  if (preTokenizer === null && merges.length === 0) {
    const unknown = fieldOf(model, 'unk_token')
    return new CharacterTokenizer(vocab, special, typeof unknown === 'string' ? unknown : undefined)
  }
  return byteLevelBpe(vocab, merges, special, splitterOf(objectOf(preTokenizer, 'pre_tokenizer')), fieldOf(model, 'ignore_merges') === true)
}

function byteLevelBpe(vocab: [string, number][], merges: unknown[], special: Map<string, number>, splitter: Splitter, wholePieces: boolean): BpeTokenizer {
  const tokens: (Uint8Array | undefined)[] = []
  const ids = new Map<string, number>()
  for (const [token, id] of vocab) {
    const bytes = unspell(token)
    if (bytes === undefined) throw new TokenizerError('INVALID_VOCABULARY', `model.vocab: tokens must be spelled in the byte alphabet, got ${JSON.stringify(token)} for id ${id}`)
    while (tokens.length <= id) tokens.push(undefined)
    tokens[id] = bytes
    ids.set(token, id)
  }
  const triples = new Int32Array(merges.length * 3)
  for (const [k, merge] of merges.entries()) {
    const [left, right] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    const leftId = typeof left === 'string' ? ids.get(left) : undefined
    const rightId = typeof right === 'string' ? ids.get(right) : undefined
    const mergedId = ids.get(`${left}${right}`)
    if (leftId === undefined || rightId === undefined || mergedId === undefined) {
      throw new TokenizerError('INVALID_MERGES', `model.merges: merge ${k + 1} must be two tokens whose concatenation is a token, got ${JSON.stringify(merge)}`)
    }
    triples.set([leftId, rightId, mergedId], k * 3)
  }
  return new BpeTokenizer({ vocabulary: Vocabulary.of(tokens), pairs: new ListedPairs(triples), splitter, specialTokens: special, wholePieces })
}

function addedTokens(file: JsonObject): Map<string, number> {
  const tokens = new Map<string, number>()
  for (const [k, entry] of listOf(fieldOf(file, 'added_tokens') ?? [], 'added_tokens').entries()) {
    const token = objectOf(entry, `added_tokens[${k}]`)
    const id = fieldOf(token, 'id')
    if (typeof id !== 'number') throw new TokenizerError('INVALID_FORMAT', `added_tokens[${k}].id: must be a number, got ${JSON.stringify(id)}`)
    tokens.set(textField(token, 'content', `added_tokens[${k}]`), id)
  }
  return tokens
}

function splitterOf(preTokenizer: JsonObject): Splitter {
  const type = fieldOf(preTokenizer, 'type')
  if (type === 'ByteLevel') return gpt2Splitter
  if (type === 'Sequence') {
    const [first] = listOf(fieldOf(preTokenizer, 'pretokenizers'), 'pre_tokenizer.pretokenizers')
    const pattern = isObject(first) ? fieldOf(first, 'pattern') : undefined
    const regex = isObject(pattern) ? fieldOf(pattern, 'Regex') : undefined
    if (regex === CL100K_PATTERN) return cl100kSplitter
    if (regex === O200K_PATTERN) return o200kSplitter
  }
  throw unsupported('pre_tokenizer', type)
}

function unsupported(where: string, type: unknown): TokenizerError {
  return new TokenizerError('UNSUPPORTED_COMPONENT', `${where}: must be a component this package knows, got ${JSON.stringify(type)}`)
}
