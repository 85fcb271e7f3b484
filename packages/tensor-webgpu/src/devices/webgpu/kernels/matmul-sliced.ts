// Matmul with the contraction cut into slices: the invocations that share a tile of the product take every slices-th step along k and meet at the
// end. For matrix times vector, and wherever there are too few tiles for a GPU and k is long. No atomics: partial sums are added in one order.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { foldWorkgroups, times, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { matmulText, writeContraction } from './matmul-register.js'
import { MatmulWriter, type Tile } from './matmul-tile.js'

/** Up to so many rows the kernel is a matrix times a few vectors: tiles below them would be empty. */
export const FEW_ROWS = 4

export interface SlicedTile extends Tile {
  /** Invocations that share a tile. */
  readonly slices: number
  /** Tiles of a workgroup, side by side along n. */
  readonly across: number
  /** How slices meet: through workgroup memory, or by shuffles, where a workgroup is one tile and one subgroup. */
  readonly meet: 'workgroup' | 'subgroup'
}

/** Workgroup memory of the partial sums: of the tile, and of its columns where those are wanted too. */
const slicedBytes = ({ rows, columns, slices, across }: SlicedTile): number => 16 * slices * across * (rows + 1) * columns

/** Whether a device can run the tile: subgroups of exactly its slices, or room for its partial sums. */
export function fitsSliced(tile: SlicedTile, traits: GpuTraits): boolean {
  if (tile.meet === 'subgroup') return tile.slices === traits.subgroupSize && tile.slices > 1 && tile.across === 1
  return tile.slices * tile.across <= traits.maxInvocations && slicedBytes(tile) <= traits.maxWorkgroupBytes
}

export function slicedMatmul(kernel: MatmulKernel, tile: SlicedTile, traits: GpuTraits): GpuProgram {
  const writer = new MatmulWriter(kernel, tile, traits, { across: tile.across })
  const { m, n, batch } = kernel
  const { rows, columns, slices, across, meet } = tile
  const tilesDown = Math.ceil(m / rows)
  const tilesAcross = Math.ceil(n / (columns * 4 * across))
  const count = tilesDown * tilesAcross * batch.reduce((a, b) => a * b, 1)
  const workgroups = foldWorkgroups(count, traits.maxWorkgroups)
  writer.line(`let number = ${workgroupNumber(workgroups)};`)
  if (workgroups[0] * workgroups[1] > count) writer.line(`if (number >= ${count}u) { return; }`)
  // neighbouring invocations read neighbours in memory: along k where b lies so, else along n
  const neighbours = writer.bMode !== 'own' && kernel.b.strides[batch.length] === 1 ? 'slices' : 'tiles'
  if (meet === 'workgroup') {
    writer.line(`let slice = ${neighbours === 'slices' ? `local % ${slices}u` : `local / ${across}u`};`)
    writer.line(`let tile = ${neighbours === 'slices' ? `local / ${slices}u` : `local % ${across}u`};`)
  }
  writer.line(`let firstRow = ${tilesDown === 1 ? '0u' : `number / ${tilesAcross}u % ${tilesDown}u * ${rows}u`};`)
  const firstTile = `number % ${tilesAcross}u`
  const ownTile = across === 1 ? firstTile : `${firstTile} * ${across}u + tile`
  writer.line(`let firstColumn = ${times(ownTile, columns)};`)
  writer.writeBatch(`(number / ${tilesDown * tilesAcross}u)`)
  writer.writeClampedIndices()
  writer.writeSums()
  writeContraction(writer, { start: 'slice', step: slices })
  const meeting = meet === 'subgroup' ? meetInSubgroup(writer, tile) : meetInWorkgroup(writer, tile, neighbours === 'slices' ? [`tile * ${slices}u`, 1] : ['tile', across])
  const variant = `matmul sliced ${rows}x${columns * 4} ${slices} slices${meet === 'subgroup' ? ' of a subgroup' : ` ${across} tiles`} a:${writer.aMode} b:${writer.bMode}`
  return { variant, wgsl: matmulText(writer, slices * across, meeting.declarations, meeting.enables, meeting.parameters), bindings: writer.arrays.used, workgroups }
}

/** What a way of meeting adds to the shader around its statements. */
interface Meeting {
  readonly declarations: string
  readonly enables?: string
  readonly parameters?: string
}

const sumNames = ({ rows, columns }: Tile): string[] => Array.from({ length: rows * columns }, (_, i) => `sum${Math.floor(i / columns)}_${i % columns}`)
const columnSumNames = ({ hasColumnSums, tile }: MatmulWriter): string[] => (hasColumnSums ? Array.from({ length: tile.columns }, (_, column) => `columnSum${column}`) : [])

