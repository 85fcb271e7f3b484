// What this device makes of each step of a plan, for the table that `explain()` gives: its dispatches, and how each is computed.
import type { PlanTable } from '../../plan/explain.js'
import type { Plan, Step } from '../../plan/plan.js'
import type { Compiled } from './pipelines.js'

export function explainDispatches(plan: Plan, dispatches: readonly { readonly step: Step; readonly compiled: Compiled }[], write: PlanTable): string {
  const pipelines = new Set(dispatches.map(({ compiled }) => compiled.pipeline)).size
  const accounts = plan.steps.map(step => {
    const own = dispatches.filter(dispatch => dispatch.step === step).map(({ compiled }) => compiled.program)
    return { dispatches: own.length, method: own.map(({ variant, workgroups: [x, y] }) => `${variant}, ${x * y} workgroup${x * y === 1 ? '' : 's'}`).join(' + ') }
  })
  return write(plan, accounts, [`${pipelines} pipeline${pipelines === 1 ? '' : 's'}`])
}
