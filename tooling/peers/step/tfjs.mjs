// TensorFlow.js: STEP_DEVICE wasm (one thread in Node) or webgpu. It has no compiler: kernel by kernel.
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { ADAMW, ATTENTION, GPT, MATMULS, ROWS, batch, best, gflops, initialParameters, numbers, reporter, wants } from './work.mjs'
import { exposeWebgpu } from './webgpu.mjs'

const device = process.env.STEP_DEVICE
const counts = device === 'webgpu' ? await exposeWebgpu() : undefined
const require = createRequire(import.meta.url)
console.warn = () => {}
const tf = require('@tensorflow/tfjs')
const backendPackage = `@tensorflow/tfjs-backend-${device}`
const backendModule = require(backendPackage)
if (device === 'wasm') backendModule.setWasmPaths(`${dirname(require.resolve(backendPackage))}/`)
if (!(await tf.setBackend(device))) throw new Error(`tfjs must offer ${device}`)
await tf.ready()
const backend = tf.backend()
const report = reporter('tfjs', device, 1)

async function ready() {
  if (!counts) return
  // what has been recorded and not yet submitted
  if (backend.commandEncoder) {
    backend.endComputePassEncoder()
    backend.submitQueue()
  }
  await backend.device.queue.onSubmittedWorkDone()
}

async function time(call, calls = 4) {
  const ms = await best(async () => {
    for (let i = 0; i < calls; i++) tf.dispose(call())
    await ready()
  })
  return ms / calls
}

function layerNorm(x, weight, bias) {
  const { mean, variance } = tf.moments(x, -1, true)
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), weight), bias)
}

/** 0 for keys up to the query's own position, -1e9 after it: (T, T). */
function causalMask(T) {
  return tf.tensor(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0)), [T, T])
}

const attend = (q, k, v, mask) => tf.matMul(tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[3])), mask)), v)   // each (B, H, T, D)

if (wants('matmul')) for (const n of MATMULS) {
  const [a, b] = [3, 4].map((seed) => tf.tensor(numbers(n * n, seed), [n, n]))
  report(`matmul ${n}`, gflops(n, await time(() => tf.matMul(a, b), n > 512 ? 1 : 4)))
}
const x = tf.tensor(numbers(ROWS * ROWS, 3), [ROWS, ROWS])
if (wants('softmax')) report('softmax', await time(() => tf.softmax(x)))
if (wants('layer-norm')) {
  const [weight, bias] = [tf.ones([ROWS]), tf.zeros([ROWS])]
  report('layer-norm', await time(() => tf.tidy(() => layerNorm(x, weight, bias))))
}

if (wants('attention')) {
  const { B, H, T, D } = ATTENTION
  const [q, k, v, dOut] = [3, 4, 5, 6].map((seed) => tf.tensor(numbers(B * H * T * D, seed), [B, H, T, D]))
  const mask = causalMask(T)
  report('attention forward', await time(() => tf.tidy(() => attend(q, k, v, mask)), 1))
  const both = tf.grads((q, k, v) => tf.sum(tf.mul(attend(q, k, v, mask), dOut)))
  report('attention both', await time(() => tf.tidy(() => both([q, k, v])), 1))
}

const { L, C, H, T, B, V } = GPT

function lossOf(P, onehotIds, ids, onehotTargets, mask) {
  const dense = (x, name) => tf.add(tf.matMul(x, P[`${name}.weight`]), P[`${name}.bias`])
  const norm = (x, name) => layerNorm(x, P[`${name}.weight`], P[`${name}.bias`])
  const heads = (x) => tf.transpose(tf.reshape(x, [B, T, H, C / H]), [0, 2, 1, 3])
  const table = P['transformer.wte.weight']
  // the wasm backend cannot differentiate gather
  const tokens = device === 'wasm' ? tf.matMul(onehotIds, table) : tf.gather(table, ids)
  let h = tf.reshape(tf.add(tf.reshape(tokens, [B, T, C]), P['transformer.wpe.weight']), [B * T, C])
  for (let l = 0; l < L; l++) {
    const name = `transformer.h.${l}`
    const [q, k, v] = tf.split(dense(norm(h, `${name}.ln_1`), `${name}.attn.c_attn`), 3, -1).map(heads)
    const attended = tf.reshape(tf.transpose(attend(q, k, v, mask), [0, 2, 1, 3]), [B * T, C])
    h = tf.add(h, dense(attended, `${name}.attn.c_proj`))
    const m = dense(norm(h, `${name}.ln_2`), `${name}.mlp.c_fc`)
    const cubic = tf.add(m, tf.mul(tf.mul(tf.mul(m, m), m), 0.044715))
    h = tf.add(h, dense(tf.mul(tf.mul(m, 0.5), tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1)), `${name}.mlp.c_proj`))
  }
  const logits = tf.matMul(norm(h, 'transformer.ln_f'), table, false, true)
  return tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), onehotTargets)), -1 / (B * T))
}

function adamW(P, M, S, gradients, t) {
  const { rate, beta1, beta2, eps, decay, clip } = ADAMW
  // one by one: addN would bind more buffers than a device has
  const norm = tf.sqrt(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient))).reduce((a, b) => tf.add(a, b)))
  const scale = tf.minimum(1, tf.div(clip, tf.add(norm, 1e-6)))
  for (const [name, p] of Object.entries(P)) {
    const gradient = tf.mul(gradients[name], scale)
    M[name].assign(tf.add(tf.mul(M[name], beta1), tf.mul(gradient, 1 - beta1)))
    S[name].assign(tf.add(tf.mul(S[name], beta2), tf.mul(tf.square(gradient), 1 - beta2)))
    const update = tf.div(tf.mul(M[name], 1 / (1 - beta1 ** t)), tf.add(tf.sqrt(tf.mul(S[name], 1 / (1 - beta2 ** t))), eps))
    const shrunk = p.rank > 1 ? tf.mul(p, 1 - rate * decay) : p
    p.assign(tf.sub(shrunk, tf.mul(update, rate)))
  }
}

if (wants('gpt-step')) {
  const [P, M, S] = [{}, {}, {}]
  for (const { name, shape, data } of initialParameters()) {
    P[name] = tf.variable(tf.tensor(data, shape), true, name)
    M[name] = tf.variable(tf.zeros(shape), false)
    S[name] = tf.variable(tf.zeros(shape), false)
  }
  const { ids, targets } = batch()
  const tokens = tf.tensor(ids, [B * T], 'int32')
  const onehot = (values) => tf.cast(tf.oneHot(tf.tensor(values, [B * T], 'int32'), V), 'float32')
  const [onehotIds, onehotTargets, mask] = [onehot(ids), onehot(targets), causalMask(T)]
  const losses = []
  let t = 0
  const once = async () => {
    t++
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => lossOf(P, onehotIds, tokens, onehotTargets, mask), Object.values(P))
      adamW(P, M, S, grads, t)
      return value
    })
    losses.push((await loss.data())[0])
    loss.dispose()
    await ready()
  }
  const start = performance.now()
  await once()
  const first = performance.now() - start
  await once()
  const before = { ...counts }
  await once()
  const perStep = counts && { dispatches: counts.dispatches - before.dispatches, submits: counts.submits - before.submits, buffers: counts.buffersCreated - before.buffersCreated, peak_mb: Math.round(counts.peakBytes / 1e6) }
  report('gpt-step', await best(once, { least: 5, budgetMs: 15_000 }), { first_step_ms: Math.round(first), tokens: B * T, ...perStep, losses: losses.slice(0, 3).map((loss) => Number(loss.toFixed(5))) })
}
process.exit(0)
