// Attention backward, probabilities recomputed from the saved logarithm of each row's sum: one shader for dq, whose invocations own queries,
// and one for dk and dv, whose invocations own keys and walk the queries (and query heads) that saw them. Nothing is added atomically.
import type { Access, AttentionBackwardKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { attentionLayout } from './attention.js'
import { AttentionShader, type RowLayout } from './attention-shader.js'
import type { GpuProgram } from './gpu-program.js'

const maskAccess = (kernel: AttentionBackwardKernel): readonly Access[] => (kernel.mask === null ? [] : [kernel.mask])

/** Statements for `name` = probability of a key for a query, and `isSeen`; `score` is their scaled dot product. */
function writeProbability(kernel: AttentionBackwardKernel, shader: AttentionShader, name: string, score: string, query: string, key: string, inside: string, lse: string, indent: string): void {
  if (kernel.mask === null) return shader.line(`let ${name} = select(0.0, exp(${score} - ${lse}), ${inside});`, indent)
  const { text, isBool } = shader.vectors.scalar(kernel.mask, ['batch', 'head', query, key])
  if (isBool) return shader.line(`let ${name} = select(0.0, exp(${score} - ${lse}), ${inside} && ${text});`, indent)
  shader.line(`let ${name}Added = ${text};`, indent)
  shader.line(`let ${name} = select(0.0, exp(${score} + ${name}Added - ${lse}), ${inside} && ${name}Added > -1e30f);`, indent)
}

export function attentionBackwardPrograms(kernel: AttentionBackwardKernel, traits: GpuTraits, forced?: RowLayout): GpuProgram[] {
  const programs: GpuProgram[] = []
  if (kernel.batch * kernel.heads * kernel.queries > 0) programs.push(queryGradient(kernel, traits, forced))
  if (kernel.batch * kernel.kvHeads * kernel.keys === 0) return programs
  const bound = new Set([kernel.q, kernel.k, kernel.v, kernel.dOut, kernel.lse, kernel.delta, kernel.dk, kernel.dv, ...maskAccess(kernel)].map(access => access.binding)).size
  // adapters at the default limit of eight buffers compute the two gradients one after the other
  const parts: readonly KeyPart[] = bound <= traits.maxStorageBuffers ? ['dk and dv'] : ['dk', 'dv']
  return [...programs, ...parts.map(part => keyGradient(kernel, traits, part, forced))]
}

function queryGradient(kernel: AttentionBackwardKernel, traits: GpuTraits, forced?: RowLayout): GpuProgram {
  const { heads, kvHeads, queries, headSize, q, k, v, dOut, lse, delta, dq, scale } = kernel
  const layout = forced ?? attentionLayout(queries, headSize, traits)
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, dOut, dq], [lse, delta, ...maskAccess(kernel)], heads, queries, layout, traits.maxWorkgroups)
  const { vectors } = shader
  const rows = Array.from({ length: layout.rows }, (_, r) => r)
  shader.line('let ownHead = head;')
  shader.line(`let kvHead = head * ${kvHeads}u / ${heads}u;`)
  for (const r of rows) {
    const place = { batch: 'batch', head: 'head', row: `row${r}` }
    for (const [name, access] of [['q', q], ['dOut', dOut]] as const) {
      vectors.base(`${name}Base${r}`, access, place, '  ')
      vectors.declare(`${name}${r}`, '  ')
      vectors.each('  ', (d, at, indent) => shader.line(`${at(`${name}${r}`)} = ${vectors.load(access, `${name}Base${r}`, d)};`, indent))
    }
    vectors.declare(`dq${r}`, '  ')
    shader.line(`let lse${r} = ${vectors.scalar(lse, ['batch', 'head', `row${r}`]).text};`)
    shader.line(`let delta${r} = ${vectors.scalar(delta, ['batch', 'head', `row${r}`]).text};`)
    shader.line(`let visible${r} = ${shader.visibleKeys(`row${r}`)};`)
  }
  shader.line(`for (var key = 0u; key < visible${layout.rows - 1}; key += 1u) {`)
  vectors.base('kBase', k, { batch: 'batch', head: 'kvHead', row: 'key' }, '    ')
  vectors.base('vBase', v, { batch: 'batch', head: 'kvHead', row: 'key' }, '    ')
  for (const r of rows) shader.line(`var score${r} = vec4f(); var dp${r} = vec4f();`, '    ')
  vectors.each('    ', (d, at, indent) => {
    shader.line(`{ let k = ${vectors.load(k, 'kBase', d)}; let v = ${vectors.load(v, 'vBase', d)};`, indent)
    for (const r of rows) shader.line(`  score${r} = fma(${at(`q${r}`)}, k, score${r}); dp${r} = fma(${at(`dOut${r}`)}, v, dp${r});`, indent)
    shader.line('}', indent)
  })
  for (const r of rows) {
    writeProbability(kernel, shader, `p${r}`, `dot(score${r}, vec4f(${scale}f))`, `row${r}`, 'key', `key < visible${r}`, `lse${r}`, '    ')
    shader.line(`let ds${r} = p${r} * (dot(dp${r}, vec4f(1.0)) - delta${r}) * ${scale}f;`, '    ')
  }
  vectors.each('    ', (d, at, indent) => {
    shader.line(`{ let k = ${vectors.load(k, 'kBase', d)};`, indent)
    for (const r of rows) shader.line(`  ${at(`dq${r}`)} = fma(vec4f(ds${r}), k, ${at(`dq${r}`)});`, indent)
    shader.line('}', indent)
  })
  shader.line('}')
  for (const r of rows) writeVector(shader, dq, `dq${r}`, r, queries)
  return shader.program('attention dq')
}

