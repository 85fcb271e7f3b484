// Mixed precision where halves work: gradients of halves against float64, one cast for all packed parameters, and steps that overflow.
import { describeOnAdapters } from '@abovo/test-devices/describe'
import { compile, crossEntropy, layerNorm, requestDevice, scaledDotProductAttention, tensor, type Device, type Tensor } from '@abovo/tensor-webgpu'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grad } from '../src/grad.ts'
import { linearCrossEntropy } from '../src/linear-cross-entropy.ts'
import { adamW } from '../src/optim/adam.ts'
import { castParameters } from '../src/optim/cast-parameters.ts'
import { LossScale } from '../src/optim/loss-scale.ts'

const [B, T, C, H, V] = [2, 24, 32, 2, 40]

/** Numbers that are halves already, so that every device begins with the same. */
const wave = (shape: number[], speed: number, size: number, device: Device): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.round(Math.sin(1 + i * speed) * 256) / 256 * size), { shape, device })

const weightsOn = (device: Device): Record<string, Tensor> => ({
  table: wave([V, C], 0.7, 1, device),
  gain: wave([C], 0.3, 2, device),
  shift: wave([C], 0.9, 1, device),
  project: wave([C, 3 * C], 1.1, 0.25, device),
  projectBias: wave([3 * C], 0.2, 0.5, device),
  up: wave([C, 2 * C], 1.7, 0.25, device),
  upBias: wave([2 * C], 0.4, 0.5, device),
  down: wave([2 * C, C], 0.6, 0.25, device),
})

/** A block with everything in it: look-up, norm, attention, residual, gelu, tied output, loss. */
function lossOf(w: Record<string, Tensor>, device: Device): Tensor {
  const ids = tensor(Int32Array.from({ length: B * T }, (_, i) => (i * 7) % V), { device })
  const x = w['table'].indexSelect(0, ids).reshape([B, T, C])
  const heads = layerNorm(x, { weight: w['gain'], bias: w['shift'] }).matmul(w['project']).add(w['projectBias']).split(C, -1).map(part => part.reshape([B, T, H, C / H]).transpose(1, 2))
  const attended = x.add(scaledDotProductAttention(heads[0], heads[1], heads[2], { causal: true }).transpose(1, 2).reshape([B, T, C]))
  const y = attended.add(layerNorm(attended).matmul(w['up']).add(w['upBias']).gelu().matmul(w['down']))
  return crossEntropy(y.matmul(w['table'].transpose()).reshape([B * T, V]), ids)
}

describeOnAdapters('mixed precision', ({ gpu }) => {
  let device: Device
  let reference: Device
  beforeAll(async () => {
    device = await requestDevice('webgpu', { gpu })
    reference = await requestDevice('reference')
  })
  afterAll(() => device.close())

  test('gradients of halves are halves, and those of float64 to a half\'s precision', async () => {
    if (!device.supports('f16')) return
    const parameters = weightsOn(device)
    const step = compile(() => {
      const half = castParameters(parameters, 'f16')
      const loss = lossOf(half, device)
      return { loss, gradients: grad(loss.mul(256), half) }
    }, { device })
    const { loss, gradients } = step()
    const exact = weightsOn(reference)
    const exactLoss = lossOf(exact, reference)
    const want = grad(exactLoss, exact)
    expect(await loss.item()).toBeCloseTo(await exactLoss.item(), 2)
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(gradient.dtype, name).toBe('f16')
      const [got, right] = [await gradient.data(), await want[name].data()]
      const norm = Math.hypot(...right)
      expect(Math.hypot(...Array.from(right, (value, i) => value - got[i] / 256)), name).toBeLessThan(norm * 2 ** -8)
    }
    step.dispose()
  }, 60_000)

  test('the head in chunks gives small probabilities their gradients', async () => {
    if (!device.supports('f16')) return
    const [N, many] = [512, 3000]   // 1 / (512·3000) is an eleventh of the least half
    const run = (where: Device, dtype: 'f16' | 'f32'): { loss: Tensor; gradients: readonly Tensor[] } => {
      const [hidden, weight] = [wave([N, C], 0.7, 0.25, where).to(dtype), wave([many, C], 1.3, 0.25, where).to(dtype)]
      const loss = linearCrossEntropy(hidden, weight, tensor(Int32Array.from({ length: N }, (_, i) => (i * 11) % 64), { device: where }), { chunk: 128 })
      return { loss, gradients: grad(loss.mul(65536), [hidden, weight]) }
    }
    const [got, want] = [run(device, 'f16'), run(reference, 'f32')]
    expect(await got.loss.item()).toBeCloseTo(await want.loss.item(), 2)
    for (const [i, gradient] of got.gradients.entries()) {
      const [half, right] = [await gradient.data(), await want.gradients[i].data()]
      expect(Math.hypot(...Array.from(right.subarray(-64 * C), (value, j) => value - half[half.length - 64 * C + j]))).toBeLessThan(Math.hypot(...right.subarray(-64 * C)) * 2 ** -6)
    }
  }, 60_000)

  test('packed parameters are cast in one kernel', () => {
    if (!device.supports('f16')) return
    const parameters = weightsOn(device)
    const optimizer = adamW(parameters)
    const cast = compile(() => Object.values(castParameters(parameters, 'f16')).map(half => half.to('f32').square().sum()), { device })
    cast()
    expect(cast.explain().split('\n').filter(line => /\bmap\b.*\bcast\b/.test(line) && !/sum/.test(line))).toHaveLength(1)
    cast.dispose()
    optimizer.dispose()
  })

  test('a step that overflows leaves parameters and moments to the bit, halves the scale, and training goes on', async () => {
    if (!device.supports('f16')) return
    const parameters = weightsOn(device)
    const optimizer = adamW(parameters, { lr: 1e-2 })
    const lossScale = new LossScale({ initialScale: 2 ** 24, device })
    const step = compile(() => {
      const half = castParameters(parameters, 'f16')
      const loss = lossOf(half, device)
      const { gradients, finite, norm } = lossScale.unscale(grad(lossScale.scaled(loss), half), { maxNorm: 1 })
      optimizer.step(gradients, { when: finite })
      return { loss, finite, norm }
    }, { device })
    const stateNow = async (): Promise<number[][]> => Promise.all([...Object.values(parameters), ...Object.values(optimizer.state())].map(async value => [...(await value.data())]))
    const before = await stateNow()
    const first = await step().loss.item()
    expect(await stateNow()).toEqual(before)
    expect([await lossScale.scale.item(), await lossScale.skipped.item(), await optimizer.steps.item()]).toEqual([2 ** 23, 1, 0])
    let last = NaN
    for (let i = 0; i < 30; i++) last = await step().loss.item()
    const skipped = await lossScale.skipped.item()
    expect(skipped).toBeLessThan(15)
    expect(await optimizer.steps.item()).toBe(31 - skipped)
    expect(last).toBeLessThan(first / 2)
    step.dispose()
  }, 60_000)

  test('the largest half counts as an overflow: some hardware rounds to it', async () => {
    if (!device.supports('f16')) return
    const finiteOf = async (value: number): Promise<number> => new LossScale({ device }).unscale([tensor([1, value], { device }).to('f16'), tensor([1], { device }).to('f16')]).finite.item()
    expect([await finiteOf(65472), await finiteOf(-65504), await finiteOf(1e6), await finiteOf(NaN)]).toEqual([1, 0, 0, 0])
  })
})
