// Scopes: what is computed inside and not given out is freed at the end, without waiting for the garbage collector.
import { collectHoldings, type Holding } from './graph/holding.js'
import { tensorsIn } from './tensor-tree.js'

/**
 * Runs `fn` and frees at once every value that was computed in it, except those of the tensors it returns (in arrays or objects) and those
 * that were assigned to tensors from outside. `fn` may be async; then nothing else should compute meanwhile.
 *
 * @example
 * const loss = await scope(async () => {
 *   const hidden = x.matmul(w).relu()
 *   await hidden.data()                       // realized here, freed at the end
 *   return hidden.mean()
 * })
 */
export function scope<T>(fn: () => Promise<T>): Promise<T>
export function scope<T>(fn: () => T): T
export function scope(fn: () => unknown): unknown {
  const made = new Set<Holding>()
  const stop = collectHoldings(made)
  const end = (result: unknown): void => {
    // A returned tensor that is not computed yet would lose what it depends on.
    const kept = new Set(tensorsIn(result).map(tensor => tensor.realize().node.holding))
    stop()
    for (const holding of made) if (!kept.has(holding) && !holding.isAssigned) holding.release()
  }
  const give = (result: unknown): unknown => {
    end(result)
    return result
  }
  const fail = (error: unknown): never => {
    end(null)
    throw error
  }
  try {
    const result = fn()
    return result instanceof Promise ? result.then(give, fail) : give(result)
  } catch (error) {
    return fail(error)
  }
}
