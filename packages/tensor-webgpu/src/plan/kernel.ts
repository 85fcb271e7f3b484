// What a planned device is asked to compute: the kernels of a plan, as data. A kernel holds sizes, strides and arithmetic but no memory
// addresses, so kernels that are equal as data (every layer of a model) share one compiled program. How it is computed is the device's.
import type { Dtype } from '../dtype.js'
import { structureKey } from '../graph/structure-key.js'
import { rowMajorStrides, sizeOf } from '../shape.js'
import type { ScalarFunction } from '../graph/scalar-function.js'

/** One buffer a kernel touches. `written` bindings may also be read at the same element (in-place update). */
export interface Binding {
  readonly dtype: Dtype
  readonly written: boolean
}

/** An affine walk through a binding: element `offset + Σ index[d] · strides[d]`, one stride per iteration dimension. */
export interface Access {
  readonly binding: number
  readonly offset: number
  readonly strides: readonly number[]
  /** Outside any of these ranges of the iteration index (`from <= index[axis] < to`) nothing is loaded and the value is 0. Loads only. */
  readonly guards?: readonly { readonly axis: number; readonly from: number; readonly to: number }[]
}

export type ReduceFunction = 'sum' | 'prod' | 'max' | 'min'

/**
 * One step of a kernel's arithmetic, in SSA form: `args` are indices of earlier instructions.
 * - `load`: the value at an access.
 * - `gather`: the value at an access plus `args[0] · stride` elements, where the index args[0] (i32) is clamped to [0, size-1].
 * - `index`: the iteration index along an axis, as i32.
 * - `head`: the result of the kernel's own contraction (matmul) at this element.
 * - `cast`: conversion to `dtype` (float to integer truncates; to bool is `!= 0`).
 * - `bitcast`: the same 32 bits read as `dtype`.
 * - `reduce`: args[0] reduced over all trailing reduced dimensions: from element level to row level. Loop kernels only.
 */
export type Instruction =
  | { readonly fn: 'load'; readonly access: Access; readonly dtype: Dtype }
  | { readonly fn: 'gather'; readonly access: Access; readonly args: readonly number[]; readonly stride: number; readonly size: number; readonly dtype: Dtype }
  | { readonly fn: 'constant'; readonly value: number; readonly dtype: Dtype }
  | { readonly fn: 'index'; readonly axis: number; readonly dtype: Dtype }
  | { readonly fn: 'head'; readonly dtype: Dtype }
  | { readonly fn: 'cast' | 'bitcast'; readonly args: readonly number[]; readonly dtype: Dtype }
  | { readonly fn: 'reduce'; readonly reduce: ReduceFunction; readonly args: readonly number[]; readonly dtype: Dtype }
  | { readonly fn: ScalarFunction; readonly args: readonly number[]; readonly dtype: Dtype }

/**
 * Instruction `value` is stored at `access`. A row-level value of a loop kernel is stored once per row (trailing strides are 0). With a `shift`
 * everything is stored `stride` times so many elements further as the instruction `by` says (i32, clamped to [0, size-1]), which no axis changes.
 */
export interface Result {
  readonly value: number
  readonly access: Access
  readonly shift?: Shift
}

export interface Shift {
  readonly by: number
  readonly stride: number
  readonly size: number
}

/**
 * The general loop: a map (`reduced` = 0), a reduction, or a row program such as softmax or layer norm (several reductions over the same
 * trailing dimensions with arithmetic between and after them).
 */
export interface LoopKernel {
  readonly kind: 'loop'
  readonly bindings: readonly Binding[]
  /** The iteration space; the last `reduced` dimensions are the ones that `reduce` runs over. */
  readonly shape: readonly number[]
  readonly reduced: number
  readonly body: readonly Instruction[]
  readonly results: readonly Result[]
}

/** Products of fewer rows or columns are computed by other means than tiles, and do nothing on the side. */
export const LEAST_TILED = 16

