// The steps that random programs are made of. Each takes value `at`, perhaps another, and keeps numbers within a range in which f32 can follow.
import { concat, einsum, layerNorm, stack, where, type Tensor } from '@abovo/tensor-webgpu'
import type { Draw, Step } from './draw.js'
import { indexSteps } from './random-index-step.js'

export type MakeStep = (draw: Draw, at: number) => Step | null

const isFloat = (x: Tensor): boolean => x.dtype === 'f32'
const safe = 'torch.tanh(X)'

/** X stands for the operand. */
const unary = (torch: string, fn: (x: Tensor) => Tensor): MakeStep => (_, at) => ({ torch: torch.replaceAll('X', `v${at}`), run: values => fn(values[at]) })

const pointwise: readonly MakeStep[] = [
  unary(`torch.exp(${safe})`, x => x.tanh().exp()), unary('torch.tanh(X)', x => x.tanh()), unary('torch.sigmoid(X)', x => x.sigmoid()), unary('torch.relu(X)', x => x.relu()),
  unary('F.gelu(X)', x => x.gelu()), unary('F.gelu(X, approximate="tanh")', x => x.gelu({ approximate: 'tanh' })), unary('F.silu(X)', x => x.silu()), unary('F.softplus(X)', x => x.softplus()),
  unary('torch.abs(X)', x => x.abs()), unary('-X', x => x.neg()), unary(`torch.square(${safe})`, x => x.tanh().square()), unary('torch.sqrt(torch.abs(X) + 0.1)', x => x.abs().add(0.1).sqrt()),
  unary('torch.log(torch.abs(X) + 0.5)', x => x.abs().add(0.5).log()), unary('torch.sin(X)', x => x.sin()), unary('torch.cos(X)', x => x.cos()), unary('torch.erf(X)', x => x.erf()),
  unary(`torch.expm1(${safe})`, x => x.tanh().expm1()), unary('torch.log1p(torch.abs(X))', x => x.abs().log1p()), unary('torch.rsqrt(torch.abs(X) + 0.5)', x => x.abs().add(0.5).rsqrt()),
  unary('torch.reciprocal(torch.abs(X) + 0.5)', x => x.abs().add(0.5).reciprocal()), unary('torch.clamp(X, -0.5, 0.75)', x => x.clamp({ min: -0.5, max: 0.75 })), unary('torch.clamp(X, max=0.25)', x => x.clamp({ max: 0.25 })),
  unary('X + 2.5', x => x.add(2.5)), unary('X * 0.5 - 1', x => x.mul(0.5).sub(1)), unary(`${safe} ** 3`, x => x.tanh().pow(3)), unary('(torch.abs(X) + 0.5) ** -1.5', x => x.abs().add(0.5).pow(-1.5)),
  unary('torch.floor(X * 3) / 3', x => x.mul(3).floor().div(3)), unary('torch.trunc(X * 2.3)', x => x.mul(2.3).trunc()), unary('torch.sign(X)', x => x.sign()), unary('X.detach() * X', x => x.stopGradient().mul(x)),
  unary('(X * 3).to(torch.int32)', x => x.mul(3).to('i32')), unary('X > 0.1', x => x.gt(0.1)),
]

const onIntegers: readonly MakeStep[] = [
  unary('X + 3', x => x.add(3)), unary('X % 5', x => x.remainder(5)), unary('torch.div(X, 3, rounding_mode="trunc")', x => x.truncDivide(3)), unary('(X & 7) ^ 2', x => x.bitwiseAnd(7).bitwiseXor(2)),
  unary('X << 2', x => x.shiftLeft(2)), unary('X >> 1', x => x.shiftRight(1)), unary('X % 7 * 0.5', x => x.remainder(7).mul(0.5)), unary('(X % 5) ** 2', x => x.remainder(5).pow(2)), unary('X.to(torch.float64) * 0.1', x => x.to('f32').mul(0.1)),
  unary('torch.sqrt((torch.abs(X) + 1).double())', x => x.abs().add(1).sqrt()), unary('X == 2', x => x.eq(2)), unary('-X', x => x.neg()), unary('X / 4', x => x.div(4)), unary('torch.abs(X).clamp(max=4)', x => x.abs().clamp({ max: 4 })),
]

