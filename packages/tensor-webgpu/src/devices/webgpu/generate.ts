// From a kernel to its GPU programs: which family writes it. Printing the shaders of a kernel starts here.
import type { Kernel } from '../../plan/kernel.js'
import { attentionProgram } from './kernels/attention.js'
import { attentionBackwardPrograms } from './kernels/attention-backward.js'
import { categoricalProgram } from './kernels/categorical.js'
import { customProgram } from './kernels/custom.js'
import type { GpuProgram } from './kernels/gpu-program.js'
import { loopProgram } from './kernels/loop.js'
import { matmulProgram } from './kernels/matmul.js'
import { scatterAddProgram } from './kernels/scatter-add.js'
import type { GpuTraits } from './traits.js'
import { candidatesOf } from './tuning/candidates.js'
import { Choices } from './tuning/choices.js'
import { kernelClass } from './tuning/kernel-class.js'

/** The dispatches that compute a kernel, in order. Empty where there is nothing to compute. `choices` go before the seed tables. */
export function generate(kernel: Kernel, traits: GpuTraits, choices: Choices = new Choices()): readonly GpuProgram[] {
  const chosen = chosenPrograms(kernel, traits, choices)
  if (chosen !== null) return chosen
  const one = (program: GpuProgram | null): readonly GpuProgram[] => (program === null ? [] : [program])
  if (kernel.kind === 'loop') return one(loopProgram(kernel, traits))
  if (kernel.kind === 'matmul') return one(matmulProgram(kernel, traits))
  if (kernel.kind === 'attention') return one(attentionProgram(kernel, traits))
  if (kernel.kind === 'attentionBackward') return attentionBackwardPrograms(kernel, traits)
  if (kernel.kind === 'categorical') return one(categoricalProgram(kernel, traits))
  if (kernel.kind === 'custom') return one(customProgram(kernel, traits))
  return one(scatterAddProgram(kernel, traits))
}

/** null where nothing was chosen for the kernel's class, or the choice does not fit this one of it. */
function chosenPrograms(kernel: Kernel, traits: GpuTraits, choices: Choices): readonly GpuProgram[] | null {
  if (choices.isEmpty) return null
  const own = kernelClass(kernel)
  const choice = own === null ? null : choices.of(own)
  if (choice === null) return null
  const candidates = candidatesOf(kernel, traits)
  const chosen = candidates.find(({ name }) => name === choice.name)
  // the class is wider than a candidate: what adds in the seed's order for one kernel of it may not for another
  return chosen === undefined || (choice.exact && chosen.order !== candidates[0].order) ? null : chosen.programs()
}

/** The WGSL of a kernel as this device would run it, one text per dispatch, each headed by its variant. */
export const printKernel = (kernel: Kernel, traits: GpuTraits, choices?: Choices): string =>
  generate(kernel, traits, choices).map(program => `// ${program.variant}, ${program.workgroups.join(' x ')} workgroups\n${program.wgsl}`).join('\n')
