// The ways to compute a kernel that a tuner may choose between, the seed table's choice first. Which kernels share a choice is kernel-class.ts.
import type { AttentionKernel, Kernel } from '../../../plan/kernel.js'
import { attentionBackwardPrograms } from '../kernels/attention-backward.js'
import { attentionLayout } from '../kernels/attention-seed.js'
import type { AttentionLayout } from '../kernels/attention-shader.js'
import { prefersSplit, splitGroup } from '../kernels/attention-split.js'
import { attentionProgram } from '../kernels/attention.js'
import type { GpuProgram } from '../kernels/gpu-program.js'
import { loopChoices, type LoopChoice } from '../kernels/loop-choice.js'
import { loopForm, loopProgram } from '../kernels/loop.js'
import { matmulCandidates } from '../kernels/matmul-candidates.js'
import { matmulForm } from '../kernels/matmul.js'
import type { GpuTraits } from '../traits.js'

export interface Candidate {
  readonly name: string
  /** In which order sums are added: candidates of one order give the same bits. */
  readonly order: string
  readonly programs: () => readonly GpuProgram[]
}

const one = (program: GpuProgram | null): readonly GpuProgram[] => (program === null ? [] : [program])

/** At most some sixteen; one or none where there is nothing to choose. */
export function candidatesOf(kernel: Kernel, traits: GpuTraits): Candidate[] {
  switch (kernel.kind) {
    case 'matmul': {
      const form = matmulForm(kernel)
      return form === null ? [] : matmulCandidates(form, traits).map(({ name, order, program }) => ({ name, order, programs: () => [program()] }))
    }
    case 'loop': {
      const form = loopForm(kernel)
      return form === null ? [] : loopChoices(form, traits).map(choice => ({ name: loopName(choice), order: `${choice.lanes} lanes`, programs: () => one(loopProgram(form, traits, choice)) }))
    }
    case 'attention':
      return forwardLayouts(kernel, traits).map(layout => ({ name: layoutName(layout), order: layout.staging === 'split' ? layoutName(layout) : ASCENDING, programs: () => one(attentionProgram(kernel, traits, layout)) }))
    case 'attentionBackward':
      return layouts(kernel.queries, traits).map(layout => ({ name: layoutName(layout), order: ASCENDING, programs: () => attentionBackwardPrograms(kernel, traits, layout) }))
    default:
      return []
  }
}

const loopName = ({ lanes, rowsPerGroup }: LoopChoice): string => (lanes === 1 ? `group ${rowsPerGroup}` : `${lanes} lanes x ${rowsPerGroup}`)

/** One invocation meets all rows of the other side, from the first on: however they come to it. */
const ASCENDING = 'ascending'
const layoutName = ({ staging, group }: AttentionLayout): string => `${staging} ${group}`

/** The one the forward kernel takes by itself first. */
function forwardLayouts(kernel: AttentionKernel, traits: GpuTraits): AttentionLayout[] {
  const group = splitGroup(kernel, traits)
  const split: AttentionLayout[] = group > 1 && kernel.queries <= 16 ? [{ group, staging: 'split' }] : []
  const others = layouts(kernel.queries, traits)
  return prefersSplit(kernel, traits) ? [...split, ...others] : [...others, ...split]
}

function layouts(length: number, traits: GpuTraits): AttentionLayout[] {
  // on software adapters a workgroup is a loop: larger ones only take longer to compile
  const groups = (traits.software ? [8, 16] : [8, 16, 32, 64]).filter(group => group <= traits.maxInvocations && group < 2 * length)
  const all: AttentionLayout[] = [
    attentionLayout(length, traits),
    ...groups.map(group => ({ group, staging: 'direct' as const })),
    ...groups.filter(group => group >= 16).map(group => ({ group, staging: 'tile' as const })),
    ...(traits.subgroupSize >= 4 ? [{ group: traits.subgroupSize, staging: 'shuffle' as const }] : []),
  ]
  return [...new Map(all.map(layout => [layoutName(layout), layout])).values()]
}
