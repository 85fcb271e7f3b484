// config.json of the models that nobody else has a format for: recurrent language models and the 2017 Transformer. Their fields are the
// configuration's own, with underscores.
import { CheckpointError } from '../errors.js'
import type { RecurrentConfig } from '../models/rnn.js'
import type { TransformerConfig } from '../models/transformer.js'
import type { Json, JsonObject } from './safe-json.js'

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

const toJson = (type: string, config: object): Record<string, Json> => ({ model_type: type, ...Object.fromEntries(Object.entries(config).map(([name, value]) => [snake(name), value])) })

export const recurrentConfigToJson = (config: RecurrentConfig): Record<string, Json> => toJson('abovo-recurrent', config)
export const transformerConfigToJson = (config: TransformerConfig): Record<string, Json> => toJson('abovo-transformer', config)

/** @throws CheckpointError naming a field that is missing or of the wrong type. */
export function recurrentConfigFromJson(json: JsonObject): RecurrentConfig {
  const kind = json.get('kind')
  if (kind !== 'rnn' && kind !== 'lstm' && kind !== 'gru') throw new CheckpointError('config', `config.json: kind must be 'rnn', 'lstm' or 'gru', got ${JSON.stringify(kind)}`)
  const [vocabSize, nEmbd, nLayer, pdrop] = ['vocabSize', 'nEmbd', 'nLayer', 'pdrop'].map(name => numberIn(json, snake(name)))
  return { kind, vocabSize, nEmbd, nLayer, pdrop, tieWordEmbeddings: flagIn(json, 'tie_word_embeddings') }
}

/** @throws CheckpointError naming a field that is missing or of the wrong type. */
export function transformerConfigFromJson(json: JsonObject): TransformerConfig {
  const number = (name: string): number => numberIn(json, name)
  return {
    vocabSize: number('vocab_size'),
    targetVocabSize: number('target_vocab_size'),
    nPositions: number('n_positions'),
    nEmbd: number('n_embd'),
    nLayer: number('n_layer'),
    nHead: number('n_head'),
    nInner: number('n_inner'),
    pdrop: number('pdrop'),
    normFirst: flagIn(json, 'norm_first'),
    tieWordEmbeddings: flagIn(json, 'tie_word_embeddings'),
    padToken: number('pad_token'),
    labelSmoothing: number('label_smoothing'),
  }
}

function numberIn(json: JsonObject, name: string): number {
  const value = json.get(name)
  if (typeof value !== 'number') throw new CheckpointError('config', `config.json: ${name} must be a number, got ${JSON.stringify(value)}`)
  return value
}

function flagIn(json: JsonObject, name: string): boolean {
  const value = json.get(name)
  if (typeof value !== 'boolean') throw new CheckpointError('config', `config.json: ${name} must be true or false, got ${JSON.stringify(value)}`)
  return value
}
