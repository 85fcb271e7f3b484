// Tensors from nothing. The one input only says on which device. Random numbers are our own (threefry): PyTorch answers for their shape alone,
// and all devices must give the same bits.
import { arange, bernoulli, dropout, eye, full, linspace, multinomial, ones, onesLike, permutation, rand, randint, randn, tensor, tri, zeros, zerosLike } from '@abovo/tensor-webgpu'
import { between, float, positive, row, type OperationCase } from './operation-case.js'

const plain = { differentiable: false }
const exact = { differentiable: false, random: true, tolerance: 0 }
const here = [float(1)]

export const creation: readonly OperationCase[] = [
  row('tensor', 'torch.tensor([[1., 2., 3.], [4., 5., 6.]])', here, ({ device }) => tensor([[1, 2, 3], [4, 5, 6]], { device }), plain),
  row('tensor', 'torch.tensor([[], []])', here, ({ device }) => tensor([[], []], { device }), plain),
  row('zeros', 'torch.zeros(2, 3)', here, ({ device }) => zeros([2, 3], { device }), plain),
  row('zeros', 'torch.zeros(())', here, ({ device }) => zeros([], { device }), plain),
  row('ones', 'torch.ones(3, 0, 2)', here, ({ device }) => ones([3, 0, 2], { device }), plain),
  row('ones', 'torch.ones(5, dtype=torch.int32)', here, ({ device }) => ones([5], { device, dtype: 'i32' }), plain),
  row('full', 'torch.full((2, 3), -1.25)', here, ({ device }) => full([2, 3], -1.25, { device }), plain),
  row('full', 'torch.full((2,), float("inf"))', here, ({ device }) => full([2], Infinity, { device }), plain),
  row('zerosLike', 'torch.zeros_like(a)', [float(3, 2)], a => zerosLike(a), plain),
  row('onesLike', 'torch.ones_like(a)', [float(3, 2)], a => onesLike(a), plain),
  row('arange', 'torch.arange(7)', here, ({ device }) => arange(7, undefined, 1, { device }), plain),
  row('arange', 'torch.arange(5, -6, -2)', here, ({ device }) => arange(5, -6, -2, { device }), plain),
  row('arange', 'torch.arange(1, 3.2, 0.25, dtype=torch.float64)', here, ({ device }) => arange(1, 3.2, 0.25, { device }), plain),
  row('linspace', 'torch.linspace(-1, 2, 7, dtype=torch.float64)', here, ({ device }) => linspace(-1, 2, 7, { device }), plain),
  row('linspace', 'torch.linspace(3, 9, 1, dtype=torch.float64)', here, ({ device }) => linspace(3, 9, 1, { device }), plain),
  row('eye', 'torch.eye(3, 5)', here, ({ device }) => eye(3, 5, { device }), plain),
  row('tri', 'torch.ones(4, 5).tril(-1)', here, ({ device }) => tri(4, 5, -1, { device }), plain),
  row('rand', 'torch.rand(3, 257)', here, ({ device }) => rand([3, 257], { seed: 7, device }), exact),
  row('rand', 'torch.rand(5)', here, ({ device }) => rand([5], { seed: 2 ** 40 + 3, stream: 9, device }), exact),
  row('randn', 'torch.randn(2, 129)', here, ({ device }) => randn([2, 129], { seed: 7, device }), { ...exact, tolerance: 1e-5 }),
  row('randint', 'torch.randint(-5, 12, (99,))', here, ({ device }) => randint(-5, 12, [99], { seed: 3, device }), exact),
  row('bernoulli', 'torch.bernoulli(torch.full((4, 33), 0.3)).bool()', here, ({ device }) => bernoulli(0.3, [4, 33], { seed: 5, device }), exact),
  row('permutation', 'torch.randperm(33)', here, ({ device }) => permutation(33, { seed: 11, device }), exact),
  row('multinomial', 'torch.multinomial(a, 3)', [positive(2, 9)], a => multinomial(a, 3, { seed: 4 }), exact),
  row('multinomial', 'torch.multinomial(a, 12, replacement=True)', [positive(2, 9)], a => multinomial(a, 12, { seed: 4, replacement: true }), exact),
  row('dropout', 'F.dropout(a, 0.5)', [between(-4, 4, 3, 65)], a => dropout(a, { p: 0.5, seed: 6 }), { random: true, tolerance: 1e-6 }),
  row('dropout', 'F.dropout(a, 0.3) != 0', [between(1, 4, 3, 65)], a => dropout(a, { p: 0.3, seed: 6 }).ne(0), exact),
  row('dropout', 'F.dropout(a, 1.0)', [float(7)], a => dropout(a, { p: 1, seed: 6 }), plain),
]
