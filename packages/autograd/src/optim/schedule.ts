// Learning rates that change over a run: pure functions of the number of steps done (0 before the first). Each schedule is a list of phases,
// and serves both the host (number → number) and the graph (scalar tensor → scalar tensor), so a compiled step needs no new input.
import { onesLike, where, type Tensor } from '@abovo/tensor-webgpu'
import { GradientError } from '../gradient-error.js'

export interface Schedule {
  (step: number): number
  (step: Tensor): Tensor
}

/** From step `start` of the run until the next phase starts: a curve over `steps` steps, from one value to another. */
interface Phase {
  readonly start: number
  readonly steps: number
  readonly from: number
  readonly to: number
  /** linear: straight. cosine: half a cosine, flat at both ends. inverseRoot: from·√(start / (step + 1)), whatever `to` is. */
  readonly curve: 'linear' | 'cosine' | 'inverseRoot'
}

function onHost({ start, steps, from, to, curve }: Phase, step: number): number {
  if (curve === 'inverseRoot') return from * Math.sqrt(start / (step + 1))
  const progress = steps <= 0 ? 1 : Math.min((step - start) / steps, 1)
  return from + (to - from) * (curve === 'linear' ? progress : (1 - Math.cos(Math.PI * progress)) / 2)
}

function inGraph({ start, steps, from, to, curve }: Phase, step: Tensor): Tensor {
  if (curve === 'inverseRoot') return step.add(1).rsqrt().mul(from * Math.sqrt(start))
  const progress = steps <= 0 ? onesLike(step) : step.sub(start).mul(1 / steps).minimum(1)
  return (curve === 'linear' ? progress : progress.mul(Math.PI).cos().neg().add(1).mul(0.5)).mul(to - from).add(from)
}

function schedule(phases: readonly Phase[]): Schedule {
  function at(step: number): number
  function at(step: Tensor): Tensor
  function at(step: number | Tensor): number | Tensor {
    if (typeof step === 'number') return onHost(phases.findLast(phase => step >= phase.start) ?? phases[0], step)
    return phases.map(phase => inGraph(phase, step)).reduce((earlier, later, i) => where(step.lt(phases[i].start), earlier, later))
  }
  return at
}

function checkSteps(where: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts))
    if (!(Number.isInteger(count) && count >= 0)) throw new GradientError(`${where}: ${name} must be a non-negative whole number of steps, got ${count}`)
}

export const constantSchedule = (lr: number): Schedule => schedule([{ start: 0, steps: 0, from: lr, to: lr, curve: 'linear' }])

/** From `lr` to `finalLr` in a straight line over `steps` steps, then constant. */
export function linearSchedule({ lr, finalLr = 0, steps }: { lr: number; finalLr?: number; steps: number }): Schedule {
  checkSteps('linearSchedule', { steps })
  return schedule([{ start: 0, steps, from: lr, to: finalLr, curve: 'linear' }])
}

/** From `lr` to `finalLr` along half a cosine over `steps` steps, then constant. arXiv 1608.03983 without restarts. */
export function cosineSchedule({ lr, finalLr = 0, steps }: { lr: number; finalLr?: number; steps: number }): Schedule {
  checkSteps('cosineSchedule', { steps })
  return schedule([{ start: 0, steps, from: lr, to: finalLr, curve: 'cosine' }])
}

/** Reaches lr at the last of `steps` steps, never starting at 0: a first step that does nothing teaches nothing. */
const warmup = (lr: number, steps: number): Phase[] => (steps === 0 ? [] : [{ start: 0, steps: steps - 1, from: lr / steps, to: lr, curve: 'linear' }])

/**
 * lr·(t+1)/warmupSteps while t < warmupSteps, then half a cosine down to `finalLr` at step `steps`.
 * @example
 * const lr = warmupCosineSchedule({ lr: 3e-4, warmupSteps: 100, steps: 1000 })
 * const optimizer = adamW(parameters, { lr })
 */
export function warmupCosineSchedule({ lr, finalLr = 0, warmupSteps, steps }: { lr: number; finalLr?: number; warmupSteps: number; steps: number }): Schedule {
  checkSteps('warmupCosineSchedule', { warmupSteps, 'steps − warmupSteps': steps - warmupSteps })
  return schedule([...warmup(lr, warmupSteps), { start: warmupSteps, steps: steps - warmupSteps, from: lr, to: finalLr, curve: 'cosine' }])
}

/** Warm-up, a constant stretch, and a straight line to `finalLr` over the last `decaySteps` of `steps`. arXiv 2404.06395, section 4. */
export function warmupStableDecaySchedule({ lr, finalLr = 0, warmupSteps, decaySteps, steps }: { lr: number; finalLr?: number; warmupSteps: number; decaySteps: number; steps: number }): Schedule {
  const decayStart = steps - decaySteps
  checkSteps('warmupStableDecaySchedule', { warmupSteps, decaySteps, 'steps − decaySteps − warmupSteps': decayStart - warmupSteps })
  return schedule([
    ...warmup(lr, warmupSteps),
    { start: warmupSteps, steps: 0, from: lr, to: lr, curve: 'linear' },
    { start: decayStart, steps: decaySteps, from: lr, to: finalLr, curve: 'linear' },
  ])
}

/** modelSize^−½ · min(n^−½, n·warmupSteps^−3⁄2) for step number n = steps done + 1. arXiv 1706.03762, section 5.3. */
export function noamSchedule({ modelSize, warmupSteps, factor = 1 }: { modelSize: number; warmupSteps: number; factor?: number }): Schedule {
  checkSteps('noamSchedule', { warmupSteps })
  const start = Math.max(warmupSteps, 1)
  const peak = factor / Math.sqrt(modelSize * start)
  // peak·n/warmup, then peak·√(warmup/n).
  const phases: readonly Phase[] = [
    { start: 0, steps: start - 1, from: peak / start, to: peak, curve: 'linear' },
    { start, steps: 0, from: peak, to: 0, curve: 'inverseRoot' },
  ]
  return schedule(phases)
}

/**
 * Up from lr/`divFactor` to `lr` over the first `risingShare` of `steps`, then down to lr/`divFactor`/`finalDivFactor`, both along half a
 * cosine. arXiv 1708.07120; PyTorch's OneCycleLR with its defaults.
 */
export function oneCycleSchedule({ lr, steps, risingShare = 0.3, divFactor = 25, finalDivFactor = 1e4 }: { lr: number; steps: number; risingShare?: number; divFactor?: number; finalDivFactor?: number }): Schedule {
  checkSteps('oneCycleSchedule', { steps })
  const first = lr / divFactor
  const top = risingShare * steps - 1
  return schedule([
    { start: 0, steps: top, from: first, to: lr, curve: 'cosine' },
    { start: top, steps: steps - 1 - top, from: lr, to: first / finalDivFactor, curve: 'cosine' },
  ])
}
