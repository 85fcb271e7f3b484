// GPT-2 as Hugging Face stores it: config.json and the names of model.safetensors, in and out. The names are the model's own; this file knows the
// variants that are in the wild.
import { CheckpointError } from '../errors.js'
import type { HostTensor, StateDict } from '../host-tensor.js'
import type { GptConfig, GptOptions } from '../models/gpt-config.js'
import type { Json, JsonObject } from './safe-json.js'

const fields = [
  ['vocabSize', 'vocab_size'],
  ['nPositions', 'n_positions'],
  ['nEmbd', 'n_embd'],
  ['nLayer', 'n_layer'],
  ['nHead', 'n_head'],
  ['nInner', 'n_inner'],
  ['embdPdrop', 'embd_pdrop'],
  ['attnPdrop', 'attn_pdrop'],
  ['residPdrop', 'resid_pdrop'],
  ['layerNormEpsilon', 'layer_norm_epsilon'],
  ['initializerRange', 'initializer_range'],
] as const

/** config.json's fields for a model. */
export function gptConfigToJson(config: GptConfig): Record<string, Json> {
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    activation_function: 'gelu_new',
    ...Object.fromEntries(fields.map(([ours, theirs]) => [theirs, config[ours]])),
    tie_word_embeddings: config.tieWordEmbeddings,
  }
}

/**
 * @throws CheckpointError `config` when a field is missing, no number, or asks for what this model does not do.
 */
export function gptConfigFromJson(json: JsonObject): GptOptions {
  const type = json.get('model_type')
  if (type !== 'gpt2') throw new CheckpointError('config', `config.json: model_type must be 'gpt2', got ${JSON.stringify(type)}`)
  const activation = json.get('activation_function') ?? 'gelu_new'
  if (activation !== 'gelu_new' && activation !== 'gelu_pytorch_tanh') throw new CheckpointError('config', `config.json: activation_function must be 'gelu_new', got ${JSON.stringify(activation)}`)
  for (const [name, usual] of [['scale_attn_weights', true], ['scale_attn_by_inverse_layer_idx', false], ['add_cross_attention', false]] as const)
    if ((json.get(name) ?? usual) !== usual) throw new CheckpointError('config', `config.json: ${name} must be ${usual}, got ${JSON.stringify(json.get(name))}`)
  const number = (name: string): number => {
    const value = json.get(name)
    if (typeof value !== 'number') throw new CheckpointError('config', `config.json: ${name} must be a number, got ${JSON.stringify(value)}`)
    return value
  }
  return {
    vocabSize: number('vocab_size'),
    nPositions: number('n_positions'),
    nEmbd: number('n_embd'),
    nLayer: number('n_layer'),
    nHead: number('n_head'),
    // null stands for the default: `n_inner` is null in GPT-2's own file
    ...Object.fromEntries(fields.flatMap(([ours, theirs]): [string, number][] => ((json.get(theirs) ?? null) === null ? [] : [[ours, number(theirs)]]))),
    tieWordEmbeddings: (json.get('tie_word_embeddings') ?? true) === true,
  }
}

/** Tensors of any GPT-2 file under the model's names: prefix `transformer.` added, mask buffers and a tied copy of the head dropped. */
export function gptStateFromFile(tensors: StateDict, { tieWordEmbeddings }: { tieWordEmbeddings: boolean }): StateDict {
  const entries: [string, HostTensor][] = []
  for (const [name, value] of tensors) {
    if (/(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/.test(name)) continue
    if (name === 'lm_head.weight' && tieWordEmbeddings) continue
    entries.push([name.startsWith('transformer.') || name === 'lm_head.weight' ? name : `transformer.${name}`, value])
  }
  return new Map(entries)
}
