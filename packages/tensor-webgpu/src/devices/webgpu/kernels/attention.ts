// Attention forward: each invocation holds a few queries and walks the keys four at a time with an online softmax (FlashAttention, arXiv
// 2205.14135): the largest score so far, the sum of exponentials and the weighted values are rescaled once per four keys.
import type { AttentionKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { AttentionShader, type RowLayout } from './attention-shader.js'
import type { GpuProgram } from './gpu-program.js'

/** Below every score that can occur and finite: WGSL compilers may assume that there is no infinity. */
const HIDDEN = '-1e30f'
const KEYS = [0, 1, 2, 3]

export function attentionLayout(length: number, headSize: number, traits: GpuTraits): RowLayout {
  const rows = headSize > 64 || length < 16 ? 1 : traits.software ? 2 : 1
  const most = traits.software ? 8 : 64
  return { rows, group: Math.min(most, 2 ** Math.ceil(Math.log2(Math.max(1, Math.ceil(length / rows))))) }
}

export function attentionProgram(kernel: AttentionKernel, traits: GpuTraits, forced?: RowLayout): GpuProgram | null {
  const { batch, heads, kvHeads, queries, keys, headSize, q, k, v, mask, out, lse } = kernel
  if (batch * heads * queries === 0) return null
  const layout = forced ?? attentionLayout(queries, headSize, traits)
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, out], [lse, ...(mask === null ? [] : [mask])], heads, queries, layout, traits.maxWorkgroups)
  const { vectors } = shader
  const rows = Array.from({ length: layout.rows }, (_, r) => r)
  shader.line(`let kvHead = head * ${kvHeads}u / ${heads}u;`)
  for (const r of rows) {
    vectors.base(`qBase${r}`, q, { batch: 'batch', head: 'head', row: `row${r}` }, '  ')
    vectors.declare(`q${r}`, '  ')
    vectors.declare(`sum${r}`, '  ')
    vectors.each('  ', (d, at, indent) => shader.line(`${at(`q${r}`)} = ${vectors.load(q, `qBase${r}`, d)} * ${kernel.scale}f;`, indent))
    shader.line(`var largest${r} = ${HIDDEN};`)
    shader.line(`var total${r} = 0.0;`)
    shader.line(`let visible${r} = ${shader.visibleKeys(`row${r}`)};`)
  }
  if (keys > 0) {
    shader.line(`for (var key = 0u; key < visible${layout.rows - 1}; key += 4u) {`)
    writeKeys(kernel, shader, rows)
    shader.line('}')
  }
  for (const r of rows) writeRow(kernel, shader, r)
  return shader.program('attention')
}

/** Scores of four keys, then their share of the output. */
function writeKeys(kernel: AttentionKernel, shader: AttentionShader, rows: readonly number[]): void {
  const { keys, k, v, mask } = kernel
  const { vectors } = shader
  for (const j of KEYS) {
    shader.line(keys % 4 === 0 ? `let key${j} = key + ${j}u;` : `let key${j} = min(key + ${j}u, ${keys - 1}u);`, '    ')
    vectors.base(`kBase${j}`, k, { batch: 'batch', head: 'kvHead', row: `key${j}` }, '    ')
    vectors.base(`vBase${j}`, v, { batch: 'batch', head: 'kvHead', row: `key${j}` }, '    ')
    for (const r of rows) shader.line(`var dot${r}_${j} = vec4f();`, '    ')
  }
  vectors.each('    ', (d, at, indent) => {
    for (const j of KEYS) {
      shader.line(`{ let k = ${vectors.load(k, `kBase${j}`, d)};`, indent)
      for (const r of rows) shader.line(`  dot${r}_${j} = fma(${at(`q${r}`)}, k, dot${r}_${j});`, indent)
      shader.line('}', indent)
    }
  })
  for (const r of rows) {
    shader.line(`var scores${r} = vec4f(${KEYS.map(j => `dot(dot${r}_${j}, vec4f(1.0))`).join(', ')});`, '    ')
    shader.line(`var seen${r} = vec4u(key, key + 1u, key + 2u, key + 3u) < vec4u(visible${r});`, '    ')
    if (mask !== null) {
      const at = KEYS.map(j => vectors.scalar(mask, ['batch', 'head', `row${r}`, `key${j}`]))
      if (at[0].isBool) shader.line(`seen${r} = seen${r} & vec4<bool>(${at.map(({ text }) => text).join(', ')});`, '    ')
      else {
        shader.line(`let added${r} = vec4f(${at.map(({ text }) => text).join(', ')});`, '    ')
        shader.line(`seen${r} = seen${r} & (added${r} > vec4f(${HIDDEN}));`, '    ')
        shader.line(`scores${r} += added${r};`, '    ')
      }
    }
    shader.line(`scores${r} = select(vec4f(${HIDDEN}), scores${r}, seen${r});`, '    ')
    shader.line(`let largestNow${r} = max(largest${r}, max(max(scores${r}.x, scores${r}.y), max(scores${r}.z, scores${r}.w)));`, '    ')
    shader.line(`let rescale${r} = exp(largest${r} - largestNow${r});`, '    ')
    shader.line(`largest${r} = largestNow${r};`, '    ')
    shader.line(`let p${r} = select(vec4f(), exp(scores${r} - largestNow${r}), seen${r});`, '    ')
    shader.line(`total${r} = total${r} * rescale${r} + dot(p${r}, vec4f(1.0));`, '    ')
  }
  vectors.each('    ', (d, at, indent) => {
    shader.line('{', indent)
    for (const j of KEYS) shader.line(`  let v${j} = ${vectors.load(v, `vBase${j}`, d)};`, indent)
    for (const r of rows) shader.line(`  ${at(`sum${r}`)} = ${at(`sum${r}`)} * rescale${r} + ${KEYS.map(j => `p${r}[${j}] * v${j}`).join(' + ')};`, indent)
    shader.line('}', indent)
  })
}

function writeRow(kernel: AttentionKernel, shader: AttentionShader, r: number): void {
  const { out, lse, queries } = kernel
  const { vectors } = shader
  shader.line(`if (firstRow + ${r}u < ${queries}u) {`)
  vectors.base(`outBase${r}`, out, { batch: 'batch', head: 'head', row: `row${r}` }, '    ')
  // a row that saw no key has total 0 and gives zeros
  shader.line(`let inverse${r} = select(0.0, 1.0 / total${r}, total${r} > 0.0);`, '    ')
  vectors.each('    ', (d, at, indent) => vectors.store(out, `outBase${r}`, d, `${at(`sum${r}`)} * inverse${r}`, indent))
  vectors.storeScalar(lse, ['batch', 'head', `row${r}`], `select(0.0, largest${r} + log(max(total${r}, 1e-37)), total${r} > 0.0)`, '    ')
  shader.line('}')
}
