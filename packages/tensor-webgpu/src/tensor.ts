// The handle that users hold: a value that may not be computed yet. Methods add nodes to the graph and compute nothing; only reading does.
// Every method has a function of the same name (functions.ts); what they mean is documented where they are built, in ops/.
import { collectGarbage, shouldCollect } from './devices/collect-garbage.js'
import type { Device } from './devices/device.js'
import type { Dtype, TypedArray } from './dtype.js'
import { DeviceError, DisposedError, DtypeError, ShapeError } from './errors.js'
import * as build from './graph/build.js'
import { Holding } from './graph/holding.js'
import { concatPadded, Pack, ValueCell } from './graph/cell.js'
import type { Node } from './graph/node.js'
import { allocateStorage, currentSite } from './memory.js'
import * as contraction from './ops/contraction.js'
import * as el from './ops/elementwise.js'
import * as indexing from './ops/indexing.js'
import * as movement from './ops/movement.js'
import type { Operand as NodeOperand } from './ops/operand.js'
import * as reduction from './ops/reduce.js'
import * as sorting from './ops/sorting.js'
import { realize, sourceOf } from './realize.js'
import { formatShape, sameShape, sizeOf, type Shape } from './shape.js'
import { assignCell, isTracing } from './trace.js'

const brand = Symbol.for('@abovo/tensor-webgpu/Tensor')

/** What arithmetic accepts beside a tensor. */
export type Operand = Tensor | number

const lower = (operand: Operand): NodeOperand => (typeof operand === 'number' ? operand : operand.node)

const pair = ([values, indices]: readonly [Node, Node]): { values: Tensor; indices: Tensor } => ({ values: new Tensor(values), indices: new Tensor(indices) })

/** Nested arrays of numbers, as deep as the tensor has axes. */
export type NestedNumbers = number | readonly NestedNumbers[]

export class Tensor {
  readonly [brand] = true
  #cell: ValueCell | Pack

  /** Wraps a graph node. Users make tensors with `tensor`, `zeros` … instead. */
  constructor(node: Node) {
    this.#cell = new ValueCell(node)
  }

