// A function's derivative at one point, analytic beside numeric: the whole Jacobian, or its product with random directions on both sides.
import { RandomStream, tensor, type Tensor } from '@abovo/tensor-webgpu'

/** What is compared: the function, its pullback, the point, and who judges. */
export interface Comparison {
  readonly forward: (values: readonly Tensor[]) => readonly Tensor[]
  /** Gradients of Σ outputs·seeds with respect to the float inputs. */
  readonly backward: (values: readonly Tensor[], seeds: readonly Tensor[]) => readonly Tensor[]
  readonly inputs: readonly Tensor[]
  readonly eps: number
  /** Throws where the two numbers differ too much. */
  readonly check: (analytic: number, numeric: number, where: string) => void
}

export const isFloat = ({ dtype }: Tensor): boolean => dtype === 'f32' || dtype === 'f16'

const readAll = (tensors: readonly Tensor[]): Promise<Float64Array[]> => Promise.all(tensors.map(async value => Float64Array.from(await value.data())))

const withValues = (like: Tensor, values: Float64Array): Tensor => tensor(values, { shape: like.shape, dtype: like.dtype, device: like.device })

const unit = (size: number, place: number): Float64Array => Float64Array.from({ length: size }, (_, i) => (i === place ? 1 : 0))

const randomDirection = (size: number, random: RandomStream): Float64Array => Float64Array.from({ length: size }, () => random.uniform() * 2 - 1)

/** Random tensors like the given ones. */
export const seedsLike = (tensors: readonly Tensor[], random: RandomStream): Tensor[] => tensors.map(one => withValues(one, randomDirection(one.size, random)))

/** The outputs at the point moved along a direction of one input. */
async function movedOutputs({ forward, inputs, eps }: Comparison, at: number, direction: Float64Array): Promise<readonly Float64Array[]> {
  const centre = Float64Array.from(await inputs[at].data())
  const outputsAt = (by: number): Promise<Float64Array[]> =>
    readAll(forward(inputs.map((other, j) => (j === at ? withValues(other, centre.map((value, i) => value + by * direction[i])) : other))))
  const [above, below] = [await outputsAt(eps), await outputsAt(-eps)]
  return above.map((values, output) => values.map((value, place) => (value - below[output][place]) / (2 * eps)))
}

/** Every element of the Jacobian. */
export async function compareEveryElement(comparison: Comparison): Promise<void> {
  const { inputs, forward, check } = comparison
  const analytic = await analyticJacobian(comparison, forward(inputs))
  for (const [i, at] of floatPositions(inputs).entries())
    for (let element = 0; element < inputs[at].size; element++) {
      const numeric = await movedOutputs(comparison, at, unit(inputs[at].size, element))
      numeric.forEach((values, output) =>
        values.forEach((value, place) => check(analytic[output][place][i][element], value, `element ${place} of output ${output} by element ${element} of input ${at}`)),
      )
    }
}

/** vᵀ·J·u for random u and v, twice for each input. */
export async function compareAlongDirections(comparison: Comparison): Promise<void> {
  const { inputs, forward, backward, check } = comparison
  const random = new RandomStream(21)
  const outputs = forward(inputs)
  for (let round = 0; round < 2; round++) {
    const seeds = seedsLike(outputs, random)
    const weights = await readAll(seeds)
    const gradients = await readAll(backward(inputs, seeds))
    for (const [i, at] of floatPositions(inputs).entries()) {
      const direction = randomDirection(inputs[at].size, random)
      const numeric = await movedOutputs(comparison, at, direction)
      check(dot(gradients[i], direction), numeric.reduce((sum, values, output) => sum + dot(values, weights[output]), 0), `a random direction of input ${at}`)
    }
  }
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0)

const floatPositions = (inputs: readonly Tensor[]): number[] => inputs.flatMap((input, at) => (isFloat(input) ? [at] : []))

/** [output][place of output][input][element of input] */
async function analyticJacobian({ backward, inputs }: Comparison, outputs: readonly Tensor[]): Promise<Float64Array[][][]> {
  const blank = outputs.map(output => withValues(output, new Float64Array(output.size)))
  return Promise.all(
    outputs.map((output, o) =>
      Promise.all(
        Array.from({ length: output.size }, (_, place) => {
          const seed = withValues(output, unit(output.size, place))
          return readAll(backward(inputs, blank.map((other, i) => (i === o ? seed : other))))
        }),
      ),
    ),
  )
}
