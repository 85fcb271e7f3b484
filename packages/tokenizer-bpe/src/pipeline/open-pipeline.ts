// A tokenizer.json as a pipeline of its parts.
import { type JsonObject, fieldOf, objectOf } from '../formats/json.ts'
import { type ModelEntries, byteLevelPartsOf, characterModelOf, spellsBytes } from '../formats/read-model.ts'
import { TextToIds } from '../encode/text-to-ids.ts'
import { PieceEncoder } from '../encode/piece-encoder.ts'
import type { AddedToken } from './added-tokens.ts'
import { decoderOf } from './decoders.ts'
import { normalizerOf } from './normalizers.ts'
import { PipelineTokenizer, type StretchEncoder, appendAll } from './pipeline-tokenizer.ts'
import { postProcessorsOf } from './post-processor.ts'
import { preTokenizerOf } from './pre-tokenizers.ts'
import type { ByteLevelCut } from './byte-level-cut.ts'

export function openPipeline(file: JsonObject, addedTokens: readonly AddedToken[], cut: ByteLevelCut | undefined, entries: ModelEntries): PipelineTokenizer {
  const normalizer = optional(file, 'normalizer')
  const postProcessor = optional(file, 'post_processor')
  const decoder = optional(file, 'decoder')
  return new PipelineTokenizer({
    file,
    addedTokens,
    normalizer: normalizer && normalizerOf(normalizer),
    encodeStretch: cut !== undefined && spellsBytes(entries) ? byteLevelStretch(cut, entries) : generalStretch(file),
    vocab: entries.vocab,
    postProcessors: postProcessor ? postProcessorsOf(postProcessor) : [],
    decoder: decoder && decoderOf(decoder),
  })
}

/** Byte-level BPE on its fast road. */
function byteLevelStretch({ splitter, addPrefixSpace }: ByteLevelCut, entries: ModelEntries): StretchEncoder {
  const { vocabulary, pairs, wholePieces } = byteLevelPartsOf(entries)
  const toIds = new TextToIds(new PieceEncoder(vocabulary, pairs, wholePieces), splitter)
  return (text, _first, out) => {
    toIds.clear()
    toIds.add(addPrefixSpace && !text.startsWith(' ') ? ` ${text}` : text)
    appendAll(out, toIds.take())
  }
}

function generalStretch(file: JsonObject): StretchEncoder {
  const model = characterModelOf(objectOf(fieldOf(file, 'model'), 'model'))
  const component = optional(file, 'pre_tokenizer')
  if (component === undefined) return (text, _first, out) => model.encode(text, out)
  const preTokenize = preTokenizerOf(component)
  return (text, first, out) => {
    for (const piece of preTokenize({ text, first })) model.encode(piece.text, out)
  }
}

function optional(file: JsonObject, key: string): JsonObject | undefined {
  const value = fieldOf(file, key)
  return value === undefined || value === null ? undefined : objectOf(value, key)
}

