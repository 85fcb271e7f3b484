// How long the programs of one candidate take on a GPU: whole batches of dispatches, timed from submission until the queue is done, since clocks on
// the device are missing or coarse.
import type { GpuProgram } from '../kernels/gpu-program.js'

export interface Workbench {
  readonly gpu: GPUDevice
  /** Scratch for each of the kernel's bindings. */
  readonly buffers: readonly GPUBufferBinding[]
  /** The most a candidate may take to compile and to run for the first time; and for its measurements after that. */
  readonly compileMs: number
  readonly candidateMs: number
  /** Microseconds of the best candidate so far: one that takes twice as long is not measured again. */
  readonly best: number
}

/** Shorter batches say more about the queue than about the kernel. */
const BATCH_MS = 2
const BATCHES = 3
const COMPUTE_STAGE = 4

export interface Measured {
  /** A run takes so long, in the best of a few batches. */
  readonly microseconds: number
  /** The same, measured once more. */
  again(): Promise<number>
}

/** null for a candidate that is invalid, or too slow to compile or to run. */
export async function measure(programs: readonly GpuProgram[], bench: Workbench): Promise<Measured | null> {
  const { gpu } = bench
  gpu.pushErrorScope('validation')
  const compiled = await within(bench.compileMs, Promise.all(programs.map(program => prepare(program, bench)))).catch(() => null)
  const error = await gpu.popErrorScope()
  if (compiled === null || error !== null) return null
  // some implementations compile at the first dispatch
  if ((await run(gpu, compiled, 1)) > bench.compileMs) return null
  const microseconds = await timeBatches(compiled, bench)
  return microseconds === Infinity ? null : { microseconds, again: () => timeBatches(compiled, bench) }
}

/** Milliseconds until the queue is done with so many runs. */
async function run(gpu: GPUDevice, compiled: readonly Prepared[], times: number): Promise<number> {
  const from = performance.now()
  const encoder = gpu.createCommandEncoder()
  const pass = encoder.beginComputePass()
  for (let i = 0; i < times; i++)
    for (const { pipeline, group, workgroups } of compiled) {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(...workgroups)
    }
  pass.end()
  gpu.queue.submit([encoder.finish()])
  await gpu.queue.onSubmittedWorkDone()
  return performance.now() - from
}

async function timeBatches(compiled: readonly Prepared[], { gpu, candidateMs, best: known }: Workbench): Promise<number> {
  const start = performance.now()
  let best = Infinity
  let times = 1
  for (let batch = 0; batch < BATCHES && performance.now() - start < candidateMs; ) {
    const took = await run(gpu, compiled, times)
    best = Math.min(best, took / times)
    if (took >= BATCH_MS && best * 1000 > 2 * known) break
    if (took >= BATCH_MS) batch++
    else times = Math.min(1000, Math.ceil(times * Math.max(2, (1.5 * BATCH_MS) / Math.max(took, 0.01))))
    if (took < BATCH_MS && times === 1000) batch++
  }
  return best * 1000
}

interface Prepared {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly workgroups: readonly [number, number]
}

async function prepare(program: GpuProgram, { gpu, buffers }: Workbench): Promise<Prepared> {
  const entries = program.bindings.map((_, binding): GPUBindGroupLayoutEntry => ({ binding, visibility: COMPUTE_STAGE, buffer: { type: 'storage' } }))
  const layout = gpu.createBindGroupLayout({ entries })
  const module = gpu.createShaderModule({ code: program.wgsl, label: program.variant })
  const pipeline = await gpu.createComputePipelineAsync({ layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }), compute: { module, entryPoint: 'main' } })
  const group = gpu.createBindGroup({ layout, entries: program.bindings.map((binding, slot) => ({ binding: slot, resource: buffers[binding] })) })
  return { pipeline, group, workgroups: program.workgroups }
}

/** The promise's value, or null when it takes longer; what it makes later is dropped. */
function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<null>(resolve => (timer = setTimeout(() => resolve(null), ms)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
