// Gradients tested against finite differences, element by element, in float64: central differences at PyTorch's eps need the `reference` device.
import { compile, RandomStream, tensor, type Tensor } from '@abovo/tensor-webgpu'
import { differentiate } from './grad.js'
import { GradientError } from './gradient-error.js'
import { leavesOf } from './tensor-tree.js'

export interface GradcheckOptions {
  /** Half the distance of the two points of a difference. */
  eps?: number
  /** |analytic − numeric| may be atol + rtol·|numeric|. */
  atol?: number
  rtol?: number
  /** What to call the function in an error. */
  name?: string
}

type Checked = (...inputs: Tensor[]) => unknown

/**
 * Checks the gradients of a function at a point: every element of the Jacobian against a central difference. Resolves if all agree.
 *
 * @param fn gives a tensor or a tree of tensors; pure
 * @param inputs tensors on the reference device; those that are not float are passed on and not varied
 * @throws GradientError (code 'gradcheck') naming the function, the input, the element, and both values
 * @example
 * await gradcheck(x => x.sin(), [tensor([0.1, 0.2], { device: reference })])
 */
export async function gradcheck(fn: Checked, inputs: readonly Tensor[], { eps = 1e-6, atol = 1e-5, rtol = 1e-3, name = fn.name || 'the function' }: GradcheckOptions = {}): Promise<void> {
  const slow = inputs.find(input => input.device.kind !== 'reference')
  if (slow) throw new GradientError(`gradcheck: inputs must be on the float64 'reference' device, got ${slow.device.kind}; make them with { device: await requestDevice('reference') }`)
  const outputsOf = (values: readonly Tensor[]): Tensor[] => leavesOf(name, fn(...values)).flatMap(leaf => (isFloat(leaf.tensor) ? leaf.tensor : []))
  const forward = compile((values: readonly Tensor[]) => outputsOf(values))
  const backward = compile((values: readonly Tensor[], seeds: readonly Tensor[]) => differentiate(name, outputsOf(values), seeds, values.filter(isFloat), { allowUnused: true }))
  try {
    const analytic = await analyticJacobian(backward, inputs, forward(inputs))
    for (const [i, input] of inputs.filter(isFloat).entries()) {
      const at = inputs.indexOf(input)
      const centre = Float64Array.from(await input.data())
      for (let element = 0; element < centre.length; element++) {
        const moved = async (by: number): Promise<Float64Array[]> => readAll(forward(inputs.map((other, j) => (j === at ? varied(input, centre, element, by) : other))))
        const [above, below] = [await moved(eps), await moved(-eps)]
        above.forEach((values, output) =>
          values.forEach((value, place) => {
            const numeric = (value - below[output][place]) / (2 * eps)
            const exact = analytic[output][place][i][element]
            if (Math.abs(exact - numeric) <= atol + rtol * Math.abs(numeric)) return
            throw new GradientError(`gradcheck: gradients of ${name} must agree, got ${exact} (analytic) and ${numeric} (numeric) for element ${place} of output ${output} by element ${element} of input ${at}`, 'gradcheck')
          }),
        )
      }
    }
  } finally {
    forward.dispose()
    backward.dispose()
  }
}

/** gradcheck of a function's gradient: checks second derivatives, along fixed random directions. */
export async function gradgradcheck(fn: Checked, inputs: readonly Tensor[], { name = fn.name || 'the function', ...options }: GradcheckOptions = {}): Promise<void> {
  const outputs = leavesOf(name, fn(...inputs)).map(leaf => leaf.tensor).filter(isFloat)
  const random = new RandomStream(20)
  const seeds = outputs.map(output => tensor(Float64Array.from({ length: output.size }, () => random.uniform() * 2 - 1), { shape: output.shape, device: output.device }))
  const gradient: Checked = (...values) => {
    const point = values.slice(0, inputs.length)
    const results = leavesOf(name, fn(...point)).map(leaf => leaf.tensor).filter(isFloat)
    return differentiate(name, results, values.slice(inputs.length), point.filter(isFloat), { allowUnused: true })
  }
  await gradcheck(gradient, [...inputs, ...seeds], { name: `the gradient of ${name}`, ...options })
}

const isFloat = ({ dtype }: Tensor): boolean => dtype === 'f32' || dtype === 'f16'

const readAll = (tensors: readonly Tensor[]): Promise<Float64Array[]> => Promise.all(tensors.map(async value => Float64Array.from(await value.data())))

function varied(like: Tensor, centre: Float64Array, element: number, by: number): Tensor {
  const values = centre.slice()
  values[element] += by
  return tensor(values, { shape: like.shape, dtype: like.dtype, device: like.device })
}

/** [output][place of output][input][element of input] */
async function analyticJacobian(backward: (values: readonly Tensor[], seeds: readonly Tensor[]) => readonly Tensor[], inputs: readonly Tensor[], outputs: readonly Tensor[]): Promise<Float64Array[][][]> {
  const blank = outputs.map(output => varied(output, new Float64Array(output.size), 0, 0))
  return Promise.all(
    outputs.map((output, o) =>
      Promise.all(
        Array.from({ length: output.size }, (_, place) => {
          const seed = varied(output, new Float64Array(output.size), place, 1)
          return readAll(backward(inputs, blank.map((other, i) => (i === o ? seed : other))))
        }),
      ),
    ),
  )
}
