// From a kernel to its GPU programs: which family writes it. Printing the shaders of a kernel starts here.
import type { Kernel } from '../../plan/kernel.js'
import { attentionProgram } from './kernels/attention.js'
import { attentionBackwardPrograms } from './kernels/attention-backward.js'
import { customProgram } from './kernels/custom.js'
import type { GpuProgram } from './kernels/gpu-program.js'
import { loopProgram } from './kernels/loop.js'
import { matmulProgram } from './kernels/matmul.js'
import { scatterAddProgram } from './kernels/scatter-add.js'
import type { GpuTraits } from './traits.js'

/** The dispatches that compute a kernel, in order. Empty where there is nothing to compute. */
export function generate(kernel: Kernel, traits: GpuTraits): readonly GpuProgram[] {
  const one = (program: GpuProgram | null): readonly GpuProgram[] => (program === null ? [] : [program])
  if (kernel.kind === 'loop') return one(loopProgram(kernel, traits))
  if (kernel.kind === 'matmul') return one(matmulProgram(kernel, traits))
  if (kernel.kind === 'attention') return one(attentionProgram(kernel, traits))
  if (kernel.kind === 'attentionBackward') return attentionBackwardPrograms(kernel, traits)
  if (kernel.kind === 'custom') return one(customProgram(kernel, traits))
  return one(scatterAddProgram(kernel, traits))
}

/** The WGSL of a kernel as this device would run it, one text per dispatch, each headed by its variant. */
export const printKernel = (kernel: Kernel, traits: GpuTraits): string =>
  generate(kernel, traits).map(program => `// ${program.variant}, ${program.workgroups.join(' x ')} workgroups\n${program.wgsl}`).join('\n')
