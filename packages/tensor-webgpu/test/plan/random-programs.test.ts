// Random graphs, planned and interpreted, against the reference device node by node.
import { expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import { concat, crossEntropy, layerNorm, scaledDotProductAttention, tensor, where } from '../../src/functions.js'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.js'
import type { Device } from '../../src/devices/device.js'
import { DeviceError } from '../../src/errors.js'
import { RandomStream } from '../../src/random.js'
import type { Tensor } from '../../src/tensor.js'
import { InterpretedDevice } from './interpreted-device.js'

/** What becomes of values on the way: some are made halves, some halves f32 again. */
type Recast = (x: Tensor, random: RandomStream) => Tensor
const asHalves: Recast = (x, random) => [x, x.to('f16'), x.to('f32')][random.integer(3)]
/** The same draws, and no rounding. */
const asTheyAre: Recast = (x, random) => [x, x, x][random.integer(3)]

/** The same program for the same seed on any device. */
function randomProgram(seed: number, device: Device, recast?: Recast): Tensor[] {
  const random = new RandomStream(seed)
  // from 600 on matrices are large enough for tiles, and what is fused into them
  const sizes = seed < 600 ? [1, 2, 3, 5] : [1, 16, 18]
  const size = (): number => sizes[random.integer(sizes.length)]
  const leaf = (shape: number[]): Tensor => tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform() * 2 - 1), { shape, device, dtype: 'f32' })
  const base = [size(), size(), size() + 1]
  const pool: Tensor[] = [leaf(base), leaf(base), leaf([base[2]]), leaf([base[0], 1, base[2]]), leaf([])]
  const pick = (): Tensor => pool[random.integer(pool.length)]
  const ofRank = (rank: number): Tensor | undefined => pool.filter(t => t.rank >= rank).at(-1 - random.integer(Math.max(1, pool.filter(t => t.rank >= rank).length)))
  for (let i = 0; i < 14; i++) {
    const x = pick()
    const deep = ofRank(2) ?? x
    const choices: (() => Tensor)[] = [
      () => x.tanh(),
      () => x.mul(0.5).add(0.25),
      () => broadcastable(x, pick(), (a, b) => a.mul(b)),
      () => broadcastable(x, pick(), (a, b) => a.sub(b)),
      () => (x.rank === 0 ? x.exp() : x.sum({ axis: random.integer(x.rank), keepdim: random.integer(2) === 0 })),
      () => (x.rank === 0 ? x : x.softmax(random.integer(x.rank))),
      () => (x.rank === 0 ? x : layerNorm(x)),
      () => (deep.rank < 2 ? deep : deep.transpose()),
      () => (deep.rank < 2 ? deep : deep.matmul(deep.transpose())),
      () => (deep.rank < 2 ? deep : gradients(deep)),
      () => (deep.rank < 2 ? deep : activated(deep)),
      () => x.reshape([-1]),
      () => (x.rank === 0 ? x : x.flip(0)),
      () => (x.rank === 0 ? x : x.pad([[1, 2]]).slice([{ start: random.integer(2), step: 1 }])),
      () => (x.rank === 0 ? x : concat([x, x.neg()], random.integer(x.rank))),
      () => where(x.gt(0), x, x.mul(0.1)),
      () => (x.rank === 0 ? x : x.max({ axis: -1, keepdim: true }).add(x)),
      () => (x.rank === 0 ? x : x.argmax({ axis: -1 }).to('f32')),
      () => x.sum(),
      () => (x.rank === 0 ? x : x.mul(where(x.gt(0), 1, x.flip(-1)))),
      () => (x.rank === 0 ? x : x.tanh().sum({ axis: -1, keepdim: true }).mul(x.roll(1, -1))),
      () => (deep.rank < 2 ? deep : deep.tanh().sum({ axis: -2, keepdim: true }).add(deep.flip(-1))),
      () => (deep.rank < 2 ? deep : deep.tril()),
      () => overwritten(x, tensor(random.integer(5) - 1, { dtype: 'i32', device }), x.rank === 0 ? 0 : random.integer(x.rank)),
      () => overwritten(x.tanh(), tensor(random.integer(3), { dtype: 'i32', device }), x.rank === 0 ? 0 : random.integer(x.rank)),
    ]
    const made = choices[random.integer(choices.length)]()
    const next = recast === undefined ? made : recast(made, random)
    if (next.size < 6000) pool.push(next)
  }
  return [pool[pool.length - 1], pool[pool.length - 2], pool[pool.length - 5], pool[5 + random.integer(4)]]
}

/** A weight's gradient and its bias's, of all rows. */
function gradients(dy: Tensor): Tensor {
  const rows = dy.flatten(0, dy.rank - 2)
  return dy.tanh().flatten(0, dy.rank - 2).transpose().matmul(rows).add(rows.sum({ axis: 0 }))
}

/** Two pieces of x written over it one after another, the second at a place that is known when it runs. */
function overwritten(x: Tensor, start: Tensor, axis: number): Tensor {
  if (x.rank === 0 || x.size === 0) return x
  const half = Math.ceil(x.shape[axis] / 2)
  return x.sliceScatter(axis, 0, x.narrow(axis, 0, 1).mul(2)).sliceScatter(axis, start, x.narrow(axis, 0, half).neg())
}