function meetInSubgroup(writer: MatmulWriter, tile: SlicedTile): Meeting {
  const names = sumNames(tile)
  writer.line(names.length === 1 ? `let total = sumAcrossLanes(${names[0]});` : `var totals = array<vec4f, ${names.length}>(${names.map(name => `sumAcrossLanes(${name})`).join(', ')});`)
  for (const name of columnSumNames(writer)) writer.line(`${name} = sumAcrossLanes(${name});`)
  writeFinish(writer, tile, vector => (names.length === 1 ? [] : [`let total = totals[${vector}];`]))
  writeColumnSums(writer, () => [])
  return { declarations: sumAcrossLanes(tile.slices), enables: 'enable subgroups;\n', parameters: ', @builtin(subgroup_invocation_id) slice: u32' }
}

/** A butterfly: every lane ends with the same sum, added in the same order. */
function sumAcrossLanes(slices: number): string {
  const steps: string[] = []
  for (let apart = slices / 2; apart >= 1; apart /= 2) steps.push(`  total += subgroupShuffleXor(total, ${apart}u);\n`)
  return `\nfn sumAcrossLanes(own: vec4f) -> vec4f {\n  var total = own;\n${steps.join('')}  return total;\n}\n`
}

/** Of a tile's partial sums the one at `first` is that of slice 0, and the others follow `apart` apart. */
function meetInWorkgroup(writer: MatmulWriter, tile: SlicedTile, [first, apart]: readonly [string, number]): Meeting {
  const size = tile.slices * tile.across
  const names = [...sumNames(tile), ...columnSumNames(writer)]
  names.forEach((name, i) => writer.line(`partialSums[${i === 0 ? 'local' : `local + ${i * size}u`}] = ${name};`))
  writer.line('workgroupBarrier();')
  const add = (sum: string): string => `for (var other = 1u; other < ${tile.slices}u; other += 1u) { ${sum} += partialSums[first + other${apart === 1 ? '' : ` * ${apart}u`}]; }`
  writeFinish(writer, tile, vector => [`let first = ${first}${vector === null ? '' : ` + ${vector} * ${size}u`};`, 'var total = partialSums[first];', add('total')])
  const ownSums = tile.rows * tile.columns
  writeColumnSums(writer, column => ['{', `  let first = ${first} + ${(ownSums + column) * size}u;`, `  ${add(`columnSum${column}`)}`, '}'])
  return { declarations: `var<workgroup> partialSums: array<vec4f, ${names.length * size}>;\n` }
}

/** The column sums, stored by slice 0 once `complete` has made them whole. */
function writeColumnSums(writer: MatmulWriter, complete: (column: number) => string[]): void {
  if (!writer.hasColumnSums) return
  writer.line('if (slice == 0u) {')
  for (let column = 0; column < writer.tile.columns; column++) for (const text of complete(column)) writer.line(text, '    ')
  writer.writeColumnSums(1, '    ')
  writer.line('}')
}

/**
 * The epilogue, with the vec4s of the tile (or their elements, where four are not stored at once) dealt out to its slices. `total` gives
 * statements that make `total` for one vec4: `vector` is the text of its number, or null where there is only one.
 */
function writeFinish(writer: MatmulWriter, { rows, columns, slices }: SlicedTile, total: (vector: string | null) => string[]): void {
  const vectors = rows * columns
  const pieces = vectors * (writer.vectorColumns ? 1 : 4)
  const piece = pieces <= slices ? 'slice' : 'piece'
  writer.line(pieces === 1 ? 'if (slice == 0u) {' : pieces <= slices ? `if (slice < ${pieces}u) {` : `for (var piece = slice; piece < ${pieces}u; piece += ${slices}u) {`)
  const put = (text: string): void => writer.line(text, '    ')
  const vector = vectors === 1 ? null : writer.vectorColumns ? piece : 'vector'
  if (vector === 'vector') put(`let vector = ${piece} / 4u;`)
  total(vector).forEach(put)
  put(rows === 1 ? 'let m = firstRow;' : `let m = firstRow + ${columns === 1 ? vector : `${vector} / ${columns}u`};`)
  const nq = columns === 1 ? 'firstColumn' : `firstColumn + ${rows === 1 ? vector : `${vector} % ${columns}u`}`
  put(writer.vectorColumns ? `let nq = ${nq};` : `let n = ${columns === 1 ? nq : `(${nq})`} * 4u + ${piece} % 4u;`)
  writer.writeElement(writer.vectorColumns ? 'total' : `total[${piece} % 4u]`, '    ')
  writer.line('}')
}
