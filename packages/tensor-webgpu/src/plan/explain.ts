// A plan as a table for people: each kernel with the operations fused into it, its shape, and what it costs at the least; the same for every device.
import { stepCost, type Cost } from './cost.js'
import type { Kernel } from './kernel.js'
import type { Plan } from './plan.js'

/** What a device makes of a step. */
export interface StepAccount {
  readonly dispatches: number
  /** How it is computed there, in the device's own words. */
  readonly method: string
}

const list = (sizes: readonly number[]): string => `(${sizes.join(', ')})`

function nameOf(kernel: Kernel): string {
  if (kernel.kind === 'attentionBackward') return 'attention backward'
  if (kernel.kind === 'scatterAdd') return 'scatter add'
  if (kernel.kind !== 'loop') return kernel.kind
  if (kernel.reduced === 0) return 'map'
  const outer = kernel.shape.length - kernel.reduced
  return kernel.results.some(({ access }) => access.strides.slice(outer).some(stride => stride !== 0)) ? 'rows' : 'reduction'
}

function shapeOf(kernel: Kernel): string {
  switch (kernel.kind) {
    case 'loop': {
      const outer = kernel.shape.length - kernel.reduced
      return kernel.reduced === 0 ? list(kernel.shape) : `${list(kernel.shape.slice(0, outer))} over ${list(kernel.shape.slice(outer))}`
    }
    case 'matmul': return `${list([...kernel.batch, kernel.m, kernel.k])} x ${list([...kernel.batch, kernel.k, kernel.n])}`
    case 'scatterAdd': return `${list([kernel.outer, kernel.count, kernel.inner])} into ${list([kernel.outer, kernel.size, kernel.inner])}`
    case 'categorical': return list([kernel.rows, kernel.size])
    case 'custom': return list(kernel.out.shape)
    default: {
      const { batch, heads, kvHeads, queries, keys, headSize, causal } = kernel
      return `B${batch} H${heads}${kvHeads === heads ? '' : `/${kvHeads}`} T${queries} S${keys} D${headSize}${causal ? ' causal' : ''}`
    }
  }
}

const millions = (count: number | null): string => (count === null ? '?' : (count / 1e6).toFixed(3))

type Column = readonly [title: string, side: 'left' | 'right']
const columns: readonly Column[] = [
  ['#', 'right'], ['kernel', 'left'], ['operations', 'left'], ['shape', 'left'], ['dispatches', 'right'], ['MB', 'right'], ['MFLOP', 'right'], ['method', 'left'],
]

/** Rows of texts, set in columns two spaces apart. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows.map(row => row.map((text, column) => (columns[column][1] === 'left' ? text.padEnd(widths[column]) : text.padStart(widths[column]))).join('  ').trimEnd())
}

/**
 * One line a kernel, `accounts[i]` being the device's word on step i, and totals at the end, with `notes` on the whole. Bytes and FLOPs are the
 * least that is possible: cost.ts.
 */
export function explainPlan({ steps, arenaBlocks }: Plan, accounts: readonly StepAccount[], notes: readonly string[] = []): string {
  const costs = steps.map(stepCost)
  const rows = steps.map(({ kernel, label }, i) => {
    const { dispatches, method } = accounts[i]
    return [String(i), nameOf(kernel), label, shapeOf(kernel), String(dispatches), millions(costs[i].bytes), millions(costs[i].flops), method]
  })
  const total = (of: (cost: Cost) => number): string => millions(costs.reduce((sum, cost) => sum + of(cost), 0))
  const dispatches = accounts.reduce((sum, account) => sum + account.dispatches, 0)
  const totals = ['', 'total', '', '', String(dispatches), total(({ bytes }) => bytes), total(({ flops }) => flops ?? 0), [`arena ${arenaBlocks.map(millions).join(' + ') || '0'} MB`, ...notes].join(', ')]
  return align([columns.map(([title]) => title), ...rows, totals]).join('\n')
}

export type PlanTable = typeof explainPlan
