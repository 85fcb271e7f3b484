// Windows that score every token of a sequence exactly once, each with as much context as the stride leaves it.
import type { TokenBatch } from './random-windows.js'

/** A target that does not count; crossEntropy's default ignoreIndex. */
export const IGNORED = -100

export interface EvaluationWindowsOptions {
  batchSize: number
  /** T. */
  blockSize: number
  /** How far a window is from the next: T scores each token with T/2 tokens of context on average, 1 with T−1. */
  stride?: number
}

/**
 * Batches whose targets, those that are not IGNORED, are tokens 1, 2, … n−1 once each. All have the shape (batchSize, T): the last is filled up with
 * rows that do not count.
 */
export function* evaluationWindows(tokens: ArrayLike<number>, { batchSize: B, blockSize, stride = blockSize }: EvaluationWindowsOptions): Generator<TokenBatch> {
  const n = tokens.length - 1   // targets
  const T = Math.max(1, Math.min(blockSize, n))
  const step = Math.max(1, Math.min(stride, T))
  let scored = 0
  while (scored < n) {
    const inputs = new Int32Array(B * T)
    const targets = new Int32Array(B * T).fill(IGNORED)
    for (let b = 0; b < B && scored < n; b++) {
      // the first window scores all its targets, later ones those beyond the window before; the last is moved back to be full
      const end = Math.min(n, scored === 0 ? T : scored + step)
      const start = end - T
      for (let t = 0; t < T; t++) inputs[b * T + t] = tokens[start + t]
      for (let target = scored; target < end; target++) targets[b * T + target - start] = tokens[target + 1]
      scored = end
    }
    yield { inputs: { shape: [B, T], data: inputs }, targets: { shape: [B, T], data: targets } }
  }
}
