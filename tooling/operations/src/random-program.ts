// Programs drawn at random: a few leaves and a chain of operations on what is there, each said twice, here and as a line of PyTorch.
import type { Device, Tensor } from '@abovo/tensor-webgpu'
import { Draw, type Leaf, type Step } from './draw.js'
import { stepsFor } from './random-step.js'

export { leafOn } from './draw.js'

export interface Program {
  readonly seed: number
  readonly leaves: readonly Leaf[]
  readonly steps: readonly Step[]
}

/** All values of a program on a device: leaves, then results. */
export function valuesOn(program: Program, leaves: readonly Tensor[]): Tensor[] {
  const values = [...leaves]
  for (const step of program.steps) values.push(step.run(values))
  return values
}

const shapes: readonly (readonly number[])[] = [[3, 4], [4, 3], [2, 3, 4], [5], [1, 4], [3, 1], [], [2, 1, 3], [0, 3], [7, 2], [33], [2, 2, 2, 3]]

export function drawProgram(seed: number, length: number, device: Device): Program {
  const draw = new Draw(seed, device)
  const count = draw.integer(2, 5)
  for (let i = 0; i < count; i++) draw.leaf(draw.pick(shapes), draw.integer(0, 5) === 0 ? 'i32' : 'f32')
  draw.leaf([draw.integer(1, 6)], 'bool')
  for (let tries = 0; draw.steps.length < length && tries < length * 20; tries++) {
    // Late values are likelier: chains, not bushes.
    const at = Math.max(draw.integer(0, draw.values.length), draw.integer(0, draw.values.length))
    const step = draw.pick(stepsFor(draw.values[at]))(draw, at)
    if (step === null) continue
    const value = step.run(draw.values)
    if (value.size > 3000) continue
    draw.steps.push(step)
    draw.values.push(value)
  }
  return { seed, leaves: draw.leaves, steps: draw.steps }
}