  /**
   * Moves the values of tensors into one flat tensor (each piece padded with zeros to a multiple of 128 elements), which is returned. The
   * handles stay what they were, as windows on it: what assigns to the flat tensor changes them, and the reverse. An optimizer updates all
   * parameters in one kernel that way. A handle can be packed once.
   */
  static pack(tensors: readonly Tensor[]): Tensor {
    const cells = tensors.map(tensor => tensor.#cell)
    if (isTracing()) throw new DeviceError('pack: tensors cannot be packed while a compiled function is traced; pack them before')
    if (cells.length === 0 || new Set(cells).size !== cells.length || cells.some(cell => cell instanceof Pack || cell.home !== cell)) throw new DeviceError('pack: tensors must be distinct and not packed yet')
    const [{ dtype, device }] = tensors
    if (tensors.some(tensor => tensor.dtype !== dtype || tensor.device !== device)) throw new DtypeError('pack: tensors must have one dtype and one device')
    const whole = concatPadded(tensors.map(tensor => tensor.node))
    const flat = new Tensor(build.stopGradient(whole)).realize()
    const pack = new Pack(sourceOf(flat.node.holding, null, flat.node), tensors.map(tensor => tensor.shape))
    pack.node.cell = pack
    flat.#cell = pack
    cells.forEach((cell, i) => {
      const { node } = cell
      if (node.cell === cell && node.operation.kind === 'source') {
        node.holding?.release()
        node.holding = null
        node.absence = 'packed'
      }
      if (cell instanceof ValueCell) cell.moveInto(pack, i)
    })
    return flat
  }

  /** The flat tensor that exactly these tensors, in this order, are the windows on; null if there is none. */
  static packOf(tensors: readonly Tensor[]): Tensor | null {
    const [home] = tensors.map(tensor => tensor.#cell.home)
    if (!(home instanceof Pack) || !home.isWholeOf(tensors.map(tensor => tensor.#cell))) return null
    const flat = new Tensor(home.node)
    flat.#cell = home
    return flat
  }

  /** Is this a window on a packed tensor? */
  get isPacked(): boolean {
    return this.#cell.home !== this.#cell
  }

  /** Is this a tensor of any copy of this package? */
  static isTensor(value: unknown): value is Tensor {
    return typeof value === 'object' && value !== null && brand in value
  }

  /** The graph node that is this tensor's value now. For code that transforms graphs. */
  get node(): Node {
    return this.#cell.node
  }
  get shape(): Shape {
    return this.node.shape
  }
  get dtype(): Dtype {
    return this.node.dtype
  }
  get device(): Device {
    return this.node.device
  }
  /** Number of elements. */
  get size(): number {
    return sizeOf(this.node.shape)
  }
  get rank(): number {
    return this.node.shape.length
  }

  /** The elements in row-major order, computed if need be. A copy. */
  async data(): Promise<TypedArray> {
    if (this.isPacked) return this.#readWindow()
    this.realize()
    const holding = this.node.holding
    if (holding === null) throw new DeviceError('data: the value must be there after a run, got none')
    if (holding.released) throw new DisposedError(`data: a tensor of shape ${formatShape(this.shape)} was used after dispose(); read it before`)
    const data = await holding.device.read(holding.storage)
    if (shouldCollect(this.device)) await collectGarbage(this.device)
    return data
  }

  /** Through a copy that is given back: a window with a storage of its own would be an input more to every compiled function. */
  async #readWindow(): Promise<TypedArray> {
    const copy = new Tensor(build.stopGradient(this.node))
    const data = await copy.data()
    copy.dispose()
    return data
  }

  /** The value of a tensor with one element. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError(`item: the tensor must have one element, got shape ${formatShape(this.shape)}; use data()`)
    return (await this.data())[0]
  }

  /** The places of all elements that are not 0, in row-major order, one array of coordinates each. Reads the tensor. */
  async nonzero(): Promise<number[][]> {
    const data = await this.data()
    const places: number[][] = []
    data.forEach((value: number, at: number) => {
      if (value !== 0) places.push(this.shape.map((n, d) => Math.floor(at / sizeOf(this.shape.slice(d + 1))) % n))
    })
    return places
  }

  /** The elements as nested arrays. */
  async array(): Promise<NestedNumbers> {
    const data = await this.data()
    let at = 0
    const nest = (shape: Shape): NestedNumbers => (shape.length === 0 ? data[at++] : Array.from({ length: shape[0] }, () => nest(shape.slice(1))))
    return nest(this.shape)
  }

  /** Queues the computation of this tensor (and of waiting assignments) without reading it. */
  realize(): this {
    if (isTracing()) throw new DeviceError('realize: a tensor cannot be read while a compiled function is traced; return it and read it outside')
    realize('realize', [this.isPacked ? this.#cell.home.node : this.node], this.device)
    return this
  }

  /** Makes an ordinary tensor one that compiled functions find again after later assignments. Done by whoever creates leaves. */
  asLeaf(): this {
    if (this.node.operation.kind === 'source') this.node.cell = this.#cell
    return this
  }

  /** Gives this handle a new value of the same shape, dtype and device. Inside a compiled function: in place. */
  assign(value: Tensor): this {
    if (!sameShape(value.shape, this.shape)) throw new ShapeError(`assign: the value must have shape ${formatShape(this.shape)}, got ${formatShape(value.shape)}`)
    if (value.dtype !== this.dtype) throw new DtypeError(`assign: the value must be ${this.dtype}, got ${value.dtype}; convert with .to('${this.dtype}')`)
    if (value.device !== this.device) throw new DeviceError(`assign: the value must be on ${this.device.kind}, got ${value.device.kind}`)
    assignCell(this.#cell, value.node)
    return this
  }

  /** Overwrites the value from the host, keeping the storage. */
  write(data: TypedArray): this {
    if (data.length !== this.size) throw new ShapeError(`write: ${this.size} elements are needed for shape ${formatShape(this.shape)}, got ${data.length}`)
    const storage = allocateStorage(this.device, this.shape, this.dtype, currentSite())
    this.device.write(storage, data)
    const holding = new Holding(this.device, storage)
    if (this.isPacked) assignCell(this.#cell, sourceOf(holding, null, this.node))
    else this.#cell.node = sourceOf(holding, this.#cell, this.node)
    return this
  }

  /** Frees the memory now. Using this tensor, or uncomputed tensors that depend on it, is an error afterwards. A window frees nothing. */
  dispose(): void {
    if (this.isPacked) return
    const node = this.node
    node.holding?.release()
    if (node.operation.kind === 'source') node.absence = 'disposed'
  }
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** The same values on another device. Waits for the values. */
  async toDevice(device: Device): Promise<Tensor> {
    if (device === this.device) return this
    const storage = allocateStorage(device, this.shape, this.dtype, currentSite())
    device.write(storage, await this.data())
    const node = build.source(this.shape, this.dtype, device)
    node.holding = new Holding(device, storage)
    return new Tensor(node).asLeaf()
  }

  /** The values converted to another element type. */
  to(dtype: Dtype): Tensor {
    return new Tensor(build.cast(this.node, dtype))
  }
  /** The same bits read as another 32-bit element type. */
  bitcast(dtype: Dtype): Tensor {
    return new Tensor(build.bitcast(this.node, dtype))
  }
  /** This value, through which no gradient flows. */
  stopGradient(): Tensor {
    return new Tensor(build.stopGradient(this.node))
  }

  // Elementwise, two operands: shapes broadcast, dtypes promote.
  add(other: Operand): Tensor { return new Tensor(el.add(this.node, lower(other))) }
  sub(other: Operand): Tensor { return new Tensor(el.sub(this.node, lower(other))) }
  mul(other: Operand): Tensor { return new Tensor(el.mul(this.node, lower(other))) }
  div(other: Operand): Tensor { return new Tensor(el.div(this.node, lower(other))) }
  pow(other: Operand): Tensor { return new Tensor(el.pow(this.node, lower(other))) }
  maximum(other: Operand): Tensor { return new Tensor(el.maximum(this.node, lower(other))) }
  minimum(other: Operand): Tensor { return new Tensor(el.minimum(this.node, lower(other))) }
  remainder(other: Operand): Tensor { return new Tensor(el.remainder(this.node, lower(other))) }
  truncDivide(other: Operand): Tensor { return new Tensor(el.truncDivide(this.node, lower(other))) }
  eq(other: Operand): Tensor { return new Tensor(el.eq(this.node, lower(other))) }
  ne(other: Operand): Tensor { return new Tensor(el.ne(this.node, lower(other))) }
  lt(other: Operand): Tensor { return new Tensor(el.lt(this.node, lower(other))) }
  le(other: Operand): Tensor { return new Tensor(el.le(this.node, lower(other))) }
  gt(other: Operand): Tensor { return new Tensor(el.gt(this.node, lower(other))) }
  ge(other: Operand): Tensor { return new Tensor(el.ge(this.node, lower(other))) }
  bitwiseAnd(other: Operand): Tensor { return new Tensor(el.bitwiseAnd(this.node, lower(other))) }
  bitwiseOr(other: Operand): Tensor { return new Tensor(el.bitwiseOr(this.node, lower(other))) }
  bitwiseXor(other: Operand): Tensor { return new Tensor(el.bitwiseXor(this.node, lower(other))) }
  shiftLeft(other: Operand): Tensor { return new Tensor(el.shiftLeft(this.node, lower(other))) }
  shiftRight(other: Operand): Tensor { return new Tensor(el.shiftRight(this.node, lower(other))) }
  logicalAnd(other: Operand): Tensor { return new Tensor(el.logicalAnd(this.node, lower(other))) }
  logicalOr(other: Operand): Tensor { return new Tensor(el.logicalOr(this.node, lower(other))) }
  logicalXor(other: Operand): Tensor { return new Tensor(el.logicalXor(this.node, lower(other))) }

  // Elementwise, one operand.
  neg(): Tensor { return new Tensor(el.neg(this.node)) }
  abs(): Tensor { return new Tensor(el.abs(this.node)) }
  sign(): Tensor { return new Tensor(el.sign(this.node)) }
  floor(): Tensor { return new Tensor(el.floor(this.node)) }
  ceil(): Tensor { return new Tensor(el.ceil(this.node)) }
  trunc(): Tensor { return new Tensor(el.trunc(this.node)) }
  round(): Tensor { return new Tensor(el.round(this.node)) }
  exp(): Tensor { return new Tensor(el.exp(this.node)) }
  expm1(): Tensor { return new Tensor(el.expm1(this.node)) }
  log(): Tensor { return new Tensor(el.log(this.node)) }
  log1p(): Tensor { return new Tensor(el.log1p(this.node)) }
  sqrt(): Tensor { return new Tensor(el.sqrt(this.node)) }
  rsqrt(): Tensor { return new Tensor(el.rsqrt(this.node)) }
  sin(): Tensor { return new Tensor(el.sin(this.node)) }
  cos(): Tensor { return new Tensor(el.cos(this.node)) }
  tanh(): Tensor { return new Tensor(el.tanh(this.node)) }
  sigmoid(): Tensor { return new Tensor(el.sigmoid(this.node)) }
  erf(): Tensor { return new Tensor(el.erf(this.node)) }
  isNan(): Tensor { return new Tensor(el.isNan(this.node)) }
  isFinite(): Tensor { return new Tensor(el.isFinite(this.node)) }
  reciprocal(): Tensor { return new Tensor(el.reciprocal(this.node)) }
  square(): Tensor { return new Tensor(el.square(this.node)) }
  relu(): Tensor { return new Tensor(el.relu(this.node)) }
  silu(): Tensor { return new Tensor(el.silu(this.node)) }
  softplus(): Tensor { return new Tensor(el.softplus(this.node)) }
  logicalNot(): Tensor { return new Tensor(el.logicalNot(this.node)) }
  gelu(options: { approximate?: 'none' | 'tanh' } = {}): Tensor { return new Tensor(el.gelu(this.node, options)) }
  clamp(bounds: { min?: number; max?: number }): Tensor { return new Tensor(el.clamp(this.node, bounds)) }
  maskedFill(mask: Tensor, value: number): Tensor { return new Tensor(el.maskedFill(this.node, mask.node, value)) }

  // Reductions.
  sum(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.sum(this.node, options)) }
  prod(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.prod(this.node, options)) }
  max(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.max(this.node, options)) }
  min(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.min(this.node, options)) }
  any(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.any(this.node, options)) }
  all(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.all(this.node, options)) }
  mean(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.mean(this.node, options)) }
  logSumExp(options: reduction.ReduceOptions = {}): Tensor { return new Tensor(reduction.logSumExp(this.node, options)) }
  variance(options: reduction.ReduceOptions & { correction?: number } = {}): Tensor { return new Tensor(reduction.variance(this.node, options)) }
  std(options: reduction.ReduceOptions & { correction?: number } = {}): Tensor { return new Tensor(reduction.std(this.node, options)) }
  norm(options: reduction.ReduceOptions & { p?: number } = {}): Tensor { return new Tensor(reduction.norm(this.node, options)) }
  argmax(options: { axis?: number; keepdim?: boolean } = {}): Tensor { return new Tensor(reduction.argmax(this.node, options)) }
  argmin(options: { axis?: number; keepdim?: boolean } = {}): Tensor { return new Tensor(reduction.argmin(this.node, options)) }
  cumsum(axis: number): Tensor { return new Tensor(reduction.cumsum(this.node, axis)) }
  softmax(axis: number): Tensor { return new Tensor(reduction.softmax(this.node, axis)) }
  logSoftmax(axis: number): Tensor { return new Tensor(reduction.logSoftmax(this.node, axis)) }

  // Movement: where elements lie.
  reshape(shape: Shape): Tensor { return new Tensor(movement.reshape(this.node, shape)) }
  flatten(startAxis = 0, endAxis = -1): Tensor { return new Tensor(movement.flatten(this.node, startAxis, endAxis)) }
  squeeze(axis?: number | readonly number[]): Tensor { return new Tensor(movement.squeeze(this.node, axis)) }
  unsqueeze(axis: number): Tensor { return new Tensor(movement.unsqueeze(this.node, axis)) }
  permute(order: readonly number[]): Tensor { return new Tensor(movement.permute(this.node, order)) }
  transpose(axis0 = -2, axis1 = -1): Tensor { return new Tensor(movement.transpose(this.node, axis0, axis1)) }
  expand(shape: Shape): Tensor { return new Tensor(movement.expand(this.node, shape)) }
  slice(ranges: readonly (movement.Range | number | null)[]): Tensor { return new Tensor(movement.slice(this.node, ranges)) }
  narrow(axis: number, start: number, length: number): Tensor { return new Tensor(movement.narrow(this.node, axis, start, length)) }
  flip(axes?: number | readonly number[]): Tensor { return new Tensor(movement.flip(this.node, axes)) }
  pad(widths: readonly (readonly [number, number])[], options: { value?: number } = {}): Tensor { return new Tensor(movement.pad(this.node, widths, options)) }
  roll(shift: number, axis: number): Tensor { return new Tensor(movement.roll(this.node, shift, axis)) }
  repeat(times: readonly number[]): Tensor { return new Tensor(movement.repeat(this.node, times)) }
  tril(diagonal = 0): Tensor { return new Tensor(movement.tril(this.node, diagonal)) }
  triu(diagonal = 0): Tensor { return new Tensor(movement.triu(this.node, diagonal)) }
  diagonal(): Tensor { return new Tensor(movement.diagonal(this.node)) }
  split(sizes: number | readonly number[], axis = 0): Tensor[] { return movement.split(this.node, sizes, axis).map(node => new Tensor(node)) }
  chunk(chunks: number, axis = 0): Tensor[] { return movement.chunk(this.node, chunks, axis).map(node => new Tensor(node)) }

  // Contraction and indexing.
  matmul(other: Tensor): Tensor { return new Tensor(contraction.matmul(this.node, other.node)) }
  outer(other: Tensor): Tensor { return new Tensor(contraction.outer(this.node, other.node)) }
  gather(axis: number, index: Tensor): Tensor { return new Tensor(indexing.gather(this.node, axis, index.node)) }
  scatter(axis: number, index: Tensor, values: Operand): Tensor { return new Tensor(indexing.scatter(this.node, axis, index.node, lower(values))) }
  scatterAdd(axis: number, index: Tensor, values: Tensor): Tensor { return new Tensor(indexing.scatterAdd(this.node, axis, index.node, values.node)) }
  /**
   * This tensor with values written over it from place `start` of `axis` on: x[start : start + n] = values, as a new tensor. Where it is assigned back to
   * its own tensor in a compiled function, only those places are written: `cache.assign(cache.sliceScatter(2, at, keys))`. A start that is a tensor is
   * clamped so that the values fit; a number that does not fit throws ShapeError.
   */
  sliceScatter(axis: number, start: Operand, values: Tensor): Tensor { return new Tensor(indexing.sliceScatter(this.node, axis, typeof start === 'number' ? start : start.node, values.node)) }
  indexSelect(axis: number, index: Tensor): Tensor { return new Tensor(indexing.indexSelect(this.node, axis, index.node)) }
  /** Slices along the first axis named by an index of any shape. */
  at(index: Tensor): Tensor { return new Tensor(indexing.indexAt(this.node, index.node)) }
  tensordot(other: Tensor, axes?: number | readonly [readonly number[], readonly number[]]): Tensor { return new Tensor(contraction.tensordot(this.node, other.node, axes)) }
  unfold(axis: number, size: number, step: number): Tensor { return new Tensor(contraction.unfold(this.node, axis, size, step)) }
  cumprod(axis: number): Tensor { return new Tensor(sorting.cumprod(this.node, axis)) }
  argsort(options: { axis?: number; descending?: boolean } = {}): Tensor { return new Tensor(sorting.argsort(this.node, options)) }
  /** Values in order, and the indices they had. */
  sort(options: { axis?: number; descending?: boolean } = {}): { values: Tensor; indices: Tensor } { return pair(sorting.sort(this.node, options)) }
  /** The k largest (or smallest) along an axis, in order. */
  topk(k: number, options: { axis?: number; largest?: boolean } = {}): { values: Tensor; indices: Tensor } { return pair(sorting.topk(this.node, k, options)) }
  searchsorted(values: Tensor, options: { right?: boolean } = {}): Tensor { return new Tensor(sorting.searchsorted(this.node, values.node, options)) }
  take(index: Tensor): Tensor { return new Tensor(indexing.take(this.node, index.node)) }
  oneHot(classes: number): Tensor { return new Tensor(indexing.oneHot(this.node, classes)) }
}
