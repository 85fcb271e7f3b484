// Attention backward, probabilities recomputed from the saved logarithm of each row's sum: one shader for dq, whose invocations own queries,
// and one for dk and dv, whose invocations own keys and walk the queries (and query heads) that saw them. Nothing is added atomically.
import type { Access, AttentionBackwardKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { attentionLayout } from './attention-seed.js'
import { AttentionShader, type AttentionLayout } from './attention-shader.js'
import { writeWalk } from './attention-walk.js'
import { loopStart, type GpuProgram } from './gpu-program.js'

const maskAccess = (kernel: AttentionBackwardKernel): readonly Access[] => (kernel.mask === null ? [] : [kernel.mask])

/** Statements for `p`, the probability that the softmax gave a key for a query; `inside` is whether the two meet by position. */
function writeProbability({ mask, scale }: AttentionBackwardKernel, shader: AttentionShader, head: string, query: string, key: string, inside: string, lse: string, indent: string): void {
  const score = `dot(products, vec4f(${scale}f))`
  if (mask === null) return shader.line(`let p = select(0.0, exp(${score} - ${lse}), ${inside});`, indent)
  const { text, isBool } = shader.vectors.scalar(mask, ['batch', head, query, key])
  if (isBool) return shader.line(`let p = select(0.0, exp(${score} - ${lse}), ${inside} && ${text});`, indent)
  shader.line(`let added = ${text};`, indent)
  shader.line(`let p = select(0.0, exp(${score} + added - ${lse}), ${inside} && added > -1e30f);`, indent)
}

export function attentionBackwardPrograms(kernel: AttentionBackwardKernel, traits: GpuTraits, forced?: AttentionLayout): GpuProgram[] {
  const programs: GpuProgram[] = []
  if (kernel.batch * kernel.heads * kernel.queries > 0) programs.push(queryGradient(kernel, traits, forced))
  if (kernel.batch * kernel.kvHeads * kernel.keys === 0) return programs
  const bound = new Set([kernel.q, kernel.k, kernel.v, kernel.dOut, kernel.lse, kernel.delta, kernel.dk, kernel.dv, ...maskAccess(kernel)].map(access => access.binding)).size
  // adapters at the default limit of eight buffers compute the two gradients one after the other
  const parts: readonly KeyPart[] = bound <= traits.maxStorageBuffers ? ['dk and dv'] : ['dk', 'dv']
  return [...programs, ...parts.map(part => keyGradient(kernel, traits, part, forced))]
}

function queryGradient(kernel: AttentionBackwardKernel, traits: GpuTraits, forced?: AttentionLayout): GpuProgram {
  const { heads, kvHeads, queries, keys, q, k, v, dOut, lse, delta, dq, scale } = kernel
  const layout = forced ?? attentionLayout(queries, traits)
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, dOut, dq], [lse, delta, ...maskAccess(kernel)], heads, queries, layout, traits)
  const { vectors } = shader
  shader.line(kvHeads === heads ? 'let kvHead = ownHead;' : `let kvHead = ownHead * ${kvHeads}u / ${heads}u;`)
  shader.loadOwn('q', q)
  shader.loadOwn('dOut', dOut)
  vectors.declare('dq', '  ')
  shader.line(`let lse = ${vectors.scalar(lse, ['batch', 'ownHead', 'row']).text};`)
  shader.line(`let delta = ${vectors.scalar(delta, ['batch', 'ownHead', 'row']).text};`)
  shader.line(`let visible = ${shader.visibleKeys('row')};`)
  shader.line(`let end = ${shader.visibleKeys('lastRow')};`)
  writeWalk(shader, { row: 'key', length: keys, from: loopStart(traits), to: 'end', head: 'kvHead', vectors: { k, v }, scalars: {} }, '  ', ({ chunk, indent }) => {
    shader.line('var products = vec4f(); var dp = vec4f();', indent)
    vectors.each(indent, (d, at, deeper) => shader.line(`products = fma(${at('q')}, ${chunk('k', d, at)}, products); dp = fma(${at('dOut')}, ${chunk('v', d, at)}, dp);`, deeper))
    writeProbability(kernel, shader, 'ownHead', 'row', 'key', 'key < visible', 'lse', indent)
    shader.line(`let ds = p * (dot(dp, vec4f(1.0)) - delta) * ${scale}f;`, indent)
    vectors.each(indent, (d, at, deeper) => shader.line(`${at('dq')} = fma(vec4f(ds), ${chunk('k', d, at)}, ${at('dq')});`, deeper))
  })
  shader.storeOwn('dq', dq)
  return shader.program('attention dq')
}

type KeyPart = 'dk and dv' | 'dk' | 'dv'

function keyGradient(kernel: AttentionBackwardKernel, traits: GpuTraits, part: KeyPart, forced?: AttentionLayout): GpuProgram {
  const { heads, kvHeads, queries, keys, q, k, v, dOut, lse, delta, dk, dv, scale } = kernel
  const layout = forced ?? attentionLayout(keys, traits)
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, dOut, dk, dv], [lse, delta, ...maskAccess(kernel)], kvHeads, keys, layout, traits)
  const { vectors } = shader
  const [wantsK, wantsV] = [part !== 'dv', part !== 'dk']
  shader.loadOwn('k', k)
  if (wantsK) shader.loadOwn('v', v)
  if (wantsK) vectors.declare('dk', '  ')
  if (wantsV) vectors.declare('dv', '  ')
  shader.line(`let first = ${shader.firstQuery('row')};`)
  shader.line(`let start = ${shader.firstQuery('firstRow')};`)
  // the query heads h with floor(h * kvHeads / heads) = ownHead
  shader.line(`for (var head = (ownHead * ${heads}u + ${kvHeads - 1}u) / ${kvHeads}u; head < ((ownHead + 1u) * ${heads}u + ${kvHeads - 1}u) / ${kvHeads}u; head += 1u) {`)
  const scalars: Record<string, Access> = wantsK ? { lse, delta } : { lse }
  writeWalk(shader, { row: 'query', length: queries, from: 'start', to: `${queries}u`, head: 'head', vectors: { q, dOut }, scalars }, '    ', ({ chunk, scalar, indent }) => {
    shader.line(`var products = vec4f();${wantsK ? ' var dp = vec4f();' : ''}`, indent)
    vectors.each(indent, (d, at, deeper) => shader.line(`products = fma(${at('k')}, ${chunk('q', d, at)}, products);${wantsK ? ` dp = fma(${at('v')}, ${chunk('dOut', d, at)}, dp);` : ''}`, deeper))
    writeProbability(kernel, shader, 'head', 'query', 'row', 'query >= first', scalar('lse'), indent)
    if (wantsK) shader.line(`let ds = p * (dot(dp, vec4f(1.0)) - ${scalar('delta')}) * ${scale}f;`, indent)
    vectors.each(indent, (d, at, deeper) => {
      if (wantsK) shader.line(`${at('dk')} = fma(vec4f(ds), ${chunk('q', d, at)}, ${at('dk')});`, deeper)
      if (wantsV) shader.line(`${at('dv')} = fma(vec4f(p), ${chunk('dOut', d, at)}, ${at('dv')});`, deeper)
    })
  })
  shader.line('}')
  if (wantsK) shader.storeOwn('dk', dk)
  if (wantsV) shader.storeOwn('dv', dv)
  return shader.program(`attention ${part}`)
}
