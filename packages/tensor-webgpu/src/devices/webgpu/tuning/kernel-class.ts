// The class of kernels that share a tuning choice: equal in kind, layout and arithmetic, and in their sizes by powers of two.
import { sizeOf } from '../../../shape.js'
import type { Access, Kernel, LoopKernel } from '../../../plan/kernel.js'
import { loopForm } from '../kernels/loop.js'
import { matmulForm } from '../kernels/matmul.js'
import { accessesOf } from '../wgsl/body.js'

const bucket = (n: number): number => Math.ceil(Math.log2(Math.max(1, n)))
const dtypes = (kernel: Kernel): string => kernel.bindings.map(({ dtype }) => dtype).join()

/** Along which of its last two axes an operand is contiguous. */
const layoutOf = (access: Access): string => access.strides.slice(-2).map(stride => (stride === 1 ? '1' : stride === 0 ? '0' : 's')).join('')

/** FNV-1a: classes are compared, and kept in files, so they should be short. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16)
}

function loopClass(kernel: LoopKernel): string {
  const outer = kernel.shape.length - kernel.reduced
  const arithmetic = kernel.body.map(instruction => (instruction.fn === 'reduce' ? instruction.reduce : instruction.fn)).join()
  const layouts = accessesOf(kernel.body, kernel.results).map(layoutOf).join()
  return `loop m${bucket(sizeOf(kernel.shape.slice(0, outer)))} k${kernel.reduced === 0 ? '' : bucket(sizeOf(kernel.shape.slice(outer)))} ${fingerprint(`${arithmetic} ${layouts}`)} ${dtypes(kernel)}`
}

/** null for kernels that are computed in one way only. */
export function kernelClass(kernel: Kernel): string | null {
  if (kernel.kind === 'loop') {
    const form = loopForm(kernel)
    return form === null ? null : loopClass(form)
  }
  if (kernel.kind === 'matmul') {
    const form = matmulForm(kernel)
    if (form === null) return null
    const { batch, m, n, k, a, b, prologue, body, columnSums } = form
    const work = [prologue?.a, prologue?.b, body].map((instructions = []) => bucket(instructions.length)).join('+')
    return `matmul b${bucket(sizeOf(batch))} m${bucket(m)} n${bucket(n)} k${bucket(k)} ${layoutOf(a)}${layoutOf(b)} ${work}${columnSums === undefined ? '' : ' sums'} ${dtypes(form)}`
  }
  if (kernel.kind !== 'attention' && kernel.kind !== 'attentionBackward') return null
  const { batch, heads, queries, keys, headSize, causal, mask } = kernel
  return `${kernel.kind} b${bucket(batch * heads)} t${bucket(queries)} s${bucket(keys)} d${headSize}${causal ? ' causal' : ''}${mask === null ? '' : ' masked'} ${dtypes(kernel)}`
}
