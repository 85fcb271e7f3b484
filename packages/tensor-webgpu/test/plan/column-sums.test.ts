// The sum of a matmul's operand over the contraction comes out of the matmul's own kernel.
import { expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import type { Device } from '../../src/devices/device.js'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.js'
import { concat, tensor } from '../../src/functions.js'
import type { Tensor } from '../../src/tensor.js'
import { InterpretedDevice } from './interpreted-device.js'

type Build = (leaf: (shape: readonly number[]) => Tensor) => Tensor[]

/** Runs a program planned and on the reference; gives the plan's kernels. */
async function kernelsOf(build: Build, maxBindings = 8): Promise<string[]> {
  const on = (device: Device): Tensor[] => {
    let seed = 0
    const leaf = (shape: readonly number[]): Tensor => {
      seed++
      return tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7 + seed)), { shape, device, dtype: 'f32' }).realize()
    }
    const leaves = new Map<number, Tensor>()
    let next = 0
    build(shape => {
      const made = leaf(shape)
      leaves.set(next++, made)
      return made
    })
    return compile(() => {
      let i = 0
      return build(() => leaves.get(i++) ?? leaf([]))
    }, { device })()
  }
  const planned = new InterpretedDevice()
  planned.maxBindings = maxBindings
  const [got, want] = [on(planned), on(createReferenceDevice())]
  for (const [i, t] of got.entries()) {
    const expected = [...(await want[i].data())]
    ;[...(await t.data())].forEach((value, at) => expect(value, `result ${i}, element ${at}`).toBeCloseTo(expected[at], 9))
  }
  return planned.plans[planned.plans.length - 1].steps.map(({ label }) => label)
}

const weightAndBias: Build = leaf => {
  const [x, dy] = [leaf([3, 8, 16]), leaf([3, 8, 20])]
  return [dy.sum({ axis: [0, 1] }), x.reshape([24, 16]).transpose().matmul(dy.reshape([24, 20]))]
}

test('the gradients of a weight and of its bias are one kernel', async () => {
  expect(await kernelsOf(weightAndBias)).toEqual(['matmul sum'])
})

test('in whichever order they are asked for', async () => {
  expect(await kernelsOf(leaf => weightAndBias(leaf).toReversed())).toEqual(['matmul sum'])
})

test('the rows of a left operand are summed too', async () => {
  const build: Build = leaf => {
    const [x, dy] = [leaf([24, 16]), leaf([24, 20])]
    return [dy.sum({ axis: 0 }), dy.transpose().matmul(x)]
  }
  expect(await kernelsOf(build)).toEqual(['matmul sum'])
})

test('what follows the product still joins it', async () => {
  const build: Build = leaf => {
    const [x, dy, w] = [leaf([24, 16]), leaf([24, 20]), leaf([20, 16])]
    const gradient = dy.transpose().matmul(x)
    return [dy.sum({ axis: 0, keepdim: true }), gradient.add(w.mul(0.1)), x.transpose().matmul(dy).tril()]
  }
  expect(await kernelsOf(build)).toEqual(['matmul mul add sum', 'le matmul where'])
})

test('a product of a matrix with itself sums one side', async () => {
  const build: Build = leaf => {
    const x = leaf([24, 16])
    return [x.sum({ axis: 0 }), x.transpose().matmul(x)]
  }
  expect(await kernelsOf(build)).toEqual(['matmul sum'])
})

test('gradients laid end to end are written into their places', async () => {
  const build: Build = leaf => {
    const [bias, weight] = weightAndBias(leaf)
    return [concat([weight.reshape([-1]), bias], 0).square().sum()]
  }
  expect(await kernelsOf(build)).toEqual(['matmul sum', 'mul sum'])
})

test.each([
  ['over the other axis', leaf => { const [x, dy] = [leaf([24, 16]), leaf([24, 20])]; return [dy.sum({ axis: 1 }), x.transpose().matmul(dy)] }],
  ['of a part of it', leaf => { const [x, dy] = [leaf([24, 16]), leaf([24, 20])]; return [dy.narrow(0, 0, 12).sum({ axis: 0 }), x.transpose().matmul(dy)] }],
  ['of few columns', leaf => { const [x, dy] = [leaf([24, 16]), leaf([24, 8])]; return [dy.sum({ axis: 0 }), x.transpose().matmul(dy)] }],
  ['of every matrix of a batch', leaf => { const [x, dy] = [leaf([2, 24, 16]), leaf([2, 24, 20])]; return [dy.sum({ axis: 1 }), x.transpose().matmul(dy)] }],
  ['the largest instead', leaf => { const [x, dy] = [leaf([24, 16]), leaf([24, 20])]; return [dy.max({ axis: 0 }), x.transpose().matmul(dy)] }],
] as [string, Build][])('a sum %s is a kernel of its own', async (_, build) => {
  expect(await kernelsOf(build)).toHaveLength(2)
})

test('where bindings run out the sum is a kernel of its own', async () => {
  expect(await kernelsOf(weightAndBias, 3)).toHaveLength(2)
})
