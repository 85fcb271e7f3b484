// What this device makes of each step of a plan, for the table that `explain()` gives: one dispatch, cut into chunks that threads take.
import { denseCopy } from '../../plan/kernel.js'
import type { PlanTable } from '../../plan/explain.js'
import type { Plan } from '../../plan/plan.js'
import type { LoadedKernel } from './kernel-cache.js'

export function explainKernels(plan: Plan, kernels: readonly LoadedKernel[], write: PlanTable): string {
  return write(plan, plan.steps.map(({ kernel }, i) => {
    if (kernel.kind === 'custom') return { dispatches: 1, method: 'in TypeScript' }
    if (denseCopy(kernel) !== null) return { dispatches: 1, method: 'block copy' }
    const chunks = kernels[i].phases.map(({ units, chunk }) => Math.ceil(units / chunk))
    return { dispatches: chunks.length > 0 ? 1 : 0, method: `${chunks.join(' + ')} ${chunks.length === 1 && chunks[0] === 1 ? 'chunk' : 'chunks'}` }
  }))
}