/**
 * What operands of a matmul are computed from as they are read: a normalisation, an activation. In each body, over the axes of its operand,
 * `head` is the element that the operand's access loads, and the last instruction the one that is multiplied. Loads, constants and elementwise
 * arithmetic only, without guards; only where m and n are at least LEAST_TILED and k at least 1.
 */
export interface Prologue {
  readonly a?: readonly Instruction[]
  readonly b?: readonly Instruction[]
}

/** `head[…batch, m, n] = Σ_k a[…batch, m, k] · b[…batch, k, n]`, accumulated in f32, then `body` (the epilogue) over [...batch, m, n]. */
export interface MatmulKernel {
  readonly kind: 'matmul'
  readonly bindings: readonly Binding[]
  readonly batch: readonly number[]
  readonly m: number
  readonly n: number
  readonly k: number
  /** Strides over [...batch, m, k]. */
  readonly a: Access
  /** Strides over [...batch, k, n]. */
  readonly b: Access
  readonly prologue?: Prologue
  /**
   * Where `Σ_k b[k, n]` is stored, for each column n: the gradient of a bias, read off the operand of its weight's. One stride, over [n].
   * Only where no batch axis is longer than 1, m and n are at least LEAST_TILED, k at least 1, and b is a float without guards.
   */
  readonly columnSums?: readonly Access[]
  readonly body: readonly Instruction[]
  readonly results: readonly Result[]
}

/** A body with other accesses. */
export const mapLoads = (body: readonly Instruction[], change: (access: Access) => Access): Instruction[] =>
  body.map(instruction => (instruction.fn === 'load' || instruction.fn === 'gather' ? { ...instruction, access: change(instruction.access) } : instruction))

export const loadsOf = (body: readonly Instruction[] = []): Access[] => body.flatMap(instruction => (instruction.fn === 'load' || instruction.fn === 'gather' ? [instruction.access] : []))

/** Sizes common to attention forward and backward. Query head h reads key/value head floor(h · kvHeads / heads). */
export interface AttentionSizes {
  readonly batch: number
  readonly heads: number
  readonly kvHeads: number
  /** Number of queries T and of keys S; a causal query t sees keys s <= t + (S - T). */
  readonly queries: number
  readonly keys: number
  readonly headSize: number
  readonly scale: number
  readonly causal: boolean
}

/**
 * Scaled dot-product attention by online softmax; never a (T, S) tensor. `lse` (B, H, T), dense, is the log of each row's softmax denominator.
 * A row that may see no key gives zeros and lse = 0. Accesses of q, out have strides over [B, H, T, D]; k, v over [B, kvHeads, S, D];
 * `mask`, if any, over [B, H, T, S]: a bool (0 hides the key) or a float added to the scaled scores (at most -1e30 hides the key). `lengths`, if any,
 * over [B]: an i32, clamped to [0, S], that stands for S in all of this: keys behind it are not read.
 */
export interface AttentionKernel extends AttentionSizes {
  readonly kind: 'attention'
  readonly bindings: readonly Binding[]
  readonly q: Access
  readonly k: Access
  readonly v: Access
  readonly mask: Access | null
  readonly lengths: Access | null
  readonly out: Access
  readonly lse: Access
}

/**
 * Gradients of attention by recomputation of the probabilities from `lse`. `delta` (B, H, T), dense, is rowsum(dOut · out).
 * dq has strides over [B, H, T, D]; dk and dv over [B, kvHeads, S, D]. No atomics: one pass for dq, one for dk and dv.
 */
export interface AttentionBackwardKernel extends AttentionSizes {
  readonly kind: 'attentionBackward'
  readonly bindings: readonly Binding[]
  readonly q: Access
  readonly k: Access
  readonly v: Access
  readonly mask: Access | null
  readonly dOut: Access
  readonly lse: Access
  readonly delta: Access
  readonly dq: Access
  readonly dk: Access
  readonly dv: Access
}

