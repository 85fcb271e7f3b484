// The corners of every family: empty tensors, scalars, broadcasting, operands that are views, sizes beyond one workgroup, NaN and infinity.
import { concat, crossEntropy, einsum, embedding, layerNorm, scaledDotProductAttention, stack, where, type Tensor } from '@abovo/tensor-webgpu'
import { between, bool, float, given, integer, positive, row, type OperationCase } from './operation-case.js'

const plain = { differentiable: false }
const sums = { tolerance: 2e-5 }
/** Values that PyTorch gives a meaning: what becomes of each is part of an operation's. */
const odd = given('f32', NaN, Infinity, -Infinity, -0, 0, 1.5, -2.5)
const oddUnary = (name: 'neg' | 'abs' | 'exp' | 'expm1' | 'log' | 'log1p' | 'sqrt' | 'rsqrt' | 'tanh' | 'sigmoid' | 'erf' | 'reciprocal' | 'square' | 'relu' | 'silu' | 'softplus' | 'gelu' | 'sign' | 'floor' | 'ceil' | 'trunc' | 'round' | 'isNan' | 'isFinite' | 'sin' | 'cos', torch: string): OperationCase =>
  row(name, torch, [odd], a => a[name](), plain)
const oddBinary = (name: 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'pow', torch: string): OperationCase =>
  row(name, `${torch.replace('B', 'b.reshape(7, 1)')}`, [odd, odd], (a, b) => a[name](b.reshape([7, 1])), plain)

const empty: readonly OperationCase[] = [
  row('add', 'a + b', [float(0, 3), float(3)], (a, b) => a.add(b)),
  row('exp', 'torch.exp(a)', [float(2, 0, 3)], a => a.exp()),
  row('sum', 'a.sum(1)', [float(3, 0, 2)], a => a.sum({ axis: 1 })),
  row('sum', 'a.sum()', [float(0)], a => a.sum()),
  row('prod', 'a.prod(0)', [float(0, 2)], a => a.prod({ axis: 0 })),
  row('mean', 'a.mean()', [float(0)], a => a.mean(), plain),
  row('any', 'a.any(0)', [bool(0, 2)], a => a.any({ axis: 0 }), plain),
  row('all', 'a.all(0)', [bool(0, 2)], a => a.all({ axis: 0 }), plain),
  row('max', 'a.amax(1)', [float(0, 3)], a => a.max({ axis: 1 })),
  row('argmax', 'a.argmax(1)', [float(0, 3)], a => a.argmax({ axis: 1 }), plain),
  row('cumsum', 'a.cumsum(0)', [float(0, 3)], a => a.cumsum(0)),
  row('softmax', 'a.softmax(-1)', [float(2, 0)], a => a.softmax(-1)),
  row('softmax', 'a.softmax(-1)', [float(0, 4)], a => a.softmax(-1)),
  row('sort', 'a.sort(1).values', [float(2, 0)], a => a.sort({ axis: 1 }).values),
  row('topk', 'a.topk(0).values', [float(2, 3)], a => a.topk(0).values),
  row('matmul', 'a @ b', [float(0, 3), float(3, 4)], (a, b) => a.matmul(b)),
  row('matmul', 'a @ b', [float(2, 0), float(0, 4)], (a, b) => a.matmul(b)),
  row('matmul', 'a @ b', [float(0, 2, 3), float(3, 4)], (a, b) => a.matmul(b)),
  row('einsum', 'torch.einsum("ij,jk->ik", a, b)', [float(2, 0), float(0, 3)], (a, b) => einsum('ij,jk->ik', a, b)),
  row('concat', 'torch.cat([a, b], 0)', [float(0, 3), float(2, 3)], (a, b) => concat([a, b], 0)),
  row('reshape', 'a.reshape(0, 6)', [float(2, 0, 3)], a => a.reshape([0, 6])),
  row('slice', 'a[3:1]', [float(4, 2)], a => a.slice([{ start: 3, end: 1 }])),
  row('pad', 'F.pad(a, (1, 1))', [float(2, 0)], a => a.pad([[0, 0], [1, 1]])),
  row('flip', 'a.flip(0)', [float(0, 2)], a => a.flip(0)),
  row('repeat', 'a.repeat(0, 2)', [float(2, 2)], a => a.repeat([0, 2])),
  row('embedding', 'F.embedding(b.long(), a)', [float(4, 3), integer(0, 4, 0)], (a, b) => embedding(b, a)),
  row('gather', 'a.gather(0, b.long())', [float(4, 3), integer(0, 4, 0, 3)], (a, b) => a.gather(0, b)),
  row('scatterAdd', 'a.scatter_add(0, c.long(), b)', [float(4, 3), float(0, 3), integer(0, 4, 0, 3)], (a, b, c) => a.scatterAdd(0, c, b)),
  row('layerNorm', 'F.layer_norm(a, (4,))', [float(0, 4)], a => layerNorm(a)),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a, b, c)', [float(1, 2, 0, 4), float(1, 2, 3, 4), float(1, 2, 3, 4)], (q, k, v) => scaledDotProductAttention(q, k, v)),
]

