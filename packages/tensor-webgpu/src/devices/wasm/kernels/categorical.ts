// Drawing a class from a row of logits. No sort: the cuts are one threshold, found by halving the range of floats that it can lie in, which counts
// the classes above it and adds up their weights each time. A row is a unit.
import type { CategoricalKernel } from '../../../plan/kernel.js'
import type { FunctionBuilder, Local } from '../emit/function-builder.js'
import { i32, minS } from '../emit/scalar.js'
import { f32x4, i32x4, v128 } from '../emit/simd.js'
import type { I32, V128 } from '../emit/value.js'
import { expFlushed } from '../math/exponential.js'
import { log } from '../math/logarithm.js'
import { overUnits, type Bases } from './attention-layout.js'
import { phase, SCRATCH, type CompiledKernel, type KernelModule } from './kernel-module.js'
import { loadLanes } from './lanes.js'
import { acrossLanes, Accumulator } from './reduction.js'

/** Vector instructions for each class: 32 rounds of the search and a few passes. */
const COST = 60
/** The lowest float's place in the order of all floats. */
const LOWEST = -0x7f800000
/** More than any sum of weights. */
const NO_LIMIT = 3e38

export function compileCategorical(module: KernelModule, kernel: CategoricalKernel): CompiledKernel {
  const { rows, size } = kernel
  if (rows === 0) return { phases: [], sharedBytes: 0, threadBytes: 0 }
  const exported = overUnits(module, [rows], kernel.bindings, (f, bases, [row]) => new RowCode(f, bases, kernel, row).emit())
  return { phases: [phase(exported, rows, size * COST)], sharedBytes: 0, threadBytes: 2 * paddedBytes(size) }
}

const paddedBytes = (size: number): number => 16 * Math.ceil(size / 4)

class RowCode {
  readonly #f: FunctionBuilder
  readonly #bases: Bases
  readonly #kernel: CategoricalKernel
  readonly #row: Local<'i32'>
  /** Thread scratch: the logits, then their weights, both filled up to whole vectors. */
  readonly #logits: Local<'i32'>
  readonly #weights: number
  readonly #end: Local<'i32'>
  /** Of a logit's difference from the largest: 1 / temperature. */
  #scale: V128 = f32x4.const(1)
  #largest: V128 = f32x4.const(0)

  constructor(f: FunctionBuilder, bases: Bases, kernel: CategoricalKernel, row: Local<'i32'>) {
    this.#f = f
    this.#bases = bases
    this.#kernel = kernel
    this.#row = row
    this.#logits = f.param('i32', SCRATCH)
    this.#weights = paddedBytes(kernel.size)
    this.#end = f.keep(i32.add(this.#logits, i32.const(this.#weights)))
  }

