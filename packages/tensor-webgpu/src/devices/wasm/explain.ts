// A step of a plan in one line for people: what it computes, over what sizes, and how it is divided among threads.
import type { Kernel } from '../../plan/kernel.js'
import type { Step } from '../../plan/plan.js'
import type { LoadedKernel } from './kernel-cache.js'

function describeKernel(kernel: Kernel): string {
  switch (kernel.kind) {
    case 'loop': {
      const outer = kernel.shape.length - kernel.reduced
      const reduced = kernel.reduced > 0 ? ` reduce (${kernel.shape.slice(outer).join(', ')})` : ''
      return `loop (${kernel.shape.slice(0, outer).join(', ')})${reduced}, ${kernel.body.length} instructions`
    }
    case 'matmul':
      return `matmul ${kernel.batch.length > 0 ? `(${kernel.batch.join(', ')}) × ` : ''}${kernel.m}×${kernel.k}×${kernel.n}, ${kernel.body.length} instructions after`
    case 'scatterAdd':
      return `scatterAdd ${kernel.outer}×${kernel.count}×${kernel.inner} into ${kernel.size}`
    case 'custom':
      return `custom operation on (${kernel.out.shape.join(', ')}), in TypeScript`
    default:
      return `${kernel.kind} B${kernel.batch} H${kernel.heads} T${kernel.queries} S${kernel.keys} D${kernel.headSize}${kernel.causal ? ' causal' : ''}`
  }
}

export function describeStep(step: Step, { phases }: LoadedKernel): string {
  const chunks = phases.map(({ units, chunk }) => Math.ceil(units / chunk)).join(' + ')
  return `${step.label}: ${describeKernel(step.kernel)}; ${chunks || 'no'} chunks`
}
