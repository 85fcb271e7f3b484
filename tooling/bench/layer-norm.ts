// Layer norm with weight and bias over the rows of a 1024 x 1024 tensor: milliseconds and GB/s (read once, written once), as one JSON line.
//   pnpm --silent bench layer-norm --device wasm
import { layerNorm, ones, randn, zeros } from '@abovo/tensor-webgpu'
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { timeCalls } from './instruments/time-calls.js'
import { finish, round } from './instruments/timing.js'

const N = 1024
const bench = await openBenchDevice(readArguments({}))
const { device } = bench
const x = randn([N, N], { seed: 3, device }).realize()
const [weight, bias] = [ones([N], { device }).realize(), zeros([N], { device }).realize()]
const { best, dispatches } = await timeCalls(bench, () => [layerNorm(x, { weight, bias }).realize()])
finish({ bench: 'layer-norm', device: device.kind, adapter: device.description, shape: [N, N], ms: round(best, 3), gb_per_s: round((2 * N * N * 4) / best / 1e6), dispatches })
