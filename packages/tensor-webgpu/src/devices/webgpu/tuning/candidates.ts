// The ways to compute a kernel that a tuner may choose between, and the class of kernels that share a choice: sizes count by powers of two.
import type { Access, AttentionKernel, Kernel } from '../../../plan/kernel.js'
import { attentionBackwardPrograms } from '../kernels/attention-backward.js'
import { attentionProgram } from '../kernels/attention.js'
import { attentionLayout, type AttentionLayout } from '../kernels/attention-shader.js'
import { prefersSplit, splitGroup } from '../kernels/attention-split.js'
import type { GpuProgram } from '../kernels/gpu-program.js'
import { matmulCandidates } from '../kernels/matmul-candidates.js'
import { matmulForm } from '../kernels/matmul.js'
import type { GpuTraits } from '../traits.js'

export interface Candidate {
  readonly name: string
  readonly programs: () => readonly GpuProgram[]
}

const bucket = (n: number): number => Math.ceil(Math.log2(Math.max(1, n)))
const dtypes = (kernel: Kernel): string => kernel.bindings.map(({ dtype }) => dtype).join()
/** Along which of its last two axes an operand is contiguous. */
const layout = (access: Access): string => access.strides.slice(-2).map(stride => (stride === 1 ? '1' : stride === 0 ? '0' : 's')).join('')

/** null for kernels that are computed in one way only. */
export function kernelClass(kernel: Kernel): string | null {
  if (kernel.kind === 'matmul') {
    const form = matmulForm(kernel)
    if (form === null) return null
    const batch = form.batch.reduce((a, b) => a * b, 1)
    return `matmul b${bucket(batch)} m${bucket(form.m)} n${bucket(form.n)} k${bucket(form.k)} ${layout(form.a)}${layout(form.b)} +${bucket(form.body.length)}${form.columnSums === undefined ? '' : ' sums'} ${dtypes(form)}`
  }
  if (kernel.kind !== 'attention' && kernel.kind !== 'attentionBackward') return null
  const { batch, heads, queries, keys, headSize, causal, mask } = kernel
  return `${kernel.kind} b${bucket(batch * heads)} t${bucket(queries)} s${bucket(keys)} d${headSize}${causal ? ' causal' : ''}${mask === null ? '' : ' masked'} ${dtypes(kernel)}`
}

/** Candidates, the seed table's choice first. */
export function candidatesOf(kernel: Kernel, traits: GpuTraits): Candidate[] {
  if (kernel.kind === 'matmul') {
    const form = matmulForm(kernel)
    return form === null ? [] : matmulCandidates(form, traits).map(({ name, program }) => ({ name, programs: () => [program()] }))
  }
  if (kernel.kind === 'attention')
    return forwardLayouts(kernel, traits).map(({ name, layout: forced }) => {
      const program = attentionProgram(kernel, traits, forced)
      return { name, programs: () => (program === null ? [] : [program]) }
    })
  if (kernel.kind === 'attentionBackward')
    return layouts(kernel.queries, traits).map(({ name, layout: forced }) => ({ name, programs: () => attentionBackwardPrograms(kernel, traits, forced) }))
  return []
}

/** The one the forward kernel takes by itself first. */
function forwardLayouts(kernel: AttentionKernel, traits: GpuTraits): { name: string; layout: AttentionLayout }[] {
  const group = splitGroup(kernel, traits)
  const split = group > 1 && kernel.queries <= 16 ? [{ name: `split ${group}`, layout: { group, staging: 'split' as const } }] : []
  const others = layouts(kernel.queries, traits)
  return prefersSplit(kernel, traits) ? [...split, ...others] : [...others, ...split]
}

function layouts(length: number, traits: GpuTraits): { name: string; layout: AttentionLayout }[] {
  const seed = attentionLayout(length, traits)
  const groups = [8, 16, 32, 64].filter(group => group <= traits.maxInvocations && group < 2 * length)
  const all: AttentionLayout[] = [
    seed,
    ...groups.map(group => ({ group, staging: 'direct' as const })),
    ...groups.filter(group => group >= 16).map(group => ({ group, staging: 'tile' as const })),
    ...(traits.subgroupSize >= 4 ? [{ group: traits.subgroupSize, staging: 'shuffle' as const }] : []),
  ]
  const named = new Map(all.map(one => [`${one.staging} ${one.group}`, one]))
  return [...named].map(([name, one]) => ({ name, layout: one }))
}
