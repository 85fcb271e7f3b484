// GFLOP/s of the matmul family that the seed table picks, at the shapes of a small GPT step (C = 128, 1024 tokens) and at squares; and the time
// of the first dispatch, in which software adapters compile. `node tooling/run-source.mjs packages/tensor-webgpu/bench webgpu-matmul [adapter]`
import { testAdapters } from '@abovo/test-devices'
import { requestWebgpuDevice } from '../src/devices/webgpu/index.js'
import type { MatmulKernel } from '../src/plan/kernel.js'
import { explainPlan } from '../src/plan/explain.js'

type Shape = readonly [name: string, m: number, n: number, k: number, aTransposed?: boolean, bTransposed?: boolean]
const shapes: readonly Shape[] = [
  ['square 512', 512, 512, 512], ['qkv', 1024, 384, 128], ['proj', 1024, 128, 128], ['fc', 1024, 512, 128], ['fc2', 1024, 128, 512],
  ['head, tied', 1024, 512, 128, false, true], ['d fc', 1024, 128, 512, false, true], ['d qkv', 1024, 128, 384, false, true],
  ['dW fc', 128, 512, 1024, true], ['dW proj', 128, 128, 1024, true], ['odd', 1021, 515, 127],
]
const wanted = process.argv[2] ?? 'lavapipe'
const adapter = (await testAdapters()).find(({ name }) => name === wanted)
if (adapter === undefined) throw new Error(`no adapter named ${wanted}`)
const device = await requestWebgpuDevice({ gpu: adapter.gpu })
for (const [name, m, n, k, aTransposed = false, bTransposed = false] of shapes.filter(([shape]) => process.argv[3] === undefined || shape === process.argv[3])) {
  const kernel: MatmulKernel = {
    kind: 'matmul', bindings: [0, 1, 2].map(i => ({ dtype: 'f32', written: i === 2 })), batch: [], m, n, k,
    a: { binding: 0, offset: 0, strides: aTransposed ? [1, m] : [k, 1] }, b: { binding: 1, offset: 0, strides: bTransposed ? [1, k] : [n, 1] },
    body: [{ fn: 'head', dtype: 'f32' }], results: [{ value: 0, access: { binding: 2, offset: 0, strides: [n, 1] } }],
  }
  const lengths = [m * k, k * n, m * n]
  const storages = lengths.map(length => device.allocate('f32', length))
  storages.slice(0, 2).forEach((storage, i) => device.write(storage, Float32Array.from({ length: lengths[i] }, (_, j) => ((j * 7919) % 13) / 13 - 0.5)))
  const step = { kernel, label: name, regions: lengths.map((length, slot) => ({ slot, offset: 0, length })) }
  const plan = { slots: lengths.map((length, external) => ({ dtype: 'f32' as const, length, external, block: 0, arenaOffset: 0 })), steps: Array.from({ length: 5 }, () => ({ ...step })), preloads: [], arenaBlocks: [] }
  const once = device.preparePlan({ ...plan, steps: [step] })
  const probe = device.allocate('f32', 1)
  const began = performance.now()
  once.run(storages)
  await device.read(probe)
  const first = performance.now() - began
  const many = device.preparePlan(plan)
  let best = Infinity
  // half the processor time of all threads: the wall time that two idle cores would need
  let bestCpu = Infinity
  for (let round = 0; round < 6; round++) {
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    many.run(storages)
    await device.read(probe)
    best = Math.min(best, (performance.now() - start) / plan.steps.length)
    const { user, system } = process.cpuUsage(cpu)
    bestCpu = Math.min(bestCpu, (user + system) / 2000 / plan.steps.length)
  }
  console.log(`${name.padEnd(12)} ${String(m).padStart(5)} x ${String(n).padStart(4)} x ${String(k).padStart(4)}  ${((2e-6 * m * n * k) / best).toFixed(1).padStart(6)} GFLOP/s (${((2e-6 * m * n * k) / bestCpu).toFixed(1)} by processor time)  ${best.toFixed(2)} ms  first ${first.toFixed(0)} ms  ${once.explain(explainPlan).match(/matmul \w+ \d.*/)?.[0] ?? ''}`)
  for (const storage of storages) device.free(storage)
}
process.exit(0)
