// One training step of a GPT: time, counts and losses, as one JSON line.
//   pnpm --silent bench gpt-step --device wasm
//   pnpm --silent bench gpt-step --device webgpu --adapter llvmpipe
import { parseArgs } from 'node:util'
import { grad, adamW, clipGradNorm } from '@abovo/autograd'
import { Gpt } from '@abovo/nn-transformer'
import { compile, crossEntropy, requestDevice, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { globals } from 'webgpu'
import { countWebgpu } from './count-webgpu.js'
import { openTestAdapter } from './test-adapter.js'

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'wasm' },
    adapter: { type: 'string' },
    threads: { type: 'string' },
    steps: { type: 'string', default: '20' },
    layers: { type: 'string', default: '4' },
    width: { type: 'string', default: '128' },
    heads: { type: 'string', default: '4' },
    length: { type: 'string', default: '128' },
    batch: { type: 'string', default: '8' },
    vocabulary: { type: 'string', default: '512' },
    explain: { type: 'boolean', default: false },
  },
})
const [steps, L, C, H, T, B, V] = [values.steps, values.layers, values.width, values.heads, values.length, values.batch, values.vocabulary].map(Number)

Object.assign(globalThis, globals)
const webgpu = countWebgpu()
const device = values.device === 'webgpu' ? await openTestAdapter(values.adapter) : await requestDevice(values.device === 'reference' ? 'reference' : 'wasm', values.threads === undefined ? {} : { threads: Number(values.threads) })
const counts = (): typeof webgpu => ({ ...(values.device === 'webgpu' ? webgpu : device.counts) })

const model = new Gpt({ vocabSize: V, nPositions: T, nEmbd: C, nLayer: L, nHead: H }, { seed: 1 })
const parameters: Record<string, Tensor> = Object.fromEntries(model.namedParameters())
const optimizer = adamW(parameters, { lr: 3e-4, betas: [0.9, 0.95], weightDecay: 0.1 })
const step = compile((inputs: Tensor, targets: Tensor) => {
  const loss = crossEntropy(model.forward(inputs), targets)
  const { gradients } = clipGradNorm(grad(loss, parameters), 1)
  optimizer.step(gradients)
  return loss
})
const ids = Int32Array.from({ length: B * T }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 8) % V)
const inputs = tensor(ids, { shape: [B, T] })
const targets = tensor(ids.map(id => (id * 7 + 3) % V), { shape: [B, T] })

const losses: number[] = []
const times: number[] = []
let perStep = { dispatches: 0, submits: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0 }
for (let i = 0; i < steps; i++) {
  const before = counts()
  const start = performance.now()
  const loss = step(inputs, targets)
  const during = counts()
  losses.push(await loss.item())
  times.push(performance.now() - start)
  loss.dispose()
  perStep = {
    dispatches: during.dispatches - before.dispatches,
    submits: during.submits - before.submits,
    buffersCreated: during.buffersCreated - before.buffersCreated,
    bindGroupsCreated: during.bindGroupsCreated - before.bindGroupsCreated,
    pipelinesCreated: during.pipelinesCreated - before.pipelinesCreated,
  }
}
if (values.explain) console.error(step.explain())
const best = Math.min(...times.slice(1))
const report = {
  device: device.kind,
  adapter: device.description,
  ms_per_step: Number(best.toFixed(1)),
  ms_per_step_median: Number(times.slice(1).sort((a, b) => a - b)[Math.floor((times.length - 1) / 2)].toFixed(1)),
  tokens_per_s: Math.round((B * T * 1000) / best),
  first_step_ms: Number(times[0].toFixed(1)),
  dispatches: perStep.dispatches,
  submits: perStep.submits,
  buffers_created: perStep.buffersCreated,
  bind_groups_created: perStep.bindGroupsCreated,
  pipelines_created: perStep.pipelinesCreated,
  pipelines: counts().pipelinesCreated,
  peak_bytes: counts().peakBytes,
  losses: losses.map(loss => Number(loss.toFixed(6))),
}
console.log(JSON.stringify(report))
process.exit(0)
