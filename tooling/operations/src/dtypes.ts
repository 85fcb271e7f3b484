// Which element types each operation takes: a column of the table, by name. Where PyTorch takes fewer, the difference is said in docs/operations.md.
import type { Dtype } from '@abovo/tensor-webgpu'

export const any: readonly Dtype[] = ['f32', 'f16', 'i32', 'u32', 'bool']
export const numbers: readonly Dtype[] = ['f32', 'f16', 'i32', 'u32']
export const floats: readonly Dtype[] = ['f32', 'f16']
export const integers: readonly Dtype[] = ['i32', 'u32']
const integersAndBool: readonly Dtype[] = ['i32', 'u32', 'bool']

const groups: readonly (readonly [readonly Dtype[], string])[] = [
  [numbers, 'sub truncDivide remainder pow neg abs sign floor ceil trunc round square relu matmul tensordot conv1d scatterAdd einsum'],
  [floats, 'gelu silu softplus variance std norm softmax logSoftmax layerNorm rmsNorm crossEntropy nll mse bceWithLogits klDiv scaledDotProductAttention categorical dropout'],
  [integers, 'shiftLeft shiftRight oneHot'],
  [integersAndBool, 'bitwiseAnd bitwiseOr bitwiseXor'],
]

const byName = new Map(groups.flatMap(([dtypes, names]) => names.split(' ').map(name => [name, dtypes] as const)))

/** Everything that is not listed takes any element type. */
export const dtypesOf = (name: string): readonly Dtype[] => byName.get(name) ?? any
