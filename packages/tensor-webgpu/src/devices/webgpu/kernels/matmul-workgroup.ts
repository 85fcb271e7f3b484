// Matmul through workgroup memory, the standard on GPUs: a workgroup stages blocks of both operands together, then each of its invocations
// multiplies out its own tile of registers. Elements outside the product are staged as zeros, so every size and layout works.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { foldWorkgroups, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { matmulText } from './matmul-register.js'
import { MatmulWriter, type Tile } from './matmul-tile.js'

export interface WorkgroupTile extends Tile {
  /** Invocations side by side along n and along m. */
  readonly across: number
  readonly down: number
  /** Depth of a staged block along k; a multiple of four. */
  readonly depth: number
}

export const workgroupBytes = ({ rows, columns, across, down, depth }: WorkgroupTile): number => 4 * depth * (rows * down + columns * 4 * across)

export function workgroupMatmul(kernel: MatmulKernel, tile: WorkgroupTile, traits: GpuTraits): GpuProgram {
  const writer = new MatmulWriter(kernel, tile, traits, tile)
  const { m, n, k, batch } = kernel
  const { across, down, rows, columns, depth } = tile
  const [tileRows, tileColumns] = [rows * down, columns * 4 * across]
  const tilesDown = Math.ceil(m / tileRows)
  const tilesAcross = Math.ceil(n / tileColumns)
  const count = tilesDown * tilesAcross * batch.reduce((a, b) => a * b, 1)
  const workgroups = foldWorkgroups(count, traits.maxWorkgroups)
  writer.line(`let number = ${workgroupNumber(workgroups)};`)
  if (workgroups[0] * workgroups[1] > count) writer.line(`if (number >= ${count}u) { return; }`)
  writer.line(`let tileRow = number / ${tilesAcross}u % ${tilesDown}u * ${tileRows}u;`)
  writer.line(`let tileColumn = number % ${tilesAcross}u * ${tileColumns}u;`)
  writer.line(`let ownRow = local / ${across}u * ${rows}u;`)
  // columns of one invocation lie `across` apart: neighbours then read neighbouring vec4s of the staged block
  writer.line(`let ownColumn = local % ${across}u;`)
  writer.line('let firstRow = tileRow + ownRow;')
  writer.line('let firstColumn = tileColumn / 4u + ownColumn;')
  writer.writeBatch(`(number / ${tilesDown * tilesAcross}u)`)
  writer.writeSums()
  const size = across * down
  const a = stagedOperand(writer, 'a', tileRows, depth, size)
  const b = stagedOperand(writer, 'b', tileColumns, depth, size)
  writer.line(`for (var block = ${writer.loopStart}; block < ${k}u; block += ${depth}u) {`)
  writer.line('workgroupBarrier();', '    ')
  for (const text of [...a.stage, ...b.stage]) writer.line(text, '    ')
  writer.line('workgroupBarrier();', '    ')
  writer.line(`for (var kk = ${writer.loopStart}; kk < ${depth}u; kk += 1u) {`, '    ')
  for (let c = 0; c < columns; c++) {
    writer.line(`let b${c} = ${b.four(c === 0 ? 'ownColumn' : `(ownColumn + ${c * across}u)`)};`, '      ')
    writer.addToColumnSum(c, `b${c}`, '      ')
  }
  for (let row = 0; row < rows; row += 4) if (a.vectors) writer.line(`let rows${row} = ${a.four(`(ownRow / 4u${row === 0 ? '' : ` + ${row / 4}u`})`)};`, '      ')
  for (let row = 0; row < rows; row++) {
    if (!a.vectors) writer.line(`let a${row} = aTile[kk * ${tileRows}u + ownRow${row === 0 ? '' : ` + ${row}u`}];`, '      ')
    const element = a.vectors ? `rows${row - (row % 4)}[${row % 4}]` : `a${row}`
    for (let c = 0; c < columns; c++) writer.line(`sum${row}_${c} = fma(vec4f(${element}), b${c}, sum${row}_${c});`, '      ')
  }
  writer.line('}', '    ')
  writer.line('}')
  writer.writeEpilogue(across)
  return { variant: `matmul workgroup ${tileRows}x${tileColumns}x${depth} a:${writer.aMode} b:${writer.bMode}`, wgsl: matmulText(writer, size, a.declaration + b.declaration), bindings: writer.arrays.used, workgroups }
}

/** One operand's block in workgroup memory, `width` elements of its own axis by `depth` steps of k. */
interface Staged {
  readonly declaration: string
  /** Statements by which the workgroup fills it. */
  readonly stage: readonly string[]
  /** Whether it holds vec4s of its own axis, or single numbers. */
  readonly vectors: boolean
  /** Four neighbours at step `kk`, by the text of their number in vec4s. */
  four(quarter: string): string
}

