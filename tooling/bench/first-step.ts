// How long a newcomer waits: from the start of a fresh process, with no shader cached anywhere, to the first loss of a GPT, as one JSON line.
//   pnpm --silent bench first-step --device webgpu --adapter llvmpipe
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openBenchDevice, readArguments } from './instruments/bench-device.js'
import { SMALL } from './instruments/gpt-minimum.js'
import { gptTraining } from './instruments/gpt-training.js'
import { finish, round } from './instruments/timing.js'

const values = readArguments({ runs: { type: 'string', default: '2' }, child: { type: 'boolean', default: false } })
if (values.child) {
  const imported = performance.now()
  const { device } = await openBenchDevice(values)
  const opened = performance.now()
  const { step, inputs, targets } = gptTraining(SMALL, device)
  const loss = await step(inputs, targets).item()
  const first = performance.now()
  await step(inputs, targets).item()
  finish({
    bench: 'first-step', device: device.kind, adapter: device.description, ...SMALL,
    // the process itself included: node, its loader, the packages
    ms: round(first, 1), import_ms: round(imported, 1), device_ms: round(opened - imported, 1), first_step_ms: round(first - opened, 1), second_step_ms: round(performance.now() - first, 1), loss: round(loss, 6),
  })
}

/** Mesa keeps compiled shaders on disk; a first visit has none. */
const environment = { ...process.env, MESA_SHADER_CACHE_DISABLE: 'true' }
const lines: { ms: number }[] = []
for (let i = 0; i < Number(values.runs); i++) {
  const child = spawnSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--child'], { encoding: 'utf8', env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  if (child.status !== 0) throw new Error(`first-step: the process must end well, got ${child.status ?? child.signal}`)
  lines.push(JSON.parse(child.stdout))
}
finish(lines.toSorted((a, b) => a.ms - b.ms)[0])