/** An activation multiplied from both sides, and its derivative put to use, as forward and backward passes do. */
function activated(x: Tensor): Tensor {
  const y = layerNorm(x).matmul(x.transpose()).sigmoid()
  return y.transpose().matmul(y).add(y.mul(y.neg().add(1)).transpose().matmul(x).sum())
}

function broadcastable(a: Tensor, b: Tensor, fn: (a: Tensor, b: Tensor) => Tensor): Tensor {
  try {
    return fn(a, b)
  } catch {
    return fn(a, a)
  }
}

/** The same numbers, but for the order in which sums were added up in float64. */
function expectSame(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length)
  const wrong = Array.from(want, (value, i) => ({ i, got: got[i], want: value })).filter(({ got: own, want: right }) => !(Object.is(own, right) || Math.abs(own - right) < 1e-9 * (1 + Math.abs(right))))
  expect(wrong).toEqual([])
}

/** Are the results of a random program what the reference gives? All in one plan first, where fusion sees several users, then one by one. */
async function compare(seed: number, planned: Device, halves = false): Promise<void> {
  const reference = createReferenceDevice()
  const [expected, actual] = halves ? [randomProgram(seed, reference, asTheyAre), randomProgram(seed, planned, asHalves)] : [randomProgram(seed, reference), randomProgram(seed, planned)]
  const together = actual.map(t => t.reshape([-1]).to('f32'))
  const joined = concat(together)
  const want = await Promise.all(expected.map(t => t.data()))
  expectSame(await joined.data(), want.flatMap(data => [...data]))
  for (const [i, t] of actual.entries()) expectSame(await t.data(), want[i])
}

test.each(Array.from({ length: 660 }, (_, seed) => seed))('random program %i gives what the reference gives', async seed => {
  const planned = new InterpretedDevice()
  planned.maxBindings = 3 + (seed % 6)
  // operands are computed as they are read, whatever it costs
  if (seed >= 600) [planned.maxBindings, planned.tileWidth] = [6 + (seed % 7), Infinity]
  await compare(seed, planned)
})

// The interpreter does not round: where halves are stored instead of f32, and read at whose indices, is all that can go wrong.
test.each(Array.from({ length: 300 }, (_, seed) => seed + 400))('random program %i gives it also where some of its values are halves', async seed => {
  const planned = new InterpretedDevice()
  planned.maxBindings = 3 + (seed % 6)
  await compare(seed, planned, true)
})

/** A slice's place is known at the run only: its kernel must bind every place there is. */
function allowLimit(error: unknown): void {
  if (!(error instanceof DeviceError && error.code === 'limit' && error.message.startsWith('slice scatter'))) throw error
}

test('random programs give it also where a kernel may bind no more than 2 KiB of a tensor', async () => {
  let split = 0
  for (let seed = 600; seed < 700; seed++) {
    const planned = new InterpretedDevice()
    planned.maxBindings = 4 + (seed % 5)
    planned.maxBindingBytes = 2048
    await compare(seed, planned).catch(allowLimit)
    for (const { steps } of planned.plans) {
      for (const { regions } of steps) for (const { length } of regions) expect(length * 4).toBeLessThanOrEqual(2048)
      split += steps.filter(({ label }) => / of \d+\)$/.test(label)).length
    }
  }
  expect(split).toBeGreaterThan(1000)
}, 60_000)

test('attention, cross-entropy and a gather survive planning', async () => {
  const build = (device: Device): Tensor => {
    const random = new RandomStream(9)
    const leaf = (shape: number[]): Tensor => tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform() - 0.5), { shape, device })
    const qkv = leaf([2, 5, 24])
    const [q, k, v] = qkv.split(8, -1).map(t => t.reshape([2, 5, 2, 4]).permute([0, 2, 1, 3]))
    const y = scaledDotProductAttention(q, k, v, { causal: true }).permute([0, 2, 1, 3]).reshape([2, 5, 8])
    const logits = y.matmul(leaf([8, 7]))
    return crossEntropy(logits, tensor(Int32Array.from({ length: 10 }, (_, i) => (i * 3) % 7), { shape: [2, 5], device }), { labelSmoothing: 0.1 })
  }
  const device = new InterpretedDevice()
  expect(await build(device).item()).toBeCloseTo(await build(createReferenceDevice()).item(), 12)
  expect(device.plans[0].steps.length).toBe(4)
})

test('an attention output that is a result and also a piece of a concat is stored for both', async () => {
  const build = (device: Device): Tensor[] => {
    const leaf = (seed: number): Tensor => tensor(Float64Array.from({ length: 24 }, (_, i) => Math.sin(i * seed)), { shape: [1, 2, 3, 4], device })
    const out = scaledDotProductAttention(leaf(1), leaf(2), leaf(3), { causal: true })
    return [out, concat([out, leaf(4)], 2).mul(2)]
  }
  const device = new InterpretedDevice()
  const results = compile(() => build(device), { device })()
  for (const [i, want] of build(createReferenceDevice()).entries()) {
    const expected = [...(await want.data())]
    ;[...(await results[i].data())].forEach((value, at) => expect(value).toBeCloseTo(expected[at], 12))
  }
})
