// Reductions and what is composed of them.
import { layerNorm, rmsNorm } from '@abovo/tensor-webgpu'
import { between, bool, float, integer, positive, row, type OperationCase } from './operation-case.js'

const plain = { differentiable: false }

export const reductions: readonly OperationCase[] = [
  row('sum', 'a.sum()', [float(3, 5, 7)], a => a.sum(), { tolerance: 1e-5 }),
  row('sum', 'a.sum(1)', [float(3, 5, 7)], a => a.sum({ axis: 1 }), { tolerance: 1e-5 }),
  row('sum', 'a.sum((0, 2), keepdim=True)', [float(3, 5, 7)], a => a.sum({ axis: [0, -1], keepdim: true }), { tolerance: 1e-5 }),
  row('sum', 'a.sum(-1)', [float(5, 257)], a => a.sum({ axis: -1 }), { tolerance: 2e-5 }),
  row('sum', 'a.sum(0)', [float(257, 5)], a => a.sum({ axis: 0 }), { tolerance: 2e-5 }),
  row('sum', 'a.sum(0).to(torch.int32)', [bool(9, 4)], a => a.sum({ axis: 0 }), plain),
  row('sum', 'a.sum()', [integer(-99, 99, 33)], a => a.sum(), plain),
  row('mean', 'a.mean(-1, keepdim=True)', [float(4, 33)], a => a.mean({ axis: -1, keepdim: true }), { tolerance: 1e-5 }),
  row('prod', 'a.prod(1)', [float(3, 5)], a => a.prod({ axis: 1 }), { tolerance: 1e-5 }),
  row('max', 'a.amax(1)', [float(4, 33)], a => a.max({ axis: 1 })),
  row('min', 'a.amin((0, 1))', [float(4, 3, 5)], a => a.min({ axis: [0, 1] })),
  row('max', 'a.amax(0)', [integer(-99, 99, 9, 3)], a => a.max({ axis: 0 }), plain),
  row('argmax', 'a.argmax(1)', [float(4, 33)], a => a.argmax({ axis: 1 }), plain),
  row('argmax', 'a.argmax()', [float(4, 9)], a => a.argmax(), plain),
  row('argmin', 'a.argmin(0, keepdim=True)', [float(4, 9)], a => a.argmin({ axis: 0, keepdim: true }), plain),
  row('any', 'a.any(1)', [bool(9, 3)], a => a.any({ axis: 1 }), plain),
  row('all', 'a.all(1)', [bool(9, 2)], a => a.all({ axis: 1 }), plain),
  row('variance', 'a.var(1)', [float(4, 9)], a => a.variance({ axis: 1 }), { tolerance: 1e-5 }),
  row('variance', 'a.var(correction=0)', [float(4, 9)], a => a.variance({ correction: 0 }), { tolerance: 1e-5 }),
  row('std', 'a.std(0, keepdim=True)', [float(6, 5)], a => a.std({ axis: 0, keepdim: true }), { tolerance: 1e-5 }),
  row('norm', 'torch.linalg.vector_norm(a, dim=1)', [float(4, 9)], a => a.norm({ axis: 1 }), { tolerance: 1e-5 }),
  row('norm', 'torch.linalg.vector_norm(a, ord=1, dim=0)', [float(4, 9)], a => a.norm({ p: 1, axis: 0 }), { tolerance: 1e-5 }),
  row('norm', 'torch.linalg.vector_norm(a, ord=3, dim=1)', [positive(4, 9)], a => a.norm({ p: 3, axis: 1 }), { tolerance: 1e-5 }),
  row('norm', 'torch.linalg.vector_norm(a, ord=float("inf"))', [float(4, 9)], a => a.norm({ p: Infinity })),
  row('logSumExp', 'a.logsumexp(1)', [between(-90, 90, 5, 33)], a => a.logSumExp({ axis: 1 }), { tolerance: 1e-5 }),
  row('cumsum', 'a.cumsum(0)', [float(13, 3)], a => a.cumsum(0), { tolerance: 1e-5 }),
  row('cumsum', 'a.cumsum(1).to(torch.int32)', [integer(-9, 9, 3, 9)], a => a.cumsum(1), plain),
  row('softmax', 'a.softmax(-1)', [between(-30, 30, 5, 33)], a => a.softmax(-1), { tolerance: 1e-5 }),
  row('softmax', 'a.softmax(0)', [float(7, 3)], a => a.softmax(0), { tolerance: 1e-5 }),
  row('logSoftmax', 'a.log_softmax(-1)', [between(-30, 30, 5, 33)], a => a.logSoftmax(-1), { tolerance: 1e-5 }),
  row('layerNorm', 'F.layer_norm(a, (33,), b, c, 1e-5)', [float(2, 5, 33), float(33), float(33)], (x, weight, bias) => layerNorm(x, { weight, bias }), { tolerance: 2e-5 }),
  row('layerNorm', 'F.layer_norm(a, (8,))', [float(5, 8)], x => layerNorm(x), { tolerance: 2e-5 }),
  row('rmsNorm', 'F.rms_norm(a, (33,), b, 1e-6)', [float(2, 5, 33), float(33)], (x, weight) => rmsNorm(x, { weight }), { tolerance: 2e-5 }),
]
