// Matmul by register tiles alone: each invocation keeps rows x columns vec4s of the product and reads the operands from memory. No barriers
// and no workgroup memory: for software adapters, and the fallback that runs anywhere.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { withoutUnused } from '../wgsl/unused.js'
import { foldWorkgroups, times, workgroupNumber, type GpuProgram, usesHalves } from './gpu-program.js'
import { MatmulWriter, type Tile } from './matmul-tile.js'

export interface RegisterTile extends Tile {
  /** Invocations side by side along n and along m. */
  readonly across: number
  readonly down: number
}

export function registerMatmul(kernel: MatmulKernel, tile: RegisterTile, traits: GpuTraits): GpuProgram {
  const writer = new MatmulWriter(kernel, tile, traits, tile)
  const { m, n, batch } = kernel
  const { across, down, rows, columns } = tile
  const tilesDown = Math.ceil(m / (rows * down))
  const tilesAcross = Math.ceil(n / (columns * 4 * across))
  const batches = batch.reduce((a, b) => a * b, 1)
  const workgroups = foldWorkgroups(tilesDown * tilesAcross * batches, traits.maxWorkgroups)
  writer.line(`let number = ${workgroupNumber(workgroups)};`)
  if (workgroups[0] * workgroups[1] > tilesDown * tilesAcross * batches) writer.line(`if (number >= ${tilesDown * tilesAcross * batches}u) { return; }`)
  writer.line(`let firstRow = ${times(down === 1 ? `number / ${tilesAcross}u % ${tilesDown}u` : `number / ${tilesAcross}u % ${tilesDown}u * ${down}u + local / ${across}u`, rows)};`)
  writer.line(`let firstColumn = ${times(`number % ${tilesAcross}u * ${across}u + local${down === 1 ? '' : ` % ${across}u`}`, columns)};`)
  writer.writeBatch(`(number / ${tilesDown * tilesAcross}u)`)
  writer.writeClampedIndices()
  writer.writeSums()
  writeContraction(writer)
  writer.writeEpilogue()
  const modes = `a:${writer.aMode} b:${writer.bMode}`
  return { variant: `matmul register ${rows}x${columns * 4} ${across}x${down} ${modes}`, wgsl: matmulText(writer, across * down, ''), bindings: writer.arrays.used, workgroups }
}

export function matmulText(writer: MatmulWriter, workgroupSize: number, shared: string, enables = '', parameters = ''): string {
  return [
    usesHalves(writer.kernel) ? 'enable f16;\n' : '', enables, writer.arrays.declarations, shared, writer.prelude.text,
    `@compute @workgroup_size(${workgroupSize})\n`,
    `fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32${parameters}) {\n`, withoutUnused(writer.lines).join('\n'), '\n}\n',
  ].join('')
}

/**
 * The loop over k: four at a time where an operand is loaded four along k, one at a time otherwise, and the rest singly. It takes every
 * `step`-th round, from `start` on.
 */
export function writeContraction(writer: MatmulWriter, { start, step } = { start: writer.loopStart, step: 1 }): void {
  const { k } = writer.kernel
  const byFour = writer.aMode === 'k' || writer.bMode === 'k'
  const whole = byFour ? Math.floor(k / 4) : k
  if (whole > 0) {
    writer.line(byFour ? `for (var kq = ${start}; kq < ${whole}u; kq += ${step}u) {` : `for (var k = ${start}; k < ${whole}u; k += ${step}u) {`)
    if (byFour) writer.line('let k = kq * 4u;', '    ')
    writeStep(writer, byFour ? 4 : 1, false)
    writer.line('}')
  }
  if (!byFour || k % 4 === 0) return
  writer.line(`for (var k = ${whole * 4}u${step === 1 ? '' : ` + ${start}`}; k < ${k}u; k += ${step}u) {`)
  writeStep(writer, 1, true)
  writer.line('}')
}

function writeStep(writer: MatmulWriter, depth: number, single: boolean): void {
  const { rows, columns } = writer.tile
  const aMode = single && writer.aMode === 'k' ? 'scalar' : writer.aMode
  const bMode = single && writer.bMode === 'k' ? 'scalar' : writer.bMode
  const put = (text: string): void => writer.line(text, '    ')
  const at = (u: number): string => (u === 0 ? 'k' : `(k + ${u}u)`)
  writer.beginStep('    ')
  if (aMode === 'k') for (let row = 0; row < rows; row++) put(`let a${row} = ${writer.loadA(`m${row}`, 'k', 'kq', 'k')};`)
  if (bMode === 'k') for (let c = 0; c < columns; c++) for (let lane = 0; lane < 4; lane++) put(`let b${c}_${lane} = ${writer.loadB(`n${c}_${lane}`, 'k', 'kq', 'k')};`)
  for (let u = 0; u < depth; u++) {
    for (let c = 0; c < columns; c++) {
      const lanes = [0, 1, 2, 3]
      const text = bMode === 'own' ? writer.loadB(`n${c}`, at(u), '', 'own')
        : bMode === 'k' ? `vec4f(${lanes.map(lane => `b${c}_${lane}[${u}]`).join(', ')})`
        : `vec4f(${lanes.map(lane => writer.loadB(`n${c}_${lane}`, at(u), '', 'scalar')).join(', ')})`
      put(`let b${u}at${c} = ${text};`)
      writer.addToColumnSum(c, `b${u}at${c}`, '    ')
    }
    for (let row = 0; row < rows; row++) {
      if (aMode === 'own' && row % 4 === 0) put(`let rows${u}at${row} = ${writer.loadA(`m${row}`, at(u), '', 'own')};`)
      const a = aMode === 'k' ? `a${row}[${u}]` : aMode === 'own' ? `rows${u}at${row - (row % 4)}[${row % 4}]` : `a${u}at${row}`
      if (aMode === 'scalar') put(`let ${a} = ${writer.loadA(`m${row}`, at(u), '', 'scalar')};`)
      for (let c = 0; c < columns; c++) put(`sum${row}_${c} = fma(vec4f(${a}), b${u}at${c}, sum${row}_${c});`)
    }
  }
}
