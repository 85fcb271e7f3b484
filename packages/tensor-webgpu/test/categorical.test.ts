// Drawing a class on every device: which classes the cuts keep, exactly; how often each comes; and the same as by sorting.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { categorical, compile, requestDevice, ShapeError, tensor, type Device, type Tensor } from '../src/index.js'
import { RandomStream } from '../src/random.js'

interface Cuts {
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
}

interface Drawn {
  readonly index: readonly number[]
  readonly logProb: readonly number[]
}

/** One row of logits, drawn from with each uniform number. */
async function draw(device: Device, logits: readonly number[], uniforms: readonly number[], cuts: Cuts = {}): Promise<Drawn> {
  const row = tensor(Float32Array.from(logits), { shape: [1, logits.length], device })
  const { index, logProb } = categorical(row.expand([uniforms.length, logits.length]), tensor(Float32Array.from(uniforms), { device }), cuts)
  return { index: [...(await index.data())], logProb: [...(await logProb.data())] }
}

/** Uniform numbers close enough together to meet every class that has at least this probability. */
const everywhere = (count: number): number[] => Array.from({ length: count }, (_, i) => (i + 0.5) / count)

const met = async (device: Device, logits: readonly number[], cuts: Cuts, count = 200): Promise<number[]> => [...new Set((await draw(device, logits, everywhere(count), cuts)).index)].sort((a, b) => a - b)

const random = (seed: number, count: number, range: number): number[] => {
  const stream = new RandomStream(seed)
  return Array.from({ length: count }, () => Math.fround((stream.uniform() - 0.5) * range))
}

/** Which classes the definition keeps, in their order, with their probabilities among all. */
function keptOf(logits: readonly number[], { temperature = 1, topK = Infinity, topP = 1 }: Cuts): { index: number; probability: number }[] {
  const most = Math.max(...logits)
  const weights = logits.map(logit => Math.exp((logit - most) / temperature))
  const total = weights.reduce((a, b) => a + b, 0)
  const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b)
  let mass = 0
  const kept = order.filter((i, rank) => {
    const stays = rank === 0 || (rank < topK && (topP >= 1 || mass < topP * total))
    mass += weights[i]
    return stays
  })
  return kept.sort((a, b) => a - b).map(index => ({ index, probability: weights[index] / total }))
}

