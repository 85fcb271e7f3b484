// From a matmul kernel to its program: what was measured on request (tuning/) comes before the seed table.
import type { MatmulKernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import type { GpuProgram } from './gpu-program.js'
import { matmulCandidates } from './matmul-candidates.js'
import { simplifyMatmul } from './simplify-matmul.js'

/** The kernel in the form that shaders are written for, or null where the product has no elements. */
export function matmulForm(original: MatmulKernel): MatmulKernel | null {
  const kernel = simplifyMatmul(original)
  return kernel.m * kernel.n * kernel.batch.reduce((a, b) => a * b, 1) === 0 ? null : kernel
}

export function matmulProgram(original: MatmulKernel, traits: GpuTraits): GpuProgram | null {
  const kernel = matmulForm(original)
  return kernel === null ? null : matmulCandidates(kernel, traits)[0].program()
}
