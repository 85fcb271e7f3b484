import { requestDevice, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { beforeAll, describe, expect, test } from 'vitest'
import { Initializer } from '../src/layers/initializer.js'
import { Linear } from '../src/layers/linear.js'
import { Noise } from '../src/layers/noise.js'
import { Gpt } from '../src/models/gpt.js'
import { Module } from '../src/module.js'

let device: Device
beforeAll(async () => {
  device = await requestDevice('wasm')
})

describe('Module', () => {
  class Nested extends Module {
    readonly layers: readonly Linear[]
    readonly pair: { readonly a: Tensor; readonly twin: Tensor }
    readonly config = { width: 2 }
    readonly nothing = null
    readonly #table = tensor([9])
    constructor() {
      super()
      const initializer = new Initializer(1, { device })
      this.layers = [0, 1].map(i => new Linear({ inputs: 2, outputs: 3, bias: i === 0, initializer }))
      const a = initializer.ones([2])
      this.pair = { a, twin: a }
    }
    constants(): Tensor {
      return this.#table
    }
  }

  test('names parameters by the path of fields, lists a shared one once, and leaves private tensors out', () => {
    const module = new Nested()
    expect(module.namedParameters().map(([name]) => name)).toEqual(['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'pair.a'])
    expect(module.parameterCount()).toBe(6 + 3 + 6 + 2)
    expect(module.constants().size).toBe(1)
  })
})

describe('Initializer', () => {
  const moments = (data: ArrayLike<number>): [number, number] => {
    const values = Array.from(data)
    const mean = values.reduce((a, b) => a + b) / values.length
    return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)]
  }

  test('gives the same bits for a seed, others for another seed or parameter', async () => {
    const draw = async (seed: number): Promise<unknown> => (await new Initializer(seed, { device }).normal([7]).data()).join()
    expect(await draw(1)).toBe(await draw(1))
    expect(await draw(1)).not.toBe(await draw(2))
    const both = new Initializer(1, { device })
    expect((await both.normal([7]).data()).join()).not.toBe((await both.normal([7]).data()).join())
  })

  test('normal and uniform values have the moments asked for', async () => {
    const initializer = new Initializer(3, { device })
    const [mean, std] = moments(await initializer.normal([20_001], { std: 0.02 }).data())
    expect(Math.abs(mean)).toBeLessThan(5e-4)
    expect(Math.abs(std - 0.02)).toBeLessThan(5e-4)
    const [, spread] = moments(await initializer.uniform([20_000], { bound: 3 }).data())
    expect(Math.abs(spread - Math.sqrt(3))).toBeLessThan(0.03)
  })

  test('GPT starts as GPT-2 does: 0.02, residual projections divided by √(2·layers), norms at one', async () => {
    const model = new Gpt({ vocabSize: 50, nPositions: 16, nEmbd: 64, nLayer: 8, nHead: 2 }, { seed: 1, device })
    const state = await model.stateDict()
    const std = (name: string): number => moments(state.get(`transformer.${name}`)!.data)[1]
    expect(std('wte.weight')).toBeCloseTo(0.02, 2)
    expect(std('h.3.attn.c_attn.weight')).toBeCloseTo(0.02, 3)
    expect(std('h.3.attn.c_proj.weight')).toBeCloseTo(0.005, 3)
    expect(std('h.3.mlp.c_proj.weight')).toBeCloseTo(0.005, 3)
    expect(new Set(state.get('transformer.ln_f.weight')!.data)).toEqual(new Set([1]))
  })
})

describe('Noise', () => {
  test('drops the share asked for, otherwise in every place and for every seed', async () => {
    const x = tensor(new Float32Array(4000).fill(1), { shape: [4000], device })
    const noise = new Noise(1)
    const [a, b] = [await noise.drop(x, 0.25).data(), await noise.drop(x, 0.25).data()]
    expect(Math.abs(a.filter(value => value === 0).length / 4000 - 0.25)).toBeLessThan(0.03)
    expect(a.join()).not.toBe(b.join())
    expect((await new Noise(1).drop(x, 0.25).data()).join()).toBe(a.join())
    expect(noise.drop(x, 0)).toBe(x)
  })

  test('a forward pass without noise is the same every time, with noise it is not', async () => {
    const model = new Gpt({ vocabSize: 9, nPositions: 8, nEmbd: 8, nLayer: 1, nHead: 2, embdPdrop: 0.5, attnPdrop: 0.5, residPdrop: 0.5 }, { seed: 1, device })
    const ids = tensor(Int32Array.of(1, 2, 3), { shape: [1, 3], device })
    const run = async (noise?: Noise): Promise<string> => (await model.forward(ids, noise === undefined ? {} : { noise }).data()).join()
    expect(await run()).toBe(await run())
    expect(await run(new Noise(1))).toBe(await run(new Noise(1)))
    expect(await run(new Noise(1))).not.toBe(await run(new Noise(2)))
  })
})
