// What replaying a step costs the host: microseconds a dispatch on Dawn's null backend, which validates everything and computes nothing. One line.
//   pnpm --silent bench host-time
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { SMALL } from './instruments/gpt-minimum.js'
import { gptTraining } from './instruments/gpt-training.js'
import { fenceOf } from './instruments/time-calls.js'
import { finish, round, summary } from './instruments/timing.js'

const values = readArguments({ steps: { type: 'string', default: '400' } })
const { device, counts } = await openBenchDevice({ ...values, device: 'webgpu', adapter: values.adapter ?? 'null' })
const { step, inputs, targets } = gptTraining(SMALL, device)
const fence = fenceOf(device)
for (let i = 0; i < 20; i++) step(inputs, targets).dispose()
await fence()

const before = counts().dispatches
const times: number[] = []
for (let i = 0; i < Number(values.steps); i++) {
  const start = performance.now()
  step(inputs, targets).dispose()
  times.push(performance.now() - start)
  // so that commands do not pile up; not a part of a step
  if (i % 20 === 19) await fence()
}
// the fence is a submission without dispatches
const dispatches = (counts().dispatches - before) / times.length
const { best, median } = summary(times)
finish({ bench: 'host-time', adapter: device.description || 'null', dispatches, us_per_dispatch: round((best * 1000) / dispatches), us_per_dispatch_median: round((median * 1000) / dispatches), us_per_step: Math.round(best * 1000) })