const onBool: readonly MakeStep[] = [
  unary('torch.logical_not(X)', x => x.logicalNot()), unary('X.to(torch.float64)', x => x.to('f32')), unary('X * 2', x => x.mul(2)), unary('X + 1', x => x.add(1)), unary('X & X', x => x.bitwiseAnd(x)), unary('torch.where(X, 1.5, -0.5).double()', x => where(x, 1.5, -0.5)),
]

const broadcasts = (a: Tensor, b: Tensor): boolean => {
  for (let i = 1; i <= Math.min(a.rank, b.rank); i++) {
    const [m, n] = [a.shape[a.rank - i], b.shape[b.rank - i]]
    if (m !== n && m !== 1 && n !== 1) return false
  }
  return true
}

/** Another float value that broadcasts with this one. */
const partner = (draw: Draw, at: number): number | null => {
  const fits = draw.values.flatMap((value, i) => (isFloat(value) && broadcasts(value, draw.values[at]) ? [i] : []))
  return fits.length === 0 ? null : draw.pick(fits)
}

const binary = (torch: string, fn: (x: Tensor, y: Tensor) => Tensor): MakeStep => (draw, at) => {
  const other = partner(draw, at)
  return other === null ? null : { torch: torch.replaceAll('X', `v${at}`).replaceAll('Y', `v${other}`), run: values => fn(values[at], values[other]) }
}

const pairs: readonly MakeStep[] = [
  binary('X + Y', (x, y) => x.add(y)), binary('X - Y', (x, y) => x.sub(y)), binary(`torch.tanh(X) * torch.tanh(Y)`, (x, y) => x.tanh().mul(y.tanh())), binary('X / (torch.abs(Y) + 0.5)', (x, y) => x.div(y.abs().add(0.5))),
  binary('torch.maximum(X, Y)', (x, y) => x.maximum(y)), binary('torch.minimum(Y, X)', (x, y) => y.minimum(x)), binary('torch.where(X > Y, X, Y * 0.5)', (x, y) => where(x.gt(y), x, y.mul(0.5))),
  binary('(torch.abs(X) + 0.5) ** torch.tanh(Y)', (x, y) => x.abs().add(0.5).pow(y.tanh())), binary('X.masked_fill(X > 0.1234, -1.5) + Y', (x, y) => x.maskedFill(x.gt(0.1234), -1.5).add(y)), binary('X <= Y', (x, y) => x.le(y)),
  binary('torch.stack([X.expand_as(X + Y), (X + Y)], 0)', (x, y) => stack([x.expand(x.add(y).shape), x.add(y)], 0)),
]

const alongAxis = (torch: string, fn: (x: Tensor, axis: number, keepdim: boolean) => Tensor, allowsEmpty = true): MakeStep => (draw, at) => {
  const x = draw.values[at]
  if (x.rank === 0) return null
  const axis = draw.axis(x)
  const keepdim = draw.integer(0, 2) === 1
  if (!allowsEmpty && x.shape.at(axis) === 0) return null
  return { torch: torch.replaceAll('X', `v${at}`).replaceAll('D', String(axis)).replaceAll('K', keepdim ? 'True' : 'False'), run: values => fn(values[at], axis, keepdim) }
}