  emit(): void {
    const f = this.#f
    const temperature = f.keep(this.#setting(this.#kernel.temperature))
    const isGreedy = f.keep(f32x4.eq(temperature, f32x4.const(0)))
    this.#largest = f.keep(this.#copyLogits())
    this.#scale = f.keep(f32x4.div(f32x4.const(1), v128.select(isGreedy, f32x4.const(1), temperature)))
    const total = f.keep(this.#weigh())
    const chosen = f.keep(i32.const(0))
    f.if(
      v128.anyTrue(isGreedy),
      () => this.#likeliest(chosen),
      () => {
        const kept = f.keep(total)
        this.#cut(total, kept)
        this.#draw(kept, chosen)
      },
    )
    f.do(i32.store(this.#bases.at(this.#kernel.index, this.#row), chosen))
    const logit = v128.load32Splat(i32.add(this.#logits, i32.shl(chosen, i32.const(2))))
    f.do(v128.store32Lane(this.#bases.at(this.#kernel.logProb, this.#row), f32x4.sub(this.#exponent(logit), log(f, total)), 0))
  }

  #setting(access: CategoricalKernel['uniform']): V128 {
    return v128.load32Splat(this.#bases.at(access, this.#row))
  }

  #exponent(logit: V128): V128 {
    return f32x4.mul(f32x4.sub(logit, this.#largest), this.#scale)
  }

  #weight(logit: V128): V128 {
    return expFlushed(this.#f, this.#f.keep(this.#exponent(logit)))
  }

  /** For each vector of logits, whose weights lie `#weights` further. */
  #over(body: (at: Local<'i32'>) => void): void {
    const f = this.#f
    f.scope(() => {
      const at = f.keep(this.#logits)
      f.repeat(
        () => {
          f.scope(() => body(at))
          f.set(at, i32.add(at, i32.const(16)))
        },
        () => i32.ltU(at, this.#end),
      )
    })
  }

  /** Gives the largest. Behind the last logit -Infinity stands. */
  #copyLogits(): V128 {
    const f = this.#f
    const { size, logits } = this.#kernel
    const from = f.keep(this.#bases.at(logits, this.#row))
    const to = f.keep(this.#logits)
    const largest = f.keep(f32x4.const(-Infinity))
    const take = (count: number): void => {
      const loaded = loadLanes({ pointer: from, stride: 1, first: 0, count, wild: false })
      const value = f.keep(count === 4 ? loaded : v128.select(i32x4.lanes([0, 1, 2, 3].map(lane => (lane < count ? -1 : 0))), loaded, f32x4.const(-Infinity)))
      f.set(largest, f32x4.pmax(largest, value))
      f.do(v128.store(to, value))
    }
    const left = f.keep(i32.const(Math.floor(size / 4)))
    f.while(
      () => left,
      () => {
        f.scope(() => take(4))
        f.set(from, i32.add(from, i32.const(16)))
        f.set(to, i32.add(to, i32.const(16)))
        f.set(left, i32.sub(left, i32.const(1)))
      },
    )
    if (size % 4 > 0) take(size % 4)
    return acrossLanes(f, 'max', 'f32', largest)
  }

  #weigh(): V128 {
    const f = this.#f
    const sum = new Accumulator(f, 'sum', 'f32', 1, Math.ceil(this.#kernel.size / 4))
    this.#over(at => {
      const weight = f.keep(this.#weight(v128.load(at)))
      sum.add([weight], 0)
      f.do(v128.store(at, weight, this.#weights))
    })
    return sum.acrossLanes()
  }

  /** The first of the largest. */
  #likeliest(chosen: Local<'i32'>): void {
    const f = this.#f
    const at = f.keep(this.#logits)
    const isLargest = (): V128 => f32x4.eq(v128.load(at), this.#largest)
    f.while(
      () => i32.eqz(v128.anyTrue(isLargest())),
      () => f.set(at, i32.add(at, i32.const(16))),
    )
    const hits = f.keep(isLargest())
    const lane = [2, 1, 0].reduce((later, i) => i32.select(i32x4.extract(hits, i), i32.const(i), later), i32.const(3))
    f.set(chosen, i32.add(this.#number(at), lane))
  }

  #number(at: I32): I32 {
    return i32.shrU(i32.sub(at, this.#logits), i32.const(2))
  }

  /** Sets the weights of what the cuts leave out to zero, and `kept` to the sum of the others. */
  #cut(total: Local<'v128'>, kept: Local<'v128'>): void {
    const f = this.#f
    const topK = f.keep(i32.load(this.#bases.at(this.#kernel.topK, this.#row)))
    const topP = f.keep(this.#setting(this.#kernel.topP))
    const all = f.keep(f32x4.ge(topP, f32x4.const(1)))
    f.if(i32.or(i32.ltS(topK, i32.const(this.#kernel.size)), i32.eqz(v128.anyTrue(all))), () => {
      const most = f.keep(v128.select(all, f32x4.const(NO_LIMIT), f32x4.mul(topP, total)))
      const threshold = this.#threshold(topK, most)
      const { count, mass } = this.#above(threshold)
      // of several equal ones at the threshold as many stay as fit
      const byMass = i32x4.extract(i32x4.truncSatF32S(f32x4.ceil(f32x4.div(f32x4.sub(most, mass), f.keep(this.#weight(threshold))))), 0)
      const ties = f.keep(minS(f.keep(i32.sub(topK, count)), f.keep(byMass)))
      this.#keepAbove(threshold, ties, kept)
    })
  }

  /** The smallest float with fewer than k classes and less than the wanted mass above it: the logit of the last class that is kept. */
  #threshold(topK: I32, most: V128): Local<'v128'> {
    const f = this.#f
    const low = f.keep(i32.const(LOWEST))
    const high = f.keep(i32x4.extract(ordered(this.#largest), 0))
    f.while(
      () => i32.ltS(low, high),
      () =>
        f.scope(() => {
          const middle = f.keep(i32.add(low, i32.shrU(i32.sub(high, low), i32.const(1))))
          const { count, mass } = this.#above(f.keep(ordered(f.keep(i32x4.splat(middle)))))
          const isEnough = i32.and(i32.ltS(count, topK), v128.anyTrue(f32x4.lt(mass, most)))
          f.if(isEnough, () => f.set(high, middle), () => f.set(low, i32.add(middle, i32.const(1))))
        }),
    )
    return f.keep(ordered(f.keep(i32x4.splat(high))))
  }

  #above(threshold: V128): { readonly count: I32; readonly mass: Local<'v128'> } {
    const f = this.#f
    const count = f.keep(i32x4.const(0))
    const mass = f.keep(f32x4.const(0))
    this.#over(at => {
      const isAbove = f.keep(f32x4.gt(v128.load(at), threshold))
      f.set(count, i32x4.sub(count, isAbove))
      f.set(mass, f32x4.add(mass, v128.and(v128.load(at, this.#weights), isAbove)))
    })
    return { count: f.keep(i32x4.extract(acrossLanes(f, 'sum', 'i32', count), 0)), mass: acrossLanes(f, 'sum', 'f32', mass) }
  }

  #keepAbove(threshold: V128, ties: Local<'i32'>, kept: Local<'v128'>): void {
    const f = this.#f
    f.set(kept, f32x4.const(0))
    this.#over(at => {
      const logits = f.keep(v128.load(at))
      const equal = f.keep(f32x4.eq(logits, threshold))
      f.if(v128.anyTrue(equal), () => {
        for (let lane = 0; lane < 4; lane++) {
          const others = i32x4.lanes([0, 1, 2, 3].map(i => (i === lane ? 0 : -1)))
          f.if(i32x4.extract(equal, lane), () => f.if(i32.gtS(ties, i32.const(0)), () => f.set(ties, i32.sub(ties, i32.const(1))), () => f.set(equal, v128.and(equal, others))))
        }
      })
      const weight = f.keep(v128.and(v128.load(at, this.#weights), v128.or(f32x4.gt(logits, threshold), equal)))
      f.do(v128.store(at, weight, this.#weights))
      f.set(kept, f32x4.add(kept, weight))
    })
    f.set(kept, acrossLanes(f, 'sum', 'f32', kept))
  }

  /** The class in whose weight the running sum passes uniform · kept; if rounding keeps it below, the last that has weight. */
  #draw(kept: V128, chosen: Local<'i32'>): void {
    const f = this.#f
    const wanted = f.keep(f32x4.mul(this.#setting(this.#kernel.uniform), kept))
    const sum = f.keep(f32x4.const(0))
    const at = f.keep(this.#logits)
    const last = f.keep(this.#logits)
    const here = f.keep(f32x4.const(0))
    const read = (): I32 => {
      f.set(here, acrossLanes(f, 'sum', 'f32', f.keep(v128.load(at, this.#weights))))
      return i32.eqz(v128.anyTrue(f32x4.gt(f32x4.add(sum, here), wanted)))
    }
    const goesOn = f.keep(read())
    f.while(
      () => goesOn,
      () => {
        f.set(sum, f32x4.add(sum, here))
        f.if(v128.anyTrue(f32x4.gt(here, f32x4.const(0))), () => f.set(last, at))
        f.set(at, i32.add(at, i32.const(16)))
        f.if(i32.ltU(at, this.#end), () => f.set(goesOn, read()), () => {
          f.set(at, last)
          f.set(wanted, f32x4.const(Infinity))
          f.set(goesOn, i32.const(0))
        })
      },
    )
    const weights = f.keep(v128.load(at, this.#weights))
    const isOpen = f.keep(i32.const(1))
    for (let lane = 0; lane < 4; lane++)
      f.if(i32.and(isOpen, i32.and(i32x4.extract(f32x4.gt(weights, f32x4.const(0)), lane), i32.const(1))), () => {
        f.set(sum, f32x4.add(sum, v128.shuffle32(weights, weights, [lane, lane, lane, lane])))
        f.set(chosen, i32.add(this.#number(at), i32.const(lane)))
        f.set(isOpen, i32.eqz(v128.anyTrue(f32x4.gt(sum, wanted))))
      })
  }
}

/** Floats by their bits to integers in the same order, and back: those of negative ones are turned round. */
const ordered = (bits: V128): V128 => v128.xor(bits, v128.and(i32x4.shrS(bits, i32.const(31)), i32x4.const(0x7fffffff)))
