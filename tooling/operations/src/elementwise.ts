// Elementwise operations. Sample ranges keep away from kinks, where derivatives are a matter of convention; those have rows of their own.
import { where, type Tensor } from '@abovo/tensor-webgpu'
import { between, bool, float, given, integer, positive, row, type OperationCase } from './operation-case.js'

const plain = { differentiable: false }
const unary = (name: 'neg' | 'abs' | 'exp' | 'expm1' | 'log' | 'log1p' | 'sqrt' | 'rsqrt' | 'sin' | 'cos' | 'tanh' | 'sigmoid' | 'erf' | 'reciprocal' | 'square' | 'relu' | 'silu' | 'softplus', torch: string, input = float(3, 37)): OperationCase =>
  row(name, torch, [input], a => a[name]())
const flat = (name: 'sign' | 'floor' | 'ceil' | 'trunc' | 'round', torch: string): OperationCase => row(name, torch, [between(-3.3, 3.3, 5, 9)], a => a[name](), plain)
const compare = (name: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'): OperationCase => row(name, `torch.${name}(a, b)`, [integer(-2, 3, 4, 7), integer(-2, 3, 7)], (a, b) => a[name](b), plain)
const bits = (name: 'bitwiseAnd' | 'bitwiseOr' | 'bitwiseXor', torch: string): OperationCase => row(name, `torch.${torch}(a, b)`, [integer(-9999, 9999, 33), integer(-9999, 9999, 33)], (a, b) => a[name](b), plain)
const logic = (name: 'logicalAnd' | 'logicalOr' | 'logicalXor', torch: string): OperationCase => row(name, `torch.${torch}(a, b)`, [bool(3, 5), bool(5)], (a, b) => a[name](b), plain)

export const elementwise: readonly OperationCase[] = [
  row('add', 'a + b', [float(3, 1, 5), float(4, 1)], (a, b) => a.add(b)),
  row('add', 'a + 2.5', [float(7)], a => a.add(2.5)),
  row('add', 'a + b', [integer(-9, 9, 5), integer(-9, 9, 5)], (a, b) => a.add(b), plain),
  row('sub', 'a - b', [float(31), float()], (a, b) => a.sub(b)),
  row('mul', 'a * b', [float(2, 3, 4), float(3, 1)], (a, b) => a.mul(b)),
  row('mul', '(a * b).to(torch.int32)', [integer(-70000, 70000, 9), integer(-70000, 70000, 9)], (a, b) => a.mul(b), plain),
  row('div', 'a / b', [float(4, 33), positive(33)], (a, b) => a.div(b)),
  row('div', 'a.double() / b.double()', [integer(-9, 9, 9), integer(1, 9, 9)], (a, b) => a.div(b), plain),
  row('truncDivide', 'torch.div(a, b, rounding_mode="trunc")', [integer(-99, 99, 19), integer(1, 9, 19)], (a, b) => a.truncDivide(b), plain),
  row('remainder', 'torch.remainder(a, b)', [between(-9, 9, 19), between(1.5, 4, 19)], (a, b) => a.remainder(b), { tolerance: 5e-6 }),
  row('remainder', 'torch.remainder(a, b)', [integer(-99, 99, 19), integer(1, 9, 19)], (a, b) => a.remainder(b), plain),
  row('pow', 'torch.pow(a, b)', [positive(5, 7), float(7)], (a, b) => a.pow(b), { tolerance: 1e-5 }),
  row('pow', 'torch.pow(a, 3)', [float(9)], a => a.pow(3), { tolerance: 1e-5 }),
  row('pow', 'torch.pow(a, 2)', [float(9)], a => a.pow(2)),
  row('maximum', 'torch.maximum(a, b)', [float(5, 8), float(8)], (a, b) => a.maximum(b)),
  row('minimum', 'torch.minimum(a, b)', [float(5, 8), float(5, 1)], (a, b) => a.minimum(b)),
  row('clamp', 'torch.clamp(a, -0.7, 1.1)', [float(4, 9)], a => a.clamp({ min: -0.7, max: 1.1 })),
  row('where', 'torch.where(c, a, b)', [float(3, 5), float(5), bool(3, 1)], (a, b, c) => where(c, a, b)),
  row('maskedFill', 'a.masked_fill(b, -3.0)', [float(4, 5), bool(5)], (a, b) => a.maskedFill(b, -3)),
  unary('neg', '-a'), unary('abs', 'torch.abs(a)'), unary('exp', 'torch.exp(a)'), unary('expm1', 'torch.expm1(a)'),
  unary('expm1', 'torch.expm1(a * 1)', between(-1e-3, 1e-3, 17)),
  unary('log', 'torch.log(a)', positive(3, 37)), unary('log1p', 'torch.log1p(a)', between(-0.6, 3, 37)),
  unary('log1p', 'torch.log1p(a * 1)', between(-1e-3, 1e-3, 17)),
  unary('sqrt', 'torch.sqrt(a)', positive(37)), unary('rsqrt', 'torch.rsqrt(a)', positive(37)), unary('sin', 'torch.sin(a)'), unary('cos', 'torch.cos(a)'),
  unary('tanh', 'torch.tanh(a)'), unary('tanh', 'torch.tanh(a * 1)', between(-60, 60, 25)), unary('sigmoid', 'torch.sigmoid(a)'), unary('erf', 'torch.erf(a)'),
  unary('reciprocal', 'torch.reciprocal(a)', positive(9)), unary('square', 'torch.square(a)'), unary('relu', 'torch.relu(a)'), unary('silu', 'F.silu(a)'),
  unary('softplus', 'F.softplus(a)'),
  row('gelu', 'F.gelu(a)', [between(-5, 5, 3, 41)], a => a.gelu()),
  row('gelu', 'F.gelu(a, approximate="tanh")', [between(-5, 5, 3, 41)], a => a.gelu({ approximate: 'tanh' })),
  row('relu', 'torch.relu(a)', [given('f32', -1, 0, 1, -0)], a => a.relu(), { smooth: false }),
  flat('sign', 'torch.sign(a)'), flat('floor', 'torch.floor(a)'), flat('ceil', 'torch.ceil(a)'), flat('trunc', 'torch.trunc(a)'), flat('round', 'torch.round(a)'),
  row('round', 'torch.round(a)', [given('f32', -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5)], a => a.round(), plain),
  ...(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const).map(compare),
  bits('bitwiseAnd', 'bitwise_and'), bits('bitwiseOr', 'bitwise_or'), bits('bitwiseXor', 'bitwise_xor'),
  row('shiftLeft', 'a << b', [integer(0, 999, 9), integer(0, 9, 9)], (a, b) => a.shiftLeft(b), plain),
  row('shiftRight', 'a >> b', [integer(-999, 999, 9), integer(0, 9, 9)], (a, b) => a.shiftRight(b), plain),
  logic('logicalAnd', 'logical_and'), logic('logicalOr', 'logical_or'), logic('logicalXor', 'logical_xor'),
  row('logicalNot', 'torch.logical_not(a)', [bool(9)], a => a.logicalNot(), plain),
  row('isNan', 'torch.isnan(torch.log(a))', [float(19)], a => a.log().isNan(), plain),
  row('isFinite', 'torch.isfinite(torch.exp(a))', [given('f32', -1000, 0, 5, 1000)], a => a.exp().isFinite(), plain),
  row('to', 'a.to(torch.int32)', [between(-9, 9, 17)], a => a.to('i32'), plain),
  row('to', 'a.double()', [integer(-9, 9, 17)], a => a.to('f32'), plain),
  row('stopGradient', 'a.detach() * a', [float(5)], (a: Tensor) => a.stopGradient().mul(a), { smooth: false }),
  row('stopGradient', 'a.detach().round() * a', [between(1.1, 1.4, 5)], (a: Tensor) => a.stopGradient().round().mul(a)),
]
