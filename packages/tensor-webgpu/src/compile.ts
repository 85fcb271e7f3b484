// Trace once, replay: a function of tensors becomes one prepared program per set of argument shapes. On replay the function does not run;
// arguments are copied in, the program runs as one submission, results are copied out.
import { DeviceError, DisposedError } from './errors.js'
import { defaultDevice } from './devices/default-device.js'
import type { Device, Executable, Storage } from './devices/device.js'
import * as build from './graph/build.js'
import { Holding } from './graph/holding.js'
import type { Cell, Node } from './graph/node.js'
import { makeProgram, type External } from './graph/program.js'
import { explainPlan } from './plan/explain.js'
import { allocateStorage, freeStorage } from './memory.js'
import { findSources, realize, sourceOf } from './realize.js'
import { Tensor } from './tensor.js'
import { leavesOf, mapLeaves, outline, tensorsIn } from './tensor-tree.js'
import { isTracing, runTraced, Trace } from './trace.js'

/** What a compiled function may be called with where the function itself takes a tensor: also a number, for a scalar that differs from call to call. */
export type Argument<T> = T extends Tensor ? T | number : T extends readonly unknown[] | object ? { readonly [K in keyof T]: Argument<T[K]> } : T

export interface Compiled<A extends readonly unknown[], R> {
  (...args: { [K in keyof A]: Argument<A[K]> }): R
  /** The plans made so far, one table each. */
  explain(): string
  /** Frees the plans. */
  dispose(): void
}

interface Traced {
  readonly device: Device
  readonly executable: Executable
  /** Where arguments go; first, if there are any, all that are numbers, in one. */
  readonly inputs: readonly Storage[]
  /** What the program reads from outside: cells at their present value, or fixed nodes. */
  readonly captured: readonly { readonly node: Node; readonly cell: Cell | null }[]
  /** Cells that the program updates in place; a part of the captured ones. */
  readonly assigned: ReadonlySet<Cell>
  readonly outputs: readonly { readonly node: Node; readonly storage: Storage }[]
  readonly result: unknown
  /** The node that each tensor of the result stood for when the trace ended, in order. */
  readonly resultNodes: readonly Node[]
}

/**
 * Makes a function of tensors fast: it is traced once per set of argument shapes, dtypes and other values than tensors and numbers, and replayed afterwards. Tensors it captures are
 * read anew at every call; those it assigns to are updated in place. Everything else it does happens once, at the trace. `device` matters
 * only where no argument is a tensor.
 *
 * @throws DeviceError when the function reads a tensor while it is traced.
 * @example
 * const w = tensor([1, 2, 3])
 * const step = compile((x: Tensor, rate: Tensor) => {
 *   w.assign(w.sub(x.mul(rate)))
 *   return w.sum()
 * })
 * await step(tensor([1, 1, 1]), 0.1).item()   // 5.7
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R, options: { device?: Device } = {}): Compiled<A, R> {
  const traces = new Map<string, Traced>()
  const call = (...args: readonly unknown[]): unknown => {
    const leaves = leavesOf(args)
    const device = options.device ?? leaves.find(leaf => typeof leaf !== 'number')?.device ?? defaultDevice('compile')
    if (isTracing()) return inline(values => Reflect.apply(fn, undefined, values), args, device)
    const key = outline(args)
    const traced = traces.get(key) ?? traceFunction((...values) => Reflect.apply(fn, undefined, values), args, device)
    traces.set(key, traced)
    return replay(traced, leaves)
  }
  const extras = {
    explain: () => [...traces].map(([key, traced]) => `${key}\n${traced.executable.explain(explainPlan)}`).join('\n\n'),
    dispose: () => {
      for (const traced of traces.values()) disposeTraced(traced)
      traces.clear()
    },
  }
  return Object.assign((...args: { [K in keyof A]: Argument<A[K]> }): R => asResult<R>(call(...args)), extras)
}

const isNumber = (leaf: Tensor | number): leaf is number => typeof leaf === 'number'

/** A compiled function called while another is traced becomes a part of that one. */
function inline(fn: (args: readonly unknown[]) => unknown, args: readonly unknown[], device: Device): unknown {
  const lowered = args.map(arg => mapLeaves(arg, leaf => (typeof leaf === 'number' ? new Tensor(build.constant(leaf, [], 'f32', device)) : leaf)))
  return mapLeaves(fn(lowered), leaf => (typeof leaf === 'number' ? leaf : new Tensor(leaf.node)))   // as from a replay: not the handle of what may be assigned to
}

/** The replayed tree has the shape of what `fn` returned: the one place where the compiler must be told so. */
function asResult<R>(value: unknown): R
function asResult(value: unknown): unknown {
  return value
}