/** An element of an operand, and the statements that must stand before it. */
type Loaded = ReturnType<MatmulWriter['apart']>

const indented = (lines: readonly string[]): string[] => lines.map(line => `  ${line}`)

/**
 * Read in whole vec4s where the operand has them: along its own axis they are staged as they are, along k they are dealt out to four steps.
 * Neighbouring invocations read neighbours in memory whichever way the operand lies.
 */
function stagedOperand(writer: MatmulWriter, name: 'a' | 'b', width: number, depth: number, size: number): Staged {
  const { k, m, n, batch } = writer.kernel
  const [whole, mode, access] = name === 'a' ? [m, writer.aMode, writer.kernel.a] : [n, writer.bMode, writer.kernel.b]
  const [tileStart, tile] = [name === 'a' ? 'tileRow' : 'tileColumn', `${name}Tile`]
  const load = (own: string, step: string, quarter: string, how: 'k' | 'own' | 'scalar'): Loaded => {
    writer.beginStep('')
    return writer.apart(() => (name === 'a' ? writer.loadA(own, step, quarter, how) : writer.loadB(how === 'own' ? `${own} / 4u` : own, step, quarter, how)))
  }
  const fill = (count: number, element: string, index: string, inside: readonly string[], { before, value }: Loaded, store: readonly string[]): string[] => [
    ...(count === size ? ['{', '  let part = local;'] : [`for (var part = local; part < ${count}u; part += ${size}u) {`]), `  ${index}`,
    ...(inside.length === 0 ? [...indented(before), `  let element = ${value};`]
    : before.length === 0 ? [`  var element = ${element}();`, `  if (${inside.join(' && ')}) { element = ${value}; }`]
    : [`  var element = ${element}();`, `  if (${inside.join(' && ')}) {`, ...indented(indented(before)), `    element = ${value};`, '  }']),
    ...store.map(text => `  ${text}`), '}',
  ]
  const ownInside = whole % width === 0 ? [] : [`${tileStart} + own < ${whole}u`]
  const stepInside = (step: string): string[] => (k % depth === 0 ? [] : [`block + ${step} < ${k}u`])
  if (mode === 'own') {
    const quarters = width / 4
    const at = (quarter: string): string => `${tile}[kk * ${quarters}u + ${quarter}]`
    const index = `let own = part % ${quarters}u * 4u; let kk = part / ${quarters}u;`
    const stage = fill(quarters * depth, 'vec4f', index, [...ownInside, ...stepInside('kk')], load(`(${tileStart} + own)`, '(block + kk)', '', 'own'), [`${tile}[part] = element;`])
    return { declaration: `var<workgroup> ${tile}: array<vec4f, ${quarters * depth}>;\n`, stage, vectors: true, four: at }
  }
  const declaration = `var<workgroup> ${tile}: array<f32, ${width * depth}>;\n`
  const four = (quarter: string): string => `vec4f(${[0, 1, 2, 3].map(lane => `${tile}[kk * ${width}u + ${quarter} * 4u${lane === 0 ? '' : ` + ${lane}u`}]`).join(', ')})`
  if (mode === 'k' && k % 4 === 0) {
    const index = `let own = part / ${depth / 4}u; let kk = part % ${depth / 4}u * 4u;`
    const stores = [0, 1, 2, 3].map(lane => `${tile}[${lane === 0 ? 'kk' : `(kk + ${lane}u)`} * ${width}u + own] = element[${lane}];`)
    return { declaration, stage: fill((width * depth) / 4, 'vec4f', index, [...ownInside, ...stepInside('kk')], load(`(${tileStart} + own)`, '(block + kk)', '((block + kk) / 4u)', 'k'), stores), vectors: false, four }
  }
  const rank = batch.length
  const [ownAxis, kAxis] = name === 'a' ? [rank, rank + 1] : [rank + 1, rank]
  const alongK = Math.abs(access.strides[kAxis]) < Math.abs(access.strides[ownAxis])
  const index = alongK ? `let own = part / ${depth}u; let kk = part % ${depth}u;` : `let own = part % ${width}u; let kk = part / ${width}u;`
  return { declaration, stage: fill(width * depth, 'f32', index, [...ownInside, ...stepInside('kk')], load(`(${tileStart} + own)`, '(block + kk)', '', 'scalar'), [`${tile}[kk * ${width}u + own] = element;`]), vectors: false, four }
}
