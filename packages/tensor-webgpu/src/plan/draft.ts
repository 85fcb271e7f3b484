// A kernel under construction. Accesses still name slots; `finish` groups them into bindings and makes offsets relative to the bound regions.
import { bytesPerElement, type Dtype } from '../dtype.js'
import type { Access, Binding, Instruction, Result, Shift } from './kernel.js'
import type { Region } from './plan.js'
import { extent, type Walk } from './view.js'

/** One access of a draft: a walk through a slot over some iteration shape. */
export interface Touch {
  readonly slot: number
  readonly walk: Walk
  readonly shape: readonly number[]
  readonly written: boolean
}

/** Regions start at multiples of 256 bytes, WebGPU's strictest offset alignment. */
const ALIGNMENT = 256

export interface SlotShape {
  readonly dtype: Dtype
  readonly length: number
}

export interface Bound {
  readonly bindings: readonly Binding[]
  readonly regions: readonly Region[]
  readonly accessOf: (touch: Touch) => Access
}

interface Span {
  readonly slot: number
  low: number
  high: number
  written: boolean
}

/** Touches of one slot that may overlap share a binding; distant ones get regions of their own. */
export function bind(touches: readonly Touch[], slots: readonly SlotShape[]): Bound {
  const reach = touches.map(touch => {
    const [low, high] = extent(touch.walk, touch.shape)
    const last = slots[touch.slot].length - 1
    const from = Math.min(Math.max(low, 0), Math.max(0, last))
    const alignment = ALIGNMENT / bytesPerElement[slots[touch.slot].dtype]
    return { touch, low: from - (from % alignment), high: Math.max(Math.min(high, last), from) }
  })
  const order = reach.map((_, i) => i).sort((a, b) => reach[a].touch.slot - reach[b].touch.slot || reach[a].low - reach[b].low)
  const spans: Span[] = []
  const spanOf = new Map<Touch, Span>()
  for (const i of order) {
    const { touch, low, high } = reach[i]
    const open = spans[spans.length - 1]
    if (open !== undefined && open.slot === touch.slot && low <= open.high) {
      open.high = Math.max(open.high, high)
      open.written ||= touch.written
      spanOf.set(touch, open)
    } else {
      const span = { slot: touch.slot, low, high, written: touch.written }
      spans.push(span)
      spanOf.set(touch, span)
    }
  }
  // Numbered by first touch, so that equal kernels of different layers number alike wherever their slots happen to lie.
  const numbered = [...new Set(touches.flatMap(touch => spanOf.get(touch) ?? []))]
  return {
    bindings: numbered.map(({ slot, written }) => ({ dtype: slots[slot].dtype, written })),
    regions: numbered.map(({ slot, low, high }) => ({ slot, offset: low, length: high - low + 1 })),
    accessOf: touch => {
      const binding = numbered.findIndex(span => span === spanOf.get(touch))
      const { offset, strides, guards } = touch.walk
      return { binding, offset: offset - numbered[binding].low, strides, ...(guards.length > 0 ? { guards } : {}) }
    },
  }
}

/** Instructions of a draft refer to touches where those of a kernel have accesses. */
export type DraftInstruction =
  | { readonly fn: 'load'; readonly touch: Touch; readonly dtype: Dtype }
  | { readonly fn: 'gather'; readonly touch: Touch; readonly args: readonly number[]; readonly stride: number; readonly size: number; readonly dtype: Dtype }
  | Exclude<Instruction, { readonly fn: 'load' } | { readonly fn: 'gather' }>

/** With a shift the touch has one dimension more, how far it may be shifted, so that its binding reaches all places. */
export interface DraftResult {
  readonly value: number
  readonly touch: Touch
  readonly shift?: Shift
}

/** A loop before its accesses are bound. */
export interface LoopDraft {
  readonly shape: readonly number[]
  readonly reduced: number
  readonly body: readonly DraftInstruction[]
  readonly results: readonly DraftResult[]
}

export const touchesOf = (body: readonly DraftInstruction[], results: readonly DraftResult[]): Touch[] => [...body.flatMap(instruction => ('touch' in instruction ? [instruction.touch] : [])), ...results.map(result => result.touch)]

export function finishBody(body: readonly DraftInstruction[], accessOf: (touch: Touch) => Access): Instruction[] {
  return body.map(instruction => {
    if (instruction.fn === 'load') return { fn: instruction.fn, access: accessOf(instruction.touch), dtype: instruction.dtype }
    // A gather's touch has one dimension more, the row it picks, so that its binding reaches all rows.
    if (instruction.fn === 'gather') return { fn: instruction.fn, access: withoutLast(accessOf(instruction.touch)), args: instruction.args, stride: instruction.stride, size: instruction.size, dtype: instruction.dtype }
    return instruction
  })
}

export const finishResults = (results: readonly DraftResult[], accessOf: (touch: Touch) => Access): Result[] =>
  results.map(({ value, touch, shift }) => (shift === undefined ? { value, access: accessOf(touch) } : { value, access: withoutLast(accessOf(touch)), shift }))

const withoutLast = (access: Access): Access => ({ ...access, strides: access.strides.slice(0, -1) })