function writeVector(shader: AttentionShader, access: Access, name: string, r: number, length: number): void {
  const { vectors } = shader
  shader.line(`if (firstRow + ${r}u < ${length}u) {`)
  vectors.base(`${name}Base`, access, { batch: 'batch', head: 'ownHead', row: `row${r}` }, '    ')
  vectors.each('    ', (d, at, indent) => vectors.store(access, `${name}Base`, d, at(name), indent))
  shader.line('}')
}

type KeyPart = 'dk and dv' | 'dk' | 'dv'

function keyGradient(kernel: AttentionBackwardKernel, traits: GpuTraits, part: KeyPart, forced?: RowLayout): GpuProgram {
  const { heads, kvHeads, queries, keys, headSize, q, k, v, dOut, lse, delta, dk, dv, scale } = kernel
  const layout = forced ?? attentionLayout(keys, headSize, traits)
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, dOut, dk, dv], [lse, delta, ...maskAccess(kernel)], kvHeads, keys, layout, traits.maxWorkgroups)
  const { vectors } = shader
  const rows = Array.from({ length: layout.rows }, (_, r) => r)
  const [wantsK, wantsV] = [part !== 'dv', part !== 'dk']
  shader.line('let ownHead = head;')
  for (const r of rows) {
    const place = { batch: 'batch', head: 'head', row: `row${r}` }
    for (const [name, access] of [['k', k], ...(wantsK ? [['v', v] as const] : [])] as const) {
      vectors.base(`${name}Base${r}`, access, place, '  ')
      vectors.declare(`${name}${r}`, '  ')
      vectors.each('  ', (d, at, indent) => shader.line(`${at(`${name}${r}`)} = ${vectors.load(access, `${name}Base${r}`, d)};`, indent))
    }
    if (wantsK) vectors.declare(`dk${r}`, '  ')
    if (wantsV) vectors.declare(`dv${r}`, '  ')
    shader.line(`let first${r} = ${shader.firstQuery(`row${r}`)};`)
  }
  // the query heads h with floor(h * kvHeads / heads) = ownHead
  shader.line(`for (var head = (ownHead * ${heads}u + ${kvHeads - 1}u) / ${kvHeads}u; head < ((ownHead + 1u) * ${heads}u + ${kvHeads - 1}u) / ${kvHeads}u; head += 1u) {`)
  shader.line(`for (var query = first0; query < ${queries}u; query += 1u) {`, '    ')
  const inner = '      '
  const place = { batch: 'batch', head: 'head', row: 'query' }
  vectors.base('qBase', q, place, inner)
  vectors.base('dOutBase', dOut, place, inner)
  shader.line(`let lse = ${vectors.scalar(lse, ['batch', 'head', 'query']).text};`, inner)
  if (wantsK) shader.line(`let delta = ${vectors.scalar(delta, ['batch', 'head', 'query']).text};`, inner)
  for (const r of rows) shader.line(`var score${r} = vec4f();${wantsK ? ` var dp${r} = vec4f();` : ''}`, inner)
  vectors.each(inner, (d, at, indent) => {
    shader.line(`{ let q = ${vectors.load(q, 'qBase', d)};${wantsK ? ` let dOut = ${vectors.load(dOut, 'dOutBase', d)};` : ''}`, indent)
    for (const r of rows) shader.line(`  score${r} = fma(${at(`k${r}`)}, q, score${r});${wantsK ? ` dp${r} = fma(${at(`v${r}`)}, dOut, dp${r});` : ''}`, indent)
    shader.line('}', indent)
  })
  for (const r of rows) {
    writeProbability(kernel, shader, `p${r}`, `dot(score${r}, vec4f(${scale}f))`, 'query', `row${r}`, `query >= first${r}`, 'lse', inner)
    if (wantsK) shader.line(`let ds${r} = p${r} * (dot(dp${r}, vec4f(1.0)) - delta) * ${scale}f;`, inner)
  }
  vectors.each(inner, (d, at, indent) => {
    shader.line(`{${wantsK ? ` let q = ${vectors.load(q, 'qBase', d)};` : ''}${wantsV ? ` let dOut = ${vectors.load(dOut, 'dOutBase', d)};` : ''}`, indent)
    for (const r of rows) {
      if (wantsK) shader.line(`  ${at(`dk${r}`)} = fma(vec4f(ds${r}), q, ${at(`dk${r}`)});`, indent)
      if (wantsV) shader.line(`  ${at(`dv${r}`)} = fma(vec4f(p${r}), dOut, ${at(`dv${r}`)});`, indent)
    }
    shader.line('}', indent)
  })
  shader.line('}', '    ')
  shader.line('}')
  for (const r of rows) {
    if (wantsK) writeVector(shader, dk, `dk${r}`, r, keys)
    if (wantsV) writeVector(shader, dv, `dv${r}`, r, keys)
  }
  return shader.program(`attention ${part}`)
}
