// What the forward kernels of attention share: how a query's row begins, and the score of a query and a key and whether the two may meet.
import type { AttentionKernel } from '../../../plan/kernel.js'
import type { AttentionShader } from './attention-shader.js'

/** Below every score that can occur and finite: WGSL compilers may assume that there is no infinity. */
export const HIDDEN = '-1e30f'

/** The query, which keys it may see, and a softmax that has met none of them: `q`, `kvHead`, `visible`; `sum`, `largest`, `total`. */
export function writeStart({ heads, kvHeads, q, lengths, scale }: AttentionKernel, shader: AttentionShader): void {
  if (lengths !== null) shader.loadLength(lengths)
  shader.line(kvHeads === heads ? 'let kvHead = ownHead;' : `let kvHead = ownHead * ${kvHeads}u / ${heads}u;`)
  shader.loadOwn('q', q, scale)
  shader.vectors.declare('sum', '  ')
  shader.line(`var largest = ${HIDDEN};`)
  shader.line('var total = 0.0;')
  shader.line(`let visible = ${shader.visibleKeys('row')};`)
}

/** `score`, with the mask's number added, and whether the query sees the key. */
export function writeSeen({ mask }: AttentionKernel, shader: AttentionShader, indent: string): void {
  const score = 'dot(products, vec4f(1.0))'
  if (mask === null) {
    shader.line(`let score = ${score};`, indent)
    return shader.line('let seen = key < visible;', indent)
  }
  const { text, isBool } = shader.vectors.scalar(mask, ['batch', 'ownHead', 'row', 'key'])
  if (!isBool) shader.line(`let added = ${text};`, indent)
  shader.line(`let score = ${score}${isBool ? '' : ' + added'};`, indent)
  shader.line(`let seen = key < visible && ${isBool ? text : `added > ${HIDDEN}`};`, indent)
}