function behaves(device: () => Device, { large }: { large: number }): void {
  test('without cuts the classes follow the running sum of their probabilities', async () => {
    const logits = [0.1, 0.2, 0.3, 0.4].map(Math.log)
    const { index, logProb } = await draw(device(), logits, [0, 0.099, 0.101, 0.299, 0.301, 0.599, 0.601, 0.9999])
    expect(index).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
    index.forEach((i, row) => expect(logProb[row]).toBeCloseTo(logits[i], 5))
  })

  test('at temperature 0 the first of the likeliest comes, with its log-probability at temperature 1', async () => {
    const { index, logProb } = await draw(device(), [1, 3, -2, 3, 0], [0, 0.7], { temperature: 0, topK: 3, topP: 0.2 })
    expect(index).toEqual([1, 1])
    const total = [1, 3, -2, 3, 0].reduce((sum, logit) => sum + Math.exp(logit), 0)
    for (const value of logProb) expect(value).toBeCloseTo(3 - Math.log(total), 5)
  })

  test.each([1, 2, 3, 4, 5, 6, 100])('of equal logits the first stay: k = %i', async topK => {
    const order = [1, 4, 0, 2, 5, 3]
    expect(await met(device(), [2, 3, 2, 1.5, 3, 2], { topK })).toEqual(order.slice(0, topK).sort((a, b) => a - b))
  })

  test.each([[0.001, 1], [0.24, 1], [0.26, 2], [0.49, 2], [0.51, 3], [0.74, 3], [0.76, 4], [1, 4]])('four equal classes at p = %d: %i stay', async (topP, count) => {
    expect(await met(device(), [1, 1, 1, 1], { topP })).toEqual([0, 1, 2, 3].slice(0, count))
  })

  test('sums that meet p exactly are enough, also of zeros of either sign', async () => {
    expect(await met(device(), [0, 0, 0, 0], { topP: 0.5 })).toEqual([0, 1])
    expect(await met(device(), [0, -0, 0, -0], { topP: 0.5 })).toEqual([0, 1])
  })

  test('both cuts hold, and k is counted before p', async () => {
    const logits = [0.4, 0.3, 0.2, 0.1].map(Math.log)
    expect(await met(device(), logits, { topK: 2, topP: 0.95 })).toEqual([0, 1])
    expect(await met(device(), logits, { topK: 3, topP: 0.5 })).toEqual([0, 1])
    expect(await met(device(), logits, { topK: 3, topP: 0.75 })).toEqual([0, 1, 2])
  })

  test('hidden classes never come, and infinitely cold is the likeliest', async () => {
    expect(await met(device(), [-1e30, 0, -1e30, 0.5, -1e30], {})).toEqual([1, 3])
    expect(await met(device(), [-1e30, 0, -1e30, 0.5, -1e30], { topK: 4 })).toEqual([1, 3])
    expect(await met(device(), [0, 2, 1], { temperature: 1e-6 })).toEqual([1])
  })

  test.each([1, 2, 3, 5, 31, 64, 257])('of %i classes those are kept that sorting keeps, at every cut', async size => {
    // a coarse grid: many logits are equal
    const logits = random(size, size, 4).map(value => Math.round(value * 2) / 2)
    for (const cuts of [{ topK: Math.ceil(size / 2) }, { topK: size - 1 || 1 }, { topP: 0.63 }, { topP: 0.31, topK: 7 }, { topK: size + 5, temperature: 0.5 }]) {
      const want = keptOf(logits, cuts)
      const total = want.reduce((sum, { probability }) => sum + probability, 0)
      let before = 0
      const middles = want.map(({ probability }) => (before += probability) - probability / 2)
      const { index, logProb } = await draw(device(), logits, middles.map(middle => middle / total), cuts)
      expect(index, JSON.stringify(cuts)).toEqual(want.map(({ index }) => index))
      if (cuts.temperature === undefined) want.forEach(({ probability }, i) => expect(logProb[i]).toBeCloseTo(Math.log(probability), 4))
    }
  })

  test(`of ${large} classes those are kept that sorting keeps`, async () => {
    const logits = random(3, large, 20)
    for (const cuts of [{ topK: 40 }, { topP: 0.9 }, { topK: large - 1, topP: 0.5, temperature: 0.7 }]) {
      const want = keptOf(logits, cuts)
      const total = want.reduce((sum, { probability }) => sum + probability, 0)
      const chosen = want.filter((_, i) => i % Math.ceil(want.length / 12) === 0 || i === want.length - 1)
      const middles = chosen.map(({ index, probability }) => want.filter(other => other.index < index).reduce((sum, other) => sum + other.probability, 0) + probability / 2)
      expect((await draw(device(), logits, middles.map(middle => middle / total), cuts)).index, JSON.stringify(cuts)).toEqual(chosen.map(({ index }) => index))
    }
  }, 60_000)

  test.each([[{ temperature: 1 }], [{ temperature: 0.7, topK: 5 }], [{ temperature: 1.3, topP: 0.8 }]])('classes come as often as they are likely: %j', async cuts => {
    const logits = random(11, 9, 4)
    const stream = new RandomStream(21)
    const draws = 4000
    const { index } = await draw(device(), logits, Array.from({ length: draws }, () => stream.uniform()), cuts)
    const kept = keptOf(logits, cuts)
    const total = kept.reduce((sum, { probability }) => sum + probability, 0)
    const squares = kept.map(({ index: i, probability }) => {
      const want = (draws * probability) / total
      return (index.filter(drawn => drawn === i).length - want) ** 2 / want
    })
    expect(index.every(i => kept.some(({ index: k }) => k === i))).toBe(true)
    // χ² at 0.001 for up to 8 degrees of freedom
    expect(squares.reduce((a, b) => a + b, 0)).toBeLessThan(26.1)
  })

  test('options may differ from row to row and from call to call', async () => {
    const step = compile((logits: Tensor, uniform: Tensor, temperature: Tensor, topK: Tensor) => categorical(logits, uniform, { temperature, topK }).index)
    const logits = tensor([[0, 1, 2], [0, 1, 2]], { device: device() })
    const uniform = tensor([0.01, 0.01], { device: device() })
    const run = async (temperature: number[], topK: number[]): Promise<number[]> => [...(await step(logits, uniform, tensor(temperature, { device: device() }), tensor(topK, { dtype: 'i32', device: device() })).data())]
    expect(await run([1, 0], [3, 3])).toEqual([0, 2])
    expect(await run([1, 1], [2, 1])).toEqual([1, 2])
    step.dispose()
  })
}

describe('on the reference', () => {
  let device: Device
  beforeAll(async () => void (device = await requestDevice('reference')))
  behaves(() => device, { large: 50257 })

  test('rows keep their shape, and numbers that do not fit them are errors', () => {
    const logits = tensor(new Float32Array(24), { shape: [2, 3, 4], device })
    expect(categorical(logits, tensor(new Float32Array(6), { shape: [2, 3], device })).index.shape).toEqual([2, 3])
    expect(() => categorical(logits, tensor(new Float32Array(4), { device }))).toThrow(ShapeError)
    expect(() => categorical(tensor(new Float32Array(0), { shape: [2, 0], device }), tensor([0, 0], { device }))).toThrow('categorical: logits must have shape (…, V) with classes')
  })
})

describe('on wasm', () => {
  let device: Device
  beforeAll(async () => void (device = await requestDevice('wasm')))
  afterAll(() => device.close())
  behaves(() => device, { large: 50257 })
})

describeOnAdapters('on webgpu', adapter => {
  let device: Device
  beforeAll(async () => void (device = await requestDevice('webgpu', { gpu: adapter.gpu })))
  afterAll(() => device.close())
  behaves(() => device, { large: 50257 })
})
