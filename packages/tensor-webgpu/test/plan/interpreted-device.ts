// A device for tests: plans like the fast ones and interprets the kernels in float64. What it gets wrong is the planner's fault.
import type { Copy, Device, DeviceCounts, Executable, Storage } from '../../src/devices/device.js'
import type { Dtype, TypedArray } from '../../src/dtype.js'
import type { Program } from '../../src/graph/program.js'
import { fitBindings } from '../../src/plan/fit-bindings.js'
import { planProgram } from '../../src/plan/plan-program.js'
import type { Plan } from '../../src/plan/plan.js'
import { interpretKernel } from '../interpret-kernel.js'

/** Of an element: a half's. Each has a place of its own in the arena then. */
const LEAST_BYTES = 2

interface HostStorage extends Storage {
  values: Float64Array
}

export class InterpretedDevice implements Device {
  readonly kind = 'reference'
  readonly description = 'interpreted plan'
  readonly counts: DeviceCounts = { dispatches: 0, submits: 0, buffersCreated: 0, bindGroupsCreated: 0, pipelinesCreated: 0, liveBytes: 0, peakBytes: 0 }
  readonly plans: Plan[] = []
  maxBindings = 8
  maxBindingBytes = Infinity
  tileWidth = 64

  supports(): boolean {
    return true
  }
  allocate(dtype: Dtype, length: number): HostStorage {
    return { dtype, length, values: new Float64Array(length).fill(Number.NaN) }
  }
  free(): void {}
  write(storage: Storage, data: TypedArray): void {
    ;(storage as HostStorage).values.set(data)
  }
  async read(storage: Storage): Promise<TypedArray> {
    return (storage as HostStorage).values.slice()
  }
  prepare(program: Program): Executable {
    const plan = planProgram(program, { maxBindings: this.maxBindings, tileWidth: this.tileWidth, split: (step, memory) => fitBindings(step, memory, this.maxBindingBytes) })
    this.plans.push(plan)
    // Stale bits of an earlier slot must not go unnoticed: the arena starts as NaN.
    const arena = plan.arenaBlocks.map(bytes => new Float64Array(bytes / LEAST_BYTES).fill(Number.NaN))
    return {
      run: (storages, copies) => {
        this.#copy(copies?.before)
        for (const { external, slot, offset } of plan.preloads) arena[plan.slots[slot].block][plan.slots[slot].arenaOffset / LEAST_BYTES + offset] = (storages[external] as HostStorage).values[0]
        for (const step of plan.steps) {
          const memory = step.regions.map(({ slot, offset, length }) => {
            const { external, block, arenaOffset } = plan.slots[slot]
            const whole = external === null ? arena[block].subarray(arenaOffset / LEAST_BYTES) : (storages[external] as HostStorage).values
            return whole.subarray(offset, offset + length)
          })
          this.counts.dispatches++
          interpretKernel(step.kernel, memory)
        }
        this.#copy(copies?.after)
      },
      dispose: () => {},
      explain: () => plan.steps.map(step => step.label).join('\n'),
    }
  }
  #copy(copies: readonly Copy[] = []): void {
    for (const { from, to } of copies) (to as HostStorage).values.set((from as HostStorage).values)
  }
  close(): void {}
}
