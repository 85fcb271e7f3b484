// Sample inputs for every differentiable operation, away from kinks: the table that gradcheck and gradgradcheck run over.
import { bceWithLogits, concat, crossEntropy, dropout, einsum, embedding, klDiv, layerNorm, mse, nll, RandomStream, rmsNorm, scaledDotProductAttention, stack, tensor, Tensor, where, type Device } from '@abovo/tensor-webgpu'
import { build, type ScalarFunction } from '@abovo/tensor-webgpu/graph'

export interface Case {
  readonly name: string
  readonly fn: (...inputs: Tensor[]) => unknown
  readonly inputs: readonly Sample[]
}
/** A shape filled with random numbers from a range, or integers as they are. */
export type Sample = { shape: number[]; low?: number; high?: number } | Int32Array

export function samplesOf({ inputs }: Case, device: Device): Tensor[] {
  const random = new RandomStream(7)
  return inputs.map(sample => {
    if (sample instanceof Int32Array) return tensor(sample, { device })
    const { shape, low = -2, high = 2 } = sample
    const size = shape.reduce((product, n) => product * n, 1)
    return tensor(Float64Array.from({ length: size }, () => low + (high - low) * random.uniform()), { shape, device })
  })
}

const any = (...shape: number[]): Sample => ({ shape })
const positive = (...shape: number[]): Sample => ({ shape, low: 0.3, high: 2 })
const small = (...shape: number[]): Sample => ({ shape, low: -0.45, high: -0.05 })
const scalar = (fn: ScalarFunction) => (...inputs: Tensor[]): Tensor => new Tensor(build.elementwise(fn, ...inputs.map(input => input.node)))
const elementwise = (fn: ScalarFunction, ...inputs: Sample[]): Case => ({ name: fn, fn: scalar(fn), inputs })

export const elementwiseCases: readonly Case[] = [
  elementwise('neg', any(3)), elementwise('abs', any(5)), elementwise('sign', any(3)),
  elementwise('floor', small(3)), elementwise('ceil', small(3)), elementwise('trunc', small(3)), elementwise('round', small(3)),
  elementwise('exp', any(3)), elementwise('expm1', any(3)), elementwise('log', positive(3)), elementwise('log1p', positive(3)),
  elementwise('sqrt', positive(3)), elementwise('rsqrt', positive(3)), elementwise('sin', any(3)), elementwise('cos', any(3)),
  elementwise('tanh', any(3)), elementwise('sigmoid', any(3)), elementwise('erf', any(3)),
  elementwise('gelu', any(5)), elementwise('geluDerivative', any(5)), elementwise('geluTanh', any(5)), elementwise('geluTanhDerivative', any(5)),
  elementwise('add', any(2, 2), any(2, 2)), elementwise('sub', any(3), any(3)), elementwise('mul', any(3), any(3)), elementwise('div', any(3), positive(3)),
  elementwise('mod', positive(4), { shape: [4], low: 2.1, high: 3 }), elementwise('pow', positive(4), any(4)),
  elementwise('max', any(5), any(5)), elementwise('min', any(5), any(5)),
]

