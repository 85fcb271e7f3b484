// Attention forward for few queries: the invocations of a workgroup share one query, each walks every group-th key with an online softmax of its
// own, and the partial results are joined through workgroup memory, always in the same order.
import type { AttentionKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { HIDDEN, writeSeen, writeStart } from './attention-score.js'
import { AttentionShader } from './attention-shader.js'
import type { GpuProgram } from './gpu-program.js'

/** Invocations that can share a query: as many as workgroup memory holds partial results of. */
export function splitGroup({ headSize }: AttentionKernel, traits: GpuTraits): number {
  const bytes = 16 * Math.ceil(headSize / 4) + 8
  return 2 ** Math.floor(Math.log2(Math.max(1, Math.min(64, traits.maxInvocations, traits.maxWorkgroupBytes / bytes))))
}

/** Few queries, as in decoding, leave a GPU idle unless many invocations share one; software adapters have few to share. */
export const prefersSplit = (kernel: AttentionKernel, traits: GpuTraits): boolean => splitGroup(kernel, traits) > 1 && !traits.software && kernel.queries <= 4 && kernel.keys >= 64

export function splitAttentionProgram(kernel: AttentionKernel, traits: GpuTraits, group: number): GpuProgram {
  const { heads, queries, q, k, v, mask, lengths, out, lse } = kernel
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, out], [lse, ...(mask === null ? [] : [mask]), ...(lengths === null ? [] : [lengths])], heads, queries, { group, staging: 'split' }, traits)
  const { vectors } = shader
  const { chunks } = vectors
  shader.shared.push(`var<workgroup> largests: array<f32, ${group}>;\n`, `var<workgroup> totals: array<f32, ${group}>;\n`, `var<workgroup> parts: array<vec4f, ${group * chunks}>;\n`)
  writeStart(kernel, shader)
  shader.line(`for (var key = local; key < visible; key += ${group}u) {`)
  writeKey(kernel, shader)
  shader.line('}')
  shader.line('largests[local] = largest;')
  shader.line('workgroupBarrier();')
  shader.line(`var most = ${HIDDEN};`)
  shader.line(`for (var i = 0u; i < ${group}u; i += 1u) { most = max(most, largests[i]); }`)
  shader.line('let weight = select(0.0, exp(largest - most), total > 0.0);')
  shader.line('totals[local] = total * weight;')
  vectors.each('  ', (d, at, indent) => shader.line(`parts[local * ${chunks}u + ${d}] = ${at('sum')} * weight;`, indent))
  shader.line('workgroupBarrier();')
  shader.line('var all = 0.0;')
  shader.line(`for (var i = 0u; i < ${group}u; i += 1u) { all += totals[i]; }`)
  // a row that saw no key has total 0 and gives zeros
  shader.line('let inverse = select(0.0, 1.0 / all, all > 0.0);')
  vectors.base('outBase', out, { batch: 'batch', head: 'ownHead', row: 'row' }, '  ')
  shader.line(`for (var chunk = local; chunk < ${chunks}u; chunk += ${group}u) {`)
  shader.line('  var joined = vec4f();')
  shader.line(`  for (var i = 0u; i < ${group}u; i += 1u) { joined += parts[i * ${chunks}u + chunk]; }`)
  vectors.store(out, 'outBase', 'chunk', 'joined * inverse', '    ')
  shader.line('}')
  shader.line('if (stores) {')
  vectors.storeScalar(lse, ['batch', 'ownHead', 'row'], 'select(0.0, most + log(max(all, 1e-37)), all > 0.0)', '    ')
  shader.line('}')
  return shader.program('attention')
}

/** One key of an invocation's share. */
function writeKey(kernel: AttentionKernel, shader: AttentionShader): void {
  const { vectors } = shader
  const { k, v } = kernel
  for (const [name, access] of [['kBase', k], ['vBase', v]] as const) vectors.base(name, access, { batch: 'batch', head: 'kvHead', row: 'key' }, '    ')
  shader.line('var products = vec4f();', '    ')
  vectors.each('    ', (d, at, indent) => shader.line(`products = fma(${at('q')}, ${vectors.load(k, 'kBase', d)}, products);`, indent))
  writeSeen(kernel, shader, '    ')
  shader.line('if (seen && score > largest) {', '    ')
  shader.line('let rescale = exp(largest - score);', '      ')
  shader.line('largest = score;', '      ')
  shader.line('total *= rescale;', '      ')
  vectors.each('      ', (_, at, indent) => shader.line(`${at('sum')} *= rescale;`, indent))
  shader.line('}', '    ')
  shader.line('let p = select(0.0, exp(score - largest), seen);', '    ')
  shader.line('total += p;', '    ')
  vectors.each('    ', (d, at, indent) => shader.line(`${at('sum')} = fma(vec4f(p), ${vectors.load(v, 'vBase', d)}, ${at('sum')});`, indent))
}
