// The gradients that arrive at one node from its several uses, and their sum.
import { concat, Tensor, zeros } from '@abovo/tensor-webgpu'

/** A gradient that is zero outside of a range along one axis. */
interface Piece {
  readonly axis: number
  readonly start: number
  readonly inner: Tensor
}

export class Contributions {
  readonly #parts: Tensor[] = []

  add(gradient: Tensor): void {
    this.#parts.push(gradient)
  }

  total(): Tensor {
    return joinPieces(this.#parts) ?? this.#parts.reduce((sum, part) => sum.add(part))
  }
}

/**
 * A tensor that was cut into pieces (the time steps of a recurrent network, q, k and v) gets one padded gradient from each. Laid end to end
 * they are one tensor; added up they would cost pieces × size.
 */
function joinPieces(parts: readonly Tensor[]): Tensor | null {
  if (parts.length < 2) return null
  const pieces: Piece[] = []
  for (const part of parts) {
    const piece = pieceOf(part)
    if (piece === null) return null
    pieces.push(piece)
  }
  const [{ axis }] = pieces
  if (pieces.some(piece => piece.axis !== axis)) return null
  pieces.sort((a, b) => a.start - b.start)
  const [{ shape, dtype, device }] = parts
  const laid: Tensor[] = []
  let end = 0
  const fillTo = (start: number): void => {
    if (start > end) laid.push(zeros(shape.map((n, d) => (d === axis ? start - end : n)), { dtype, device }))
    end = start
  }
  for (const { start, inner } of pieces) {
    if (start < end) return null
    fillTo(start)
    laid.push(inner)
    end += inner.shape[axis]
  }
  fillTo(shape[axis])
  return concat(laid, axis)
}

function pieceOf({ node }: Tensor): Piece | null {
  const { operation, inputs, shape } = node
  if (operation.kind !== 'pad') return null
  const padded = shape.flatMap((n, axis) => (n !== inputs[0].shape[axis] ? [axis] : []))
  return padded.length === 1 ? { axis: padded[0], start: operation.before[padded[0]], inner: new Tensor(inputs[0]) } : null
}
