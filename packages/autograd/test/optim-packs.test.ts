// Parameters too large for one tensor of a device are packed into several: optimizers, clipping and loss scaling then work on each.
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { requestDevice, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { grad } from '../src/grad.ts'
import { adamW } from '../src/optim/adam.ts'
import { clipGradNorm } from '../src/optim/clip.ts'
import { LossScale } from '../src/optim/loss-scale.ts'
import { packingGroups } from '../src/optim/packing.ts'

const shapes = { a: [20, 10], bias: [10], b: [10, 30], norm: [30], c: [30, 5] }
type Name = keyof typeof shapes
const names = Object.keys(shapes) as Name[]

let device: Device
beforeAll(async () => void (device = await requestDevice('reference')))
/** As if no tensor could be larger. */
const allowBytes = (bytes: number): void => void Object.defineProperty(device, 'maxTensorBytes', { value: bytes, configurable: true })
afterEach(() => allowBytes(Infinity))

const parameters = (): Record<Name, Tensor> => Object.fromEntries(names.map((name, n) => {
  const [rows, columns = 1] = shapes[name]
  return [name, tensor(Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(i * (n + 1))), { shape: shapes[name], device })]
})) as Record<Name, Tensor>

const lossOf = (p: Record<Name, Tensor>): Tensor => names.map((name, i) => p[name].sub(i).square().sum()).reduce((sum, next) => sum.add(next))

/** Three clipped steps with a scaled loss; everything that came of them. */
async function train(): Promise<Record<string, readonly number[]>> {
  const own = parameters()
  const optimizer = adamW(own, { lr: 0.1, weightDecay: 0.3 })
  const lossScale = new LossScale({ initialScale: 8, device })
  for (let i = 0; i < 3; i++) {
    const { gradients, finite } = lossScale.unscale(grad(lossScale.scaled(lossOf(own)), own), { maxNorm: 1 })
    optimizer.step(clipGradNorm(gradients, 0.5).gradients, { when: finite })
  }
  const everything = { ...own, ...optimizer.state() }
  return Object.fromEntries(await Promise.all(Object.entries(everything).sort(([x], [y]) => x.localeCompare(y)).map(async ([name, value]) => [name, [...(await value.data())]] as const)))
}

describe('where a tensor holds 2.5 KiB', () => {
  test('parameters are packed matrices first, as many as fit', () => {
    const all = Object.values(parameters())
    expect(packingGroups(all)).toEqual([[0, 1, 2, 3, 4]])
    allowBytes(2560)   // 256, 128, 384, 128 and 256 elements of 4 bytes
    expect(packingGroups(all)).toEqual([[0, 2], [1, 3, 4]])
  })

  test('training ends with the same numbers', async () => {
    const whole = await train()
    allowBytes(2560)
    const parted = await train()
    expect(Object.keys(parted)).toEqual(Object.keys(whole))
    for (const [name, values] of Object.entries(whole)) values.forEach((value, i) => expect(parted[name][i], name).toBeCloseTo(value, 12))
  })

  test('a saved state is taken up whatever was packed then', async () => {
    const [before, after] = [parameters(), parameters()]
    const first = adamW(before, { lr: 0.1 })
    first.step(grad(lossOf(before), before))
    allowBytes(2560)
    const second = adamW(after, { lr: 0.1 })
    second.load(first.state())
    expect(await second.state()['expAvg.c'].array()).toEqual(await first.state()['expAvg.c'].array())
  })
})
