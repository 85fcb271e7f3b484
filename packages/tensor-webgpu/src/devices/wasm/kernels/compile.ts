// Which generator writes the code of which kernel.
import { DtypeError } from '../../../errors.js'
import type { Kernel } from '../../../plan/kernel.js'
import type { CompiledKernel, KernelModule } from './kernel-module.js'
import { compileLoop } from './loop.js'
import { compileMatmul } from './matmul.js'

export function compileKernel(module: KernelModule, kernel: Kernel): CompiledKernel {
  const half = kernel.bindings.find(binding => binding.dtype === 'f16')
  if (half !== undefined) throw new DtypeError('wasm: element types must be f32, i32, u32 or bool, got f16; cast to f32 on this device')
  switch (kernel.kind) {
    case 'loop':
      return compileLoop(module, kernel)
    case 'matmul':
      return compileMatmul(module, kernel)
    default:
      throw new TypeError(`wasm: no code for ${kernel.kind}`)
  }
}
