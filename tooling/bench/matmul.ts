// Square matrix products, each operand as it is or transposed: GFLOP/s, and on wasm the share of what its SIMD can give, as one JSON line.
//   pnpm --silent bench matmul --device wasm --threads 1
import { randn, type Tensor } from '@abovo/tensor-webgpu'
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { simdPeak } from './instruments/fma-peak.js'
import { timeCalls } from './instruments/time-calls.js'
import { finish, round } from './instruments/timing.js'

const values = readArguments({ sizes: { type: 'string', default: '256,512,1024' } })
const bench = await openBenchDevice(values)
const { device } = bench
const threads = Number.parseInt(device.description)

const kinds: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  ab: (a, b) => a.matmul(b),
  aTb: (a, b) => a.transpose().matmul(b),
  abT: (a, b) => a.matmul(b.transpose()),
}

// measured before, between and after: the machine's speed at the time of the products
let peak = device.kind === 'wasm' ? simdPeak() : 0
const results: object[] = []
for (const n of values.sizes.split(',').map(Number)) {
  const [a, b] = [3, 4].map(seed => randn([n, n], { seed, device }).realize())
  const speeds: [string, number][] = []
  for (const [kind, product] of Object.entries(kinds)) {
    const { best } = await timeCalls(bench, () => [product(a, b).realize()], n <= 512 ? 4 : 1)
    speeds.push([kind, (2 * n ** 3) / best / 1e6])
  }
  if (device.kind === 'wasm') peak = Math.max(peak, simdPeak())
  const gflops = Object.fromEntries(speeds.map(([kind, speed]) => [kind, round(speed, 1)]))
  results.push({ n, gflops, ...(device.kind === 'wasm' && { share_of_peak: round(Math.max(...speeds.map(([, speed]) => speed)) / (peak * threads), 3) }) })
}
finish({ bench: 'matmul', device: device.kind, adapter: device.description, ...(device.kind === 'wasm' && { peak_gflops_per_thread: round(peak, 1) }), results })
