// Opening a tokenizer.json, whichever tokenizer it holds.
import { BpeTokenizer } from '../bpe-tokenizer.ts'
import { CharacterTokenizer } from '../characters.ts'
import { TokenizerError } from '../errors.ts'
import { type AddedToken, addedTokensOf } from '../pipeline/added-tokens.ts'
import { byteLevelCutOf } from '../pipeline/byte-level-cut.ts'
import { openPipeline } from '../pipeline/open-pipeline.ts'
import { postProcessorsOf } from '../pipeline/post-processor.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { type JsonObject, fieldOf, isObject, objectOf, parseJson } from './json.ts'
import { type ModelEntries, byteLevelPartsOf, modelEntriesOf, spellsBytes } from './read-model.ts'

/**
 * Opens a `tokenizer.json`: its text, or what JSON.parse made of it. Plain byte-level BPE opens as a BpeTokenizer, characters
 * as a CharacterTokenizer, everything else as a PipelineTokenizer.
 *
 * @throws TokenizerError 'INVALID_FORMAT', 'INVALID_VOCABULARY', 'INVALID_MERGES', 'UNSUPPORTED_COMPONENT', 'UNSUPPORTED_PATTERN'
 * @example
 * const tokenizer = loadTokenizer(await readFile('tokenizer.json', 'utf8'))
 */
export function loadTokenizer(json: string | object): Tokenizer {
  const file = objectOf(typeof json === 'string' ? parseJson(json, 'tokenizer.json') : json, 'tokenizer.json')
  const version = fieldOf(file, 'version')
  if (version !== undefined && version !== '1.0') throw new TokenizerError('INVALID_FORMAT', `tokenizer.json: version must be "1.0", got ${JSON.stringify(version)}`)
  const entries = modelEntriesOf(objectOf(fieldOf(file, 'model'), 'model'))
  const added = addedTokensOf(file)
  if (isCharacters(file, entries, added)) {
    const specials = added.map(({ content, id }) => [content, id] as const)
    const names = new Set(added.map(({ content }) => content))
    return new CharacterTokenizer([...entries.vocab].filter(([token]) => !names.has(token)), specials, entries.unknownToken)
  }
  const preTokenizer = fieldOf(file, 'pre_tokenizer')
  const cut = isObject(preTokenizer) ? byteLevelCutOf(preTokenizer) : undefined
  if (cut === undefined || cut.addPrefixSpace || !spellsBytes(entries) || !isPlain(file, added)) return openPipeline(file, added, cut, entries)
  const names = new Set(added.map(({ content }) => content))
  const vocab = new Map([...entries.vocab].filter(([token]) => !names.has(token)))
  return new BpeTokenizer({ ...byteLevelPartsOf({ ...entries, vocab }), splitter: cut.splitter, specialTokens: added.map(({ content, id }) => [content, id] as const) })
}

/** What CharacterTokenizer writes: no merges, nothing before or after the model. */
function isCharacters(file: JsonObject, { type, vocab, merges, byteFallback }: ModelEntries, added: readonly AddedToken[]): boolean {
  if (type !== 'BPE' || merges.length > 0 || byteFallback || ['normalizer', 'pre_tokenizer', 'post_processor'].some((part) => (fieldOf(file, part) ?? null) !== null)) return false
  const decoder = fieldOf(file, 'decoder')
  const names = new Set(added.filter(isPlainSpecial).map(({ content }) => content))
  return names.size === added.length && isObject(decoder) && fieldOf(decoder, 'type') === 'Fuse'
    && [...vocab.keys()].every((token) => names.has(token) || [...token].length === 1)
}

/** Whether a file has nothing that a BpeTokenizer does not do. */
function isPlain(file: JsonObject, added: readonly AddedToken[]): boolean {
  const postProcessor = fieldOf(file, 'post_processor')
  const decoder = fieldOf(file, 'decoder')
  return (fieldOf(file, 'normalizer') ?? null) === null
    && (!isObject(postProcessor) || postProcessorsOf(postProcessor).length === 0)
    && isObject(decoder) && fieldOf(decoder, 'type') === 'ByteLevel'
    && added.every(isPlainSpecial)
}

function isPlainSpecial({ special, singleWord, lstrip, rstrip }: AddedToken): boolean {
  return special && !singleWord && !lstrip && !rstrip
}

