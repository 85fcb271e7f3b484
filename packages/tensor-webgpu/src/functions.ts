// Verbs that have no natural receiver, or read better as functions: making tensors, joining them, normalisation, losses, attention.
import { defaultDevice } from './devices/default-device.js'
import type { Device } from './devices/device.js'
import { bytesPerElement, dtypeOf, type Dtype, type TypedArray } from './dtype.js'
import { DtypeError, ShapeError } from './errors.js'
import * as build from './graph/build.js'
import { Holding } from './graph/holding.js'
import { allocateStorage, currentSite } from './memory.js'
import * as attention from './ops/attention.js'
import { conv1d as conv1dNode } from './ops/contraction.js'
import * as create from './ops/create.js'
import { einsum as einsumNodes } from './ops/einsum.js'
import * as el from './ops/elementwise.js'
import { embedding as embeddingNode } from './ops/indexing.js'
import * as loss from './ops/loss.js'
import * as movement from './ops/movement.js'
import { multinomial as multinomialNode, permutation as permutationNode } from './ops/sorting.js'
import * as norm from './ops/normalize.js'
import * as sampling from './ops/sampling.js'
import { checkShape, formatShape, sizeOf, type Shape } from './shape.js'
import { Tensor, type NestedNumbers, type Operand } from './tensor.js'

export interface CreateOptions {
  dtype?: Dtype
  device?: Device
}

/** A seed for random tensors: a number, or an integer scalar tensor that may change from run to run of a compiled function. */
export interface SeedOptions {
  seed: number | Tensor
  /** Separates draws that share a seed. */
  stream?: number
}

const seedOf = ({ seed, stream = 0 }: SeedOptions): create.RandomOptions => ({ seed: typeof seed === 'number' ? seed : seed.node, stream })
const lower = (operand: Operand): number | Tensor['node'] => (typeof operand === 'number' ? operand : operand.node)

/**
 * A tensor from nested arrays, or from a typed array with a shape. f32 unless the typed array or `dtype` says otherwise.
 *
 * @throws ShapeError where nested arrays are ragged or the data does not fill the shape.
 * @example
 * const a = tensor([[1, 2], [3, 4]])
 * const ids = tensor(Int32Array.of(7, 8, 9), { shape: [3] })
 */
export function tensor(data: NestedNumbers | TypedArray, options: CreateOptions & { shape?: Shape } = {}): Tensor {
  const { values, shape } = isTypedArray(data) ? { values: data, shape: options.shape ?? [data.length] } : flatten(data, options.shape)
  checkShape('tensor', shape)
  if (values.length !== sizeOf(shape)) throw new ShapeError(`tensor: shape ${formatShape(shape)} needs ${sizeOf(shape)} elements, got ${values.length}`)
  const device = options.device ?? defaultDevice('tensor')
  const dtype = options.dtype ?? dtypeOf(values)
  requireSupport('tensor', dtype, device)
  checkIntegers(values, dtype)
  const storage = allocateStorage(device, shape, dtype, currentSite())
  device.write(storage, values)
  const node = build.source(shape, dtype, device)
  node.holding = new Holding(device, storage)
  return new Tensor(node).asLeaf()
}

function requireSupport(where: string, dtype: Dtype, device: Device): void {
  if (!Object.hasOwn(bytesPerElement, dtype)) throw new DtypeError(`${where}: dtype must be one of ${Object.keys(bytesPerElement).join(', ')}, got ${String(dtype)}`)
  if (!device.supports(dtype)) throw new DtypeError(`${where}: f16 must work on the device, which it does not on ${device.kind} (${device.description}); use f32 here`)
}

const isTypedArray = (data: NestedNumbers | TypedArray): data is TypedArray => ArrayBuffer.isView(data)

function checkIntegers(values: TypedArray, dtype: Dtype): void {
  if ((dtype !== 'i32' && dtype !== 'u32') || values instanceof Int32Array || values instanceof Uint32Array || values instanceof Uint8Array) return
  const bad = values.findIndex(value => !Number.isInteger(value))
  if (bad >= 0) throw new DtypeError(`tensor: elements of an ${dtype} tensor must be integers, got ${values[bad]} at ${bad}; round them or use dtype 'f32'`)
}

