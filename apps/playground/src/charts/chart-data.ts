// The columns of the loss chart and the rows of its table, from points.
import type { Point } from '../protocol.ts'

type Column = (number | null)[]

/** Steps, loss, running mean of the loss, held-out loss: one row for every step of either curve. */
export function chartData(curve: readonly Point[], validation: readonly Point[]): [number[], Column, Column, Column] {
  const data: [number[], Column, Column, Column] = [[], [], [], []]
  const means = runningMean(curve)
  let c = 0
  let v = 0
  while (c < curve.length || v < validation.length) {
    const step = Math.min(curve[c]?.step ?? Infinity, validation[v]?.step ?? Infinity)
    const atCurve = curve[c]?.step === step
    const atValidation = validation[v]?.step === step
    data[0].push(step)
    data[1].push(atCurve ? curve[c].loss : null)
    data[2].push(atCurve ? means[c] : null)
    data[3].push(atValidation ? validation[v].loss : null)
    if (atCurve) c++
    // two evaluations of one step are one point
    while (validation[v]?.step === step) v++
  }
  return data
}

/** Exponential, over about a fortieth of the curve, corrected for its start. */
function runningMean(curve: readonly Point[]): number[] {
  const keep = 1 - 1 / Math.max(5, Math.min(50, curve.length / 40))
  let sum = 0
  let weight = 0
  return curve.map(({ loss }) => {
    sum = keep * sum + (1 - keep) * loss
    weight = keep * weight + (1 - keep)
    return sum / weight
  })
}

export interface TableRow {
  readonly step: number
  readonly loss: number
  readonly held: number | null
}

/** About a dozen rows, evenly spaced, each with the last held-out loss before it. */
export function tableRows(curve: readonly Point[], validation: readonly Point[]): TableRow[] {
  const means = runningMean(curve)
  const count = Math.min(12, curve.length)
  return Array.from({ length: count }, (_, row) => {
    const i = count === 1 ? 0 : Math.round((row * (curve.length - 1)) / (count - 1))
    const held = validation.findLast(({ step }) => step <= curve[i].step)?.loss ?? null
    return { step: curve[i].step, loss: means[i], held }
  })
}
