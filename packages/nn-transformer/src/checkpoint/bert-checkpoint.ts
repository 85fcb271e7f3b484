// BERT as Hugging Face stores it: config.json and the names of model.safetensors, in and out, with the old names that are still in the wild.
import { CheckpointError } from '../errors.js'
import type { HostTensor, StateDict } from '../host-tensor.js'
import type { BertConfig, BertOptions } from '../models/bert-config.js'
import type { Json, JsonObject } from './safe-json.js'

const fields = [
  ['vocabSize', 'vocab_size'],
  ['maxPositionEmbeddings', 'max_position_embeddings'],
  ['hiddenSize', 'hidden_size'],
  ['numHiddenLayers', 'num_hidden_layers'],
  ['numAttentionHeads', 'num_attention_heads'],
  ['intermediateSize', 'intermediate_size'],
  ['typeVocabSize', 'type_vocab_size'],
  ['hiddenDropoutProb', 'hidden_dropout_prob'],
  ['attentionProbsDropoutProb', 'attention_probs_dropout_prob'],
  ['layerNormEps', 'layer_norm_eps'],
  ['initializerRange', 'initializer_range'],
] as const

export function bertConfigToJson(config: BertConfig): Record<string, Json> {
  return {
    architectures: ['BertForMaskedLM'],
    model_type: 'bert',
    hidden_act: 'gelu',
    ...Object.fromEntries(fields.map(([ours, theirs]) => [theirs, config[ours]])),
    tie_word_embeddings: true,
  }
}

/** @throws CheckpointError `config` when a field is missing, no number, or asks for what this model does not do. */
export function bertConfigFromJson(json: JsonObject): BertOptions {
  if (json.get('model_type') !== 'bert') throw new CheckpointError('config', `config.json: model_type must be 'bert', got ${JSON.stringify(json.get('model_type'))}`)
  for (const [name, usual] of [['hidden_act', 'gelu'], ['position_embedding_type', 'absolute'], ['is_decoder', false], ['tie_word_embeddings', true]] as const)
    if ((json.get(name) ?? usual) !== usual) throw new CheckpointError('config', `config.json: ${name} must be ${JSON.stringify(usual)}, got ${JSON.stringify(json.get(name))}`)
  const number = (name: string): number => {
    const value = json.get(name)
    if (typeof value !== 'number') throw new CheckpointError('config', `config.json: ${name} must be a number, got ${JSON.stringify(value)}`)
    return value
  }
  return {
    vocabSize: number('vocab_size'),
    maxPositionEmbeddings: number('max_position_embeddings'),
    hiddenSize: number('hidden_size'),
    numHiddenLayers: number('num_hidden_layers'),
    numAttentionHeads: number('num_attention_heads'),
    ...Object.fromEntries(fields.flatMap(([ours, theirs]): [string, number][] => (json.has(theirs) ? [[ours, number(theirs)]] : []))),
  }
}

/** Tensors of any BERT file under the model's names: `gamma` and `beta` renamed, what BertForMaskedLM does not have dropped. */
export function bertStateFromFile(tensors: StateDict): StateDict {
  const dropped = /(^|\.)(embeddings\.position_ids|cls\.seq_relationship\..*|pooler\..*|cls\.predictions\.decoder\.(weight|bias))$/
  return new Map([...tensors].filter(([name]) => !dropped.test(name)).map(([name, value]): [string, HostTensor] => {
    const prefixed = /^(embeddings|encoder)\./.test(name) ? `bert.${name}` : name
    return [prefixed.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias'), value]
  }))
}
