// Results of several libraries as Markdown: a row for each measure, a column for each library. Each cell is the best of all rounds.

export interface PeerResult {
  readonly library: string
  readonly device: string
  readonly threads: number
  readonly measure: string
  /** GFLOP/s for products (more is better), milliseconds for all else (less is better). */
  readonly value: number
  readonly dispatches?: number
  readonly submits?: number
  readonly buffers?: number
  readonly peak_mb?: number
  readonly first_step_ms?: number
  readonly losses?: readonly number[]
}

const MEASURES: readonly (readonly [measure: string, title: string])[] = [
  ['gpt-step', 'GPT training step, ms'],
  ['matmul 512', 'matmul 512, GFLOP/s'],
  ['matmul 1024', 'matmul 1024, GFLOP/s'],
  ['attention forward', 'causal attention B4 H4 T256 D64, ms'],
  ['attention both', 'the same with gradients, ms'],
  ['softmax', 'softmax 1024 × 1024, ms'],
  ['layer-norm', 'layer norm 1024 × 1024, ms'],
]
const STEP_FACTS: readonly (readonly [fact: 'dispatches' | 'submits' | 'buffers' | 'peak_mb' | 'first_step_ms', title: string])[] = [
  ['dispatches', 'dispatches a step'],
  ['submits', 'submissions a step'],
  ['buffers', 'buffers created a step'],
  ['peak_mb', 'most memory, MB'],
  ['first_step_ms', 'first step, ms'],
]

const more = (measure: string): boolean => measure.startsWith('matmul')
const digits = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(2))

/** The best result of a library for a measure. */
function bestOf(results: readonly PeerResult[], column: string, measure: string): PeerResult | undefined {
  const sorted = results.filter(result => columnOf(result) === column && result.measure === measure).toSorted((a, b) => a.value - b.value)
  return more(measure) ? sorted.at(-1) : sorted[0]
}

const columnOf = ({ library, device, threads }: PeerResult): string => `${library} ${device === 'webgpu' ? '' : `${threads} thread${threads === 1 ? '' : 's'}`}`.trim()

function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows.map(row => `| ${row.join(' | ')} |`)
  return [head, `|${rows[0].map(() => '---').join('|')}|`, ...body].join('\n')
}

/** `title` stands over the column of measures. */
export function peerTable(results: readonly PeerResult[], title: string): string {
  const columns = [...new Set(results.map(columnOf))]
  const measured = MEASURES.map(([measure, name]) => [name, ...columns.map(column => bestOf(results, column, measure)?.value)])
  const counted = STEP_FACTS.map(([fact, name]) => [name, ...columns.map(column => bestOf(results, column, 'gpt-step')?.[fact])])
  const known = [...measured, ...counted].filter(([, ...cells]) => cells.some(cell => cell !== undefined))
  return table([[title, ...columns], ...known.map(row => row.map(cell => (typeof cell === 'number' ? digits(cell) : (cell ?? '–'))))])
}
