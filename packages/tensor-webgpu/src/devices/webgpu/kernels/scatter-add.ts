// ScatterAdd without atomics: each invocation owns a block of rows at one place (or four) of the inner axis, clears them, and adds the sources
// that name them in ascending order. Sums therefore never depend on timing. A short list of sources is a plain reduction instead.
import type { Access, LoopKernel, ScatterAddKernel } from '../../../plan/kernel.js'
import { withoutUnused } from '../wgsl/unused.js'
import type { GpuTraits } from '../traits.js'
import { accessMode, addressText, loadText, StorageArrays, type Site } from '../wgsl/access.js'
import { convert } from '../wgsl/value.js'
import { foldWorkgroups, loopStart, splitIndex, times, workgroupNumber, type GpuProgram } from './gpu-program.js'
import { loopProgram } from './loop.js'

/** Up to this many sources, every element of the result looks at all of them. */
const FEW_SOURCES = 8

function asLoop(kernel: ScatterAddKernel): LoopKernel {
  const over = ({ binding, offset, strides: [o, j, i] }: Access): Access => ({ binding, offset, strides: [o, 0, i, j] })
  const { bindings, outer, size, inner, count, index, source, out, part = { first: 0, of: size } } = kernel
  const dtype = bindings[source.binding].dtype
  const last = { fn: 'constant', value: part.of - 1, dtype: 'i32' } as const
  return {
    kind: 'loop', bindings, shape: [outer, size, inner, count], reduced: 1,
    body: [
      { fn: 'load', access: over(index), dtype: 'i32' }, last, { fn: 'constant', value: 0, dtype: 'i32' }, { fn: 'max', args: [0, 2], dtype: 'i32' }, { fn: 'min', args: [3, 1], dtype: 'i32' },
      { fn: 'constant', value: part.first, dtype: 'i32' }, { fn: 'sub', args: [4, 5], dtype: 'i32' },
      { fn: 'index', axis: 1, dtype: 'i32' }, { fn: 'eq', args: [6, 7], dtype: 'bool' },
      { fn: 'load', access: over(source), dtype }, { fn: 'constant', value: 0, dtype }, { fn: 'where', args: [8, 9, 10], dtype }, { fn: 'reduce', reduce: 'sum', args: [11], dtype },
    ],
    results: [{ value: 12, access: { ...out, strides: [...out.strides, 0] } }],
  }
}

export function scatterAddProgram(kernel: ScatterAddKernel, traits: GpuTraits): GpuProgram | null {
  const { bindings, outer, size, inner, count, index, source, out, part = { first: 0, of: size }, continues = false } = kernel
  if (outer * size * inner === 0) return null
  if (count <= FEW_SOURCES && !continues && bindings[index.binding].dtype === 'i32') return loopProgram(asLoop(kernel), traits)
  const fourWide = inner % 4 === 0 && accessMode(out, [outer, size, inner], 2) === 'vector' && accessMode(source, [outer, count, inner], 2) === 'vector' && index.strides[2] === 0
  const width = fourWide ? 4 : 1
  const places = outer * (inner / width)
  const wanted = traits.software ? 256 : 16384
  const rowsPerBlock = Math.max(1, Math.min(64, Math.ceil((size * places) / wanted)))
  const blocks = Math.ceil(size / rowsPerBlock)
  const group = traits.software ? 16 : 64
  const workgroups = foldWorkgroups(Math.ceil((places * blocks) / group), traits.maxWorkgroups)
  const arrays = new StorageArrays(bindings, new Set(fourWide ? [out.binding, source.binding] : []))
  const lines: string[] = []
  const place = (shape: readonly number[], row: string): Site => ({
    shape, vectorAxis: fourWide ? 2 : null, quarter: 'iq', index: axis => (axis === 0 ? 'o' : axis === 1 ? row : 'i'),
  })
  const outPlace = place([outer, size, inner], 'row')
  const address = addressText(out, outPlace, fourWide)
  const outText = `${arrays.name(out.binding)}[${address}]`
  const type = arrays.toRegister(out.binding, '', width).type
  const sourceText = loadText(arrays, source, place([outer, count, inner], 'j'), () => '', accessMode(source, [outer, count, inner], fourWide ? 2 : null))
  const indexText = convert(loadText(arrays, index, { ...place([outer, count, inner], 'j'), vectorAxis: null }, () => '', 'uniform'), 'i32').text
  const zero = arrays.fromRegister(out.binding, { text: `${fourWide ? (type === 'f32' ? 'vec4f' : type === 'i32' ? 'vec4i' : 'vec4u') : type}(0)`, type, width })
  const sum = arrays.fromRegister(out.binding, { text: `(${arrays.toRegister(out.binding, outText, width).text} + ${convert(sourceText, type).text})`, type, width })
  lines.push(`  let number = ${times(workgroupNumber(workgroups), group)} + local;`, `  if (number >= ${places * blocks}u) { return; }`)
  lines.push(...splitIndex('number', [outer, blocks, inner / width], ['o', 'block', fourWide ? 'iq' : 'i'], '  '))
  if (outer === 1) lines.push('  let o = 0u;')
  if (blocks === 1) lines.push('  let block = 0u;')
  if (inner / width === 1) lines.push(`  let ${fourWide ? 'iq' : 'i'} = 0u;`)
  if (fourWide) lines.push('  let i = iq * 4u;')
  lines.push(`  let firstRow = ${times('block', rowsPerBlock)};`, `  let endRow = min(firstRow + ${rowsPerBlock}u, ${size}u);`)
  if (!continues) lines.push('  for (var row = firstRow; row < endRow; row += 1u) {', `    ${outText} = ${zero};`, '  }')
  lines.push(`  for (var j = ${loopStart(traits)}; j < ${count}u; j += 1u) {`, `    let row = u32(clamp(${indexText}, 0i, ${part.of - 1}i))${part.first === 0 ? '' : ` - ${part.first}u`};`)
  lines.push(`    if (row >= firstRow && row < endRow) { ${outText} = ${sum}; }`, '  }')
  const wgsl = [
    bindings.some(binding => binding.dtype === 'f16') ? 'enable f16;\n' : '', arrays.declarations, `\n@compute @workgroup_size(${group})\n`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {\n', withoutUnused(lines).join('\n'), '\n}\n',
  ].join('')
  return { variant: `scatterAdd${fourWide ? ' vec4' : ''} ${rowsPerBlock} rows`, wgsl, bindings: arrays.used, workgroups }
}
