// Where every head of a model looks, for one text: a forward pass of its own with the softmax written out, because the fused attention never forms the
// weights. For looking at, not for training.
import { tensor, type Tensor } from '@abovo/tensor-webgpu'
import { checkTokens } from '../data/check-tokens.js'
import { attentionWeights } from '../layers/attention.js'
import { Bert } from '../models/bert.js'
import type { Gpt } from '../models/gpt.js'

export interface AttentionMaps {
  readonly layers: number
  readonly heads: number
  /** T. */
  readonly tokens: number
  /** How much the token at `from` looks at the one at `to`; over `to` these sum to one. */
  weight(layer: number, head: number, from: number, to: number): number
  /** All weights of one head, (T, T) row-major. */
  map(layer: number, head: number): Float32Array
}

/**
 * @throws DataError for ids outside the vocabulary, and for more tokens than the model's context.
 * @example
 * const maps = await attentionMaps(model, tokenizer.encode('To be or not'))
 * maps.map(0, 1)   // layer 0, head 1: (T, T)
 */
export async function attentionMaps(model: Gpt | Bert, tokens: ArrayLike<number>): Promise<AttentionMaps> {
  checkTokens('attentionMaps', tokens, model.vocabSize)
  const T = tokens.length
  const ids = tensor(Int32Array.from(tokens), { shape: [1, T], device: model.parameters()[0].device })
  const weights = model instanceof Bert ? weightsOfBert(model, ids) : weightsOfGpt(model, ids)   // (1, H, T, T) a layer
  const data = await Promise.all(weights.map(layer => layer.data()))
  return {
    layers: data.length,
    heads: weights[0].shape[1],
    tokens: T,
    map: (layer, head) => Float32Array.from(data[layer].subarray(head * T * T, (head + 1) * T * T)),
    weight: (layer, head, from, to) => data[layer][(head * T + from) * T + to],
  }
}

function weightsOfGpt(model: Gpt, ids: Tensor): Tensor[] {
  let x = model.embed(ids)   // (1, T, C)
  return model.transformer.h.map(block => {
    const [q, k] = block.attn.project(block.ln_1.forward(x))
    x = block.forward(x)
    return attentionWeights(q, k, { causal: true })
  })
}

function weightsOfBert(model: Bert, ids: Tensor): Tensor[] {
  let x = model.bert.embed(ids)
  return model.bert.encoder.layer.map(layer => {
    const [q, k] = layer.project(x)
    x = layer.forward(x)
    return attentionWeights(q, k)
  })
}
