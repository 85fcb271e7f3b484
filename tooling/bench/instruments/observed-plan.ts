// What an onlooker sees of a plan: the kernels that a device was given, as plain data, and how to catch them on their way to it. A mirror of
// tensor-webgpu's plan/kernel.ts in the parts that memory traffic depends on, written a second time so that the planner cannot count for itself.
import type { Device } from '@abovo/tensor-webgpu'

export interface ObservedAccess {
  readonly binding: number
  readonly offset: number
  readonly strides: readonly number[]
  readonly guards?: readonly { readonly axis: number; readonly from: number; readonly to: number }[]
}

export interface ObservedInstruction {
  readonly fn: string
  readonly args?: readonly number[]
  readonly axis?: number
  readonly access?: ObservedAccess
}

interface Body {
  readonly body: readonly ObservedInstruction[]
  readonly results: readonly { readonly access: ObservedAccess }[]
}

interface AttentionSizes {
  readonly batch: number
  readonly heads: number
  readonly kvHeads: number
  readonly queries: number
  readonly keys: number
  readonly headSize: number
  readonly q: ObservedAccess
  readonly k: ObservedAccess
  readonly v: ObservedAccess
  readonly mask: ObservedAccess | null
  readonly lse: ObservedAccess
}

interface Piece {
  readonly binding: number
  readonly offset: number
  readonly shape: readonly number[]
}

export type ObservedKernel = { readonly bindings: readonly { readonly dtype: string }[] } & (
  | ({ readonly kind: 'loop'; readonly shape: readonly number[]; readonly reduced: number } & Body)
  | ({ readonly kind: 'matmul'; readonly batch: readonly number[]; readonly m: number; readonly n: number; readonly k: number; readonly a: ObservedAccess; readonly b: ObservedAccess; readonly columnSums?: readonly ObservedAccess[]; readonly prologue?: { readonly a?: readonly ObservedInstruction[]; readonly b?: readonly ObservedInstruction[] } } & Body)
  | ({ readonly kind: 'attention'; readonly lengths: ObservedAccess | null; readonly out: ObservedAccess } & AttentionSizes)
  | ({ readonly kind: 'attentionBackward'; readonly dOut: ObservedAccess; readonly delta: ObservedAccess; readonly dq: ObservedAccess; readonly dk: ObservedAccess; readonly dv: ObservedAccess } & AttentionSizes)
  | { readonly kind: 'scatterAdd'; readonly outer: number; readonly count: number; readonly inner: number; readonly size: number; readonly index: ObservedAccess; readonly source: ObservedAccess; readonly out: ObservedAccess }
  | ({ readonly kind: 'categorical'; readonly rows: number; readonly size: number } & Readonly<Record<'logits' | 'uniform' | 'temperature' | 'topK' | 'topP' | 'index' | 'logProb', ObservedAccess>>)
  | { readonly kind: 'custom'; readonly operands: readonly Piece[]; readonly out: Piece }
)

export interface ObservedStep {
  readonly kernel: ObservedKernel
  readonly regions: readonly { readonly slot: number; readonly offset: number; readonly length: number }[]
  readonly label: string
}

export interface ObservedPlan {
  readonly steps: readonly ObservedStep[]
  readonly arenaBlocks: readonly number[]
}

/** Every plan that the device is given from now on, in order. The reference device plans nothing. */
export function observePlans(device: Device): ObservedPlan[] {
  const plans: ObservedPlan[] = []
  const original: unknown = Reflect.get(device, 'preparePlan')
  if (typeof original !== 'function') return plans
  const observed = (plan: ObservedPlan): unknown => {
    plans.push(plan)
    return Reflect.apply(original, device, [plan])
  }
  Object.defineProperty(device, 'preparePlan', { configurable: true, value: observed })
  return plans
}
