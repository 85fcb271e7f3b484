// Whether replayed steps leave anything behind: growth of the JavaScript heap over a thousand of them on Dawn's null backend, as one JSON line.
//   pnpm --silent bench heap [--device wasm] [--steps 1000]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { gptTraining } from './instruments/gpt-training.js'
import { fenceOf } from './instruments/time-calls.js'
import { finish } from './instruments/timing.js'

const values = readArguments({ steps: { type: 'string', default: '1000' } })
const { gc } = globalThis
if (gc === undefined) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

// on wasm steps are computed for real: a small model, since only what surrounds the kernels is looked at
const sizes = { L: 2, C: 32, H: 2, T: 16, B: 2, V: 64 }
const { device, counts } = await openBenchDevice(values.device === 'wasm' && !process.argv.includes('--device') ? { device: 'webgpu', adapter: 'null' } : values)
const { step, inputs, targets } = gptTraining(sizes, device)
const fence = fenceOf(device)

async function run(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    step(inputs, targets).dispose()
    if (i % 20 === 19) await fence()
  }
}

/** Twice with a pause: what a finalizer lets go of is collected the second time. */
async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    gc?.()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
}

const steps = Number(values.steps)
await run(Math.max(200, steps / 4))
const [heapBefore, bytesBefore] = [await heapUsed(), counts().liveBytes]
await run(steps)
const grown = (await heapUsed()) - heapBefore
finish({ bench: 'heap', device: device.kind, adapter: device.description || 'null', steps, heap_growth_bytes: grown, bytes_per_step: Math.round(grown / steps), device_growth_bytes: counts().liveBytes - bytesBefore })