const scalars: readonly OperationCase[] = [
  row('mul', 'a * b', [float(), float()], (a, b) => a.mul(b)),
  row('tanh', 'torch.tanh(a)', [float()], a => a.tanh()),
  row('sum', 'a.sum()', [float()], a => a.sum()),
  row('max', 'a.max()', [float()], a => a.max()),
  row('softmax', 'a.softmax(0)', [float(1)], a => a.softmax(0)),
  row('reshape', 'a.reshape(1, 1)', [float()], a => a.reshape([1, 1])),
  row('flatten', 'a.flatten()', [float()], a => a.flatten()),
  row('stack', 'torch.stack([a, b])', [float(), float()], (a, b) => stack([a, b])),
  row('expand', 'a.expand(2, 3)', [float()], a => a.expand([2, 3])),
  row('squeeze', 'a.squeeze()', [float(1, 3, 1)], a => a.squeeze()),
  row('argmax', 'a.argmax()', [float(1)], a => a.argmax(), plain),
]

const views: readonly OperationCase[] = [
  row('add', 'a.T + b[::2].flip(0)', [float(4, 3), float(5, 4)], (a, b) => a.transpose().add(b.slice([{ step: -2 }]))),
  row('sum', 'a.permute(2, 0, 1).sum(1)', [float(3, 4, 5)], a => a.permute([2, 0, 1]).sum({ axis: 1 }), sums),
  row('matmul', 'a.T[1:, ::2][:, :3] @ b.expand(4, 3, 2)', [float(7, 4), float(1, 3, 2)], (a, b) => a.transpose().slice([{ start: 1 }, { step: 2 }]).narrow(1, 0, 3).matmul(b.expand([4, 3, 2])), sums),
  row('softmax', 'a.transpose(0, 2).softmax(1)', [float(3, 4, 5)], a => a.transpose(0, 2).softmax(1), sums),
  row('gather', 'a.T.gather(1, b.long().T)', [float(5, 3), integer(0, 5, 2, 3)], (a, b) => a.transpose().gather(1, b.transpose())),
  row('cumsum', 'a.T.cumsum(0)', [float(3, 5)], a => a.transpose().cumsum(0), sums),
  row('sort', 'a.T.sort(0).values', [float(3, 5)], a => a.transpose().sort({ axis: 0 }).values),
  row('layerNorm', 'F.layer_norm(a.T, (5,))', [float(5, 3)], a => layerNorm(a.transpose()), sums),
  row('scaledDotProductAttention', 'F.scaled_dot_product_attention(a.transpose(1, 2), b.transpose(1, 2), c.transpose(1, 2))', [float(2, 3, 2, 4), float(2, 5, 2, 4), float(2, 5, 2, 4)], (q, k, v) => scaledDotProductAttention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)), sums),
  row('pad', 'F.pad(a, (0, 0, 1, 0))[:1] + b', [float(2, 5), float(3, 5)], (a, b) => a.pad([[1, 0], [0, 0]]).narrow(0, 0, 1).add(b)),
  row('pad', 'F.pad(a, (2, 0, 1, 1))[:1] - b', [float(0, 3), float(4, 5)], (a, b) => a.pad([[1, 1], [2, 0]]).narrow(0, 0, 1).sub(b)),
  row('slice', '(torch.tanh(a) * torch.tanh(b)).sum() + a[::3, :, ::3].sum() + a.mean()', [float(2, 4, 1), float(5)], (a, b) => a.tanh().mul(b.tanh()).sum().add(a.slice([{ step: 3 }, null, { step: 3 }]).sum()).add(a.mean()), sums),
  row('where', 'torch.where(c.T, a, b[:, None])', [float(3, 5), float(3), bool(5, 3)], (a, b, c) => where(c.transpose(), a, b.unsqueeze(1))),
]

