// Whether tensors hold no NaN and no infinity, in the graph. By their bits: shaders may assume that there are no such numbers (WGSL, 15.7.2).
import type { Tensor } from '@abovo/tensor-webgpu'

const MAGNITUDE = 0x7fffffff
/** The bits of the least f32 that is too large: infinity; for halves 65504, the largest there is, to which a GPU may round what is larger. */
const TOO_LARGE = { f32: 0x7f800000, f16: 0x477fe000 }

/** bool (1,). As integers the magnitudes of floats are in order, infinity is above all of them, and NaN above that. */
function isFiniteEverywhere(x: Tensor): Tensor {
  const bits = x.flatten().to('f32').bitcast('i32').bitwiseAnd(MAGNITUDE)
  return bits.lt(x.dtype === 'f16' ? TOO_LARGE.f16 : TOO_LARGE.f32).all({ keepdim: true })
}

/** Are all elements of all tensors finite? bool (1,): an axis kept, so that what follows is computed in the reduction's kernel. */
export const allFinite = (tensors: readonly Tensor[]): Tensor => tensors.map(isFiniteEverywhere).reduce((all, next) => all.logicalAnd(next))
