// Module: a model or a layer, as an object whose tensor fields are its parameters. It holds no mode and no gradients: dropout is asked for by
// passing Noise to a forward pass, and gradients are graphs (autograd's `grad`).
//
// A parameter's name is the path of fields that leads to it: `transformer.h.0.ln_1.weight`. Where a checkpoint format fixes the names
// (Hugging Face's GPT-2 and BERT, PyTorch's nn.Transformer and nn.LSTM), the fields are called as there, snake case included.
import { Tensor } from '@abovo/tensor-webgpu'
import { CheckpointError } from './errors.js'
import type { HostTensor, StateDict } from './host-tensor.js'

/**
 * Base of all layers and models.
 *
 * Fields that are tensors are parameters; fields that are modules, arrays or plain objects are searched for more. What is no parameter (tables of
 * constants, caches) belongs in a `#private` field.
 *
 * @example
 * class Twice extends Module {
 *   readonly first = new Linear({ inputs: 4, outputs: 8, initializer: new Initializer(1) })
 *   readonly scale = tensor([1, 1, 1, 1, 1, 1, 1, 1])
 *   forward(x: Tensor): Tensor { return this.first.forward(x).mul(this.scale) }
 * }
 * new Twice().namedParameters().map(([name]) => name)   // ['first.weight', 'first.bias', 'scale']
 */
export abstract class Module {
  /** Name and value of every field that may hold parameters. Override to name them otherwise. */
  protected fields(): readonly (readonly [string, unknown])[] {
    return Object.entries(this)
  }

  /** All parameters with their names, in field order. A parameter reached twice is listed once, under its first name. */
  namedParameters(): [string, Tensor][] {
    const seen = new Set<Tensor>()
    return [...walk('', this)].filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor))
  }

  parameters(): Tensor[] {
    return this.namedParameters().map(([, tensor]) => tensor)
  }

  /** Number of scalars in all parameters. */
  parameterCount(): number {
    return this.parameters().reduce((sum, tensor) => sum + tensor.size, 0)
  }

  /** Reads all parameters to the host. Float64 on the reference device, float32 elsewhere. */
  async stateDict(): Promise<StateDict> {
    const named = this.namedParameters()
    const data = await Promise.all(named.map(([, tensor]) => tensor.data()))
    return new Map(named.map(([name, tensor], i) => [name, { shape: tensor.shape, data: data[i] }]))
  }

  /**
   * Overwrites all parameters. Strict: nothing is written unless every name and shape agrees.
   *
   * @throws CheckpointError listing all missing, unexpected and mis-shaped parameters at once.
   */
  loadStateDict(state: StateDict): this {
    const named = this.namedParameters()
    checkNames(named, state)
    for (const [name, tensor] of named) {
      const value = state.get(name)
      if (value !== undefined) tensor.write(value.data)
    }
    return this
  }

  /** Frees the parameters' device memory. */
  dispose(): void {
    for (const tensor of this.parameters()) tensor.dispose()
  }

  /** The walk of namedParameters, reached through a static so that modules can walk one another's protected fields. */
  static fieldsOf(module: Module): readonly (readonly [string, unknown])[] {
    return module.fields()
  }
}

function* walk(path: string, value: unknown): Generator<[string, Tensor]> {
  if (Tensor.isTensor(value)) yield [path, value]
  else
    for (const [key, child] of childrenOf(value))
      yield* walk(path === '' ? key : `${path}.${key}`, child)
}

function childrenOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (value instanceof Module) return Module.fieldsOf(value)
  const isPlain = typeof value === 'object' && value !== null && (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  return isPlain ? Object.entries(value) : []
}

const shapeText = ({ shape }: { shape: readonly number[] }): string => `(${shape.join(', ')})`

function checkNames(named: readonly (readonly [string, Tensor])[], state: ReadonlyMap<string, HostTensor>): void {
  const known = new Map(named)
  const missing = named.filter(([name]) => !state.has(name)).map(([name]) => name)
  const unexpected = [...state.keys()].filter(name => !known.has(name))
  const misshaped = named.flatMap(([name, tensor]) => {
    const given = state.get(name)
    return given === undefined || shapeText(given) === shapeText(tensor) ? [] : [`${name} ${shapeText(given)}, expected ${shapeText(tensor)}`]
  })
  const complaints = [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
    ...(misshaped.length > 0 ? [`of another shape: ${misshaped.join('; ')}`] : []),
  ]
  const culprit = missing[0] ?? unexpected[0] ?? misshaped[0]?.split(' ')[0] ?? null
  if (complaints.length > 0) throw new CheckpointError('state-mismatch', `loadStateDict: names and shapes must be the model's, got ${complaints.join('. Also ')}; was it saved from another configuration?`, culprit)
}