function flatten(data: NestedNumbers, wanted: Shape | undefined): { values: Float64Array; shape: Shape } {
  const shape: number[] = []
  for (let level: NestedNumbers = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length)
    if (level.length === 0) break
  }
  const values: number[] = []
  const visit = (level: NestedNumbers, depth: number): void => {
    if (typeof level !== 'number' && !Array.isArray(level)) throw new DtypeError(`tensor: elements must be numbers, got ${String(level)}; of true and false make 1 and 0`)
    if (typeof level === 'number') {
      if (depth !== shape.length) throw new ShapeError('tensor: nested arrays must be equally deep, got a number beside an array')
      values.push(level)
      return
    }
    if (depth >= shape.length || level.length !== shape[depth]) throw new ShapeError(`tensor: nested arrays must be rectangular, got length ${level.length} where ${shape[depth] ?? 'a number'} was expected at depth ${depth}`)
    for (const item of level) visit(item, depth + 1)
  }
  visit(data, 0)
  return { values: Float64Array.from(values), shape: wanted ?? shape }
}

export function full(shape: Shape, value: number, { dtype = 'f32', device = defaultDevice('full') }: CreateOptions = {}): Tensor {
  requireSupport('full', dtype, device)
  return new Tensor(create.full(shape, value, dtype, device))
}
export const zeros = (shape: Shape, options: CreateOptions = {}): Tensor => full(shape, 0, options)
export const ones = (shape: Shape, options: CreateOptions = {}): Tensor => full(shape, 1, options)
export const zerosLike = (x: Tensor): Tensor => full(x.shape, 0, { dtype: x.dtype, device: x.device })
export const onesLike = (x: Tensor): Tensor => full(x.shape, 1, { dtype: x.dtype, device: x.device })

/** 0 … end-1, or start … end-1 in steps. i32 unless a bound or the step is fractional. */
export function arange(startOrEnd: number, end?: number, step = 1, { dtype, device }: CreateOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, startOrEnd] : [startOrEnd, end]
  const natural = Number.isInteger(from) && Number.isInteger(step) ? 'i32' : 'f32'
  return new Tensor(create.arange(from, to, step, dtype ?? natural, device ?? defaultDevice('arange')))
}

export const linspace = (start: number, end: number, count: number, { device }: CreateOptions = {}): Tensor => new Tensor(create.linspace(start, end, count, device ?? defaultDevice('linspace')))
export const eye = (n: number, m = n, { device }: CreateOptions = {}): Tensor => new Tensor(create.eye(n, m, device ?? defaultDevice('eye')))
/** Uniform in [0, 1). */
export const rand = (shape: Shape, { device, ...options }: SeedOptions & CreateOptions): Tensor => new Tensor(create.rand(shape, seedOf(options), device ?? defaultDevice('rand')))
/** Standard normal. */
export const randn = (shape: Shape, { device, ...options }: SeedOptions & CreateOptions): Tensor => new Tensor(create.randn(shape, seedOf(options), device ?? defaultDevice('randn')))
/** Uniform integers in [low, high). */
export const randint = (low: number, high: number, shape: Shape, { device, ...options }: SeedOptions & CreateOptions): Tensor => new Tensor(create.randint(low, high, shape, seedOf(options), device ?? defaultDevice('randint')))
/** true with probability p. */
export const bernoulli = (p: number, shape: Shape, { device, ...options }: SeedOptions & CreateOptions): Tensor => new Tensor(create.bernoulli(p, shape, seedOf(options), device ?? defaultDevice('bernoulli')))
export const dropout = (x: Tensor, { p = 0.5, ...options }: SeedOptions & { p?: number }): Tensor => new Tensor(create.dropout(x.node, { p, ...seedOf(options) }))

/** A random order of 0 … n-1, i32. */
export const permutation = (n: number, { device, ...options }: SeedOptions & CreateOptions): Tensor => new Tensor(permutationNode(n, seedOf(options), device ?? defaultDevice('permutation')))
/** Class indices drawn with probability proportional to weights (…, classes): shape (…, samples), i32. */
export const multinomial = (weights: Tensor, samples: number, { replacement = false, ...options }: SeedOptions & { replacement?: boolean }): Tensor => new Tensor(multinomialNode(weights.node, samples, { replacement, ...seedOf(options) }))
/** 1 on and below a diagonal, else 0. */
export const tri = (n: number, m = n, diagonal = 0, options: CreateOptions = {}): Tensor => full([n, m], 1, options).tril(diagonal)