export const primitiveCases: readonly Case[] = [
  { name: 'where', fn: (a, b) => where(a.gt(b), a.mul(2), b.mul(3)), inputs: [any(5), any(5)] },
  { name: 'reshape', fn: x => x.reshape([3, 2]).square(), inputs: [any(2, 3)] },
  { name: 'permute', fn: x => x.permute([2, 0, 1]).square(), inputs: [any(2, 3, 2)] },
  { name: 'expand', fn: x => x.expand([2, 3, 2]).square(), inputs: [any(3, 1)] },
  { name: 'slice', fn: x => x.slice([{ start: 1 }, 0]).square(), inputs: [any(3, 2)] },
  { name: 'slice with steps', fn: x => x.slice([{ step: 2 }, { start: 1, step: 3 }]).square(), inputs: [any(4, 6)] },
  { name: 'slice backwards', fn: x => x.slice([{ step: -1 }, { start: 5, end: 0, step: -2 }]).square(), inputs: [any(2, 6)] },
  { name: 'pad', fn: x => x.pad([[1, 0], [0, 2]]).square(), inputs: [any(2, 2)] },
  { name: 'pad with a value', fn: x => x.pad([[1, 2]], { value: 3 }).square(), inputs: [any(2)] },
  { name: 'concat', fn: (a, b) => concat([a, b, a], 1).square(), inputs: [any(2, 1), any(2, 2)] },
  { name: 'stack and split', fn: (a, b) => stack([a, b]).split(1, 1).map((part, i) => part.mul(i + 1).exp()), inputs: [any(3), any(3)] },
  { name: 'sum', fn: x => x.sum({ axis: [0, 2] }).square(), inputs: [any(2, 2, 3)] },
  { name: 'prod', fn: x => x.prod({ axis: 1 }), inputs: [any(2, 4)] },
  { name: 'prod over two axes', fn: x => x.prod({ axis: [0, 2], keepdim: true }), inputs: [any(2, 2, 3)] },
  { name: 'prod with zeros', fn: x => x.mul(tensor([[1, 0, 1], [0, 1, 0]], { device: x.device })).prod({ axis: 1 }), inputs: [any(2, 3)] },
  { name: 'max', fn: x => x.max({ axis: 0 }).square(), inputs: [any(3, 4)] },
  { name: 'min', fn: x => x.min().exp(), inputs: [any(3, 2)] },
  { name: 'matmul', fn: (a, b) => a.matmul(b), inputs: [any(3, 4), any(4, 2)] },
  { name: 'matmul with a shared weight', fn: (a, b) => a.matmul(b), inputs: [any(2, 2, 3), any(3, 2)] },
  { name: 'matmul in batches', fn: (a, b) => a.matmul(b), inputs: [any(2, 2, 3), any(2, 3, 2)] },
  { name: 'matmul with broadcast batches', fn: (a, b) => a.matmul(b), inputs: [any(2, 1, 2, 2), any(2, 2, 2)] },
  { name: 'matmul of vectors', fn: (a, b) => a.matmul(b), inputs: [any(3), any(3)] },
  { name: 'matmul of a matrix and a vector', fn: (a, b) => a.matmul(b), inputs: [any(2, 3), any(3)] },
  { name: 'gather', fn: (x, i) => x.gather(1, i.reshape([2, 3])).square(), inputs: [any(2, 4), Int32Array.of(0, 3, 3, 1, 1, 2)] },
  { name: 'scatterAdd', fn: (x, i, v) => x.scatterAdd(0, i.reshape([3, 1]).expand([3, 2]), v).square(), inputs: [any(2, 2), Int32Array.of(1, 0, 1), any(3, 2)] },
  { name: 'sliceScatter', fn: (x, v, at) => x.sliceScatter(1, at, v).square(), inputs: [any(2, 5), any(2, 2), Int32Array.of(2)] },
  { name: 'sliceScatter, clamped', fn: (x, v, at) => x.sliceScatter(0, at, v).square(), inputs: [any(3, 2), any(2, 2), Int32Array.of(7)] },
  { name: 'embedding', fn: (i, table) => embedding(i, table).square(), inputs: [Int32Array.of(2, 0, 2, 1), any(3, 2)] },
  { name: 'attention', fn: (q, k, v) => scaledDotProductAttention(q, k, v), inputs: [any(1, 2, 2, 3), any(1, 2, 3, 3), any(1, 2, 3, 3)] },
  { name: 'attention, causal', fn: (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true }), inputs: [any(2, 1, 3, 2), any(2, 1, 3, 2), any(2, 1, 3, 2)] },
  { name: 'attention, grouped and causal', fn: (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true, scale: 0.4 }), inputs: [any(1, 4, 2, 2), any(1, 2, 3, 2), any(1, 2, 3, 2)] },
  { name: 'attention with a mask whose last row hides all', fn: (q, k, v) => scaledDotProductAttention(q, k, v, { mask: tensor([[1, 0, 1], [0, 0, 0]], { device: q.device, dtype: 'bool' }) }), inputs: [any(1, 1, 2, 2), any(1, 1, 3, 2), any(1, 1, 3, 2)] },
  { name: 'attention with an additive mask', fn: (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask, causal: true }), inputs: [any(1, 2, 3, 2), any(1, 2, 3, 2), any(1, 2, 3, 2), any(1, 3, 3)] },
  { name: 'attention of one tensor with itself', fn: x => scaledDotProductAttention(x, x, x), inputs: [any(1, 1, 3, 2)] },
  { name: 'attention and its lse', fn: (q, k, v) => build.attention({ q: q.node, k: k.node, v: v.node, mask: null, lengths: null }, { causal: false, scale: 0.7 }).map(node => new Tensor(node)), inputs: [any(1, 1, 2, 2), any(1, 1, 2, 2), any(1, 1, 2, 2)] },
  { name: 'attention over some of the keys', fn: (q, k, v, lengths) => scaledDotProductAttention(q, k, v, { causal: true, keyLengths: lengths }), inputs: [any(2, 2, 2, 3), any(2, 1, 5, 3), any(2, 1, 5, 3), Int32Array.of(3, 5)] },
  { name: 'attention over some of the keys with an additive mask', fn: (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask, keyLengths: tensor(3, { dtype: 'i32', device: q.device }) }), inputs: [any(1, 2, 2, 3), any(1, 2, 5, 3), any(1, 2, 5, 3), any(1, 2, 2, 5)] },
  { name: 'lse alone', fn: (q, k, v) => new Tensor(build.attention({ q: q.node, k: k.node, v: v.node, mask: null, lengths: null }, { causal: false, scale: 0.7 })[1]), inputs: [any(1, 1, 2, 2), any(1, 1, 2, 2), any(1, 1, 2, 2)] },
]

