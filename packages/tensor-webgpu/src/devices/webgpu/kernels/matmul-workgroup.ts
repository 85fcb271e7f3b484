// Matmul through workgroup memory, the standard on GPUs: a workgroup stages blocks of both operands together, then each of its invocations
// multiplies out its own tile of registers. Elements outside the product are staged as zeros, so every size and layout works.
import type { Access, MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { foldWorkgroups, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { matmulText } from './matmul-register.js'
import { MatmulWriter, type Tile } from './matmul-tile.js'

export interface WorkgroupTile extends Tile {
  /** Invocations side by side along n and along m. */
  readonly across: number
  readonly down: number
  /** Depth of a staged block along k. */
  readonly depth: number
}

export const workgroupBytes = ({ rows, columns, across, down, depth }: WorkgroupTile): number => 4 * depth * (rows * down + columns * 4 * across)

export function workgroupMatmul(kernel: MatmulKernel, tile: WorkgroupTile, traits: GpuTraits): GpuProgram {
  const writer = new MatmulWriter(kernel, tile, traits, { across: tile.across, down: tile.down, stagedScalars: true })
  const { m, n, k, batch } = kernel
  const { across, down, rows, columns, depth } = tile
  const [tileRows, tileColumns] = [rows * down, columns * across] // the latter in vec4s
  const tilesDown = Math.ceil(m / tileRows)
  const tilesAcross = Math.ceil(n / (tileColumns * 4))
  const count = tilesDown * tilesAcross * batch.reduce((a, b) => a * b, 1)
  const workgroups = foldWorkgroups(count, traits.maxWorkgroups)
  const size = across * down
  writer.line(`let number = ${workgroupNumber(workgroups)};`)
  if (workgroups[0] * workgroups[1] > count) writer.line(`if (number >= ${count}u) { return; }`)
  writer.line(`let tileRow = (number / ${tilesAcross}u) % ${tilesDown}u * ${tileRows}u;`)
  writer.line(`let tileColumn = number % ${tilesAcross}u * ${tileColumns}u;`)
  writer.line(`let ownRow = local / ${across}u * ${rows}u;`)
  // columns of one invocation lie `across` apart: neighbours then read neighbouring vec4s of the staged block
  writer.line(`let ownColumn = local % ${across}u;`)
  writer.line('let firstRow = tileRow + ownRow;')
  writer.line('let firstColumn = tileColumn + ownColumn;')
  writer.writeBatch(`(number / ${tilesDown * tilesAcross}u)`)
  writer.writeSums()
  writer.line(`for (var block = ${writer.loopStart}; block < ${k}u; block += ${depth}u) {`)
  writer.line('workgroupBarrier();', '    ')
  stage(writer, 'a', kernel.a, tileRows, depth, size, (own, kk) => writer.loadA(`(tileRow + ${own})`, `(block + ${kk})`, '', 'scalar'), `tileRow + own < ${m}u`)
  stage(writer, 'b', kernel.b, tileColumns * 4, depth, size, (own, kk) => writer.loadB(`tileColumn * 4u + ${own}`, `(block + ${kk})`, '', 'scalar'), `tileColumn * 4u + own < ${n}u`)
  writer.line('workgroupBarrier();', '    ')
  writer.line(`for (var kk = ${writer.loopStart}; kk < ${depth}u; kk += 1u) {`, '    ')
  for (let c = 0; c < columns; c++) {
    const at = `kk * ${tileColumns * 4}u + (ownColumn + ${c * across}u) * 4u`
    writer.line(`let at${c} = ${at};`, '      ')
    writer.line(`let b${c} = vec4f(bTile[at${c}], bTile[at${c} + 1u], bTile[at${c} + 2u], bTile[at${c} + 3u]);`, '      ')
    writer.addToColumnSum(c, `b${c}`, '      ')
  }
  for (let row = 0; row < rows; row++) {
    writer.line(`let a${row} = aTile[kk * ${tileRows}u + ownRow + ${row}u];`, '      ')
    for (let c = 0; c < columns; c++) writer.line(`sum${row}_${c} = fma(vec4f(a${row}), b${c}, sum${row}_${c});`, '      ')
  }
  writer.line('}', '    ')
  writer.line('}')
  writer.writeEpilogue(across)
  const shared = `var<workgroup> aTile: array<f32, ${tileRows * depth}>;\nvar<workgroup> bTile: array<f32, ${tileColumns * 4 * depth}>;\n`
  return { variant: `matmul workgroup ${tileRows}x${tileColumns * 4}x${depth}`, wgsl: matmulText(writer, size, shared), bindings: writer.arrays.used, workgroups }
}

/** Copies a block of one operand, neighbouring invocations reading neighbours in memory whichever way the operand lies. */
function stage(writer: MatmulWriter, name: 'a' | 'b', access: Access, width: number, depth: number, size: number, load: (own: string, kk: string) => string, inside: string): void {
  const rank = writer.kernel.batch.length
  const [ownAxis, kAxis] = name === 'a' ? [rank, rank + 1] : [rank + 1, rank]
  const alongK = Math.abs(access.strides[kAxis]) < Math.abs(access.strides[ownAxis])
  writer.line(`for (var part = local; part < ${width * depth}u; part += ${size}u) {`, '    ')
  writer.line(alongK ? `let own = part / ${depth}u; let kk = part % ${depth}u;` : `let own = part % ${width}u; let kk = part / ${width}u;`, '      ')
  writer.line('var element = 0.0;', '      ')
  const kInside = writer.kernel.k % depth === 0 ? '' : ` && block + kk < ${writer.kernel.k}u`
  writer.line(`if (${inside}${kInside}) { element = ${load('own', 'kk')}; }`, '      ')
  writer.line(`${name}Tile[kk * ${width}u + own] = element;`, '      ')
  writer.line('}', '    ')
}
