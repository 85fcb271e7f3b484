// Losses with PyTorch's names, reductions and corner cases. Of halves they are computed in f32 and are f32, as under PyTorch's autocast: a loss
// multiplied by a loss scale is more than f16 holds.
import { ShapeError } from '../errors.js'
import * as build from '../graph/build.js'
import type { Node } from '../graph/node.js'
import { formatShape, sizeOf, type Shape } from '../shape.js'
import { requireFloat, requireInteger, sameDevice, widened } from './operand.js'
import * as el from './elementwise.js'
import { gather } from './indexing.js'
import { logSumExp, mean, sum } from './reduce.js'

export type Reduction = 'mean' | 'sum' | 'none'

export interface CrossEntropyOptions {
  reduction?: Reduction
  /** Rows with this target count neither in the sum nor in the mean. */
  ignoreIndex?: number
  /** Weight of the uniform distribution mixed into the target. arXiv 1512.00567. */
  labelSmoothing?: number
}

const reduceLoss = (losses: Node, reduction: Reduction): Node => (reduction === 'none' ? losses : reduction === 'sum' ? sum(losses) : mean(losses))

/** −log softmax(logits)[target] for logits (…, V) and targets (…) of class indices. The mean is over rows that are not ignored; NaN if there are none. */
export function crossEntropy(logits: Node, targets: Node, { reduction = 'mean', ignoreIndex = -100, labelSmoothing = 0 }: CrossEntropyOptions = {}): Node {
  sameDevice('crossEntropy', [requireFloat('crossEntropy', logits), targets])
  const classes = logits.shape[logits.shape.length - 1]
  if (formatShape(targets.shape) !== formatShape(logits.shape.slice(0, -1)))
    throw new ShapeError(`crossEntropy: targets must have shape ${formatShape(logits.shape.slice(0, -1))} for logits ${formatShape(logits.shape)}, got ${formatShape(targets.shape)}`)
  const rows = sizeOf(targets.shape)
  const flat = build.reshape(logits, [rows, classes])                      // (N, V)
  const target = build.reshape(requireInteger('crossEntropy', targets), [rows, 1])
  const wide = widened(flat)
  const lse = logSumExp(wide, { axis: 1, keepdim: true })                  // (N, 1)
  const hit = el.sub(lse, widened(gather(flat, 1, target)))
  const smooth = labelSmoothing === 0 ? hit : el.add(el.mul(hit, 1 - labelSmoothing), el.mul(el.sub(lse, mean(wide, { axis: 1, keepdim: true })), labelSmoothing))
  return reduceCounted(smooth, el.ne(target, ignoreIndex), targets.shape, reduction)
}

/** The losses (N, 1) of rows that count, reduced; the mean is over those rows only. */
function reduceCounted(losses: Node, counted: Node, shape: Shape, reduction: Reduction): Node {
  const kept = el.where(counted, losses, 0)
  if (reduction !== 'mean') return reduceLoss(build.reshape(kept, shape), reduction)
  // Both sums keep their axes, so that they and the division are one kernel.
  return build.reshape(el.div(sum(kept, { keepdim: true }), sum(build.cast(counted, losses.dtype), { keepdim: true })), [])
}

/** −logProbs[target], averaged as crossEntropy does. */
export function nll(logProbs: Node, targets: Node, { reduction = 'mean', ignoreIndex = -100 }: Omit<CrossEntropyOptions, 'labelSmoothing'> = {}): Node {
  sameDevice('nll', [requireFloat('nll', logProbs), targets])
  if (formatShape(targets.shape) !== formatShape(logProbs.shape.slice(0, -1)))
    throw new ShapeError(`nll: targets must have shape ${formatShape(logProbs.shape.slice(0, -1))} for log-probabilities ${formatShape(logProbs.shape)}, got ${formatShape(targets.shape)}`)
  const rows = sizeOf(targets.shape)
  const target = build.reshape(requireInteger('nll', targets), [rows, 1])
  const flat = build.reshape(logProbs, [rows, logProbs.shape[logProbs.shape.length - 1]])
  return reduceCounted(el.neg(widened(gather(flat, 1, target))), el.ne(target, ignoreIndex), targets.shape, reduction)
}

export const mse = (prediction: Node, target: Node, { reduction = 'mean' }: { reduction?: Reduction } = {}): Node => reduceLoss(el.square(el.sub(widened(requireFloat('mse', prediction)), widened(requireFloat('mse', target)))), reduction)

/** Binary cross-entropy of logits, without overflow: max(x, 0) − x·y + log(1 + e^−|x|). */
export function bceWithLogits(logits: Node, target: Node, { reduction = 'mean' }: { reduction?: Reduction } = {}): Node {
  const x = widened(requireFloat('bceWithLogits', logits))
  const losses = el.add(el.sub(el.maximum(x, 0), el.mul(x, target)), el.log1p(el.exp(el.neg(el.abs(x)))))
  return reduceLoss(losses, reduction)
}

/** target · (log target − input) with `input` in log space; `batchMean` divides by the first size, as PyTorch recommends. */
export function klDiv(input: Node, target: Node, { reduction = 'mean' }: { reduction?: Reduction | 'batchMean' } = {}): Node {
  const logProbs = widened(requireFloat('klDiv', input))
  const wanted = widened(requireFloat('klDiv', target))
  const positive = el.gt(wanted, 0)
  const safe = el.where(positive, wanted, 1)
  const losses = el.sub(el.where(positive, el.mul(safe, el.log(safe)), 0), el.mul(wanted, logProbs))
  if (reduction === 'batchMean') return el.div(sum(losses), losses.shape[0] ?? 1)
  return reduceLoss(losses, reduction)
}
