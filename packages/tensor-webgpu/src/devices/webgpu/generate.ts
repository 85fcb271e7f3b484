// From a kernel to its GPU programs: which family writes it. Printing the shaders of a kernel starts here.
import type { Kernel } from '../../plan/kernel.js'
import { present, type OptionalKernel } from '../optional-kernels.js'
import { attentionProgram } from './kernels/attention.js'
import type { attentionBackwardPrograms } from './kernels/attention-backward.js'
import type { categoricalProgram } from './kernels/categorical.js'
import { customProgram } from './kernels/custom.js'
import type { GpuProgram } from './kernels/gpu-program.js'
import { loopProgram } from './kernels/loop.js'
import { matmulProgram } from './kernels/matmul.js'
import { scatterAddProgram } from './kernels/scatter-add.js'
import type { GpuTraits } from './traits.js'
import type { Chooser } from './tuning/tunables.js'

const optional: { attentionBackward: typeof attentionBackwardPrograms | null; categorical: typeof categoricalProgram | null } = { attentionBackward: null, categorical: null }

export async function loadKernel(kind: OptionalKernel): Promise<void> {
  if (kind === 'categorical') optional.categorical = (await import('./kernels/categorical.js')).categoricalProgram
  else optional.attentionBackward = (await import('./kernels/attention-backward.js')).attentionBackwardPrograms
}

/** The dispatches that compute a kernel, in order. Empty where there is nothing to compute. What the `chooser` has goes before the seed tables. */
export function generate(kernel: Kernel, traits: GpuTraits, chooser: Chooser | null = null): readonly GpuProgram[] {
  const chosen = chooser?.programsOf(kernel) ?? null
  if (chosen !== null) return chosen
  const one = (program: GpuProgram | null): readonly GpuProgram[] => (program === null ? [] : [program])
  if (kernel.kind === 'loop') return one(loopProgram(kernel, traits))
  if (kernel.kind === 'matmul') return one(matmulProgram(kernel, traits))
  if (kernel.kind === 'attention') return one(attentionProgram(kernel, traits))
  if (kernel.kind === 'attentionBackward') return present(optional.attentionBackward, 'webgpu', kernel.kind)(kernel, traits)
  if (kernel.kind === 'categorical') return one(present(optional.categorical, 'webgpu', kernel.kind)(kernel, traits))
  if (kernel.kind === 'custom') return one(customProgram(kernel, traits))
  return one(scatterAddProgram(kernel, traits))
}

/** The WGSL of a kernel as this device would run it, one text per dispatch, each headed by its variant. */
export const printKernel = (kernel: Kernel, traits: GpuTraits, chooser: Chooser | null = null): string =>
  generate(kernel, traits, chooser).map(program => `// ${program.variant}, ${program.workgroups.join(' x ')} workgroups\n${program.wgsl}`).join('\n')