const sizes: readonly OperationCase[] = [
  row('add', 'a + b', [float(257), float(1)], (a, b) => a.add(b)),
  row('mul', '(a * b).sum()', [float(257, 1), float(1, 257)], (a, b) => a.mul(b).sum(), { tolerance: 1e-3 }),
  row('sum', 'a.sum(0)', [float(70001, 2)], a => a.sum({ axis: 0 }), { tolerance: 1e-3, smooth: false }),
  row('mean', 'a.mean()', [float(257, 259)], a => a.mean(), { tolerance: 1e-5, smooth: false }),
  row('max', 'a.amax()', [float(70001)], a => a.max(), { smooth: false }),
  row('argmin', 'a.argmin()', [float(257, 31)], a => a.argmin(), plain),
  row('softmax', 'a.softmax(-1)[:, ::97]', [float(2, 5003)], a => a.softmax(-1).slice([null, { step: 97 }]), { tolerance: 1e-5, smooth: false }),
  row('matmul', '(a @ b)[::29, ::31]', [float(129, 257), float(257, 131)], (a, b) => a.matmul(b).slice([{ step: 29 }, { step: 31 }]), { tolerance: 1e-4, smooth: false }),
  row('cumsum', 'a.cumsum(1)', [float(1, 257)], a => a.cumsum(1), { tolerance: 1e-4 }),
  row('layerNorm', 'F.layer_norm(a, (257,))', [float(3, 257)], a => layerNorm(a), { tolerance: 2e-5, smooth: false }),
  row('embedding', 'F.embedding(b.long(), a)', [float(257, 2), integer(0, 257, 33)], (a, b) => embedding(b, a)),
  row('crossEntropy', 'F.cross_entropy(a, b.long())', [between(-8, 8, 33, 257), integer(0, 257, 33)], (a, b) => crossEntropy(a, b), { tolerance: 1e-5, smooth: false }),
  row('argsort', 'a.argsort()', [float(257)], a => a.argsort(), plain),
]

