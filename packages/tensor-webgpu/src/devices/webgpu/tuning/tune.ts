// Measuring on request: for each class of kernels that a device has prepared and not measured before, every candidate within the time allowed.
import { bytesPerElement } from '../../../dtype.js'
import type { Kernel } from '../../../plan/kernel.js'
import type { GpuTraits } from '../traits.js'
import { candidatesOf } from './candidates.js'
import type { Choice, Choices } from './choices.js'
import { kernelClass } from './kernel-class.js'
import { measure, type Measured } from './measure.js'
import type { Prepared } from './tunables.js'

export interface TuneOptions {
  /** No new candidate is begun after this. */
  totalMs?: number
  /** For one candidate's measurements. */
  candidateMs?: number
  /** A candidate that takes longer to compile is abandoned. */
  compileMs?: number
  /** true (the default): only candidates that add sums in the same order, so that results keep their bits. false: also those that do not. */
  exact?: boolean
}

/** Larger kernels are left to the seed table: their operands could not be there twice. */
const MOST_SCRATCH = 256 << 20
const STORAGE = 128
/** A challenger must be this much faster than the seed table's choice: less is noise. */
const MARGIN = 0.95

/** Adds choices for the classes of `prepared` that have none of this kind, in their order; gives the number of classes measured. */
export async function tune(gpu: GPUDevice, traits: GpuTraits, prepared: Iterable<Prepared>, choices: Choices, { totalMs = 10_000, candidateMs = 200, compileMs = 2000, exact = true }: TuneOptions = {}): Promise<number> {
  const end = performance.now() + totalMs
  let classes = 0
  for (const { kernel, lengths } of prepared) {
    const own = kernelClass(kernel)
    if (own === null || choices.of(own)?.exact === exact || performance.now() > end) continue
    const all = candidatesOf(kernel, traits)
    const candidates = exact ? all.filter(({ order }) => order === all[0].order) : all
    if (candidates.length < 2) continue
    const { buffer, parts } = scratchFor(gpu, kernel, lengths)
    if (buffer === null) continue
    const measured = new Map<string, Measured | null>()
    let best = Infinity
    for (const { name, programs } of candidates) {
      if (performance.now() > end) break
      const one = await measure(programs(), { gpu, buffers: parts, candidateMs, compileMs, best })
      measured.set(name, one)
      best = Math.min(best, one?.microseconds ?? Infinity)
    }
    // half a comparison is none: the class stays open for another time
    const complete = measured.size === candidates.length
    if (complete) choices.set(own, await decide(measured, exact))
    buffer.destroy()
    classes += complete ? 1 : 0
  }
  return classes
}

/** The fastest, if it is faster than the seed table's choice, the first, also when both are measured once more: a machine has other work, too. */
async function decide(measured: ReadonlyMap<string, Measured | null>, exact: boolean): Promise<Choice> {
  const [[seed, first]] = measured
  const microseconds = new Map([...measured].map(([name, one]) => [name, one?.microseconds ?? null]))
  const timeOf = (name: string): number => microseconds.get(name) ?? Infinity
  const fastest = [...microseconds.keys()].reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a))
  const challenger = measured.get(fastest) ?? null
  if (fastest !== seed && first !== null && challenger !== null) {
    microseconds.set(seed, Math.min(first.microseconds, await first.again()))
    microseconds.set(fastest, Math.min(challenger.microseconds, await challenger.again()))
  }
  return { name: timeOf(fastest) < timeOf(seed) * MARGIN ? fastest : seed, exact, microseconds: Object.fromEntries(microseconds) }
}

/** One buffer for all bindings of a kernel; zeros, which no kernel's speed depends on. */
function scratchFor(gpu: GPUDevice, { bindings }: Kernel, lengths: readonly number[]): { buffer: GPUBuffer | null; parts: GPUBufferBinding[] } {
  const sizes = bindings.map(({ dtype }, i) => 16 * Math.ceil((lengths[i] * bytesPerElement[dtype]) / 16) || 16)
  let bytes = 0
  const offsets = sizes.map(size => {
    const offset = bytes
    bytes += 256 * Math.ceil(size / 256)
    return offset
  })
  if (bytes > Math.min(MOST_SCRATCH, gpu.limits.maxBufferSize)) return { buffer: null, parts: [] }
  const buffer = gpu.createBuffer({ size: bytes, usage: STORAGE, label: 'tuning' })
  return { buffer, parts: sizes.map((size, i) => ({ buffer, offset: offsets[i], size })) }
}
