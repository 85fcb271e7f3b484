// Causal attention, forward and forward with backward: milliseconds, dispatches and working memory, as one JSON line.
//   pnpm --silent bench attention --device wasm [--length 256]
import { grad } from '@abovo/autograd'
import { compile, randn, scaledDotProductAttention, type Tensor } from '@abovo/tensor-webgpu'
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { timeCalls } from './instruments/time-calls.js'
import { finish, round } from './instruments/timing.js'

const values = readArguments({ length: { type: 'string', default: '256' } })
const [B, H, T, D] = [4, 4, Number(values.length), 64]
const bench = await openBenchDevice(values)
const { device } = bench
const [q, k, v, dOut] = [3, 4, 5, 6].map(seed => randn([B, H, T, D], { seed, device }).realize())

const forward = await timeCalls(bench, () => [scaledDotProductAttention(q, k, v, { causal: true }).realize()])
const gradients = compile((q: Tensor, k: Tensor, v: Tensor, dOut: Tensor) => grad(scaledDotProductAttention(q, k, v, { causal: true }).mul(dOut).sum(), [q, k, v]))
const both = await timeCalls(bench, () => gradients(q, k, v, dOut), 1)

const tensorBytes = B * H * T * D * 4
finish({
  bench: 'attention', device: device.kind, adapter: device.description, B, H, T, D, causal: true,
  forward_ms: round(forward.best, 2), forward_dispatches: forward.dispatches,
  both_ms: round(both.best, 2), both_dispatches: both.dispatches,
  // the gradients, copies of the arguments and what lies between; a tensor of scores alone would be T / D times one of these
  working_bytes: both.workingBytes, working_tensors: round(both.workingBytes / tensorBytes, 1),
})
