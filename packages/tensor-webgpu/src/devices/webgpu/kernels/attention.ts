// Attention forward by online softmax (FlashAttention, arXiv 2205.14135): each invocation holds one query and walks the keys it may see, keeping
// the largest score so far, the sum of exponentials and the weighted values; the last two are rescaled whenever the largest grows.
import type { AttentionKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { writeSeen, writeStart } from './attention-score.js'
import { attentionLayout } from './attention-seed.js'
import { AttentionShader, type AttentionLayout } from './attention-shader.js'
import { prefersSplit, splitAttentionProgram, splitGroup } from './attention-split.js'
import { writeWalk } from './attention-walk.js'
import { loopStart, type GpuProgram } from './gpu-program.js'

export function attentionProgram(kernel: AttentionKernel, traits: GpuTraits, forced?: AttentionLayout): GpuProgram | null {
  const { batch, heads, queries, keys, q, k, v, mask, lengths, out, lse } = kernel
  if (batch * heads * queries === 0) return null
  if (forced?.staging === 'split' || (forced === undefined && prefersSplit(kernel, traits))) return splitAttentionProgram(kernel, traits, forced?.group ?? splitGroup(kernel, traits))
  const layout = forced ?? attentionLayout(queries, traits)
  const shader = new AttentionShader(kernel, kernel.bindings, [q, k, v, out], [lse, ...(mask === null ? [] : [mask]), ...(lengths === null ? [] : [lengths])], heads, queries, layout, traits)
  const { vectors } = shader
  writeStart(kernel, shader)
  shader.line(`let end = ${shader.visibleKeys('lastRow')};`)
  writeWalk(shader, { row: 'key', length: keys, from: loopStart(traits), to: 'end', head: 'kvHead', vectors: { k, v }, scalars: {} }, '  ', ({ chunk, indent }) => {
    shader.line('var products = vec4f();', indent)
    vectors.each(indent, (d, at, deeper) => shader.line(`products = fma(${at('q')}, ${chunk('k', d, at)}, products);`, deeper))
    writeSeen(kernel, shader, indent)
    shader.line('if (seen && score > largest) {', indent)
    shader.line('  let rescale = exp(largest - score);', indent)
    shader.line('  largest = score;', indent)
    shader.line('  total *= rescale;', indent)
    vectors.each(`${indent}  `, (_, at, deeper) => shader.line(`${at('sum')} *= rescale;`, deeper))
    shader.line('}', indent)
    shader.line('let p = select(0.0, exp(score - largest), seen);', indent)
    shader.line('total += p;', indent)
    vectors.each(indent, (d, at, deeper) => shader.line(`${at('sum')} = fma(vec4f(p), ${chunk('v', d, at)}, ${at('sum')});`, deeper))
  })
  // a row that saw no key has total 0 and gives zeros
  shader.line('let inverse = select(0.0, 1.0 / total, total > 0.0);')
  shader.storeOwn('sum', out, ' * inverse')
  shader.line('if (stores) {')
  vectors.storeScalar(lse, ['batch', 'ownHead', 'row'], 'select(0.0, largest + log(max(total, 1e-37)), total > 0.0)', '    ')
  shader.line('}')
  return shader.program('attention')
}
