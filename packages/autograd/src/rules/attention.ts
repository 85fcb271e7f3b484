// Gradients of fused attention. The first is an operation of its own, which recomputes the probabilities from lse and never holds a (T, S)
// tensor (arXiv 2205.14135, appendix B.2). The second, and the gradient of an additive mask, come from attention written out in primitives.
import { Tensor, where, zerosLike } from '@abovo/tensor-webgpu'
import { build, type AttentionOptions, type Node, type Operation } from '@abovo/tensor-webgpu/graph'
import type { InputGradients, MultiRuleCall, Pullback } from './rule.js'

type AttentionOperation = Extract<Operation, { kind: 'attention' }>

interface Operands {
  readonly dOut: Tensor
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  readonly lse: Tensor
  readonly delta: Tensor
  readonly mask: Tensor | undefined
}

export function attentionRule(operation: AttentionOperation, { node, inputs, gradients, needs }: MultiRuleCall): InputGradients {
  const [q, k, v] = inputs
  const { mask, causal } = visibility(operation, inputs)
  const options = { causal, scale: operation.scale }
  const { out, lse } = resultsOf(node)
  const [dOutGiven, dLse] = gradients
  const dOut = dOutGiven ?? zerosLike(q)
  // d lse/d scores = P, so lse's gradient joins where delta is subtracted:  dS = P∘(dP − delta + dLse).
  const rowSum = dOut.to('f32').mul(out.to('f32')).sum({ axis: -1 })      // (B, H, T), f32 as lse is
  const delta = dLse == null ? rowSum : rowSum.sub(dLse)
  const operands = { dOut, q, k, v, lse, delta, mask }
  const dMask = mask !== undefined && operation.masked && needs[3] ? scoreGradients(operands, options).dScores.to(mask.dtype) : null
  if (!needs[0] && !needs[1] && !needs[2]) return [null, null, null, dMask]
  const backward = build.attentionBackward({ dOut: dOut.node, q: q.node, k: k.node, v: v.node, lse: lse.node, delta: delta.node, mask: mask?.node ?? null }, options)
  return [...backward.map((part, i) => (needs[i] ? new Tensor(part) : null)), dMask]
}

/** Lengths as a mask: backwards a cache is short, and one kernel fewer has to know them. */
function visibility({ causal, masked, bounded }: AttentionOperation, inputs: readonly Tensor[]): { mask: Tensor | undefined; causal: boolean } {
  const [q, k] = inputs
  const mask = masked ? inputs[3] : undefined
  if (!bounded) return { mask, causal }
  const shape = [...q.shape.slice(0, 3), k.shape[2]]                                                // (B, H, T, S)
  const [query, key] = [2, 3].map(axis => new Tensor(build.indexAlong(axis, shape, q.device)))
  const length = inputs[inputs.length - 1].clamp({ min: 0, max: k.shape[2] }).reshape([-1, 1, 1, 1])
  const there = causal ? key.le(query.add(length).sub(q.shape[2])) : key.lt(length)
  if (mask === undefined) return { mask: there, causal: false }
  return { mask: mask.dtype === 'bool' ? there.logicalAnd(mask) : where(there, mask, -1e30), causal: false }
}

function resultsOf(node: Node): { out: Tensor; lse: Tensor } {
  const [q] = node.inputs
  const outputs = [{ shape: q.shape, dtype: q.dtype }, { shape: q.shape.slice(0, 3), dtype: 'f32' as const }]
  return { out: new Tensor(build.part(node, 0, outputs)), lse: new Tensor(build.part(node, 1, outputs)) }
}

export function attentionBackwardRule(options: AttentionOptions, { inputs, gradients }: MultiRuleCall, pullback: Pullback): InputGradients {
  const [dOut, q, k, v, lse, delta, mask] = inputs
  return pullback(attentionBackwardWrittenOut({ dOut, q, k, v, lse, delta, mask }, options), gradients, inputs)
}

/** The probabilities P and d loss / d scores, both (B, H, T, S). */
function scoreGradients({ dOut, q, k, v, lse, delta, mask }: Operands, { causal, scale }: AttentionOptions): { P: Tensor; dScores: Tensor } {
  const [B, H, T] = q.shape
  const S = k.shape[2]
  const score = grouped(q, k).matmul(k.transpose()).reshape([B, H, T, S]).mul(scale)
  const additive = mask !== undefined && mask.dtype !== 'bool' ? score.add(mask) : score
  const exponent = additive.sub(lse.unsqueeze(-1))
  const visible = visibleKeys(score, mask, causal)
  const P = visible === null ? exponent.exp() : where(visible, where(visible, exponent, 0).exp(), 0)
  const dP = grouped(dOut, k).matmul(v.transpose()).reshape([B, H, T, S])
  return { P, dScores: P.mul(dP.sub(delta.unsqueeze(-1))) }
}

/** Query heads that share a key head laid end to end: (B, H, T, D) as (B, Hk, H/Hk·T, D). */
function grouped(x: Tensor, k: Tensor): Tensor {
  const [B, H, T, D] = x.shape
  const Hk = k.shape[1]
  return x.reshape([B, Hk, (H / Hk) * T, D])
}

function visibleKeys(scores: Tensor, mask: Tensor | undefined, causal: boolean): Tensor | null {
  const { shape, device } = scores
  const allowed = mask === undefined ? null : mask.dtype === 'bool' ? mask : mask.gt(-1e30)
  if (!causal) return allowed
  const query = new Tensor(build.indexAlong(2, shape, device))
  const key = new Tensor(build.indexAlong(3, shape, device))
  const past = key.le(query.add(shape[3] - shape[2]))
  return allowed === null ? past : past.logicalAnd(allowed)
}

/** dq = dS·k·scale, dk = dSᵀ·q·scale, dv = Pᵀ·dOut. */
function attentionBackwardWrittenOut(operands: Operands, options: AttentionOptions): Tensor[] {
  const { dOut, q, k } = operands
  const { P, dScores } = scoreGradients(operands, options)
  const dS = grouped(dScores.mul(options.scale), k)                       // (B, Hk, G·T, S)
  const dq = dS.matmul(k).reshape(q.shape)
  const dk = dS.transpose().matmul(grouped(q, k))
  const dv = grouped(P, k).transpose().matmul(grouped(dOut, k))
  return [dq, dk, dv]
}