const alongAxes: readonly MakeStep[] = [
  alongAxis('X.sum(D, keepdim=K)', (x, axis, keepdim) => x.sum({ axis, keepdim })), alongAxis('X.mean(D, keepdim=K)', (x, axis, keepdim) => x.mean({ axis, keepdim }), false), alongAxis('X.amax(D, keepdim=K)', (x, axis, keepdim) => x.max({ axis, keepdim }), false),
  alongAxis('X.amin(D, keepdim=K)', (x, axis, keepdim) => x.min({ axis, keepdim }), false), alongAxis('torch.tanh(X).prod(D, keepdim=K)', (x, axis, keepdim) => x.tanh().prod({ axis, keepdim })), alongAxis('X.var(D, correction=0, keepdim=K)', (x, axis, keepdim) => x.variance({ axis, correction: 0, keepdim }), false),
  alongAxis('X.logsumexp(D, keepdim=K)', (x, axis, keepdim) => x.logSumExp({ axis, keepdim }), false), alongAxis('torch.linalg.vector_norm(X, dim=D, keepdim=K)', (x, axis, keepdim) => x.norm({ axis, keepdim }), false), alongAxis('X.softmax(D)', (x, axis) => x.softmax(axis)), alongAxis('X.log_softmax(D)', (x, axis) => x.logSoftmax(axis)),
  alongAxis('X.cumsum(D)', (x, axis) => x.cumsum(axis)), alongAxis('torch.tanh(X).cumprod(D)', (x, axis) => x.tanh().cumprod(axis)), alongAxis('X.argmax(D, keepdim=K)', (x, axis, keepdim) => x.argmax({ axis, keepdim }), false), alongAxis('X.std(D, correction=0, keepdim=K)', (x, axis, keepdim) => x.std({ axis, correction: 0, keepdim }), false),
  alongAxis('F.layer_norm(X.transpose(D, -1), (X.shape[D],))', (x, axis) => layerNorm(x.transpose(axis, -1)), false), unary('X.sum()', x => x.sum()), unary('X.sum(tuple(range(max(X.dim() - 1, 0)))) if X.dim() > 1 else X.sum()', x => (x.rank > 1 ? x.sum({ axis: x.shape.slice(1).map((_, i) => i) }) : x.sum())),
]

const products: readonly MakeStep[] = [
  unary('torch.tanh(X.reshape(-1, X.shape[-1])) @ torch.tanh(X.reshape(-1, X.shape[-1])).T if X.dim() and X.shape[-1] else X', x => (x.rank > 0 && x.shape[x.rank - 1] > 0 ? x.reshape([-1, x.shape[x.rank - 1]]).tanh().matmul(x.reshape([-1, x.shape[x.rank - 1]]).tanh().transpose()) : x)),
  unary('torch.einsum("...i,...j->...ij", torch.tanh(X), torch.sin(X)).sum(-2) if X.dim() == 1 else X', x => (x.rank === 1 ? einsum('i,j->ij', x.tanh(), x.sin()).sum({ axis: -2 }) : x)),
  unary('torch.einsum("ij,kj->ki", torch.tanh(X), torch.sin(X)) if X.dim() == 2 else X', x => (x.rank === 2 ? einsum('ij,kj->ki', x.tanh(), x.sin()) : x)),
  unary('torch.einsum("bij,bik->bjk", torch.tanh(X), torch.sin(X)) if X.dim() == 3 else X', x => (x.rank === 3 ? einsum('bij,bik->bjk', x.tanh(), x.sin()) : x)),
  unary('torch.tanh(X).transpose(-1, -2) @ torch.sin(X) if X.dim() > 1 else X', x => (x.rank > 1 ? x.tanh().transpose().matmul(x.sin()) : x)),
]

const joins: readonly MakeStep[] = [alongAxis('torch.cat([X, X * 2], D)', (x, axis) => concat([x, x.mul(2)], axis))]

/** What may be done to a value. */
export function stepsFor(x: Tensor): readonly MakeStep[] {
  const index = indexSteps(x)
  if (x.dtype === 'bool') return [...onBool, ...index]
  if (x.dtype !== 'f32') return [...onIntegers, ...index]
  return [...pointwise, ...pairs, ...pairs, ...alongAxes, ...alongAxes, ...products, ...joins, ...index, ...index]
}
