// A curve that never grows beyond a fixed number of points: when it is full, neighbours become their mean. Used by worker and page alike.
import type { Point } from '../protocol.ts'

const MOST = 2000

export class History {
  #points: Point[]
  /** How many steps a stored point stands for. */
  #stride: number
  #pending: Point[] = []

  constructor(points: readonly Point[] = []) {
    this.#points = [...points]
    this.#stride = points.length < 2 ? 1 : Math.max(1, points[1].step - points[0].step)
  }

  get points(): readonly Point[] {
    return this.#points
  }

  add(point: Point): void {
    this.#pending.push(point)
    if (this.#pending.length < this.#stride) return
    this.#points.push(meanOf(this.#pending))
    this.#pending = []
    if (this.#points.length < MOST) return
    this.#points = Array.from({ length: MOST / 2 }, (_, i) => meanOf(this.#points.slice(2 * i, 2 * i + 2)))
    this.#stride *= 2
  }
}

/** At the last one's step. */
function meanOf(points: readonly Point[]): Point {
  const loss = points.reduce((sum, point) => sum + point.loss, 0) / points.length
  return { step: points[points.length - 1].step, loss }
}
