// Gradients tested against finite differences in float64: central differences at PyTorch's eps need the `reference` device. How one point is
// compared is jacobian.ts.
import { compile, RandomStream, type Tensor } from '@abovo/tensor-webgpu'
import { differentiate } from './grad.js'
import { GradientError } from './gradient-error.js'
import { compareAlongDirections, compareEveryElement, isFloat, seedsLike } from './jacobian.js'
import { leavesOf } from './tensor-tree.js'

export interface GradcheckOptions {
  /** Half the distance of the two points of a difference. */
  eps?: number
  /** |analytic − numeric| may be atol + rtol·|numeric|. */
  atol?: number
  rtol?: number
  /** Compares along random directions instead of element by element: for inputs with many elements. PyTorch's `fast_mode`. */
  fast?: boolean
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
export async function gradcheck(fn: Checked, inputs: readonly Tensor[], { eps = 1e-6, atol = 1e-5, rtol = 1e-3, fast = false, name = fn.name || 'the function' }: GradcheckOptions = {}): Promise<void> {
  const slow = inputs.find(input => input.device.kind !== 'reference')
  if (slow) throw new GradientError(`gradcheck: inputs must be on the float64 'reference' device, got ${slow.device.kind}; make them with { device: await requestDevice('reference') }`)
  const outputsOf = (values: readonly Tensor[]): Tensor[] => leavesOf(name, fn(...values)).flatMap(leaf => (isFloat(leaf.tensor) ? leaf.tensor : []))
  const forward = compile((values: readonly Tensor[]) => outputsOf(values))
  const backward = compile((values: readonly Tensor[], seeds: readonly Tensor[]) => differentiate(name, outputsOf(values), seeds, values.filter(isFloat), { allowUnused: true }))
  const check = (analytic: number, numeric: number, where: string): void => {
    if (Math.abs(analytic - numeric) <= atol + rtol * Math.abs(numeric)) return
    throw new GradientError(`gradcheck: gradients of ${name} must agree, got ${analytic} (analytic) and ${numeric} (numeric) for ${where}`, 'gradcheck')
  }
  try {
    await (fast ? compareAlongDirections : compareEveryElement)({ forward, backward, inputs, eps, check })
  } finally {
    forward.dispose()
    backward.dispose()
  }
}

/** gradcheck of a function's gradient: checks second derivatives, along fixed random directions. */
export async function gradgradcheck(fn: Checked, inputs: readonly Tensor[], { name = fn.name || 'the function', ...options }: GradcheckOptions = {}): Promise<void> {
  const outputs = leavesOf(name, fn(...inputs)).map(leaf => leaf.tensor).filter(isFloat)
  const seeds = seedsLike(outputs, new RandomStream(20))
  const gradient: Checked = (...values) => {
    const point = values.slice(0, inputs.length)
    const results = leavesOf(name, fn(...point)).map(leaf => leaf.tensor).filter(isFloat)
    return differentiate(name, results, values.slice(inputs.length), point.filter(isFloat), { allowUnused: true })
  }
  await gradcheck(gradient, [...inputs, ...seeds], { name: `the gradient of ${name}`, ...options })
}
