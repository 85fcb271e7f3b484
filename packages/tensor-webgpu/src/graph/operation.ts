// The primitive operations of the graph: few enough that each device and each gradient rule can handle all of them.
// Everything users call (`softmax`, `layerNorm`, `crossEntropy` …) is composed of these in ops/.
import type { Dtype } from '../dtype.js'
import type { ReduceFunction } from '../plan/kernel.js'
import type { Shape } from '../shape.js'
import type { ScalarFunction } from './scalar-function.js'

export interface AttentionOptions {
  readonly causal: boolean
  readonly scale: number
}

export type Operation =
  /** A value that is simply there: data with storage, or a compiled function's input. */
  | { readonly kind: 'source' }
  /** One number everywhere. A literal may be folded into what uses it; a tensor that a user made (`zeros`) may be differentiated by, so it is none. */
  | { readonly kind: 'constant'; readonly value: number; readonly literal: boolean }
  /** The index along an axis, i32. */
  | { readonly kind: 'index'; readonly axis: number }
  /** Inputs of equal shape, elementwise. */
  | { readonly kind: 'elementwise'; readonly fn: ScalarFunction }
  | { readonly kind: 'cast' }
  | { readonly kind: 'bitcast' }
  /** Same elements in row-major order, another shape. */
  | { readonly kind: 'reshape' }
  /** `order[i]` is the input axis that becomes axis i. */
  | { readonly kind: 'permute'; readonly order: readonly number[] }
  /** Axes of size 1 repeated; the rank stays. */
  | { readonly kind: 'expand' }
  /** Element i along an axis is input element starts[axis] + i · steps[axis]; steps may be negative. */
  | { readonly kind: 'slice'; readonly starts: readonly number[]; readonly steps: readonly number[] }
  /** Zeros before and after. */
  | { readonly kind: 'pad'; readonly before: readonly number[]; readonly after: readonly number[] }
  | { readonly kind: 'concat'; readonly axis: number }
  /** Reduced axes stay with size 1. */
  | { readonly kind: 'reduce'; readonly fn: ReduceFunction; readonly axes: readonly number[] }
  /** (…, M, K) × (…, K, N) with equal batch axes, or K×N shared by all batches (input 1 of rank 2). */
  | { readonly kind: 'matmul' }
  /** out[…i…] = input0[… index[…i…] …] along `axis`; index (input 1) has the output's shape; other axes agree. Indices are clamped. */
  | { readonly kind: 'gather'; readonly axis: number }
  /** Zeros of `shape` with input0 added at the places that index (input 1, same shape) names along `axis`: the transpose of gather. */
  | { readonly kind: 'scatterAdd'; readonly axis: number }
  /** Input 0 with values (input 1) written over it from place `start` (input 2, i32, every axis of size 1) of `axis` on. The start is clamped so that they fit. */
  | { readonly kind: 'sliceScatter'; readonly axis: number }
  /**
   * Inputs q (B,H,T,D), k, v (B,Hk,S,D), then a mask (B,H,T,S) where `masked`, then lengths (B,), i32, where `bounded`: keys from a batch's length
   * on do not exist, and causal order counts from it. Two outputs: out (B,H,T,D) and lse (B,H,T).
   */
  | ({ readonly kind: 'attention'; readonly masked: boolean; readonly bounded: boolean; readonly outputs: readonly Output[] } & AttentionOptions)
  /** Inputs dOut, q, k, v, lse, delta, optional mask; three outputs: dq, dk, dv. */
  | ({ readonly kind: 'attentionBackward'; readonly outputs: readonly Output[] } & AttentionOptions)
  /**
   * Inputs logits (B,V), then uniform (B,), temperature (B,), topK (B,) in i32, topP (B,); two outputs: index (B,) in i32 and logProb (B,). The class drawn
   * by the uniform number, walking in order, from those that rank < topK and of which the likelier ones together have less than topP (the first always);
   * at temperature 0 the likeliest. The log-probability is that before the cuts, at temperature 1 if it is 0. Equal logits rank in order.
   */
  | { readonly kind: 'categorical'; readonly outputs: readonly Output[] }
  /** One output of an operation that has several. */
  | { readonly kind: 'part'; readonly index: number }
  /** A user's operation; `definition` is its number in graph/definition.ts. */
  | { readonly kind: 'custom'; readonly definition: number }
  /** The input itself, through which no gradient flows. */
  | { readonly kind: 'stopGradient' }

export interface Output {
  readonly shape: Shape
  readonly dtype: Dtype
}

export type OperationKind = Operation['kind']
