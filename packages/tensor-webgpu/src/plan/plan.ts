// The product of planning: kernels in order, and where each of their buffers lies. No device objects; devices turn it into programs.
import type { Dtype } from '../dtype.js'
import type { Kernel } from './kernel.js'

/**
 * A piece of memory of a plan. `external` slots are storages given at every run (parameters, inputs, outputs), in the order of that number;
 * the others lie in a block of the arena at `arenaOffset` bytes (a multiple of 256), laid out so that slots that live at the same time do not overlap.
 */
export interface Slot {
  readonly dtype: Dtype
  /** In elements. */
  readonly length: number
  readonly external: number | null
  readonly block: number
  readonly arenaOffset: number
}

/** The part of a slot that a kernel's binding stands for: `offset` elements from the slot's start (a multiple of 256 bytes), `length` elements. */
export interface Region {
  readonly slot: number
  readonly offset: number
  readonly length: number
}

export interface Step {
  readonly kernel: Kernel
  /** One region per binding of the kernel. Regions of one step are identical-free: two bindings never overlap. */
  readonly regions: readonly Region[]
  /** What was fused into this kernel, for people. */
  readonly label: string
}

/** `offset` is in elements of the slot. */
export interface Preload {
  readonly external: number
  readonly slot: number
  readonly offset: number
}

export interface Plan {
  readonly slots: readonly Slot[]
  readonly steps: readonly Step[]
  /** Single elements of externals to be copied to their places in the arena before the first step. */
  readonly preloads: readonly Preload[]
  /** Bytes of each block of the arena. */
  readonly arenaBlocks: readonly number[]
}

/** What a device can take. */
export interface PlanLimits {
  /** Buffers that one kernel may bind. */
  readonly maxBindings: number
  /** Bytes of one block of the arena. */
  readonly maxBlockBytes: number
  /** Rows or columns of a product that share what is computed of an operand as it is read: the wider, the less is computed more than once. */
  readonly tileWidth: number
  /** What an exponential and what an activation needs beside it take, in additions. */
  readonly activationCost: number
  /** Kernels that do the same as one that reaches over more of a tensor than can be bound; throws a DeviceError with code 'limit' where there are none. */
  readonly split: (step: Step, memory: SlotMaker) => Step[]
}

/** What steps are made of: slots may be added. */
export interface SlotMaker {
  readonly slots: readonly Pick<Slot, 'dtype' | 'length'>[]
  addSlot(dtype: Dtype, length: number): number
}
