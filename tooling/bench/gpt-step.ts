// One training step of a GPT: time, counts, bytes and losses, as one JSON line; ratios are to the counted minimum (instruments/gpt-minimum.ts).
//   pnpm --silent bench gpt-step --device wasm
//   pnpm --silent bench gpt-step --device webgpu --adapter llvmpipe --explain
//   pnpm --silent bench gpt-step --device webgpu --adapter llvmpipe --precision mixed
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { leastBytesMoved, leastDispatches, leastPeakBytes, type GptSizes } from './instruments/gpt-minimum.js'
import { gptTraining } from './instruments/gpt-training.js'
import { observePlans } from './instruments/observed-plan.js'
import { planBytes } from './instruments/plan-bytes.js'
import { finish, round, summary } from './instruments/timing.js'

const values = readArguments({
  steps: { type: 'string', default: '20' },
  layers: { type: 'string', default: '4' },
  width: { type: 'string', default: '128' },
  heads: { type: 'string', default: '4' },
  length: { type: 'string', default: '128' },
  batch: { type: 'string', default: '8' },
  vocabulary: { type: 'string', default: '512' },
  precision: { type: 'string', default: 'f32' },
  explain: { type: 'boolean', default: false },
})
const [steps, L, C, H, T, B, V] = [values.steps, values.layers, values.width, values.heads, values.length, values.batch, values.vocabulary].map(Number)
const sizes: GptSizes = { L, C, H, T, B, V }

const { device, counts } = await openBenchDevice(values)
const precision = values.precision === 'mixed' ? 'mixed' : 'f32'
if (values.precision !== precision) throw new Error(`bench: --precision must be f32 or mixed, got ${values.precision}`)
const { step, inputs, targets } = gptTraining(sizes, device, { precision })
const plans = observePlans(device)

const losses: number[] = []
const times: number[] = []
let [before, after] = [counts(), counts()]
for (let i = 0; i < steps; i++) {
  before = counts()
  const start = performance.now()
  const loss = step(inputs, targets)
  after = counts()
  losses.push(await loss.item())
  times.push(performance.now() - start)
  loss.dispose()
}
if (values.explain) console.error(step.explain())

const { best, median } = summary(times.slice(1))
const bytesMoved = Math.max(0, ...plans.map(planBytes))
const dispatches = after.dispatches - before.dispatches
const { peakBytes, pipelinesCreated } = counts()
finish({
  device: device.kind,
  adapter: device.description,
  precision,
  ...sizes,
  ms_per_step: round(best, 1),
  ms_per_step_median: round(median, 1),
  tokens_per_s: Math.round((B * T * 1000) / best),
  first_step_ms: round(times[0], 1),
  dispatches,
  dispatch_ratio: round(dispatches / leastDispatches(sizes), 3),
  submits: after.submits - before.submits,
  buffers_created: after.buffersCreated - before.buffersCreated,
  bind_groups_created: after.bindGroupsCreated - before.bindGroupsCreated,
  pipelines_created: after.pipelinesCreated - before.pipelinesCreated,
  pipelines: pipelinesCreated,
  peak_bytes: peakBytes,
  peak_minimum: leastPeakBytes(sizes),
  peak_ratio: round(peakBytes / leastPeakBytes(sizes), 3),
  bytes_moved: bytesMoved,
  bytes_minimum: leastBytesMoved(sizes),
  bytes_ratio: round(bytesMoved / leastBytesMoved(sizes), 3),
  losses: losses.map(loss => round(loss, 6)),
})
