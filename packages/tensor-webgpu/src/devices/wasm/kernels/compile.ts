// Which generator writes the code of which kernel.
import { DtypeError } from '../../../errors.js'
import { present, type OptionalKernel } from '../../optional-kernels.js'
import { denseCopy, type Kernel } from '../../../plan/kernel.js'
import { compileAttention } from './attention.js'
import type { compileAttentionBackward } from './attention-backward.js'
import type { compileCategorical } from './categorical.js'
import type { CompiledKernel, KernelModule } from './kernel-module.js'
import { compileLoop } from './loop.js'
import { compileMatmul } from './matmul.js'
import { compileScatterAdd } from './scatter-add.js'

const optional: { attentionBackward: typeof compileAttentionBackward | null; categorical: typeof compileCategorical | null } = { attentionBackward: null, categorical: null }

export async function loadKernel(kind: OptionalKernel): Promise<void> {
  if (kind === 'categorical') optional.categorical = (await import('./categorical.js')).compileCategorical
  else optional.attentionBackward = (await import('./attention-backward.js')).compileAttentionBackward
}

export function compileKernel(module: KernelModule, kernel: Kernel): CompiledKernel {
  const half = kernel.bindings.find(binding => binding.dtype === 'f16')
  if (half !== undefined) throw new DtypeError('wasm: element types must be f32, i32, u32 or bool, got f16; cast to f32 on this device')
  // Run in TypeScript on the calling thread: executable.ts.
  if (kernel.kind === 'custom' || denseCopy(kernel) !== null) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  switch (kernel.kind) {
    case 'loop':
      return compileLoop(module, kernel)
    case 'matmul':
      return compileMatmul(module, kernel)
    case 'attention':
      return compileAttention(module, kernel)
    case 'attentionBackward':
      return present(optional.attentionBackward, 'wasm', kernel.kind)(module, kernel)
    case 'categorical':
      return present(optional.categorical, 'wasm', kernel.kind)(module, kernel)
    case 'scatterAdd':
      return compileScatterAdd(module, kernel)
  }
}
