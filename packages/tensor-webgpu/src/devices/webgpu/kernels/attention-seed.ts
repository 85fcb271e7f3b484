// The seed table of attention: how rows come to the invocations that walk them, by adapter, before anything was measured on it.
import type { GpuFamily, GpuTraits } from '../traits.js'
import type { AttentionLayout } from './attention-shader.js'

/** The largest workgroup, and how it gets its rows once it has 16 invocations; below that each reads for itself. */
const seeds: Readonly<Record<Exclude<GpuFamily, 'llvmpipe' | 'swiftshader'>, AttentionLayout>> = {
  // Workgroup memory is also what ONNX Runtime takes on both (PR 28520): its subgroup path gave wrong sums at a size of 32 there.
  apple: { group: 64, staging: 'tile' },
  nvidia: { group: 64, staging: 'tile' },
  // one or two waves; a wave of 64 passes barriers for nothing
  amd: { group: 64, staging: 'tile' },
  // subgroups of 8 to 32, and few registers for a head's vectors: smaller workgroups leave more of them in flight
  intel: { group: 32, staging: 'tile' },
  // mobile GPUs keep workgroup memory in main memory, and have caches for rows that all invocations read
  adreno: { group: 64, staging: 'direct' },
  default: { group: 64, staging: 'tile' },
}

/** The seed table's layout for `length` rows of each head. */
export function attentionLayout(length: number, traits: GpuTraits): AttentionLayout {
  const { family, software, subgroupSize } = traits
  // llvmpipe, SwiftShader and their like: a workgroup is one subgroup of whatever size, and shuffles cost a fifth of what barriers do
  if (software || family === 'llvmpipe' || family === 'swiftshader')
    return subgroupSize >= 4 ? { group: subgroupSize, staging: 'shuffle' } : { group: Math.min(8, powerOfTwoFrom(length)), staging: 'direct' }
  const { group: most, staging } = seeds[family]
  const group = Math.min(most, powerOfTwoFrom(length))
  return { group, staging: group < 16 ? 'direct' : staging }
}

const powerOfTwoFrom = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)))