/**
 * `out[o, c, i] = Σ_j [index[o, j, i] == c] · source[o, j, i]` for o < outer, c < size, i < inner, j < count: the gradient of a gather.
 * In ascending order of j, without atomics. `source` and `index` have strides over [outer, count, inner] (index strides may be 0); out over
 * [outer, size, inner]. Indices are clamped to [0, size-1]. With `part`, these are the rows from `first` on of a result of `of` rows, which indices
 * name and are clamped to. One that `continues` adds to what is in `out` already.
 */
export interface ScatterAddKernel {
  readonly kind: 'scatterAdd'
  readonly bindings: readonly Binding[]
  readonly outer: number
  readonly count: number
  readonly inner: number
  readonly size: number
  readonly part?: { readonly first: number; readonly of: number }
  readonly continues?: true
  readonly index: Access
  readonly source: Access
  readonly out: Access
}

/** One class for each row of logits, which has strides over [rows, size], and all others over [rows]. graph/operation.ts says which class. */
export interface CategoricalKernel {
  readonly kind: 'categorical'
  readonly bindings: readonly Binding[]
  readonly rows: number
  readonly size: number
  readonly logits: Access
  readonly uniform: Access
  readonly temperature: Access
  readonly topK: Access
  readonly topP: Access
  readonly index: Access
  readonly logProb: Access
}

/** A user's operation (graph/definition.ts): operands and result dense, from `offset` of their bindings on. */
export interface CustomKernel {
  readonly kind: 'custom'
  readonly bindings: readonly Binding[]
  readonly definition: number
  readonly operands: readonly { readonly binding: number; readonly offset: number; readonly shape: readonly number[]; readonly dtype: Dtype }[]
  readonly out: { readonly binding: number; readonly offset: number; readonly shape: readonly number[]; readonly dtype: Dtype }
}

export type Kernel = LoopKernel | MatmulKernel | AttentionKernel | AttentionBackwardKernel | ScatterAddKernel | CategoricalKernel | CustomKernel

/** The key under which compiled programs are shared. */
export const kernelKey = (kernel: Kernel): string => structureKey(kernel)

/** For each instruction of a loop kernel: does its value vary inside the reduced dimensions ('element') or once per row ('row')? */
export function instructionLevels(kernel: LoopKernel): ('element' | 'row')[] {
  const outer = kernel.shape.length - kernel.reduced
  const levels: ('element' | 'row')[] = []
  for (const instruction of kernel.body) levels.push(levelOf(instruction, levels, outer))
  return levels
}

function levelOf(instruction: Instruction, levels: readonly string[], outer: number): 'element' | 'row' {
  const args = 'args' in instruction ? instruction.args : []
  if (instruction.fn === 'reduce') return 'row'
  if (instruction.fn === 'index') return instruction.axis < outer ? 'row' : 'element'
  const access = instruction.fn === 'load' || instruction.fn === 'gather' ? instruction.access : undefined
  const varies = access !== undefined && (access.strides.slice(outer).some(stride => stride !== 0) || (access.guards ?? []).some(guard => guard.axis >= outer))
  return varies || args.some(arg => levels[arg] === 'element') ? 'element' : 'row'
}

/** Of a kernel that only moves one dense stretch of elements to another: where from and where to, and how many. null for all others. */
export function denseCopy(kernel: Kernel): { readonly from: Access; readonly to: Access; readonly length: number } | null {
  if (kernel.kind !== 'loop' || kernel.reduced > 0 || kernel.body.length !== 1 || kernel.results.length !== 1) return null
  const [load] = kernel.body
  const [{ access: to, shift }] = kernel.results
  if (load.fn !== 'load' || shift !== undefined || kernel.bindings[load.access.binding].dtype !== kernel.bindings[to.binding].dtype) return null
  const dense = rowMajorStrides(kernel.shape)
  const isDense = ({ strides, guards = [] }: Access): boolean => guards.length === 0 && strides.every((stride, axis) => kernel.shape[axis] === 1 || stride === dense[axis])
  return isDense(load.access) && isDense(to) ? { from: load.access, to, length: sizeOf(kernel.shape) } : null
}
