// Matmul by subgroup broadcasts: the lanes of a subgroup lie side by side along n; each loads one element of a for all of them and the value is
// broadcast, so no element of a is loaded twice and nothing waits at a barrier. Only where every subgroup is known to have one size.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { foldWorkgroups, times, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { matmulText } from './matmul-register.js'
import { MatmulWriter, type Tile } from './matmul-tile.js'

export interface SubgroupTile extends Tile {
  /** Subgroups of a workgroup, one below the other along m. */
  readonly down: number
  /** Steps along k written out one after the other; divides the subgroup size. */
  readonly depth: number
}

/** Whether this family can compute the kernel: whole subgroups along k, and a contiguous either way. */
export function fitsSubgroup(kernel: MatmulKernel, tile: SubgroupTile, subgroupSize: number): boolean {
  const m = kernel.batch.length
  if (subgroupSize < 4 || kernel.k === 0 || kernel.k % subgroupSize !== 0) return false
  if ((kernel.a.guards ?? []).length > 0 || kernel.a.binding === kernel.b.binding) return false
  return kernel.a.strides[m + 1] === 1 || (kernel.a.strides[m] === 1 && tile.rows % subgroupSize === 0)
}

export function subgroupMatmul(kernel: MatmulKernel, tile: SubgroupTile, traits: GpuTraits): GpuProgram {
  const writer = new MatmulWriter(kernel, tile, traits, { across: traits.subgroupSize, down: tile.down, scalarA: true })
  const size = traits.subgroupSize
  const { m, n, batch } = kernel
  const { down, rows, columns } = tile
  const tilesDown = Math.ceil(m / (rows * down))
  const tilesAcross = Math.ceil(n / (columns * 4 * size))
  const count = tilesDown * tilesAcross * batch.reduce((a, b) => a * b, 1)
  const workgroups = foldWorkgroups(count, traits.maxWorkgroups)
  writer.line(`let number = ${workgroupNumber(workgroups)};`)
  if (workgroups[0] * workgroups[1] > count) writer.line(`if (number >= ${count}u) { return; }`)
  writer.line(`let firstRow = ${times(down === 1 ? `number / ${tilesAcross}u % ${tilesDown}u` : `number / ${tilesAcross}u % ${tilesDown}u * ${down}u + local / ${size}u`, rows)};`)
  writer.line(`let firstColumn = ${times(`number % ${tilesAcross}u * ${size}u + lane`, columns)};`)
  writer.writeBatch(`(number / ${tilesDown * tilesAcross}u)`)
  const alongK = kernel.a.strides[batch.length + 1] === 1
  if (!alongK) for (let g = 0; g < rows / size; g++) writer.line(`let laneRow${g} = min(firstRow + ${g * size}u + lane, ${m - 1}u);`)
  writer.writeClampedIndices()
  if (!alongK) writer.prepareRows(Array.from({ length: rows / size }, (_, g) => `laneRow${g}`))
  writer.writeSums()
  writer.line(`for (var block = ${writer.loopStart}; block < ${kernel.k}u; block += ${size}u) {`)
  writer.beginStep('    ')
  if (alongK) for (let row = 0; row < rows; row++) writer.line(`let a${row} = ${writer.loadA(`m${row}`, '(block + lane)', '', 'scalar')};`, '    ')
  // a loop, not written out: every load site costs software adapters tens of milliseconds of compilation
  const depth = writer.bMode === 'k' ? 4 : tile.depth
  writer.line(`for (var step = ${writer.loopStart}; step < ${size}u; step += ${depth}u) {`, '    ')
  writer.line('let k = block + step;', '      ')
  writer.beginStep('      ')
  for (let u = 0; u < depth; u++) writeStep(writer, u, size, alongK)
  writer.line('}', '    ')
  writer.line('}')
  writer.writeEpilogue()
  const wgsl = matmulText(writer, size * down, '', 'enable subgroups;\n', ', @builtin(subgroup_invocation_id) lane: u32')
  return { variant: `matmul subgroup ${rows}x${columns * 4 * size} a:${alongK ? 'k' : 'own'} b:${writer.bMode}`, wgsl, bindings: writer.arrays.used, workgroups }
}

function writeStep(writer: MatmulWriter, u: number, size: number, alongK: boolean): void {
  const { rows, columns } = writer.tile
  const put = (text: string): void => writer.line(text, '      ')
  const at = u === 0 ? 'k' : `(k + ${u}u)`
  const lanes = [0, 1, 2, 3]
  for (let c = 0; c < columns; c++) {
    if (writer.bMode === 'k' && u === 0) for (const lane of lanes) put(`let b${c}_${lane} = ${writer.loadB(`n${c}_${lane}`, at, '(k / 4u)', 'k')};`)
    const text = writer.bMode === 'own' ? writer.loadB(`n${c}`, at, '', 'own')
      : writer.bMode === 'k' ? `vec4f(${lanes.map(lane => `b${c}_${lane}[${u}]`).join(', ')})`
      : `vec4f(${lanes.map(lane => writer.loadB(`n${c}_${lane}`, at, '', 'scalar')).join(', ')})`
    put(`let b${u}at${c} = ${text};`)
    writer.addToColumnSum(c, `b${u}at${c}`, '      ')
  }
  if (!alongK) for (let g = 0; g < rows / size; g++) put(`let a${u}rows${g} = ${writer.loadA(`laneRow${g}`, at, '', 'scalar')};`)
  for (let row = 0; row < rows; row++) {
    const source = alongK ? `subgroupShuffle(a${row}, step${u === 0 ? '' : ` + ${u}u`})` : `subgroupBroadcast(a${u}rows${Math.floor(row / size)}, ${row % size}u)`
    put(`let a${u}at${row} = ${source};`)
    for (let c = 0; c < columns; c++) put(`sum${row}_${c} = fma(vec4f(a${u}at${row}), b${u}at${c}, sum${row}_${c});`)
  }
}
