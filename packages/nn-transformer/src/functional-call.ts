// A module run with other tensors in its parameters' places: the cast copies of mixed precision, weights under study. PyTorch's
// torch.func.functional_call.
import { Tensor } from '@abovo/tensor-webgpu'
import { ConfigError } from './errors.js'
import { Module } from './module.js'

/**
 * What `fn` gives while the module's parameters are the given ones; afterwards, also when it throws, they are its own again. A parameter that
 * stands in several places is replaced in all of them. `fn` must not wait for anything: the graph that it builds is what stays.
 *
 * @param parameters by the names of `namedParameters`; those left out stay
 * @throws ConfigError for a name that the module does not have
 * @example
 * const half = castParameters(Object.fromEntries(model.namedParameters()), 'f16')
 * const logits = functionalCall(model, half, () => model.forward(ids))   // f16
 */
export function functionalCall<R>(module: Module, parameters: Readonly<Record<string, Tensor>>, fn: () => R): R {
  const own = new Map(module.namedParameters())
  const replacements = new Map(Object.entries(parameters).map(([name, tensor]): [Tensor, Tensor] => {
    const parameter = own.get(name)
    if (parameter === undefined) throw new ConfigError(`functionalCall: every name must be a parameter's, got '${name}'; namedParameters() lists them`)
    return [parameter, tensor]
  }))
  const places = [...placesOf(module, new Set())].flatMap(({ holder, key, tensor }) => {
    const replacement = replacements.get(tensor)
    return replacement === undefined ? [] : [{ holder, key, tensor, replacement }]
  })
  const put = (which: 'tensor' | 'replacement'): void => places.forEach(place => void Reflect.set(place.holder, place.key, place[which]))
  try {
    put('replacement')
    return fn()
  } finally {
    put('tensor')
  }
}

interface Place {
  readonly holder: object
  readonly key: string
  readonly tensor: Tensor
}

/** Every property that holds a tensor, in the module and what it is made of. Names may be others (`fields`), so they are not looked at. */
function* placesOf(holder: object, seen: Set<object>): Generator<Place> {
  if (seen.has(holder)) return
  seen.add(holder)
  for (const [key, value] of Object.entries(holder)) if (Tensor.isTensor(value)) yield { holder, key, tensor: value }
  const parts = [...Object.values(holder), ...(holder instanceof Module ? Module.fieldsOf(holder).map(([, value]) => value) : [])]
  for (const part of parts) if (isPart(part)) yield* placesOf(part, seen)
}

function isPart(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Tensor.isTensor(value)) return false
  return value instanceof Module || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}
