// config.json of a recurrent language model. Nobody else has such a format: the fields are the model's own.
import { CheckpointError } from '../errors.js'
import type { RecurrentConfig } from '../models/rnn.js'
import type { Json, JsonObject } from './safe-json.js'

export function recurrentConfigToJson({ kind, vocabSize, nEmbd, nLayer, pdrop, tieWordEmbeddings }: RecurrentConfig): Record<string, Json> {
  return { model_type: 'abovo-recurrent', kind, vocab_size: vocabSize, n_embd: nEmbd, n_layer: nLayer, pdrop, tie_word_embeddings: tieWordEmbeddings }
}

/** @throws CheckpointError naming the field that is missing or of the wrong type. */
export function recurrentConfigFromJson(json: JsonObject): RecurrentConfig {
  const number = (name: string): number => {
    const value = json.get(name)
    if (typeof value !== 'number') throw new CheckpointError('config', `config.json: ${name} must be a number, got ${JSON.stringify(value)}`)
    return value
  }
  const kind = json.get('kind')
  if (kind !== 'rnn' && kind !== 'lstm' && kind !== 'gru') throw new CheckpointError('config', `config.json: kind must be 'rnn', 'lstm' or 'gru', got ${JSON.stringify(kind)}`)
  return { kind, vocabSize: number('vocab_size'), nEmbd: number('n_embd'), nLayer: number('n_layer'), pdrop: number('pdrop'), tieWordEmbeddings: json.get('tie_word_embeddings') === true }
}
