// What a training step of a GPT must cost at the least, counted by hand (pre-LN, GELU of width 4C, tied head, AdamW, f32): kernels, bytes moved,
// bytes held. The derivation: with flash attention and everything elementwise in the kernels before or after it, a layer is 7 kernels forward
// (24 units of traffic) and 12 backward (56 units), where a unit is the residual stream, N·C·4 bytes.
export interface GptSizes {
  /** Layers. */
  readonly L: number
  /** Width. */
  readonly C: number
  readonly H: number
  /** Context length. */
  readonly T: number
  readonly B: number
  /** Vocabulary. */
  readonly V: number
}

/** The two sizes that figures are given for. */
export const SMALL: GptSizes = { L: 4, C: 128, H: 4, T: 128, B: 8, V: 512 }
export const WIDE: GptSizes = { L: 6, C: 384, H: 6, T: 256, B: 8, V: 512 }

const F32 = 4
const UNITS_PER_LAYER = 80

export const parameterCount = ({ L, C, T, V }: GptSizes): number => L * (12 * C * C + 13 * C) + V * C + T * C + 2 * C

/** 19 kernels a layer and 13 beside them. */
export const leastDispatches = ({ L }: GptSizes): number => 19 * L + 13

/** What llm.c launches for the same step. */
export const llmcDispatches = ({ L }: GptSizes): number => 29 * L + 27

/** Bytes read and written by the 19L + 13 kernels. */
export function leastBytesMoved(sizes: GptSizes): number {
  const { L, C, T, B, V } = sizes
  const N = B * T
  const unit = N * C * F32
  const P = parameterCount(sizes)
  const weights = 36 * C * C * F32                                      // of a layer: read forward, read backward, gradient written
  const logits = (2 * N * C + N * V + V * C) * F32                      // final norm, head
  const softmax = 2 * N * V * F32                                       // logits to their gradient, in place
  const headBackward = (N * V + V * C + N * C) * F32 + (N * V + N * C + V * C) * F32
  const clipping = P * F32
  const adam = 7 * P * F32                                              // reads p, g, m, v; writes p, m, v
  return L * (UNITS_PER_LAYER * unit + weights) + logits + softmax + headBackward + clipping + adam + 4 * unit
}

/** Bytes alive at the worst moment: parameters, gradients, both averages; ten units a layer saved for the way back; the logits in chunks of 1024 rows. */
export function leastPeakBytes(sizes: GptSizes): number {
  const { L, C, T, B, V } = sizes
  const N = B * T
  return 16 * parameterCount(sizes) + (10 * L + 8) * N * C * F32 + Math.min(N, 1024) * V * F32
}