const nonFinite: readonly OperationCase[] = [
  oddUnary('neg', '-a'), oddUnary('abs', 'torch.abs(a)'), oddUnary('exp', 'torch.exp(a)'), oddUnary('expm1', 'torch.expm1(a)'), oddUnary('log', 'torch.log(a)'), oddUnary('log1p', 'torch.log1p(a)'),
  oddUnary('sqrt', 'torch.sqrt(a)'), oddUnary('rsqrt', 'torch.rsqrt(a)'), oddUnary('tanh', 'torch.tanh(a)'), oddUnary('sigmoid', 'torch.sigmoid(a)'), oddUnary('erf', 'torch.erf(a)'),
  oddUnary('reciprocal', 'torch.reciprocal(a)'), oddUnary('square', 'torch.square(a)'), oddUnary('relu', 'torch.relu(a)'), oddUnary('softplus', 'F.softplus(a)'), row('sign', 'torch.sign(a)', [given('f32', Infinity, -Infinity, -0, 0, 2)], a => a.sign(), plain),
  oddUnary('floor', 'torch.floor(a)'), oddUnary('ceil', 'torch.ceil(a)'), oddUnary('trunc', 'torch.trunc(a)'), oddUnary('round', 'torch.round(a)'), oddUnary('isNan', 'torch.isnan(a)'),
  oddUnary('isFinite', 'torch.isfinite(a)'), oddUnary('sin', 'torch.sin(a)'), oddUnary('cos', 'torch.cos(a)'),
  oddBinary('add', 'a + B'), oddBinary('sub', 'a - B'), oddBinary('mul', 'a * B'), oddBinary('div', 'a / B'), oddBinary('maximum', 'torch.maximum(a, B)'), oddBinary('minimum', 'torch.minimum(a, B)'),
  oddBinary('eq', 'torch.eq(a, B)'), oddBinary('ne', 'torch.ne(a, B)'), oddBinary('lt', 'torch.lt(a, B)'), oddBinary('le', 'torch.le(a, B)'), oddBinary('gt', 'torch.gt(a, B)'), oddBinary('ge', 'torch.ge(a, B)'),
  row('clamp', 'torch.clamp(a, -1, 1)', [odd], a => a.clamp({ min: -1, max: 1 }), plain),
  row('sum', 'a.reshape(7, 1).sum(1)', [odd], a => a.reshape([7, 1]).sum({ axis: 1 }), plain),
  row('max', 'a.amax()', [odd], a => a.max(), plain),
  row('max', 'a[3:].amax()', [odd], a => a.slice([{ start: 3 }]).max(), plain),
  row('min', 'a.amin()', [odd], a => a.min(), plain),
  row('max', 'a.amax()', [given('f32', -Infinity, -Infinity)], a => a.max(), plain),
  row('logSumExp', 'a.logsumexp(0)', [given('f32', -Infinity, -Infinity)], a => a.logSumExp({ axis: 0 }), plain),
  row('logSumExp', 'a.logsumexp(0)', [given('f32', 1, Infinity)], a => a.logSumExp({ axis: 0 }), plain),
  row('softmax', 'a.softmax(0)', [given('f32', -Infinity, 0, 1)], a => a.softmax(0), plain),
  row('maskedFill', 'a.masked_fill(b, float("-inf")).softmax(-1)', [float(3, 5), given('bool', 0, 1, 0, 0, 1)], (a, b) => a.maskedFill(b, -Infinity).softmax(-1), { smooth: false, tolerance: 1e-5 }),
  row('where', 'torch.where(b, a, 0.0)', [odd, given('bool', 0, 0, 0, 1, 1, 1, 1)], (a, b) => where(b, a, 0), plain),
  row('gather', 'a[b.long()]', [odd, given('i32', 0, 1, 2, 5)], (a, b) => a.gather(0, b), plain),
  row('to', 'torch.isfinite(a).to(torch.int32)', [odd], a => a.isFinite().to('i32'), plain),
  row('to', 'a.bool()', [given('f32', 0, -0, 0.25, -3, NaN)], a => a.to('bool'), plain),
]

const ties: readonly OperationCase[] = [
  row('max', 'a.amax(0)', [given('f32', 1, 3, 3, 2)], a => a.max({ axis: 0 }), { smooth: false }),
  row('maximum', 'torch.maximum(a, b)', [given('f32', 1, 2, 3), given('f32', 1, 1, 4)], (a, b) => a.maximum(b), { smooth: false }),
  row('abs', 'torch.abs(a)', [given('f32', -1, 0, 2)], a => a.abs(), { smooth: false }),
  row('clamp', 'torch.clamp(a, -1, 1)', [given('f32', -2, -1, 0, 1, 2)], a => a.clamp({ min: -1, max: 1 }), { smooth: false }),
  row('prod', 'a.prod()', [given('f32', 2, 0, 3, 0)], a => a.prod(), { smooth: false }),
  row('norm', 'torch.linalg.vector_norm(a)', [given('f32', 0, 0)], a => a.norm(), { smooth: false }),
  row('argmax', 'a.argmax()', [given('f32', 1, 3, 3, 2)], a => a.argmax(), plain),
  row('argsort', 'a.sort(stable=True).indices', [given('f32', 2, 1, 2, 1)], a => a.argsort(), plain),
  row('cumprod', 'a.cumprod(0)', [given('f32', 2, 0, 3, 4)], a => a.cumprod(0), { smooth: false }),
  row('pow', 'torch.pow(a, b)', [given('f32', 0, 0, 0, 2), given('f32', 0, 1, 2, 0)], (a, b) => a.pow(b), { smooth: false }),
  row('sqrt', 'torch.sqrt(a)', [positive(3)], (a: Tensor) => a.pow(0.5)),
]

export const edges: readonly OperationCase[] = [...empty, ...scalars, ...views, ...sizes, ...nonFinite, ...ties]