export const compositeCases: readonly Case[] = [
  { name: 'pow with a fixed exponent', fn: x => [x.pow(3), x.pow(2), x.pow(-1.5), x.pow(0.5), x.pow(0)], inputs: [positive(3)] },
  { name: 'clamp', fn: x => x.clamp({ min: -1, max: 1 }).mul(x), inputs: [any(6)] },
  { name: 'relu', fn: x => x.relu().mul(x), inputs: [any(5)] },
  { name: 'silu', fn: x => x.silu(), inputs: [any(4)] },
  { name: 'softplus', fn: x => x.softplus(), inputs: [any(4)] },
  { name: 'gelu', fn: x => [x.gelu(), x.gelu({ approximate: 'tanh' })], inputs: [any(4)] },
  { name: 'mean', fn: x => x.mean({ axis: 1 }).square(), inputs: [any(2, 3)] },
  { name: 'variance and std', fn: x => [x.variance({ axis: 1 }), x.std()], inputs: [any(2, 3)] },
  { name: 'norm', fn: x => [x.norm(), x.norm({ p: 1, axis: 0 }), x.norm({ p: 3 }), x.norm({ p: Infinity })], inputs: [any(2, 3)] },
  { name: 'logSumExp', fn: x => x.logSumExp({ axis: 1 }), inputs: [any(2, 3)] },
  { name: 'softmax', fn: x => x.softmax(-1), inputs: [any(2, 3)] },
  { name: 'logSoftmax', fn: x => x.logSoftmax(0), inputs: [any(3, 2)] },
  { name: 'cumsum', fn: x => x.cumsum(1).square(), inputs: [any(2, 5)] },
  { name: 'roll, flip, repeat', fn: x => x.roll(1, 1).flip(0).repeat([2, 1]).square(), inputs: [any(2, 3)] },
  { name: 'tril, triu, diagonal', fn: x => [x.tril().square(), x.triu(1).square(), x.diagonal().square()], inputs: [any(3, 3)] },
  { name: 'maskedFill', fn: x => x.maskedFill(x.gt(0), 2).square(), inputs: [any(5)] },
  { name: 'einsum', fn: (a, b, c) => einsum('bij,bjk,k->bi', a, b, c), inputs: [any(2, 2, 3), any(2, 3, 2), any(2)] },
  { name: 'einsum of a diagonal', fn: a => einsum('ii->i', a).square(), inputs: [any(3, 3)] },
  { name: 'layerNorm', fn: (x, weight, bias) => layerNorm(x, { weight, bias }), inputs: [any(2, 4), any(4), any(4)] },
  { name: 'rmsNorm', fn: (x, weight) => rmsNorm(x, { weight }), inputs: [any(2, 4), any(4)] },
  { name: 'crossEntropy', fn: (x, t) => crossEntropy(x, t), inputs: [any(3, 4), Int32Array.of(0, 3, 1)] },
  { name: 'crossEntropy, smoothed, one row ignored', fn: (x, t) => crossEntropy(x, t, { labelSmoothing: 0.1 }), inputs: [any(3, 4), Int32Array.of(0, -100, 1)] },
  { name: 'nll', fn: (x, t) => nll(x.logSoftmax(-1), t, { reduction: 'sum' }), inputs: [any(2, 3), Int32Array.of(2, 1)] },
  { name: 'mse', fn: (a, b) => mse(a, b), inputs: [any(2, 2), any(2, 2)] },
  { name: 'bceWithLogits', fn: (x, t) => bceWithLogits(x, t), inputs: [any(4), { shape: [4], low: 0, high: 1 }] },
  { name: 'klDiv', fn: (x, t) => klDiv(x.logSoftmax(-1), t, { reduction: 'batchMean' }), inputs: [any(2, 3), positive(2, 3)] },
  { name: 'dropout', fn: x => dropout(x, { p: 0.4, seed: 3 }).square(), inputs: [any(8)] },
  { name: 'outer, take, indexSelect', fn: (x, i) => [x.outer(x), x.take(i).square(), x.reshape([2, 2]).indexSelect(0, i.narrow(0, 0, 2)).square()], inputs: [any(4), Int32Array.of(1, 0, 1)] },
]
