// Scaled dot-product attention: softmax(q·kᵀ·scale + mask)·v without the (T, S) matrix. arXiv 1706.03762, eq. 1; computed as in arXiv 2205.14135.
import { DtypeError, ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { formatShape, sizeOf } from '../shape.js'
import { matmul } from './contraction.js'
import { dropout, type RandomOptions } from './create.js'
import * as el from './elementwise.js'
import { broadcastTo, requireFloat, requireInteger, sameDevice, widened } from './operand.js'
import { softmax } from './reduce.js'

export interface AttentionArguments {
  /** Query t sees keys up to t + (S − T): with equal lengths, itself and what is before it. */
  causal?: boolean
  /** Broadcasts to (B, H, T, S). bool: false hides a key. Float: added to the scaled scores; −1e30 or less hides. */
  mask?: Node | undefined
  /**
   * One integer, or one for each batch (B,): only so many keys exist, as in a cache that is not full. Clamped to [0, S]. `causal` counts from it then:
   * query t sees keys up to t + (keyLength − T).
   */
  keyLengths?: Node | undefined
  /** 1/√D by default. */
  scale?: number
  /** Zeroes probabilities with probability p, as `dropout` does. Written out in primitives then: the (T, S) matrix is there. */
  dropout?: (RandomOptions & { p: number }) | undefined
}

/** q (B, H, T, D), k and v (B, Hk, S, D) with H a multiple of Hk (grouped queries); gives (B, H, T, D). A row that sees no key is zero. */
export function scaledDotProductAttention(q: Node, k: Node, v: Node, { causal = false, mask, keyLengths, scale, dropout: drop }: AttentionArguments = {}): Node {
  sameDevice('scaledDotProductAttention', [q, k, v, ...(mask ? [mask] : []), ...(keyLengths ? [keyLengths] : [])])
  const where = 'scaledDotProductAttention'
  for (const node of [q, k, v]) requireFloat(where, node)
  if (q.dtype !== k.dtype || q.dtype !== v.dtype) throw new DtypeError(`${where}: q, k and v must have one element type, got ${q.dtype}, ${k.dtype} and ${v.dtype}; convert with .to('${q.dtype}')`)
  if ([q, k, v].some(node => node.shape.length !== 4)) throw new ShapeError(`${where}: q, k and v must have shape (B, H, T, D), got ${[q, k, v].map(node => formatShape(node.shape)).join(', ')}`)
  const [B, H, T, D] = q.shape
  const [, Hk, S] = k.shape
  if (k.shape[0] !== B || k.shape[3] !== D || formatShape(v.shape) !== formatShape(k.shape)) throw new ShapeError(`${where}: k and v must have shape (${B}, Hk, S, ${D}), got ${formatShape(k.shape)} and ${formatShape(v.shape)}`)
  if (Hk === 0 || H % Hk !== 0) throw new ShapeError(`${where}: the number of query heads must be a multiple of the key heads, got ${H} and ${Hk}`)
  if (mask !== undefined && mask.dtype !== 'bool' && mask.dtype !== 'f32' && mask.dtype !== 'f16') throw new DtypeError(`${where}: the mask must be bool or float, got ${mask.dtype}; convert with .to('bool')`)
  const fullMask = mask === undefined ? null : broadcastTo(mask, [B, H, T, S])
  const lengths = keyLengths === undefined ? null : lengthsOf(where, keyLengths, B)
  if (drop !== undefined && drop.p > 0) {
    if (lengths !== null) throw new ShapeError(`${where}: keyLengths must be left out where there is dropout, got both; hide the keys with a mask`)
    return writtenOut(q, k, v, fullMask, causal, scale ?? 1 / Math.sqrt(D), drop)
  }
  return build.attention({ q, k, v, mask: fullMask, lengths }, { causal, scale: scale ?? 1 / Math.sqrt(D) })[0]
}

function lengthsOf(where: string, lengths: Node, B: number): Node {
  const size = sizeOf(lengths.shape)
  if (lengths.shape.length > 1 || (size !== 1 && size !== B)) throw new ShapeError(`${where}: keyLengths must be one number or have shape (${B}), got ${formatShape(lengths.shape)}`)
  return broadcastTo(requireInteger(where, lengths), [B])
}

function writtenOut(q: Node, k: Node, v: Node, mask: Node | null, causal: boolean, scale: number, drop: RandomOptions & { p: number }): Node {
  const [B, H, T, D] = q.shape
  const [, Hk, S] = k.shape
  const grouped = [B, Hk, (H / Hk) * T]                                                          // query heads that share a key head, end to end
  const product = matmul(build.reshape(q, [...grouped, D]), build.permute(k, [0, 1, 3, 2]))
  const scores = el.mul(widened(build.reshape(product, [B, H, T, S])), scale)                     // f32: a hidden key's −1e30 is none of f16
  const past = el.le(build.indexAlong(3, scores.shape, q.device), el.add(build.indexAlong(2, scores.shape, q.device), S - T))
  const allowed = mask === null ? el.ge(past, 0) : mask.dtype === 'bool' ? mask : el.gt(mask, -1e30)
  const visible = causal ? el.logicalAnd(past, allowed) : allowed
  const added = mask === null || mask.dtype === 'bool' ? scores : el.add(scores, mask)
  // A row without keys is zero, not the mean of hidden values.
  const probabilities = el.where(visible, softmax(el.where(visible, added, -1e30), -1), 0)
  const kept = build.reshape(build.cast(dropout(probabilities, drop), v.dtype), [...grouped, S])
  return build.reshape(matmul(kept, v), q.shape)
}
