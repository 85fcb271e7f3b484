// jax-js: STEP_DEVICE wasm (one thread: it starts no workers in Node) or webgpu. Everything under its jit.
import { ADAMW, ATTENTION, GPT, MATMULS, ROWS, batch, best, gflops, initialParameters, numbers, reporter, wants } from './work.mjs'
import './iterator-methods.mjs'
import { exposeNavigator, exposeWebgpu } from './webgpu.mjs'

const device = process.env.STEP_DEVICE
const counts = device === 'webgpu' ? await exposeWebgpu() : undefined
if (counts === undefined) exposeNavigator()
const { numpy: np, nn, jit, valueAndGrad, grad, init, defaultDevice, blockUntilReady, tree, getWebGPUDevice } = await import(import.meta.resolve('@jax-js/jax'))
await init(device)
defaultDevice(device)
const report = reporter('jax-js', device, 1)

async function ready(values) {
  await blockUntilReady(values)
  if (counts) await getWebGPUDevice().queue.onSubmittedWorkDone()
}
const array = (data, shape, options) => np.array(data, options).reshape(shape)

/** Four results at a time: what is not asked for is never computed. */
async function time(call, calls = 4) {
  const ms = await best(async () => {
    const results = Array.from({ length: calls }, call)
    await ready(results)
    tree.dispose(results)
  })
  return ms / calls
}

function layerNorm(x, weight, bias) {
  const centered = x.ref.sub(x.mean(-1, { keepdims: true }))
  const variance = np.square(centered.ref).mean(-1, { keepdims: true })
  return centered.mul(np.reciprocal(np.sqrt(variance.add(1e-5)))).mul(weight).add(bias)
}

const attend = (q, k, v) => nn.dotProductAttention(q, k, v, { isCausal: true })   // each (B, T, H, D)

if (wants('matmul')) for (const n of MATMULS) {
  const [a, b] = [3, 4].map((seed) => array(numbers(n * n, seed), [n, n]))
  await ready([a, b])
  report(`matmul ${n}`, gflops(n, await time(() => np.matmul(a.ref, b.ref), n > 512 ? 1 : 4)))
}

const x = array(numbers(ROWS * ROWS, 3), [ROWS, ROWS])
if (wants('softmax')) {
  const softmax = jit((x) => nn.softmax(x, -1))
  report('softmax', await time(() => softmax(x.ref)))
}
if (wants('layer-norm')) {
  const [weight, bias] = [np.ones([ROWS]), np.zeros([ROWS])]
  const normed = jit(layerNorm)
  report('layer-norm', await time(() => normed(x.ref, weight.ref, bias.ref)))
}

if (wants('attention')) {
  const { B, H, T, D } = ATTENTION
  const [q, k, v, dOut] = [3, 4, 5, 6].map((seed) => array(numbers(B * H * T * D, seed), [B, T, H, D]))
  await ready([q, k, v, dOut])
  const forward = jit(attend)
  report('attention forward', await time(() => forward(q.ref, k.ref, v.ref), 1))
  const both = jit((q, k, v, dOut) => grad(([q, k, v]) => attend(q, k, v).mul(dOut).sum())([q, k, v]))
  report('attention both', await time(() => both(q.ref, k.ref, v.ref, dOut.ref), 1))
}

function lossOf(p, ids, targets) {
  const { L, C, H, T, B, V } = GPT
  const P = (name) => p[`transformer.${name}`]
  const dense = (x, name) => np.matmul(x, P(`${name}.weight`)).add(P(`${name}.bias`))
  const norm = (x, name) => layerNorm(x, P(`${name}.weight`), P(`${name}.bias`))
  let h = np.take(P('wte.weight').ref, ids, 0).add(P('wpe.weight'))   // (B, T, C)
  for (let l = 0; l < L; l++) {
    const qkv = dense(norm(h.ref, `h.${l}.ln_1`), `h.${l}.attn.c_attn`)
    const [q, k, v] = np.split(qkv, 3, -1).map((part) => part.reshape([B, T, H, C / H]))
    h = h.add(dense(attend(q, k, v).reshape([B, T, C]), `h.${l}.attn.c_proj`))
    h = h.add(dense(nn.gelu(dense(norm(h.ref, `h.${l}.ln_2`), `h.${l}.mlp.c_fc`)), `h.${l}.mlp.c_proj`))
  }
  const logits = np.matmul(norm(h, 'ln_f'), np.transpose(P('wte.weight')))   // (B, T, V)
  return nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, V)).sum().mul(-1 / (B * T))
}

function step(p, m, v, corrections, ids, targets) {
  const { rate, beta1, beta2, eps, decay, clip } = ADAMW
  const [loss, g] = valueAndGrad(lossOf)(tree.ref(p), ids, targets)
  const norm = np.sqrt(Object.values(g).map((gradient) => np.square(gradient.ref).sum()).reduce((a, b) => a.add(b)))
  const scale = np.minimum(1, np.reciprocal(norm.add(1e-6)).mul(clip))
  const [c1, c2] = [corrections.ref.slice(0), corrections.slice(1)]
  const next = { p: {}, m: {}, v: {} }
  for (const name of Object.keys(p)) {
    const gradient = g[name].mul(scale.ref)
    next.m[name] = m[name].mul(beta1).add(gradient.ref.mul(1 - beta1))
    next.v[name] = v[name].mul(beta2).add(np.square(gradient).mul(1 - beta2))
    const update = next.m[name].ref.mul(c1.ref).div(np.sqrt(next.v[name].ref.mul(c2.ref)).add(eps))
    const shrunk = p[name].shape.length > 1 ? p[name].mul(1 - rate * decay) : p[name]
    next.p[name] = shrunk.sub(update.mul(rate))
  }
  tree.dispose([scale, c1, c2])
  return [loss, next.p, next.m, next.v]
}

if (wants('gpt-step')) {
  const { T, B } = GPT
  const initial = initialParameters()
  const make = (value) => Object.fromEntries(initial.map((parameter) => [parameter.name, value(parameter)]))
  let [p, m, v] = [make(({ data, shape }) => array(data, shape)), make(({ shape }) => np.zeros(shape)), make(({ shape }) => np.zeros(shape))]
  const [ids, targets] = Object.values(batch()).map((values) => array(values, [B, T], { dtype: np.int32 }))
  const compiled = jit(step)
  const losses = []
  let t = 0
  const once = async () => {
    t++
    let loss
    ;[loss, p, m, v] = compiled(p, m, v, np.array([1 / (1 - ADAMW.beta1 ** t), 1 / (1 - ADAMW.beta2 ** t)]), ids.ref, targets.ref)
    await ready(p)
    losses.push((await loss.data())[0])
  }
  const start = performance.now()
  await once()
  const first = performance.now() - start
  await once()
  const before = { ...counts }
  await once()
  const perStep = counts && { dispatches: counts.dispatches - before.dispatches, submits: counts.submits - before.submits, buffers: counts.buffersCreated - before.buffersCreated, peak_mb: Math.round(counts.peakBytes / 1e6) }
  report('gpt-step', await best(once, { budgetMs: 15_000 }), { first_step_ms: Math.round(first), tokens: B * T, ...perStep, losses: losses.slice(0, 3).map((loss) => Number(loss.toFixed(5))) })
}
process.exit(0)
