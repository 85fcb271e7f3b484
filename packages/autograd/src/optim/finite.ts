// Whether tensors hold no NaN and no infinity, in the graph. By their bits: shaders may assume that there are no such numbers (WGSL, 15.7.2).
import type { Tensor } from '@abovo/tensor-webgpu'

const EXPONENT = 0x7f800000

/** bool scalar. An f32 is NaN or infinite when all bits of its exponent are set. */
function isFiniteEverywhere(x: Tensor): Tensor {
  return x.to('f32').bitcast('i32').bitwiseAnd(EXPONENT).ne(EXPONENT).all()
}

/** Are all elements of all tensors finite? A bool scalar. */
export const allFinite = (tensors: readonly Tensor[]): Tensor => tensors.map(isFiniteEverywhere).reduce((all, next) => all.logicalAnd(next))
