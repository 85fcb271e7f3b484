// Normalisation over the last axis. Composed of reductions; plans make one row kernel of each. Halves are normalised in f32.
import { ShapeError } from '../errors.js'
import type { Node } from '../graph/node.js'
import { formatShape } from '../shape.js'
import * as el from './elementwise.js'
import { mean } from './reduce.js'
import { inF32, requireFloat } from './operand.js'

function checkAffine(where: string, x: Node, vectors: readonly (Node | undefined)[]): void {
  const width = x.shape[x.shape.length - 1]
  for (const vector of vectors)
    if (vector !== undefined && (vector.shape.length !== 1 || vector.shape[0] !== width))
      throw new ShapeError(`${where}: weight and bias must have shape (${width},), the last size of ${formatShape(x.shape)}, got ${formatShape(vector.shape)}`)
}

/** (x − mean) / √(var + eps) over the last axis, then · weight + bias. arXiv 1607.06450. */
export function layerNorm(x: Node, { weight, bias, eps = 1e-5 }: { weight?: Node | undefined; bias?: Node | undefined; eps?: number } = {}): Node {
  requireFloat('layerNorm', x)
  checkAffine('layerNorm', x, [weight, bias])
  return inF32(x, wide => {
    const centred = el.sub(wide, mean(wide, { axis: -1, keepdim: true }))
    const scale = el.rsqrt(el.add(mean(el.square(centred), { axis: -1, keepdim: true }), eps))
    const normal = el.mul(centred, scale)
    const scaled = weight === undefined ? normal : el.mul(normal, weight)
    return bias === undefined ? scaled : el.add(scaled, bias)
  })
}

/** x / √(mean(x²) + eps) over the last axis, then · weight. arXiv 1910.07467. */
export function rmsNorm(x: Node, { weight, eps = 1e-6 }: { weight?: Node | undefined; eps?: number } = {}): Node {
  requireFloat('rmsNorm', x)
  checkAffine('rmsNorm', x, [weight])
  return inF32(x, wide => {
    const normal = el.mul(wide, el.rsqrt(el.add(mean(el.square(wide), { axis: -1, keepdim: true }), eps)))
    return weight === undefined ? normal : el.mul(normal, weight)
  })
}