/** Cross-correlation of (B, Cin, T) with weights (Cout, Cin, K). */
export const conv1d = (x: Tensor, weight: Tensor, { bias, ...options }: { stride?: number; padding?: number; bias?: Tensor | undefined } = {}): Tensor => new Tensor(conv1dNode(x.node, weight.node, { ...options, bias: bias?.node }))

export const where = (condition: Tensor, a: Operand, b: Operand): Tensor => new Tensor(el.where(condition.node, lower(a), lower(b)))
export const concat = (tensors: readonly Tensor[], axis = 0): Tensor => new Tensor(movement.concat(tensors.map(t => t.node), axis))
export const stack = (tensors: readonly Tensor[], axis = 0): Tensor => new Tensor(movement.stack(tensors.map(t => t.node), axis))
export const einsum = (equation: string, ...operands: readonly Tensor[]): Tensor => new Tensor(einsumNodes(equation, operands.map(t => t.node)))
/** Rows of a table (V, C) named by ids (…): shape (…, C). */
export const embedding = (ids: Tensor, table: Tensor): Tensor => new Tensor(embeddingNode(ids.node, table.node))

export const layerNorm = (x: Tensor, { weight, bias, eps = 1e-5 }: { weight?: Tensor | undefined; bias?: Tensor | undefined; eps?: number } = {}): Tensor =>
  new Tensor(norm.layerNorm(x.node, { weight: weight?.node, bias: bias?.node, eps }))
export const rmsNorm = (x: Tensor, { weight, eps = 1e-6 }: { weight?: Tensor | undefined; eps?: number } = {}): Tensor => new Tensor(norm.rmsNorm(x.node, { weight: weight?.node, eps }))

export const crossEntropy = (logits: Tensor, targets: Tensor, options: loss.CrossEntropyOptions = {}): Tensor => new Tensor(loss.crossEntropy(logits.node, targets.node, options))
export const nll = (logProbs: Tensor, targets: Tensor, options: Omit<loss.CrossEntropyOptions, 'labelSmoothing'> = {}): Tensor => new Tensor(loss.nll(logProbs.node, targets.node, options))
export const mse = (prediction: Tensor, target: Tensor, options: { reduction?: loss.Reduction } = {}): Tensor => new Tensor(loss.mse(prediction.node, target.node, options))
export const bceWithLogits = (logits: Tensor, target: Tensor, options: { reduction?: loss.Reduction } = {}): Tensor => new Tensor(loss.bceWithLogits(logits.node, target.node, options))
export const klDiv = (input: Tensor, target: Tensor, options: { reduction?: loss.Reduction | 'batchMean' } = {}): Tensor => new Tensor(loss.klDiv(input.node, target.node, options))

/** softmax(q·kᵀ·scale + mask)·v for q (B, H, T, D) and k, v (B, Hk, S, D), without the (T, S) matrix. */
export const scaledDotProductAttention = (q: Tensor, k: Tensor, v: Tensor, { mask, keyLengths, dropout: drop, ...options }: Omit<attention.AttentionArguments, 'mask' | 'keyLengths' | 'dropout'> & { mask?: Tensor | undefined; keyLengths?: Tensor | undefined; dropout?: (SeedOptions & { p: number }) | undefined } = {}): Tensor =>
  new Tensor(attention.scaledDotProductAttention(q.node, k.node, v.node, { ...options, mask: mask?.node, keyLengths: keyLengths?.node, dropout: drop === undefined ? undefined : { p: drop.p, ...seedOf(drop) } }))

/**
 * Draws a class from logits (…, V) by a uniform number in [0, 1) a row (…): temperature (0 takes the likeliest), then the top-k and top-p cuts
 * (arXiv 1904.09751), then the class in whose probability the running sum passes the number, classes in their own order. `logProb` is before the cuts.
 * Without a sort; no gradient flows through.
 *
 * @throws ShapeError when the numbers or options do not broadcast to the rows
 * @example
 * const { index, logProb } = categorical(tensor([[0, 1, 2]]), tensor([0.5]), { temperature: 0.8, topK: 2 })   // index: [2]
 */
export function categorical(logits: Tensor, uniform: Tensor, { temperature = 1, topK = 2 ** 31 - 1, topP = 1 }: { temperature?: Operand; topK?: Operand; topP?: Operand } = {}): { index: Tensor; logProb: Tensor } {
  const [index, logProb] = sampling.categorical(logits.node, uniform.node, { temperature: lower(temperature), topK: lower(topK), topP: lower(topP) })
  return { index: new Tensor(index), logProb: new Tensor(logProb) }
}