function traceFunction(fn: (...args: readonly unknown[]) => unknown, args: readonly unknown[], device: Device): Traced {
  realize('compile', [], device)
  const placeholders: Node[] = []
  const placeholder = (node: Node): Node => {
    node.absence = 'placeholder'
    placeholders.push(node)
    return node
  }
  // One storage for all numbers: a call writes once, and a kernel binds one buffer.
  const count = leavesOf(args).filter(isNumber).length
  const numbers = build.source([count], 'f32', device)
  if (count > 0) placeholder(numbers)
  let next = 0
  const lowered = args.map(arg => mapLeaves(arg, leaf => new Tensor(isNumber(leaf) ? build.reshape(build.slice(numbers, [next++], [1], [1]), []) : placeholder(build.source(leaf.shape, leaf.dtype, device)))))
  const trace = new Trace()
  let updates: readonly Update[] = []
  let result: unknown
  let outputs: Node[] = []
  try {
    result = runTraced(trace, () => fn(...lowered))
    if (result instanceof Promise) throw notAsync(result)
    outputs = tensorsIn(result).map(tensor => tensor.node)
  } finally {
    updates = [...trace.assigned].map(([cell, before]) => ({ cell, before, after: cell.node }))
    for (const { cell, before } of updates) cell.node = before
  }
  const strangers = updates.filter(({ cell, before }) => before.cell !== cell || before.holding === null)
  for (const { cell, before } of strangers) ownStorage(cell, before)
  // What was computed from a literal may have been folded into it: now that its cell has a storage, trace again.
  if (strangers.some(({ before }) => before.operation.kind === 'constant' && before.operation.literal)) return traceFunction(fn, args, device)
  return prepare(device, placeholders, updates, result, outputs)
}

function notAsync(result: Promise<unknown>): DeviceError {
  result.catch(() => undefined)   // what it would say is that nothing can be read here
  return new DeviceError('compile: the function must give its tensors at once, got a promise; return them and await the reading outside')
}

interface Update {
  readonly cell: Cell
  readonly before: Node
  readonly after: Node
}

function prepare(device: Device, placeholders: readonly Node[], updates: readonly Update[], result: unknown, outputs: readonly Node[]): Traced {
  if (outputs.some(node => node.device !== device)) throw new DeviceError(`compile: arguments and results must be on one device, got ${device.kind} and another`)
  const changed = new Map(updates.map(update => [update.before, update]))
  const leaves = new Set([...placeholders, ...changed.keys()])
  const roots = [...updates.map(update => update.after), ...outputs]
  const read = findSources('compile', roots, leaves).filter(node => !leaves.has(node))
  const captured = [...updates.map(({ before, cell }) => ({ node: before, cell })), ...read.map(node => ({ node, cell: node.cell }))]
  const distinct = [...new Set(outputs)]
  const externals: External[] = [
    ...captured.map(({ node }) => ({ source: node, result: changed.get(node)?.after ?? null })),
    ...placeholders.map(source => ({ source, result: null })),
    ...distinct.map(result => ({ source: null, result })),
  ]
  return {
    device,
    executable: device.prepare(makeProgram(externals)),
    inputs: placeholders.map(node => allocateStorage(device, node.shape, node.dtype, node.site)),
    captured,
    assigned: new Set(updates.map(update => update.cell)),
    outputs: distinct.map(node => ({ node, storage: allocateStorage(device, node.shape, node.dtype, node.site) })),
    result,
    resultNodes: outputs,
  }
}

/** A cell that is updated in place must hold a storage of its own: not a constant, not a value that another tensor shares. */
function ownStorage(cell: Cell, before: Node): void {
  const copy = build.stopGradient(before)
  realize('compile', [copy], before.device)
  cell.node = sourceOf(copy.holding, cell, before)
}

function replay(traced: Traced, leaves: readonly (Tensor | number)[]): unknown {
  const { device, executable, inputs, captured, outputs } = traced
  realize('compile', [...captured.map(({ node, cell }) => cell?.node ?? node), ...leaves.flatMap(leaf => (typeof leaf === 'number' ? [] : leaf.node))], device)
  const numbers = leaves.filter(isNumber)
  if (numbers.length > 0) device.write(inputs[0], device.kind === 'reference' ? Float64Array.from(numbers) : Float32Array.from(numbers))
  const tensors = leaves.flatMap(leaf => (typeof leaf === 'number' ? [] : leaf))
  const before = tensors.map((leaf, i) => ({ from: storageOf(leaf.node), to: inputs[numbers.length > 0 ? i + 1 : i] }))
  const results = outputs.map(({ node, storage }) => ({ node, from: storage, to: allocateStorage(device, node.shape, node.dtype, node.site) }))
  const storages = [...captured.map(({ node, cell }) => storageOf(cell?.node ?? node)), ...inputs, ...outputs.map(output => output.storage)]
  executable.run(storages, { before, after: results })
  for (const cell of traced.assigned) renew(cell)
  const fresh = new Map(results.map(({ node, to }) => [node, leafWith(node, new Holding(device, to))]))
  let next = 0
  return mapLeaves(traced.result, leaf => (typeof leaf === 'number' ? leaf : fresh.get(traced.resultNodes[next++])))
}

function leafWith(like: Node, holding: Holding): Tensor {
  const node = build.source(like.shape, like.dtype, like.device)
  node.holding = holding
  return new Tensor(node).asLeaf()
}

function storageOf(node: Node): Storage {
  if (node.holding === null || node.holding.released) throw new DisposedError(`compile: captured tensors and arguments must have values, got one of shape (${node.shape.join(', ')}) after dispose(); dispose it later`)
  return node.holding.storage
}

/** After an update in place the old source means a value that is gone; what was built on it and not computed must not see the new one. */
function renew(cell: Cell): void {
  const old = cell.node
  cell.node = sourceOf(old.holding, cell, old)
  old.holding = null
  old.absence = 'overwritten'
}

function disposeTraced(traced: Traced): void {
  traced.executable.dispose()
  for (const storage of [...traced.inputs, ...traced.outputs.map(output => output.storage)]) freeStorage(traced.device, storage)
}
